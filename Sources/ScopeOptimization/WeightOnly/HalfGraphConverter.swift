import ScopeBytes
import ScopeGraph

/// Converts the main graph to float16.
public enum HalfGraphConverter {
  /// Rewrites `model`. Needs no samples.
  ///
  /// A node stays in float32 when it is in the recipe's lists, outside the default domain, holds a nested graph, reads a
  /// constant with numbers beyond 65504, or when the type of a value it touches is not known.
  ///
  /// - Returns: the nodes that compute in float16 now, and those that do not with the reasons.
  /// - Throws: `unsupported` when no node does, or when an operator set below 13 cannot be raised; `model` is then
  ///   unchanged.
  @discardableResult
  public static func convert(_ model: inout Model, recipe: HalfGraphRecipe) throws(ScopeError)
    -> WeightRewrite
  {
    var raised = model
    try OpsetRaise.raise(&raised, to: 13)
    var emitter = HalfGraphEmitter(raised, recipe)
    emitter.run()
    try emitter.report.requireWork("computed with in float16", expected: "float32 operators")
    raised.graph = emitter.graph
    raised.graph.nodes = emitter.nodes
    // Declared types of intermediate values would be wrong now; engines infer them again.
    raised.graph.valueInfo = []
    _ = try EliminateDeadNodes().run(&raised)
    try GraphValidation.check(raised)
    model = raised
    return emitter.report
  }
}

private struct HalfGraphEmitter {
  private(set) var graph: Graph
  private(set) var nodes: [Node] = []
  private(set) var report = WeightRewrite()
  private let types: InferredTypes
  private let constants: Set<String>
  private let blockedOperators: Set<String>
  private let blockedLayers: Set<String>
  private var names: NameAllocator
  /// Name of the float16 form of a float32 value.
  private var halves: [String: String] = [:]
  /// Values of which there is a float16 form only, so far.
  private var missing: Set<String> = []
  /// Constants that do not fit float16.
  private var tooLarge: [String: Bool] = [:]

  init(_ model: Model, _ recipe: HalfGraphRecipe) {
    graph = model.graph
    types = ShapeInference.infer(model)
    constants = Set(model.graph.initializers.keys).subtracting(model.graph.inputs.map(\.name))
    blockedOperators = Set(recipe.floatOperators)
    blockedLayers = Set(recipe.floatLayers)
    names = NameAllocator(model.graph)
  }

  mutating func run() {
    for original in graph.nodes {
      if let reason = obstacle(original) {
        if !reason.isEmpty { report.decline(original.layerName, reason) }
        for value in Set(original.inputs).union(original.subgraphs.flatMap(\.captures)).sorted() {
          widen(value)
        }
        nodes.append(original)
        continue
      }
      var node = original
      node.inputs = node.inputs.map { isFloat($0) ? half(of: $0) : $0 }
      for position in node.outputs.indices where isFloat(node.outputs[position]) {
        let value = node.outputs[position]
        let name = names.fresh("\(value)_half")
        halves[value] = name
        missing.insert(value)
        node.outputs[position] = name
      }
      narrowAttribute(of: &node)
      nodes.append(node)
      report.rewritten.append(original.layerName)
    }
    for output in graph.outputs { widen(output.name) }
  }

  /// The value of Constant and ConstantOfShape; the latter's is a float32 zero when it is left out.
  private func narrowAttribute(of node: inout Node) {
    guard node.isStandard("ConstantOfShape") || node.isStandard("Constant") else { return }
    let tensor = node.tensor("value") ?? .floats([0], [1])
    guard let values = try? tensor.floats(),
      let narrow = SmallFloat.half.tensor(values, tensor.dimensions)
    else { return }
    node.attributes["value"] = .tensor(narrow.tensor)
  }

  private func isFloat(_ value: String) -> Bool {
    guard !value.isEmpty else { return false }
    return graph.initializers[value]?.dataType == .float32 || types.dataType(value) == .float32
  }

  /// Why a node does not compute in float16; empty when there is nothing to say because it handles no floats, nil when
  /// it does compute so.
  private mutating func obstacle(_ node: Node) -> String? {
    let values = (node.inputs + node.outputs).filter { !$0.isEmpty }
    guard values.contains(where: isFloat) else { return "" }
    guard node.domain.isEmpty || node.domain == "ai.onnx" else {
      return "\(node.opType) is not a standard operator"
    }
    guard node.subgraphs.isEmpty else { return "it holds a nested graph" }
    guard !blockedOperators.contains(node.opType) else { return "\(node.opType) is fragile in float16" }
    guard !blockedLayers.contains(node.layerName) else { return "kept in float as asked" }
    for value in values {
      guard graph.initializers[value] != nil || types.dataType(value) != nil else {
        return "the type of \(value) is not known"
      }
    }
    for value in node.inputs where constants.contains(value) && isFloat(value) && isTooLarge(value) {
      return "its constant \(value) has numbers that float16 does not hold"
    }
    if let tensor = node.tensor("value"), tensor.dataType == .float32, !Self.fits(tensor) {
      return "its constant has numbers that float16 does not hold"
    }
    if node.isStandard("LayerNormalization"), node.outputs.count > 1 {
      return "its mean and deviation stay float32"
    }
    guard node.float("value_float") == nil, node.floats("value_floats") == nil else {
      return "its constant is an attribute"
    }
    return nil
  }

  private static func fits(_ tensor: Tensor) -> Bool {
    guard let values = try? tensor.floats() else { return false }
    return values.allSatisfy { !$0.isFinite || abs($0) <= SmallFloat.half.greatest }
  }

  private mutating func isTooLarge(_ value: String) -> Bool {
    if let known = tooLarge[value] { return known }
    let result = graph.initializers[value].map { !Self.fits($0) } ?? true
    tooLarge[value] = result
    return result
  }

  private func cast(_ value: String, to result: String, _ type: DataType) -> Node {
    Node("Cast", inputs: [value], outputs: [result], attributes: ["to": .int(Int(type.rawValue))])
  }

  /// The float16 form of a float32 value.
  private mutating func half(of value: String) -> String {
    if let known = halves[value] { return known }
    let name = names.fresh("\(value)_half")
    halves[value] = name
    if constants.contains(value), let tensor = graph.initializers[value],
      let values = try? tensor.floats(), let narrow = SmallFloat.half.tensor(values, tensor.dimensions)
    {
      graph.initializers[name] = narrow.tensor
    } else {
      nodes.append(cast(value, to: name, .float16))
    }
    return name
  }

  /// Makes sure that the float32 form of a value exists.
  private mutating func widen(_ value: String) {
    guard missing.remove(value) != nil, let half = halves[value] else { return }
    nodes.append(cast(half, to: value, .float32))
  }
}
