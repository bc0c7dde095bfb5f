import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Nodes whose inputs are constants (or whose result follows from shapes alone) are computed once, now.
///
/// Declines for results larger than both 64 KiB and the constants that nothing else reads, once these have made the file
/// grow by a 64th; for graph outputs, nodes with nested graphs, operators that are not evaluated here, and DequantizeLinear with everything
/// computed from it: the engine's integer kernels need the integers.
public struct FoldConstants: Pass {
  public let name = "fold-constants"
  public let summary = "Constant expressions computed once"
  public let safety = PassSafety.exact

  /// Results up to this size are always worth storing.
  private static let smallBytes = 1 << 16

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    let inferred = ShapeInference.infer(model)
    let outputs = Set(model.graph.outputs.map(\.name))
    let overridable = Set(model.graph.inputs.map(\.name))
    var constants = model.graph.initializers
    for name in overridable { constants[name] = nil }
    let consumers = model.graph.consumers
    var growth = constants.values.reduce(0) { $0 + $1.byteCount } / 64
    var dequantized: Set<String> = []
    var kept: [Node] = []
    var modified = false
    for node in model.graph.nodes {
      if Self.isDequantized(node, dequantized) {
        dequantized.formUnion(node.outputs.filter { !$0.isEmpty })
        kept.append(node)
        continue
      }
      guard let results = try Self.results(of: node, constants, consumers, inferred, model.opset, &growth),
        !node.outputs.contains(where: outputs.contains)
      else {
        kept.append(node)
        continue
      }
      for (name, tensor) in results {
        constants[name] = tensor
        model.graph.initializers[name] = tensor
      }
      modified = true
    }
    model.graph.nodes = kept
    return modified
  }

  /// Whether the node makes numbers of integers or computes with such numbers (their shapes are free to be folded).
  private static func isDequantized(_ node: Node, _ dequantized: Set<String>) -> Bool {
    node.opType == "DequantizeLinear"
      || (node.opType != "Shape" && node.opType != "Size"
        && node.inputs.contains { dequantized.contains($0) })
  }

  /// Every used output of `node` with its value, or nil when one is not known or too large.
  private static func results(
    of node: Node, _ constants: OrderedDictionary<String, Tensor>, _ consumers: [String: [Int]],
    _ inferred: InferredTypes, _ opset: Int, _ growth: inout Int
  ) throws(ScopeError) -> [(String, Tensor)]? {
    guard node.subgraphs.isEmpty, !node.outputs.isEmpty else { return nil }
    let used = node.outputs.filter { !$0.isEmpty }
    let isConstant = node.inputs.allSatisfy { $0.isEmpty || constants[$0] != nil }
    let replaced = Set(node.inputs).reduce(0) { sum, name in
      sum + (consumers[name]?.count == 1 ? constants[name]?.byteCount ?? 0 : 0)
    }
    let known = used.compactMap { inferred.constant($0) }
    var tensors = known.count == used.count ? known : []
    if tensors.isEmpty, isConstant, !node.inputs.isEmpty, node.domain.isEmpty || node.domain == "ai.onnx",
      let folded = try ConstantFolding.fold(
        node, inputs: node.inputs.map { $0.isEmpty ? nil : constants[$0] }, opset: opset),
      folded.count >= node.outputs.count
    {
      tensors = zip(node.outputs, folded).filter { !$0.0.isEmpty }.map(\.1)
    }
    guard tensors.count == used.count else { return nil }
    let bytes = tensors.reduce(0) { $0 + $1.byteCount }
    if bytes > max(Self.smallBytes, replaced) {
      // A transposed copy is what ``ShareTransposedWeights`` saves.
      guard bytes - replaced <= growth, !node.isStandard("Transpose") else { return nil }
      growth -= bytes - replaced
    }
    return Array(zip(used, tensors))
  }
}
