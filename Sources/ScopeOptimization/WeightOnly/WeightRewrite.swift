import ScopeBytes
import ScopeGraph

/// What a rewrite of weights did, layer by layer.
public struct WeightRewrite: Sendable, Hashable, Codable {
  /// A layer (or a tensor) that was left as it is.
  public struct Declined: Sendable, Hashable, Codable {
    public var layer: String
    public var reason: String

    public init(layer: String, reason: String) {
      self.layer = layer
      self.reason = reason
    }
  }

  /// Names of the layers (or tensors) that were rewritten.
  public var rewritten: [String] = []
  public var declined: [Declined] = []

  public init() {}

  mutating func decline(_ layer: String, _ reason: String) {
    declined.append(Declined(layer: layer, reason: reason))
  }

  /// - Throws: `unsupported` with the reasons when nothing was rewritten.
  func requireWork(_ what: String, expected: String) throws(ScopeError) {
    guard rewritten.isEmpty else { return }
    let shown = declined.prefix(5).map { "\($0.layer): \($0.reason)" }
    throw ScopeError(
      .unsupported, "no weight can be \(what)", expected: expected,
      found: declined.isEmpty
        ? "none" : shown.joined(separator: "; ") + (declined.count > 5 ? "; \(declined.count - 5) more" : ""))
  }
}

extension Node {
  /// How a layer is named in reports and in lists of layers to leave alone: the node's name, without one the value it
  /// computes.
  public var layerName: String { name.isEmpty ? outputs.first ?? opType : name }
}

/// The parts that the rewrites of weights share: new nodes in place of old ones, new constants, the end of the work.
struct WeightRewriter {
  let editor: GraphEditor
  var report = WeightRewrite()
  private(set) var names: NameAllocator
  private(set) var replacements: [Int: [Node]] = [:]
  /// Nodes before all others.
  var preamble: [Node] = []
  private(set) var constants: [(String, Tensor)] = []
  private(set) var removedConstants: [String] = []
  private let floatLayers: Set<String>

  init(_ graph: Graph, floatLayers: [String]) {
    editor = GraphEditor(graph)
    names = editor.names
    self.floatLayers = Set(floatLayers)
  }

  /// Whether a layer was asked to stay in float, by its own name or that of its weight.
  func isKept(_ layer: String, weight: String) -> Bool {
    floatLayers.contains(layer) || floatLayers.contains(weight)
  }

  /// Whether a layer may be rewritten; says why not.
  ///
  /// - Parameter smallest: weights with fewer elements stay in float.
  mutating func accepts(_ layer: String, weight: String, smallest: Int) -> Bool {
    guard !isKept(layer, weight: weight) else {
      report.decline(layer, "kept in float as asked")
      return false
    }
    guard let count = editor.constant(weight)?.elementCount, count >= smallest else {
      report.decline(layer, "its weight has fewer than \(smallest) elements")
      return false
    }
    guard let values = editor.floats(weight), values.allSatisfy(\.isFinite) else {
      report.decline(layer, "its weight holds NaN or infinity")
      return false
    }
    return true
  }

  mutating func fresh(_ stem: String) -> String { names.fresh(stem) }

  mutating func constant(_ tensor: Tensor, _ stem: String) -> String {
    let name = names.fresh(stem)
    constants.append((name, tensor))
    return name
  }

  mutating func replace(_ index: Int, with nodes: [Node]) { replacements[index] = nodes }

  /// Takes a constant away; a node in the preamble must compute the value now.
  mutating func removeConstant(_ name: String) { removedConstants.append(name) }

  /// Writes the edits into `model`, removes what nobody reads any more and checks the result.
  ///
  /// - Throws: `invalidGraph` when the rewrite broke the graph (an error of this program); `model` is then unchanged.
  func finish(_ model: inout Model, usesMicrosoftOperators: Bool = false) throws(ScopeError) {
    var result = model
    for name in removedConstants { result.graph.initializers[name] = nil }
    for (name, tensor) in constants { result.graph.initializers[name] = tensor }
    var nodes = preamble
    nodes.reserveCapacity(editor.graph.nodes.count + preamble.count)
    for (index, node) in editor.graph.nodes.enumerated() {
      nodes.append(contentsOf: replacements[index] ?? [node])
    }
    result.graph.nodes = nodes
    if usesMicrosoftOperators, result.opsets["com.microsoft"] == nil { result.opsets["com.microsoft"] = 1 }
    _ = try EliminateDeadNodes().run(&result)
    try GraphValidation.check(result)
    model = result
  }
}

extension [Float] {
  /// `self` as [rows, columns] turned into [columns, rows].
  func transposed(rows: Int, columns: Int) -> [Float] { transposedMatrix(self, rows: rows, columns: columns) }
}

/// Transposes [rows, columns] in tiles that stay in cache.
func transposedMatrix<Element: BitwiseCopyable>(
  _ values: [Element], rows: Int, columns: Int
) -> [Element] {
  precondition(values.count == rows * columns)
  guard let first = values.first else { return values }
  var result = [Element](repeating: first, count: values.count)
  let tile = 32
  values.withUnsafeBufferPointer { source in
    result.withUnsafeMutableBufferPointer { target in
      for top in stride(from: 0, to: rows, by: tile) {
        for left in stride(from: 0, to: columns, by: tile) {
          for row in top..<Swift.min(top + tile, rows) {
            for column in left..<Swift.min(left + tile, columns) {
              target[column * rows + row] = source[row * columns + column]
            }
          }
        }
      }
    }
  }
  return result
}
