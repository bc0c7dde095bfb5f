import ScopeBytes
import ScopeGraph

/// Relu, Clip, Max and Min with a constant that follow each other become one Relu or Clip, which the engine runs inside
/// the convolution before it. A single Max or Min with a constant becomes a Clip, Max with zero a Relu.
///
/// Declines for limits that are not constant or are crossed, other types than float32, and values read elsewhere.
public struct MergeClips: Pass {
  public let name = "merge-clips"
  public let summary = "Chains of Relu, Clip, Max and Min merged"
  public let safety = PassSafety.exact

  /// A clamp; infinite where there is no limit.
  private struct Limits {
    var low: Float
    var high: Float
    var input: String

    func clamp(_ value: Float) -> Float { min(max(value, low), high) }
  }

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    guard model.opset >= 11 else { return false }
    let plain = GraphEditor(model.graph)
    let clamps = model.graph.nodes.map { Self.limits($0, plain) }
    func isDone(_ index: Int) -> Bool {
      let node = model.graph.nodes[index]
      let follows = plain.producers[clamps[index]?.input ?? ""].map { clamps[$0] != nil } ?? false
      return !follows && (node.isStandard("Relu") || (node.isStandard("Clip") && !Self.isRelu(clamps[index])))
    }
    guard clamps.indices.contains(where: { clamps[$0] != nil && !isDone($0) }) else { return false }
    let facts = ShapeFacts(model)
    var editor = plain
    for (index, node) in model.graph.nodes.enumerated() where !editor.isEdited(index) {
      guard var limits = clamps[index], !isDone(index), facts.dataType(limits.input) == .float32,
        facts.rank(limits.input) == facts.rank(node.outputs[0])
      else { continue }
      if let producer = editor.producers[limits.input], !editor.isEdited(producer),
        let before = clamps[producer],
        editor.soleConsumer(limits.input) == index
      {
        limits = Limits(
          low: limits.clamp(before.low), high: limits.clamp(before.high), input: before.input)
        editor.remove(producer)
      } else if node.isStandard("Relu") || (node.isStandard("Clip") && !Self.isRelu(limits)) {
        continue
      }
      editor.replace(index, with: [Self.node(limits, node, &editor)])
    }
    return editor.apply(to: &model)
  }

  private static func isRelu(_ limits: Limits?) -> Bool { limits?.low == 0 && limits?.high == .infinity }

  private static func node(_ limits: Limits, _ node: Node, _ editor: inout GraphEditor) -> Node {
    if isRelu(limits) { return Node("Relu", name: node.name, inputs: [limits.input], outputs: node.outputs) }
    var inputs = [limits.input]
    inputs.append(
      limits.low == -.infinity ? "" : editor.addInitializer(.floats([limits.low], []), "clip_min"))
    if limits.high != .infinity {
      inputs.append(editor.addInitializer(.floats([limits.high], []), "clip_max"))
    }
    return Node("Clip", name: node.name, inputs: inputs, outputs: node.outputs)
  }

  private static func limits(_ node: Node, _ editor: GraphEditor) -> Limits? {
    guard node.domain.isEmpty || node.domain == "ai.onnx", let first = node.input(0) else { return nil }
    func number(_ name: String?) -> Float? {
      guard let tensor = editor.constant(name), tensor.elementCount == 1,
        let value = editor.floats(name)?.first,
        !value.isNaN
      else { return nil }
      return value
    }
    switch node.opType {
    case "Relu": return Limits(low: 0, high: .infinity, input: first)
    case "Clip":
      var limits = Limits(low: -.infinity, high: .infinity, input: first)
      if let name = node.input(1) {
        guard let value = number(name) else { return nil }
        limits.low = value
      }
      if let name = node.input(2) {
        guard let value = number(name) else { return nil }
        limits.high = value
      }
      return limits.low <= limits.high ? limits : nil
    case "Max", "Min":
      guard node.inputs.count == 2, let second = node.input(1) else { return nil }
      let (value, input) =
        number(second).map { ($0, first) } ?? number(first).map { ($0, second) } ?? (.nan, "")
      guard !value.isNaN, editor.constant(input) == nil else { return nil }
      return node.opType == "Max"
        ? Limits(low: value, high: .infinity, input: input)
        : Limits(low: -.infinity, high: value, input: input)
    default: return nil
    }
  }
}
