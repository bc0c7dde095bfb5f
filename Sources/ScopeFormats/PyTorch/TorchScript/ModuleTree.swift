import OrderedCollections
import ScopeBytes

/// The modules of a PyTorch program, as `Module.named_modules()` lists them: the model itself and containers
/// included, a module that is reached by several paths once.
public struct ModuleTree: Sendable {
  public struct Entry: Sendable {
    /// `layer1.0.conv1`; empty for the model itself.
    public var path: String
    /// Without mangling: `torch.nn.modules.conv.Conv2d`.
    public var className: String
    /// Tensors that the module itself registers as parameters.
    public var parameterTensors: Int
  }

  public var entries: [Entry]

  public var moduleCount: Int { entries.count }
  /// Modules that own parameters themselves.
  public var parameterisedModuleCount: Int { entries.count { $0.parameterTensors > 0 } }
  /// Convolution and linear layers, by class.
  public var weightLayerCount: Int {
    entries.count { entry in
      guard entry.parameterTensors > 0, let name = entry.className.split(separator: ".").last else {
        return false
      }
      return name.hasPrefix("Conv") || name.hasSuffix("Linear")
    }
  }

  static let moduleLimit = 1_000_000
  static let depthLimit = 128

  /// Walks the objects of a TorchScript archive; every module has the attribute `training`.
  ///
  /// - Parameter buffers: the names that a class declares as its buffers.
  static func read(
    _ tensors: PyTorchTensorBuilder, buffers: (String) throws(ScopeError) -> Set<String>
  ) throws(ScopeError) -> ModuleTree {
    let run = tensors.run
    var tree = ModuleTree(entries: [])
    guard let root = run.result else { return tree }
    var seen: Set<PickleID> = []
    var work = [(id: root, path: "", depth: 0)]
    while let item = work.popLast() {
      guard let call = run.call(item.id), let name = run.calleeName(call), name.hasPrefix("__torch__."),
        let pairs = run.attributes(item.id), pairs.contains(where: { run.shortText($0.key) == "training" }),
        seen.insert(item.id).inserted
      else { continue }
      guard item.depth < depthLimit, tree.entries.count < moduleLimit else {
        throw ScopeError(
          .limitExceeded, "the module tree is too large", place: "module \"\(item.path.prefix(200))\"")
      }
      let own = try buffers(name)
      var parameters = 0
      var children: [(id: PickleID, path: String, depth: Int)] = []
      for pair in pairs {
        guard let key = run.shortText(pair.key) else { continue }
        if tensors.isTensor(pair.value) {
          if !own.contains(key) { parameters += 1 }
        } else if run.call(pair.value) != nil {
          children.append((pair.value, item.path.isEmpty ? key : "\(item.path).\(key)", item.depth + 1))
        }
      }
      let className = name.split(separator: ".").filter {
        $0 != "__torch__" && !$0.hasPrefix("___torch_mangle")
      }
      .joined(separator: ".")
      tree.entries.append(Entry(path: item.path, className: className, parameterTensors: parameters))
      work += children.reversed()
    }
    return tree
  }
}
