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

  /// The lowest and highest real number with a code.
  public var realRange: ClosedRange<Float> {
    scale * Float(type.codes.lowerBound - zeroPoint)...scale * Float(type.codes.upperBound - zeroPoint)
  }
}
