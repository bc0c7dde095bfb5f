import ScopeBytes

/// How an image file becomes the model's input: resize, centre crop, normalise. Part of the model under test:
/// the wrong constants cost EfficientNet-Lite0 eleven points of accuracy without any error message.
public struct Preprocessing: Sendable, Hashable, Codable {
  /// Height and width in pixels.
  public struct Size: Sendable, Hashable, Codable {
    public var height: Int
    public var width: Int

    public init(height: Int, width: Int) {
      self.height = height
      self.width = width
    }
  }

  /// Preset name, or "custom".
  public var name: String
  /// Length of the shorter side after the resize, in pixels; nil keeps the image's own size.
  public var resize: Int?
  public var interpolation: Interpolation
  /// Centre crop; nil keeps the whole image.
  public var crop: Size?
  public var normalization: Normalization

  public init(
    name: String, resize: Int?, interpolation: Interpolation, crop: Size?, normalization: Normalization
  ) {
    self.name = name
    self.resize = resize
    self.interpolation = interpolation
    self.crop = crop
    self.normalization = normalization
  }

  private static let imagenetConstants = Normalization(
    mean: [0.485, 0.456, 0.406], standardDeviation: [0.229, 0.224, 0.225])

  /// torchvision's classification transform: 256 bilinear, crop 224, ImageNet mean and deviation.
  public static let imagenet = Preprocessing(
    name: "imagenet", resize: 256, interpolation: .bilinear, crop: Size(height: 224, width: 224),
    normalization: imagenetConstants)

  /// TensorFlow-trained EfficientNet-Lite: 256 bicubic, crop 224, mean 127/255, deviation 128/255.
  public static let tf = Preprocessing(
    name: "tf", resize: 256, interpolation: .bicubic, crop: Size(height: 224, width: 224),
    normalization: Normalization(
      mean: [Float](repeating: 127.0 / 255, count: 3),
      standardDeviation: [Float](repeating: 128.0 / 255, count: 3)))

  /// 32 x 32 images with ImageNet mean and deviation, as the CIFAR ResNets of akamaster/pytorch_resnet_cifar10.
  public static let cifar = Preprocessing(
    name: "cifar", resize: 32, interpolation: .bilinear, crop: Size(height: 32, width: 32),
    normalization: imagenetConstants)

  /// Pixels in [0, 1] as they are.
  public static let none = Preprocessing(
    name: "none", resize: nil, interpolation: .bilinear, crop: nil,
    normalization: Normalization(mean: [0, 0, 0], standardDeviation: [1, 1, 1]))

  public static let presets = [imagenet, tf, cifar, none]

  /// The preset called `name`.
  ///
  /// - Throws: `invalidArgument` naming the presets there are.
  public static func preset(_ name: String) throws(ScopeError) -> Preprocessing {
    guard let preset = presets.first(where: { $0.name == name }) else {
      throw ScopeError(
        .invalidArgument, "there is no preprocessing preset \"\(name)\"",
        expected: presets.map(\.name).joined(separator: ", "))
    }
    return preset
  }

  /// A base with some values replaced, as given on a command line.
  ///
  /// - Parameters:
  ///   - mean, standardDeviation: one or three comma-separated numbers in units of the [0, 1] pixel range;
  ///     fractions such as `127/255` are understood.
  ///   - resize: shorter side in pixels, or "none".
  ///   - crop: `224` or `HEIGHTxWIDTH`, or "none".
  ///   - interpolation: bilinear or bicubic.
  /// - Throws: `invalidArgument` naming the value.
  public static func custom(
    basedOn base: Preprocessing, mean: String? = nil, standardDeviation: String? = nil, resize: String? = nil,
    crop: String? = nil, interpolation: String? = nil
  ) throws(ScopeError) -> Preprocessing {
    var result = base
    if let mean { result.normalization.mean = try constants(mean, what: "mean") }
    if let standardDeviation {
      result.normalization.standardDeviation = try constants(standardDeviation, what: "standard deviation")
      guard result.normalization.standardDeviation.allSatisfy({ $0 > 0 }) else {
        throw ScopeError(.invalidArgument, "a standard deviation must be above 0", found: standardDeviation)
      }
    }
    if let resize { result.resize = resize == "none" ? nil : try side(resize, what: "resize") }
    if let crop { result.crop = crop == "none" ? nil : try size(crop) }
    if let interpolation {
      guard let kernel = Interpolation(rawValue: interpolation) else {
        throw ScopeError(
          .invalidArgument, "there is no interpolation \"\(interpolation)\"",
          expected: Interpolation.allCases.map(\.rawValue).joined(separator: " or "))
      }
      result.interpolation = kernel
    }
    if let resize = result.resize, let crop = result.crop, max(crop.height, crop.width) > resize {
      throw ScopeError(
        .invalidArgument, "the crop is larger than the resized image",
        expected: "a crop of at most \(resize) x \(resize)", found: "\(crop.height) x \(crop.width)",
        remedy: "Raise the resize or lower the crop")
    }
    if result != base { result.name = "custom" }
    return result
  }

  /// The same preprocessing for a model with a fixed input size: the crop becomes that size and the resize keeps
  /// its ratio to the crop (256 / 224 gives 341 for a 299 x 299 model). Unchanged when the sizes agree or
  /// nothing is cropped.
  public func adapted(to input: Size?) -> Preprocessing {
    guard let input, let crop, crop != input, input.height > 0, input.width > 0 else { return self }
    var result = self
    result.crop = input
    if let resize {
      let ratio = Double(resize) / Double(max(crop.height, crop.width))
      result.resize = Int((Double(max(input.height, input.width)) * ratio).rounded(.down))
    }
    return result
  }

  /// One sentence without a full stop: what happens to an image.
  public var describe: String {
    var steps: [String] = []
    if let resize {
      steps.append("shorter side resized to \(resize) (\(interpolation.rawValue), antialiased)")
    }
    if let crop { steps.append("centre crop \(crop.height) x \(crop.width)") }
    if normalization.mean.allSatisfy({ $0 == 0 }), normalization.standardDeviation.allSatisfy({ $0 == 1 }) {
      steps.append("pixels in [0, 1], not normalised")
    } else {
      steps.append(
        "mean \(Preprocessing.list(normalization.mean)), standard deviation "
          + Preprocessing.list(normalization.standardDeviation))
    }
    return "\(name): " + steps.joined(separator: ", ")
  }

  /// At most four decimals; one number when all channels agree.
  private static func list(_ values: [Float]) -> String {
    let texts = values.map { value in "\((Double(value) * 10000).rounded() / 10000)" }
    return Set(texts).count == 1 ? texts[0] : texts.joined(separator: "/")
  }

  private static func constants(_ text: String, what: String) throws(ScopeError) -> [Float] {
    var values: [Float] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let factors = part.split(separator: "/", maxSplits: 1).map { Double(String($0.filter { $0 != " " })) }
      guard let first = factors.first ?? nil, let divisor = factors.count == 2 ? factors[1] : 1, divisor != 0,
        (first / divisor).isFinite
      else {
        throw ScopeError(
          .invalidArgument, "the \(what) is not a list of numbers", expected: "for example 0.5,0.5,0.5",
          found: text)
      }
      values.append(Float(first / divisor))
    }
    guard values.count == 1 || values.count == 3 else {
      throw ScopeError(.invalidArgument, "the \(what) needs one or three numbers", found: text)
    }
    return values.count == 1 ? [Float](repeating: values[0], count: 3) : values
  }

  private static func side(_ text: some StringProtocol, what: String) throws(ScopeError) -> Int {
    guard let value = Int(text), (1...8192).contains(value) else {
      throw ScopeError(
        .invalidArgument, "the \(what) is not a size", expected: "1 to 8192 pixels", found: String(text))
    }
    return value
  }

  private static func size(_ text: String) throws(ScopeError) -> Size {
    let parts = text.split(separator: "x", omittingEmptySubsequences: false)
    guard parts.count <= 2, let first = parts.first, let last = parts.last else {
      throw ScopeError(
        .invalidArgument, "the crop is not a size", expected: "224 or HEIGHTxWIDTH", found: text)
    }
    return Size(height: try side(first, what: "crop"), width: try side(last, what: "crop"))
  }
}
