import ScopeFormats
import ScopeGraph

/// The module of the original program that a node belongs to, read from what exporters leave in a graph.
public enum ModulePath {
  /// Path of the innermost module as PyTorch names it (`layer1.0.conv1`); empty for the model itself or when unknown.
  ///
  /// - `torch.onnx.export(dynamo=True)` writes the scopes into the node's metadata
  ///   (`pkg.torch.onnx.name_scopes`, older releases `namespace`).
  /// - The TorchScript-based exporter names nodes `/layer1/layer1.0/conv1/Conv`: a module per component, in which
  ///   children of containers repeat the container's name, and the operator last.
  /// - Graphs made here name a node after its module (`layer1.0.conv1`).
  /// - TensorFlow's converter names nodes `model/block1/conv/Conv2D`.
  public static func of(node: Node) -> String {
    if let scopes = node.metadata("pkg.torch.onnx.name_scopes") { return lastScope(scopes) }
    if let namespace = node.metadata("namespace") { return lastNamespace(namespace) }
    return of(name: node.name, opType: node.opType)
  }

  /// From the name alone.
  static func of(name: String, opType: String) -> String {
    var name = name[...]
    // What a function call unfolds to is named `call#number/inner`.
    if let mark = callMark(name) { name = name[..<mark] }
    guard name.contains("/") else { return isModuleName(name, opType) ? String(name) : "" }
    var components = name.split(separator: "/")
    // A trailing slash ends a scope, otherwise the last component is the operation.
    if !name.hasSuffix("/"), !components.isEmpty { components.removeLast() }
    var path: [Substring] = []
    for component in components {
      if let last = path.last, component.count > last.count, component.hasPrefix(last),
        component.dropFirst(last.count).first == "."
      {
        path[path.count - 1] = component
      } else {
        path.append(component)
      }
    }
    return path.joined(separator: ".")
  }

  /// Paths of the module and everything it lies in, outermost first: `layer1`, `layer1.0`, `layer1.0.conv1`.
  public static func ancestors(_ path: String) -> [String] {
    guard !path.isEmpty else { return [] }
    var result: [String] = []
    for index in path.indices where path[index] == "." && index > path.startIndex {
      result.append(String(path[..<index]))
    }
    return result + [path]
  }

  /// A name without scopes is its module's unless an exporter made it from the operator (`Conv_12`, `node_conv2d_3`).
  private static func isModuleName(_ name: Substring, _ opType: String) -> Bool {
    guard !name.isEmpty, !name.hasPrefix("node_"), !name.hasPrefix("n_") else { return false }
    guard name.hasPrefix(opType) else { return !name.allSatisfy(\.isNumber) }
    return !name.dropFirst(opType.count).allSatisfy { $0.isNumber || $0 == "_" }
  }

  /// Position of the `#` of the last `#number` that ends the name or stands before a slash.
  private static func callMark(_ name: Substring) -> Substring.Index? {
    guard let mark = name.firstIndex(of: "#") else { return nil }
    let digits = name[name.index(after: mark)...].prefix { $0 != "/" }
    return !digits.isEmpty && digits.allSatisfy(\.isNumber) ? mark : nil
  }

  /// `['', 'layer1', 'layer1.0', 'layer1.0.conv1', 'conv2d']`: modules from the outside in, then the operation.
  private static func lastScope(_ list: String) -> String {
    let scopes = list.split(separator: "'", omittingEmptySubsequences: false).enumerated()
      .filter { $0.offset % 2 == 1 }.map(\.element)
    return scopes.count >= 2 ? String(scopes[scopes.count - 2]) : ""
  }

  /// `: Model/layer1: Sequential/layer1.0.conv1: Conv2d/conv2d: aten.conv2d.default`, the same with classes.
  private static func lastNamespace(_ text: String) -> String {
    let scopes = text.split(separator: "/", omittingEmptySubsequences: false)
    guard scopes.count >= 2 else { return "" }
    let module = scopes[scopes.count - 2]
    guard let colon = module.firstIndex(of: ":") else { return "" }
    return String(module[..<colon])
  }
}
