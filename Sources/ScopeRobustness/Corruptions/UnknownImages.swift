import ScopeStatistics

/// Images that show nothing the model was trained on.
public enum UnknownKind: String, Sendable, Hashable, Codable, CaseIterable {
  case uniformNoise = "Uniform noise"
  case gaussianNoise = "Gaussian noise"
  case singleColour = "One colour"
  /// Pieces of the data's own images in another order: its colours and edges without its objects.
  case shuffledPieces = "Pieces in another order"

  /// Pieces per side.
  private static let pieces = 4

  /// As many images as `pixels` [n, C, H, W] holds.
  func images(
    like pixels: [Float], channels: Int, height: Int, width: Int, _ generator: inout SplitMix64
  ) -> [Float] {
    switch self {
    case .uniformNoise: return pixels.map { _ in generator.unit() }
    case .gaussianNoise: return pixels.map { _ in min(max(0.5 + 0.25 * generator.normal(), 0), 1) }
    case .singleColour:
      let plane = max(height * width, 1)
      var result = pixels
      for start in stride(from: 0, to: pixels.count, by: plane) {
        let value = generator.unit()
        for index in start..<start + plane { result[index] = value }
      }
      return result
    case .shuffledPieces:
      let (tall, wide) = (height / Self.pieces, width / Self.pieces)
      guard tall > 0, wide > 0 else { return pixels }
      var result = pixels
      let size = channels * height * width
      for start in stride(from: 0, to: pixels.count, by: size) {
        let order = Array(0..<Self.pieces * Self.pieces).shuffled(using: &generator)
        for (target, source) in order.enumerated() {
          for channel in 0..<channels {
            for row in 0..<tall {
              let to = start + (channel * height + target / Self.pieces * tall + row) * width
              let from = start + (channel * height + source / Self.pieces * tall + row) * width
              for column in 0..<wide {
                result[to + target % Self.pieces * wide + column] =
                  pixels[from + source % Self.pieces * wide + column]
              }
            }
          }
        }
      }
      return result
    }
  }
}

/// How sure the model is of what it cannot know (the largest softmax probability as a detector: Hendrycks & Gimpel 2017,
/// arXiv:1610.02136).
public struct UnknownResult: Sendable, Hashable {
  /// From this on a prediction counts as confident.
  public static let confidence = 0.9

  public var kind: UnknownKind
  public var images: Int
  public var meanConfidence: Double
  /// On as many of the data's images.
  public var knownConfidence: Double
  /// Unknown images with a confident prediction.
  public var confident: MeasuredAccuracy
  /// The chance that a known image gets a higher confidence than an unknown one: 0.5 tells nothing apart, 1 everything.
  public var separation: Double
}
