import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Rewrites a model of ONNX opset 7 to 16 in opset 17, which the backward graph is written in
/// (ScatterElements with reduction appears in 16). Newer models stay as they are.
///
/// Exact: an operator is rewritten where its form changed, kept where only its types grew, and refused otherwise.
public enum OpsetUpgrade {
  public static let target = 17

  /// Operators that mean the same in every opset from 7 to 17 (more types or optional attributes at most).
  private static let unchanged: Set<String> = [
    "Abs", "Acos", "Add", "And", "ArgMax", "ArgMin", "Asin", "Atan", "AveragePool", "Cast", "Ceil", "Celu",
    "Concat",
    "Constant", "ConstantOfShape", "Conv", "ConvInteger", "ConvTranspose", "Cos", "DepthToSpace",
    "DequantizeLinear",
    "Div", "Elu", "Equal", "Erf", "Exp", "Expand", "Flatten", "Floor", "Gather", "GatherElements", "GatherND",
    "Gemm",
    "GlobalAveragePool", "GlobalMaxPool", "Greater", "GreaterOrEqual", "HardSigmoid", "HardSwish", "Identity",
    "InstanceNormalization", "LRN", "LeakyRelu", "Less", "LessOrEqual", "Log", "MatMul", "MatMulInteger",
    "Max",
    "MaxPool", "Mean", "Min", "Mod", "Mul", "Neg", "NonZero", "Not", "OneHot", "Or", "PRelu", "Pow",
    "QLinearConv",
    "QLinearMatMul", "QuantizeLinear", "Range", "Reciprocal", "ReduceL1", "ReduceL2", "ReduceMax",
    "ReduceMean",
    "ReduceMin", "ReduceProd", "Relu", "Reshape", "Round", "Selu", "Shape", "Sigmoid", "Sign", "Sin", "Size",
    "Softplus", "Softsign", "SpaceToDepth", "Sqrt", "Sub", "Sum", "Tan", "Tanh", "Tile", "Transpose", "Where",
    "Xor", "Acosh", "Asinh", "Atanh", "Cosh", "CumSum", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare",
    "Sinh", "ThresholdedRelu", "Trilu",
  ]

  /// - Throws: `unsupported` naming the first operator whose form cannot be carried over.
  public static func toDifferentiable(_ model: Model) throws(ScopeError) -> Model {
    let version = model.opset
    guard version > 0, version < target else { return model }
    guard version >= 7 else {
      throw ScopeError(
        .unsupported, "gradients need ONNX opset 7 or newer", found: "opset \(version)",
        remedy: "Export the model again with opset 17")
    }
    var model = model
    var names = NameAllocator(model.graph)
    let types = ShapeInference.infer(model)
    var initializers: OrderedDictionary<String, Tensor> = [:]
    var nodes: [Node] = []
    for (index, original) in model.graph.nodes.enumerated() {
      var node = original
      if node.domain.isEmpty || node.domain == "ai.onnx" {
        guard node.subgraphs.isEmpty else { throw refusal(node, index, version) }
        var form = OperatorForm(node: node, version: version, names: names, types: types)
        guard unchanged.contains(node.opType) || form.upgrade() else { throw refusal(node, index, version) }
        node = form.node
        names = form.names
        for (name, tensor) in form.constants { initializers[name] = tensor }
      }
      nodes.append(node)
    }
    model.graph.nodes = nodes
    for (name, tensor) in initializers { model.graph.initializers[name] = tensor }
    model.opsets.removeValue(forKey: "ai.onnx")
    model.opsets[""] = Int64(target)
    model.irVersion = max(model.irVersion, 8)
    return model
  }

  private static func refusal(_ node: Node, _ index: Int, _ version: Int) -> ScopeError {
    ScopeError(
      .unsupported, "\(node.opType) of opset \(version) cannot be carried over to opset \(target)",
      place: "\(node.opType) node \(node.name.isEmpty ? "\(index)" : "'\(node.name)'")",
      remedy: "Export the model again with opset 17 or newer")
  }
}

/// One node on its way to the newer form.
private struct OperatorForm {
  var node: Node
  let version: Int
  var names: NameAllocator
  let types: InferredTypes
  var constants: [(String, Tensor)] = []

  init(node: Node, version: Int, names: NameAllocator, types: InferredTypes) {
    self.node = node
    self.version = version
    self.names = names
    self.types = types
  }

  /// False when the operator's old form is not known or has no newer equivalent.
  mutating func upgrade() -> Bool {
    switch node.opType {
    case "Squeeze", "Unsqueeze", "ReduceSum":
      if version < 13 { moveIntegers("axes", to: 1) }
      return true
    case "Split":
      if version < 13 { moveIntegers("split", to: 1) }
      return true
    case "Clip":
      if version < 11 { moveFloats(["min", "max"]) }
      return true
    case "Slice":
      return version >= 10 || moveSlice()
    case "Pad":
      return version >= 11 || movePad()
    case "Softmax", "LogSoftmax":
      return version >= 13 || moveSoftmax()
    case "Dropout":
      return moveDropout()
    case "BatchNormalization":
      return moveBatchNormalization()
    case "Upsample", "Resize":
      return moveResize()
    default: return false
    }
  }

  private mutating func constant(_ tensor: Tensor) -> String {
    let name = names.fresh("upgrade/\(node.opType)")
    constants.append((name, tensor))
    return name
  }

  private mutating func place(_ value: String, at position: Int) {
    while node.inputs.count <= position { node.inputs.append("") }
    node.inputs[position] = value
  }

  private mutating func moveIntegers(_ attribute: String, to position: Int) {
    guard let values = node.ints(attribute) else { return }
    node.attributes.removeValue(forKey: attribute)
    place(constant(.int64s(values)), at: position)
  }

  private mutating func moveFloats(_ attributes: [String]) {
    for (index, attribute) in attributes.enumerated() {
      guard let value = node.float(attribute) else { continue }
      node.attributes.removeValue(forKey: attribute)
      place(constant(.floats([value], [])), at: index + 1)
    }
  }

  private mutating func moveSlice() -> Bool {
    guard let starts = node.ints("starts"), let ends = node.ints("ends") else { return false }
    let axes = node.ints("axes") ?? Array(starts.indices)
    node.attributes = [:]
    node.inputs = [
      node.inputs[0], constant(.int64s(starts)), constant(.int64s(ends)), constant(.int64s(axes)),
    ]
    return true
  }

  private mutating func movePad() -> Bool {
    guard let pads = node.ints("pads") else { return false }
    let value = node.float("value") ?? 0
    node.attributes.removeValue(forKey: "pads")
    node.attributes.removeValue(forKey: "value")
    node.inputs = [node.inputs[0], constant(.int64s(pads)), constant(.floats([value], []))]
    return true
  }

  /// Before opset 13 all axes from `axis` on are one; the same when only one of them is longer than one.
  private mutating func moveSoftmax() -> Bool {
    guard let dimensions = node.inputs.first.flatMap({ types[$0]?.shape?.dimensions }), !dimensions.isEmpty
    else {
      return false
    }
    let listed = node.int("axis") ?? 1
    let axis = listed < 0 ? listed + dimensions.count : listed
    guard dimensions.indices.contains(axis) else { return false }
    let long = (axis..<dimensions.count).filter { dimensions[$0] != .known(1) }
    guard long.count <= 1 else { return false }
    node.attributes["axis"] = .int(long.first ?? axis)
    return true
  }

  private mutating func moveDropout() -> Bool {
    guard node.outputs.count == 1 || node.outputs.dropFirst().allSatisfy(\.isEmpty) else { return false }
    if version < 12 {
      node.attributes = [:]
      node.inputs = Array(node.inputs.prefix(1))
    }
    return true
  }

  private mutating func moveBatchNormalization() -> Bool {
    guard node.int("spatial") ?? 1 == 1, node.int("training_mode") ?? 0 == 0 else { return false }
    guard node.outputs.dropFirst().allSatisfy(\.isEmpty) else { return false }
    node.attributes.removeValue(forKey: "spatial")
    node.outputs = Array(node.outputs.prefix(1))
    return true
  }

  private mutating func moveResize() -> Bool {
    if node.opType == "Resize", version >= 11 { return true }
    var scales = node.input(1)
    if let values = node.floats("scales") { scales = constant(.floats(values, [values.count])) }
    guard let scales else { return false }
    node.opType = "Resize"
    node.inputs = [node.inputs[0], "", scales]
    node.attributes.removeValue(forKey: "scales")
    node.attributes["coordinate_transformation_mode"] = .text("asymmetric")
    node.attributes["nearest_mode"] = .text("floor")
    return true
  }
}
