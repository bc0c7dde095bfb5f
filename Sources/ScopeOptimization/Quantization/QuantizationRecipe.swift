/// Storage type of quantized numbers.
public enum QuantizedType: String, Sendable, Hashable, Codable {
  case uint8
  case int8

  /// Lowest and highest code.
  public var codes: ClosedRange<Int> { self == .uint8 ? 0...255 : -128...127 }
}

/// How far the codes of the weights reach.
public enum WeightRange: String, Sendable, Hashable, Codable {
  /// Codes up to 127 everywhere.
  case full
  /// Codes up to 64 everywhere: two products of a u8 x s8 pair then fit 16 bits.
  case reduced
  /// Codes up to 64 except in depthwise convolutions, whose kernels add in 32 bits and lose most from a coarse step.
  case reducedExceptDepthwise
  /// Each channel's step is the finest for which the two products that processors without VNNI add in 16 bits
  /// (neighbours along the reduction axis) cannot overflow: |q(2k) + q(2k+1)| <= 128. Depthwise stays full.
  case pairBounded
}

/// How the range of an activation is chosen from what calibration saw.
public enum RangeMethod: String, Sendable, Hashable, Codable {
  /// The extreme values.
  case minMax
  /// The range that holds 99.99% of the values.
  case percentile
  /// The range that holds 99.9% of the values.
  case percentile999
  /// The range that holds 99.999% of the values.
  case percentile99999
  /// The range of least Kullback-Leibler divergence, as TensorRT chooses it.
  case entropy
  /// The range with the least mean squared error of rounding and clipping together.
  case leastSquares
}

/// One way to quantize a network.
public struct QuantizationRecipe: Sendable, Hashable, Codable {
  public var activations: QuantizedType
  public var weights: QuantizedType
  public var perChannel: Bool
  public var weightRange: WeightRange
  public var range: RangeMethod
  /// Adds `sum (W - Wq) E[x]` to each bias, so that the mean of every output channel is kept.
  public var biasCorrection: Bool
  /// Values of both signs get codes around zero (zero point 0), as some integer engines demand; for `int8` activations.
  public var symmetricActivations = false
  /// Which groups of operators run in integers.
  public var coverage = Coverage.arithmetic
  /// Nodes that stay in float, by the name of their first output.
  public var floatLayers: Set<String> = []
  /// Values whose range is chosen by another method than ``range``, by name.
  public var valueRanges: [String: RangeMethod] = [:]
  /// How weights are brought to their codes; other than to the nearest needs OpenBLAS.
  public var rounding: WeightRounding

  public init(
    activations: QuantizedType = .uint8, weights: QuantizedType = .int8, perChannel: Bool = true,
    weightRange: WeightRange = .full, range: RangeMethod = .minMax, biasCorrection: Bool = false,
    rounding: WeightRounding = .nearest
  ) {
    self.activations = activations
    self.weights = weights
    self.perChannel = perChannel
    self.weightRange = weightRange
    self.range = range
    self.biasCorrection = biasCorrection
    self.rounding = rounding
  }

  /// Short name in reports, such as `u8s8 per-channel pair-bounded +bias`.
  public var name: String {
    var parts = [kernel, perChannel ? "per-channel" : "per-tensor"]
    switch weightRange {
    case .full: break
    case .reduced: parts.append("7-bit")
    case .reducedExceptDepthwise: parts.append("7-bit, depthwise 8-bit")
    case .pairBounded: parts.append("pair-bounded")
    }
    switch range {
    case .minMax: break
    case .percentile: parts.append("percentile")
    case .percentile999: parts.append("percentile 99.9")
    case .percentile99999: parts.append("percentile 99.999")
    case .entropy: parts.append("entropy")
    case .leastSquares: parts.append("least-squares ranges")
    }
    if biasCorrection { parts.append("bias-corrected") }
    if symmetricActivations { parts.append("symmetric") }
    switch coverage {
    case .layers: parts.append("layers only")
    case .arithmetic: break
    case .products: parts.append("with product outputs")
    case .attention: parts.append("with attention")
    }
    if !floatLayers.isEmpty { parts.append("\(floatLayers.count) in float") }
    if !valueRanges.isEmpty { parts.append("\(valueRanges.count) ranges of their own") }
    if rounding != .nearest { parts.append("\(rounding.rawValue) rounding") }
    return parts.joined(separator: " ")
  }

  /// Whether x86 processors without VNNI, which add pairs of u8 x s8 products in 16 bits, may saturate.
  public var canSaturate: Bool { activations == .uint8 && weights == .int8 && weightRange == .full }

  /// `u8s8`, `s8s8` or `u8u8`.
  var kernel: String { (activations == .uint8 ? "u8" : "s8") + (weights == .int8 ? "s8" : "u8") }

  /// What decides the speed: the types and which operators they cover, not the numbers.
  var kernels: String {
    var parts = [kernel, perChannel ? "per-channel" : "per-tensor"]
    if coverage != .arithmetic { parts.append(coverage.rawValue) }
    if !floatLayers.isEmpty { parts.append("float " + floatLayers.sorted().joined(separator: ",")) }
    return parts.joined(separator: " ")
  }

  /// Whether weights would have zero points per channel, which falls into a slow kernel of ONNX Runtime.
  public var hasSlowKernel: Bool { weights == .uint8 && perChannel }

  /// The recipe in words, for the list of techniques applied.
  var techniques: [String] {
    var list = [
      "INT8 static quantization, QDQ form (\(activations.rawValue) activations, \(weights.rawValue) weights, "
        + "\(perChannel ? "one scale per output channel" : "one scale per tensor"))"
    ]
    switch weightRange {
    case .full: break
    case .reduced: list.append("7-bit weight range")
    case .reducedExceptDepthwise: list.append("7-bit weight range, 8-bit in depthwise convolutions")
    case .pairBounded: list.append("Weight steps bounded per channel against 16-bit saturation")
    }
    switch range {
    case .minMax: list.append("Activation ranges from the extremes seen in calibration")
    case .percentile: list.append("Activation ranges holding 99.99% of the calibration values")
    case .percentile999: list.append("Activation ranges holding 99.9% of the calibration values")
    case .percentile99999: list.append("Activation ranges holding 99.999% of the calibration values")
    case .entropy: list.append("Activation ranges of least Kullback-Leibler divergence (entropy calibration)")
    case .leastSquares: list.append("Activation ranges of least squared error on the calibration values")
    }
    if biasCorrection { list.append("Closed-form bias correction") }
    if symmetricActivations { list.append("Activations of both signs symmetric around zero") }
    switch coverage {
    case .layers: list.append("Only layers with weights run in integers")
    case .arithmetic: break
    case .products: list.append("Outputs of matrix products are rounded too")
    case .attention: list.append("Products of activations and Softmax run in integers too")
    }
    if !floatLayers.isEmpty {
      list.append("Left in float: \(floatLayers.sorted().joined(separator: ", "))")
    }
    if !valueRanges.isEmpty { list.append("\(valueRanges.count) activation ranges chosen one by one") }
    if let technique = rounding.technique { list.append(technique) }
    return list
  }
}
