/// How the images an architecture was published with are prepared, as plain values.
public struct PreprocessingDefaults: Sendable, Hashable, Codable {
  public enum Interpolation: String, Sendable, Hashable, Codable {
    case bilinear
    case bicubic
  }

  /// The preset with these normalisation constants: `imagenet`, `tf` or `cifar`.
  public var preset: String
  /// The shorter side is resized to this many pixels; nil: no resize.
  public var resize: Int?
  /// Side of the square centre crop in pixels; nil: no crop.
  public var crop: Int?
  /// Nil when nothing is resized.
  public var interpolation: Interpolation?
  /// Per channel (red, green, blue), in units of the [0, 1] pixel range.
  public var mean: [Float]
  /// Per channel (red, green, blue), in units of the [0, 1] pixel range.
  public var standardDeviation: [Float]

  /// Mean and standard deviation of the ImageNet training pixels, as torchvision rounds them.
  static let imageNetMean: [Float] = [0.485, 0.456, 0.406]
  static let imageNetStandardDeviation: [Float] = [0.229, 0.224, 0.225]

  /// torchvision's classification preset: resize 256, crop 224.
  static let imageNet = PreprocessingDefaults(
    preset: "imagenet", resize: 256, crop: 224, interpolation: .bilinear, mean: imageNetMean,
    standardDeviation: imageNetStandardDeviation)

  /// Images at their own 32 x 32 pixels, normalised with the ImageNet constants.
  static let cifar = PreprocessingDefaults(
    preset: "cifar", resize: nil, crop: nil, interpolation: nil, mean: imageNetMean,
    standardDeviation: imageNetStandardDeviation)

  /// TensorFlow's EfficientNet-Lite input: (pixel - 127) / 128 with pixels 0...255; a margin of 32 pixels is
  /// cropped away after the bicubic resize (`CROP_PADDING` of the reference implementation).
  static func tensorFlow(size: Int) -> PreprocessingDefaults {
    PreprocessingDefaults(
      preset: "tf", resize: size + 32, crop: size, interpolation: .bicubic,
      mean: [Float](repeating: 127.0 / 255, count: 3),
      standardDeviation: [Float](repeating: 128.0 / 255, count: 3))
  }
}
