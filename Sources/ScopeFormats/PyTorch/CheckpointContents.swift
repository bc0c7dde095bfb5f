import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Everything that a checkpoint's pickle describes: tensors under the names that lead to them, and the rest.
///
/// Unlike ``StateDict`` nothing is left out and no prefix is taken off: what is not a tensor is listed, so that a converter
/// can refuse to lose it.
public struct CheckpointContents: Sendable {
  /// Something that is not a dense tensor.
  public struct Other: Sendable, Hashable {
    /// The names that lead to it, joined with dots; empty for the whole.
    public var name: String
    /// What it is, in a few words.
    public var summary: String
    /// Its value as JSON, for numbers, truth values, text and None.
    public var json: String?
  }

  /// By the keys that lead to a tensor, joined with dots; items of lists by their position.
  public var tensors: OrderedDictionary<String, Tensor> = [:]
  /// Names that show the same elements as an earlier name.
  public var sharedWith: OrderedDictionary<String, String> = [:]
  public var others: [Other] = []
  /// What is lost without harm.
  public var notes: [String] = []

  public init() {}

  /// Reads a PyTorch zip archive, a legacy file or a plain pickle.
  ///
  /// - Throws: `unsupported` for other formats; `malformed`, `truncated`, `limitExceeded`.
  public static func read(_ bytes: ByteSlice) throws(ScopeError) -> CheckpointContents {
    switch FileKind.sniff(bytes) {
    case .zip:
      let file = try PyTorchArchive(try ZipArchive(bytes))
      let run = PickleMachine.run(file.pickle)
      if let problem = run.problem { throw problem.at("member \"\(file.pickleName)\"") }
      return try contents(PyTorchTensorBuilder(run: run, source: file.storage))
    case .pyTorchLegacy:
      let file = try PyTorchLegacyFile(bytes)
      return try contents(PyTorchTensorBuilder(run: file.run, source: file.storage))
    case .pickle:
      let run = PickleMachine.run(bytes)
      if let problem = run.problem { throw problem }
      guard run.endOffset == bytes.count else {
        throw ScopeError(
          .unsupported, "more follows the pickle", place: "byte \(run.endOffset)",
          remedy: "joblib files and pickles in a row are not converted")
      }
      return try contents(
        PyTorchTensorBuilder(run: run) { key throws(ScopeError) in
          throw ScopeError(
            .unsupported, "the tensor's numbers are not in this file", place: "storage \"\(key)\"",
            remedy: "Give the whole archive")
        })
    default:
      throw ScopeError(
        .unsupported, "only pickle checkpoints are converted",
        expected: "a file of torch.save, a pickle of arrays, or .npz",
        remedy: "Formats without pickles (safetensors, ONNX, GGUF, Keras) need no conversion")
    }
  }

  private static func contents(_ builder: PyTorchTensorBuilder) throws(ScopeError) -> CheckpointContents {
    var walk = CheckpointWalk(builder: builder)
    guard let root = builder.run.result else { throw ScopeError(.malformed, "the pickle has no result") }
    try walk.visit(root)
    return walk.contents
  }
}

/// Names every value below a pickle's result, in the order of the file; cycles end at the depth limit.
private struct CheckpointWalk {
  let builder: PyTorchTensorBuilder
  var contents = CheckpointContents()
  private var firstName: [TensorView: String] = [:]
  private var spent = 0

  private static let depthLimit = 64
  private static let workLimit = 4_000_000
  private static let tensorLimit = 1_000_000

  private struct Item {
    var id: PickleID
    var name: String
    var depth: Int
  }

  init(builder: PyTorchTensorBuilder) { self.builder = builder }

  private var run: PickleRun { builder.run }

  mutating func visit(_ root: PickleID) throws(ScopeError) {
    var work = [Item(id: root, name: "", depth: 0)]
    while let item = work.popLast() {
      spent += 1 + item.name.utf8.count / 64
      guard spent <= Self.workLimit else {
        throw ScopeError(
          .limitExceeded, "the checkpoint's structure is too large",
          expected: "at most \(Self.workLimit) steps")
      }
      guard item.depth < Self.depthLimit else {
        throw ScopeError(
          .limitExceeded, "the checkpoint is nested too deeply, or in a circle",
          place: "\"\(item.name.prefix(200))\"",
          expected: "at most \(Self.depthLimit) levels")
      }
      let children = try self.children(of: item)
      work += children.reversed()
    }
  }

  private mutating func children(of item: Item) throws(ScopeError) -> [Item] {
    if builder.isTensor(item.id) {
      try add(item)
      return []
    }
    if let members = moduleMembers(item.id) {
      other(item, "an object of the class \(className(item.id)); its code is not in the file")
      return try named(members, under: item)
    }
    if let pairs = run.mapping(item.id) {
      if run.call(item.id).map({ !$0.states.isEmpty }) == true {
        note("attributes of dictionaries (PyTorch's _metadata: versions of modules)")
      }
      var entries: OrderedDictionary<String, PickleID> = [:]
      for pair in pairs {
        guard let key = run.shortText(pair.key) ?? run.integer(pair.key).map(String.init) else {
          contents.others.append(
            .init(name: item.name, summary: "an entry under the key \(run.summary(pair.key))", json: nil))
          continue
        }
        entries[key] = pair.value
      }
      return try named(entries, under: item)
    }
    if let items = run.elements(item.id) {
      var entries: OrderedDictionary<String, PickleID> = [:]
      for (index, element) in items.enumerated() { entries["\(index)"] = element }
      return try named(entries, under: item)
    }
    other(item, run.summary(item.id))
    return []
  }

  private mutating func named(
    _ entries: OrderedDictionary<String, PickleID>, under item: Item
  ) throws(ScopeError) -> [Item] {
    spent += entries.count
    return entries.map {
      Item(id: $0.value, name: item.name.isEmpty ? $0.key : "\(item.name).\($0.key)", depth: item.depth + 1)
    }
  }

  /// Parameters, buffers and children of a pickled `torch.nn.Module`, or the attributes of a TorchScript object, as
  /// `state_dict()` names them; nil for anything else.
  private func moduleMembers(_ id: PickleID) -> OrderedDictionary<String, PickleID>? {
    guard let call = run.call(id), let pairs = run.attributes(id) else { return nil }
    var attributes: OrderedDictionary<String, PickleID> = [:]
    for pair in pairs { if let key = run.shortText(pair.key) { attributes[key] = pair.value } }
    if run.global(call.callee)?.module.hasPrefix("__torch__") == true {
      return attributes.filter { builder.isTensor($0.value) || !(run.call($0.value)?.states.isEmpty ?? true) }
    }
    guard run.hasAttribute(id, among: ["_modules", "_parameters", "_buffers"]) else { return nil }
    var transient: Set<String> = []
    if let set = attributes["_non_persistent_buffers_set"], case .set(let names) = run.value(set) {
      transient = Set(names.compactMap { run.shortText($0) })
    }
    var members: OrderedDictionary<String, PickleID> = [:]
    for attribute in ["_parameters", "_buffers", "_modules"] {
      guard let mapping = attributes[attribute].flatMap({ run.mapping($0) }) else { continue }
      for pair in mapping {
        guard let key = run.shortText(pair.key), attribute != "_buffers" || !transient.contains(key) else {
          continue
        }
        // Absent parameters (`bias=None`) and buffers are no part of a state dict.
        if case .none = run.value(pair.value) { continue }
        members[key] = pair.value
      }
    }
    return members
  }

  private func className(_ id: PickleID) -> String {
    String((run.call(id).flatMap { run.className($0) } ?? "a computed class").prefix(120))
  }

  private mutating func add(_ item: Item) throws(ScopeError) {
    let name = item.name.isEmpty ? "tensor" : item.name
    guard !builder.isQuantized(item.id) else {
      return other(item, "a quantized tensor; safetensors has no place for its scale and zero point")
    }
    do throws(ScopeError) {
      switch try builder.build(item.id) {
      case .tensor(let tensor, let view):
        guard SafetensorsWriter.typeName(tensor.dataType) != nil else {
          return other(item, "a tensor of \(tensor.dataType.name), which safetensors does not have")
        }
        guard contents.tensors[name] == nil else {
          throw ScopeError(
            .unsupported, "two tensors would get the same name",
            remedy: "Rename one of the keys that are joined with dots")
        }
        guard contents.tensors.count < Self.tensorLimit else {
          throw ScopeError(.limitExceeded, "the checkpoint has too many tensors")
        }
        contents.tensors[name] = tensor
        guard tensor.elementCount > 0 else { return }
        if let first = firstName[view] { contents.sharedWith[name] = first } else { firstName[view] = name }
      case .unreadable(let kind): other(item, kind)
      case .notATensor: other(item, run.summary(item.id))
      }
    } catch {
      throw error.at("tensor \"\(name.prefix(200))\"")
    }
  }

  private mutating func other(_ item: Item, _ summary: String) {
    let json: String? =
      switch run.value(item.id) {
      case .none: "null"
      case .bool(let value): value ? "true" : "false"
      case .int(let value): "\(value)"
      case .float(let value): value.isFinite ? "\(value)" : nil
      case .string(let bytes): bytes.count <= 1 << 16 ? bytes.utf8String.map(JSONText.quoted) : nil
      default: nil
      }
    contents.others.append(.init(name: item.name, summary: summary, json: json))
  }

  private mutating func note(_ text: String) {
    if !contents.notes.contains(text) { contents.notes.append(text) }
  }
}
