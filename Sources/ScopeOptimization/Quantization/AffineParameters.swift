/// `real = scale * (code - zeroPoint)` for a whole tensor.
public struct AffineParameters: Sendable, Hashable {
  public var scale: Float
  public var zeroPoint: Int
  public var type: QuantizedType

  public init(scale: Float, zeroPoint: Int, type: QuantizedType) {
    self.scale = scale
    self.zeroPoint = zeroPoint
    self.type = type
  }

  /// Parameters whose codes span `[minimum, maximum]` widened to hold zero exactly.
  ///
  /// Same arithmetic as `onnxruntime.quantization.quant_utils.compute_scale_zp`: scale = (max - min) / 255, zero point
  /// = round-half-even(lowest code - min / scale). A range without width gets scale 1.
  public init(minimum: Float, maximum: Float, type: QuantizedType) {
    let low = min(minimum, 0)
    let high = max(maximum, 0)
    let codes = type.codes
    let scale = Float((Double(high) - Double(low)) / Double(codes.upperBound - codes.lowerBound))
    self.type = type
    guard scale >= .leastNormalMagnitude, scale.isFinite else {
      self.scale = 1
      zeroPoint = codes.lowerBound
      return
    }
    self.scale = scale
    let point = (Double(codes.lowerBound) - Double(low) / Double(scale)).rounded(.toNearestOrEven)
    zeroPoint = min(max(Int(point), codes.lowerBound), codes.upperBound)
  }

  /// Parameters whose codes lie around zero: zero point 0 and scale `max(|min|, |max|) / 127` for `int8`; for `uint8`,
  /// zero point 128 and the same scale.
  public init(symmetric minimum: Float, _ maximum: Float, type: QuantizedType) {
    let scale = Float(Double(max(abs(minimum), abs(maximum))) / 127)
    self.type = type
    self.scale = scale >= .leastNormalMagnitude && scale.isFinite ? scale : 1
    zeroPoint = type == .int8 ? 0 : 128
  }

  /// The lowest and highest real number with a code.
  public var realRange: ClosedRange<Float> {
    scale * Float(type.codes.lowerBound - zeroPoint)...scale * Float(type.codes.upperBound - zeroPoint)
  }
}
