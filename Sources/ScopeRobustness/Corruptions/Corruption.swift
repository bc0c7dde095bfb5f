import ScopeBytes

/// A way images go wrong in the world, in five severities.
///
/// Hendrycks & Dietterich 2019, arXiv:1903.12261, with the constants of ImageNet-C for images beyond 64 pixels and of
/// CIFAR-10-C for smaller ones. Applied to the pixels that the model gets, after resizing and cropping, as there.
public enum Corruption: String, Sendable, Hashable, Codable, CaseIterable {
  case gaussianNoise = "gaussian-noise"
  case shotNoise = "shot-noise"
  case impulseNoise = "impulse-noise"
  case defocusBlur = "defocus-blur"
  case glassBlur = "glass-blur"
  case motionBlur = "motion-blur"
  case zoomBlur = "zoom-blur"
  case snow
  /// With a texture that is computed: the paper's photographs of frost are not ours to ship, so figures differ from
  /// published ones.
  case frost
  case fog
  case brightness
  case contrast
  case elastic
  case pixelate
  case jpeg
  // The paper's extra ones, kept for validation there.
  case speckleNoise = "speckle-noise"
  case gaussianBlur = "gaussian-blur"
  case saturate

  public enum Family: String, Sendable, Hashable, Codable {
    case noise, blur, weather, digital
  }

  public var family: Family {
    switch self {
    case .gaussianNoise, .shotNoise, .impulseNoise, .speckleNoise: .noise
    case .defocusBlur, .glassBlur, .motionBlur, .zoomBlur, .gaussianBlur: .blur
    case .snow, .frost, .fog, .brightness: .weather
    case .contrast, .elastic, .pixelate, .jpeg, .saturate: .digital
    }
  }

  /// The fifteen that the mean is taken over.
  public static let standard = allCases.filter { ![.speckleNoise, .gaussianBlur, .saturate].contains($0) }

  /// Name for tables.
  public var title: String {
    switch self {
    case .gaussianNoise: "Gaussian noise"
    case .shotNoise: "Shot noise"
    case .impulseNoise: "Impulse noise"
    case .defocusBlur: "Defocus blur"
    case .glassBlur: "Glass blur"
    case .motionBlur: "Motion blur"
    case .zoomBlur: "Zoom blur"
    case .snow: "Snow"
    case .frost: "Frost (computed)"
    case .fog: "Fog"
    case .brightness: "Brightness"
    case .contrast: "Contrast"
    case .elastic: "Elastic"
    case .pixelate: "Pixelate"
    case .jpeg: "JPEG"
    case .speckleNoise: "Speckle noise"
    case .gaussianBlur: "Gaussian blur"
    case .saturate: "Saturate"
    }
  }

  public static let severities = 1...5

  /// Reads `all` (the standard fifteen), `extra` (all eighteen), a family, or names separated by commas.
  ///
  /// - Throws: `invalidArgument` listing the names that exist.
  public static func list(_ text: String) throws(ScopeError) -> [Corruption] {
    var chosen: [Corruption] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let name = part.filter { $0 != " " }.lowercased()
      switch name {
      case "all": chosen += standard
      case "extra": chosen += allCases
      default:
        let found = allCases.filter { $0.rawValue == name || $0.family.rawValue == name }
        guard !found.isEmpty else {
          throw ScopeError(
            .invalidArgument, "no corruption is called '\(name)'",
            expected: "all, extra, noise, blur, weather, digital, "
              + allCases.map(\.rawValue).joined(separator: ", "), found: name)
        }
        chosen += found
      }
    }
    return allCases.filter(chosen.contains)
  }
}

/// One image while it is corrupted: planes of floats in [0, 1].
package struct Picture: Sendable, Hashable {
  /// [C, H, W].
  package var values: [Float]
  package let channels: Int
  package let height: Int
  package let width: Int

  package init(values: [Float], channels: Int, height: Int, width: Int) {
    self.values = values
    self.channels = channels
    self.height = height
    self.width = width
  }

  init(_ plane: [Float], height: Int, width: Int) {
    self.init(values: plane, channels: 1, height: height, width: width)
  }

  /// Whether the constants of CIFAR-10-C apply.
  var isSmall: Bool { max(height, width) <= 64 }
  var plane: Int { height * width }

  subscript(channel: Int, y: Int, x: Int) -> Float {
    get { values[(channel * height + y) * width + x] }
    set { values[(channel * height + y) * width + x] = newValue }
  }

  func clipped() -> Picture {
    var result = self
    for index in result.values.indices { result.values[index] = min(max(result.values[index], 0), 1) }
    return result
  }

  /// Luma by the weights of BT.601, of the only channel where there is one.
  func grey() -> [Float] {
    guard channels == 3 else { return Array(values.prefix(plane)) }
    return (0..<plane).map {
      0.299 * values[$0] + 0.587 * values[plane + $0] + 0.114 * values[2 * plane + $0]
    }
  }
}
