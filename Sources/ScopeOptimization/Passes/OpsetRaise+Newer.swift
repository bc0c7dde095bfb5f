import ScopeBytes
import ScopeGraph

extension OpsetRaise {
  /// The newest operator set that ``raiseNewer(_:to:)`` knows the changes of.
  static let newest = 21

  /// Operators whose later versions up to operator set 21 only took more types or optional attributes and inputs whose
  /// absence means what it meant before (ONNX, docs/Changelog.md).
  private static let compatible: Set<String> = [
    "Abs", "Acos", "Acosh", "Add", "And", "ArgMax", "ArgMin", "Asin", "Asinh", "Atan", "Atanh", "BitShift",
    "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "Cast", "CastLike", "Ceil", "Celu", "Clip",
    "Concat",
    "Constant", "ConstantOfShape", "Conv", "ConvInteger", "ConvTranspose", "Cos", "Cosh", "CumSum",
    "DepthToSpace", "DequantizeLinear", "Det", "Div", "Dropout", "DynamicQuantizeLinear", "Einsum", "Elu",
    "Equal", "Erf", "Exp", "Expand", "EyeLike", "Flatten", "Floor", "GRU", "Gather", "GatherElements",
    "GatherND",
    "Gelu", "Gemm", "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool", "Greater", "GreaterOrEqual",
    "HardSigmoid", "HardSwish", "Hardmax", "Identity", "InstanceNormalization", "IsInf", "IsNaN", "LRN",
    "LSTM",
    "LayerNormalization", "LeakyRelu", "Less", "LessOrEqual", "Log", "LogSoftmax", "LpNormalization",
    "LpPool",
    "MatMul", "MatMulInteger", "Max", "MaxPool", "MaxRoiPool", "Mean", "MeanVarianceNormalization", "Min",
    "Mish",
    "Mod", "Mul", "Neg", "NonMaxSuppression", "NonZero", "Not", "OneHot", "Or", "PRelu", "Pad", "Pow",
    "QLinearConv", "QLinearMatMul", "QuantizeLinear", "RNN", "Range", "Reciprocal", "ReduceSum", "Relu",
    "Reshape",
    "Resize", "ReverseSequence", "Round", "ScatterElements", "ScatterND", "Selu", "Shape", "Shrink",
    "Sigmoid",
    "Sign", "Sin", "Sinh", "Size", "Slice", "Softmax", "Softplus", "Softsign", "SpaceToDepth", "Sqrt",
    "Squeeze",
    "Sub", "Sum", "Tan", "Tanh", "ThresholdedRelu", "Tile", "TopK", "Transpose", "Trilu", "Unsqueeze",
    "Where",
    "Xor",
  ]
  private static let reductions: Set<String> = [
    "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
    "ReduceProd",
    "ReduceSumSquare",
  ]

  /// Rewrites a model of operator set 13 or later for a set up to 21. Exact: what changed its form is rewritten, what
  /// changed its meaning is refused.
  ///
  /// - Throws: `unsupported` naming the operator that cannot be converted; `model` is then unchanged.
  static func raiseNewer(_ model: inout Model, to version: Int) throws(ScopeError) {
    let old = model.opset
    guard old < version else { return }
    func refusal(_ what: String) -> ScopeError {
      ScopeError(
        .unsupported, "operator set \(version) is needed, and \(what) of set \(old) is not converted to it",
        remedy: "Export the model again with opset_version=\(version)")
    }
    guard old >= 13, version <= newest, model.functions.isEmpty else { throw refusal("a model") }
    var graph = model.graph
    var names = NameAllocator(graph)
    for index in graph.nodes.indices {
      let node = graph.nodes[index]
      guard node.domain.isEmpty || node.domain == "ai.onnx" else { continue }
      guard node.subgraphs.isEmpty else { throw refusal("a nested graph in \(node.opType)") }
      switch node.opType {
      case let name where reductions.contains(name):
        guard old < 18, version >= 18, let axes = node.ints("axes") else { break }
        let constant = names.fresh("axes")
        graph.initializers[constant] = .int64s(axes)
        graph.nodes[index].attributes["axes"] = nil
        graph.nodes[index].inputs = [node.inputs[0], constant]
      case "Split":
        guard old < 18, version >= 18, node.input(1) == nil else { break }
        graph.nodes[index].attributes["num_outputs"] = .int(node.outputs.count)
      case "BatchNormalization":
        guard node.outputs.dropFirst().allSatisfy(\.isEmpty), node.int("training_mode") ?? 0 == 0 else {
          throw refusal("BatchNormalization that trains")
        }
        graph.nodes[index].outputs = Array(node.outputs.prefix(1))
      case "AveragePool":
        guard old >= 19 || node.int("ceil_mode") ?? 0 == 0 else {
          throw refusal("AveragePool that rounds up")
        }
      case "GridSample":
        guard old < 20, version >= 20 else { break }
        switch node.string("mode") ?? "bilinear" {
        case "bilinear": graph.nodes[index].attributes["mode"] = .text("linear")
        case "bicubic": graph.nodes[index].attributes["mode"] = .text("cubic")
        default: break
        }
      case let name where compatible.contains(name): break
      default: throw refusal(node.opType)
      }
    }
    model.graph = graph
    model.opsets[model.opsets[""] != nil ? "" : "ai.onnx"] = Int64(version)
    model.irVersion = max(model.irVersion, version >= 21 ? 10 : version >= 19 ? 9 : 8)
  }
}
