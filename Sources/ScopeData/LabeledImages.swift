import ScopeBytes

/// Per-channel normalisation applied to pixels in [0, 1]: `(x - mean) / standardDeviation`.
public struct Normalization: Sendable, Hashable, Codable {
  /// One value per channel, in units of the [0, 1] pixel range.
  public var mean: [Float]
  public var standardDeviation: [Float]

  public init(mean: [Float], standardDeviation: [Float]) {
    self.mean = mean
    self.standardDeviation = standardDeviation
  }
}

/// Decoded images of one size with their labels, in pixel space.
public struct LabeledImages: Sendable {
  public enum Pixels: Sendable {
    /// [N, C, H, W], 0...255.
    case bytes([UInt8])
    /// [N, C, H, W], in [0, 1].
    case floats([Float])
  }

  public let channels: Int
  public let height: Int
  public let width: Int
  public let pixels: Pixels
  /// Class index per image.
  public let labels: [Int]
  /// File name (relative) per image.
  public let names: [String]

  /// - Throws: `invalidData` when the counts do not agree.
  public init(
    channels: Int, height: Int, width: Int, pixels: Pixels, labels: [Int], names: [String]
  ) throws(ScopeError) {
    let wanted = try checkedProduct([labels.count, channels, height, width], what: "image array")
    let found =
      switch pixels {
      case .bytes(let values): values.count
      case .floats(let values): values.count
      }
    guard wanted == found, names.count == labels.count else {
      throw ScopeError(
        .invalidData, "the image array does not fit its labels",
        expected: "\(labels.count) x \(channels) x \(height) x \(width) = \(wanted) values", found: "\(found)"
      )
    }
    self.channels = channels
    self.height = height
    self.width = width
    self.pixels = pixels
    self.labels = labels
    self.names = names
  }

  public var count: Int { labels.count }
  /// Values of one image: C x H x W.
  public var imageSize: Int { channels * height * width }

  /// Images `indices` as [n, C, H, W] in [0, 1].
  public func pixelValues(_ indices: some Collection<Int>) -> [Float] {
    var result: [Float] = []
    result.reserveCapacity(indices.count * imageSize)
    for index in indices {
      let range = index * imageSize..<(index + 1) * imageSize
      switch pixels {
      case .bytes(let values): for value in values[range] { result.append(Float(value) / 255) }
      case .floats(let values): result.append(contentsOf: values[range])
      }
    }
    return result
  }

  /// Images `indices` as [n, C, H, W] after `normalization`: what the model itself takes.
  public func normalizedValues(_ indices: some Collection<Int>, _ normalization: Normalization) -> [Float] {
    var result = pixelValues(indices)
    let plane = height * width
    for start in stride(from: 0, to: result.count, by: plane) {
      let channel = start / plane % channels
      let mean = normalization.mean[channel % normalization.mean.count]
      let scale = 1 / normalization.standardDeviation[channel % normalization.standardDeviation.count]
      for position in start..<start + plane { result[position] = (result[position] - mean) * scale }
    }
    return result
  }
}
