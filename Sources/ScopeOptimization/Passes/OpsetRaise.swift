import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Rewrites a graph of an older operator set (7 to 12) for operator set 13, which per-channel dequantization needs.
///
/// Only operators whose meaning is known not to have changed, or whose change is a mere move of an attribute to an
/// input, are converted; anything else is refused.
enum OpsetRaise {
  /// Default-domain operators that mean the same in every set from 7 to 13.
  private static let unchanged: Set<String> = [
    "Conv", "ConvTranspose", "Gemm", "MatMul", "Add", "Sub", "Mul", "Div", "Relu", "LeakyRelu", "PRelu",
    "Sigmoid",
    "Tanh", "Elu", "Selu", "HardSigmoid", "Exp", "Log", "Sqrt", "Neg", "Abs", "Reciprocal", "Pow", "Concat",
    "Reshape",
    "Transpose", "Flatten", "GlobalAveragePool", "GlobalMaxPool", "MaxPool", "AveragePool", "LRN", "Identity",
    "Shape",
    "Gather", "Cast", "ReduceMean", "ReduceMax", "ReduceMin", "DepthToSpace", "SpaceToDepth",
    "InstanceNormalization",
    "Constant", "Sum", "Max", "Min", "Expand", "Erf", "Softplus", "Softsign",
    // Later versions took more element types or negative axes only.
    "Acos", "Acosh", "And", "ArgMax", "ArgMin", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Compress",
    "ConstantOfShape", "Cos", "Cosh", "CumSum", "Equal", "EyeLike", "Floor", "GRU", "GatherElements",
    "GatherND", "GlobalLpPool", "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "LSTM", "Less",
    "LessOrEqual", "LpNormalization", "LpPool", "Mean", "MeanVarianceNormalization", "Mod", "NonZero", "Not",
    "OneHot", "Or", "RNN", "Range", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceProd",
    "ReduceSumSquare", "ReverseSequence", "Round", "ScatterElements", "ScatterND", "Shrink", "Sign", "Sin",
    "Sinh", "Size", "Tan", "ThresholdedRelu", "Tile", "Where", "Xor",
  ]

  /// - Parameter version: up to 21; beyond 13 by ``raiseNewer(_:to:)``.
  /// - Throws: `unsupported` naming the operator that cannot be converted.
  static func raise(_ model: inout Model, to version: Int) throws(ScopeError) {
    if version > 13 {
      var raised = model
      try raise(&raised, to: 13)
      try raiseNewer(&raised, to: version)
      model = raised
      return
    }
    let old = model.opset
    guard old < version else { return }
    guard old >= 7, model.functions.isEmpty else { throw refusal("operator set \(old)") }
    var graph = model.graph
    var names = NameAllocator(graph)
    for index in graph.nodes.indices {
      let node = graph.nodes[index]
      guard node.domain.isEmpty || node.domain == "ai.onnx" else { continue }
      guard node.subgraphs.isEmpty else { throw refusal("a nested graph in \(node.opType)") }
      func addInput(_ position: Int, _ tensor: Tensor, _ stem: String) {
        let name = names.fresh(stem)
        graph.initializers[name] = tensor
        while graph.nodes[index].inputs.count <= position { graph.nodes[index].inputs.append("") }
        graph.nodes[index].inputs[position] = name
      }
      switch node.opType {
      case "Clip" where old < 11:
        graph.nodes[index].attributes = [:]
        if let low = node.float("min") { addInput(1, .floats([low], []), "clip_min") }
        if let high = node.float("max") { addInput(2, .floats([high], []), "clip_max") }
      case "Pad" where old < 11:
        graph.nodes[index].attributes["pads"] = nil
        graph.nodes[index].attributes["value"] = nil
        addInput(1, .int64s(node.ints("pads") ?? []), "pads")
        if let value = node.float("value"), value != 0 { addInput(2, .floats([value], []), "pad_value") }
      case "Slice" where old < 10:
        graph.nodes[index].attributes = [:]
        addInput(1, .int64s(node.ints("starts") ?? []), "starts")
        addInput(2, .int64s(node.ints("ends") ?? []), "ends")
        if let axes = node.ints("axes") { addInput(3, .int64s(axes), "axes") }
      case "Squeeze", "Unsqueeze":
        guard let axes = node.ints("axes") else { break }
        graph.nodes[index].attributes["axes"] = nil
        addInput(1, .int64s(axes), "axes")
      case "ReduceSum":
        guard let axes = node.ints("axes") else { break }
        graph.nodes[index].attributes["axes"] = nil
        addInput(1, .int64s(axes), "axes")
      case "Split":
        guard let sizes = node.ints("split") else { break }
        graph.nodes[index].attributes["split"] = nil
        addInput(1, .int64s(sizes), "split")
      case "BatchNormalization":
        guard node.int("spatial") ?? 1 == 1, node.outputs.dropFirst().allSatisfy(\.isEmpty) else {
          throw refusal("BatchNormalization that trains")
        }
        graph.nodes[index].attributes["spatial"] = nil
      case "Softmax", "LogSoftmax":
        // Before 13 the input was flattened to two dimensions at `axis`; equal only for the last axis of a matrix, so
        // the flattening is written out: a classifier's scores are a matrix already.
        guard node.int("axis") ?? 1 == 1 || node.int("axis") == -1 else {
          throw refusal("\(node.opType) over axis \(node.int("axis") ?? 1)")
        }
        graph.nodes[index].attributes["axis"] = .int(-1)
        guard Self.isMatrix(node.inputs[0], graph) else {
          throw refusal("\(node.opType) of a tensor that may not be a matrix")
        }
      case "Clip", "Pad", "Slice": break
      // From 11 on the coordinates are told by attributes; before, they were those of Upsample.
      case "Resize" where old >= 11: break
      case "TopK" where old >= 10: break
      case let name where unchanged.contains(name): break
      default: throw refusal(node.opType)
      }
    }
    model.graph = graph
    model.opsets[model.opsets[""] != nil ? "" : "ai.onnx"] = Int64(version)
    model.irVersion = max(model.irVersion, 7)
  }

  /// Whether the value surely has rank 2.
  private static func isMatrix(_ value: String, _ graph: Graph) -> Bool {
    if let producer = graph.producers[value] {
      let node = graph.nodes[producer]
      if node.isStandard("Gemm") || node.isStandard("Flatten") { return true }
    }
    return (graph.valueInfo + graph.inputs).first { $0.name == value }?.shape?.rank == 2
  }

  private static func refusal(_ what: String) -> ScopeError {
    ScopeError(
      .unsupported, "the model's operator set is older than 13 and \(what) is not converted",
      remedy: "Export the model again with opset_version=13 or later")
  }
}
