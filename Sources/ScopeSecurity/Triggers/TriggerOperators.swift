/// The operators that the search for triggers tells apart, by what they do to a ``TriggerFlow``.
enum TriggerOperators {
  /// Results depend on shapes alone.
  static let shapeOnly: Set<String> = [
    "Shape", "Size", "ConstantOfShape", "Range", "EyeLike", "RandomNormalLike",
  ]

  /// Comparisons: what they return is a switch.
  static let comparisons: Set<String> = [
    "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "IsNaN", "IsInf", "StringNormalizer",
  ]

  /// Operators by which arithmetic imitates a comparison: their result saturates or jumps.
  static let saturating: Set<String> = [
    "Clip", "Relu", "Sign", "Sigmoid", "HardSigmoid", "Tanh", "Erf", "Floor", "Ceil", "Round", "Mod", "Exp",
    "ThresholdedRelu", "Softmax", "Hardmax", "OneHot", "ArgMax", "ArgMin", "TopK", "Not", "And", "Or", "Xor",
    "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitShift", "Shrink", "LeakyRelu", "Celu", "Elu", "HardSwish",
    "QuantizeLinear",
  ]

  /// Operators that leave fewer elements than they are given.
  static let reducing: Set<String> = [
    "ReduceMax", "ReduceMin", "ReduceSum", "ReduceMean", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum",
    "ReduceLogSumExp", "ReduceSumSquare", "ArgMax", "ArgMin", "TopK", "GlobalAveragePool", "GlobalMaxPool",
    "GlobalLpPool",
  ]

  /// Operators whose result meets all operands element by element.
  static let merging: Set<String> = ["Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Pow", "Mean"]

  static let selecting: Set<String> = [
    "Gather", "GatherND", "GatherElements", "Slice", "Compress", "SequenceAt", "MatMul", "Einsum", "Gemm",
  ]

  static let scattering: Set<String> = ["ScatterND", "ScatterElements", "Scatter", "TensorScatter"]

  /// Trained layers whatever their operands.
  static let layers: Set<String> = [
    "LSTM", "GRU", "RNN", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger", "ConvTranspose",
    "DeformConv", "Attention",
  ]

  /// Standard operators of two operands that may be a trained layer.
  static let products: Set<String> = ["Conv", "MatMul", "Gemm", "Einsum"]

  /// Operators that only arrange or convert elements.
  static let arranging: Set<String> = [
    "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose", "Expand", "Tile", "Identity", "Cast",
    "CastLike",
    "DequantizeLinear", "Dropout",
  ]
}
