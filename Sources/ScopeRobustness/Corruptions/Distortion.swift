import ScopeBytes
import ScopeData
import ScopeStatistics

/// What storing and stretching do to an image.
enum Distortion {
  /// Small images: as CIFAR-10-C, a random affine map and a smooth field of shifts. Large ones: the field alone, with the
  /// constants that the package `imagecorruptions` scales with the image.
  static func elastic(_ image: Picture, severity: Int, _ generator: inout SplitMix64) -> Picture {
    let level = min(max(severity, 1), 5) - 1
    if image.isSmall {
      let size = Double(min(image.height, image.width))
      let (alpha, sigma, jitter): (Double, Double, Double) = [
        (0, 0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03),
      ][level]
      let turned = affine(image, jitter: size * jitter, &generator)
      return shifted(
        turned, strength: size * alpha, sigma: size * sigma, largest: 1, &generator)
    }
    let alpha = [12.5, 16.25, 21.25, 25, 30][level]
    return shifted(
      image, strength: alpha, sigma: 0.01 * Double(image.height), largest: 0.005 * Double(image.height),
      &generator)
  }

  /// Every pixel from a place nearby; the shifts are smoothed uniform noise up to `largest`, times `strength`.
  private static func shifted(
    _ image: Picture, strength: Double, sigma: Double, largest: Double, _ generator: inout SplitMix64
  ) -> Picture {
    guard strength > 0 else { return image }
    func field(_ generator: inout SplitMix64) -> [Float] {
      let noise = (0..<image.plane).map { _ in Float(largest) * (2 * generator.unit() - 1) }
      return Blur.gaussian(
        Picture(noise, height: image.height, width: image.width), sigma: sigma, truncate: 3,
        border: .symmetric
      ).values
    }
    let (right, down) = (field(&generator), field(&generator))
    var result = image
    for y in 0..<image.height {
      for x in 0..<image.width {
        let index = y * image.width + x
        let row = Double(y) + strength * Double(down[index])
        let column = Double(x) + strength * Double(right[index])
        for channel in 0..<image.channels {
          result[channel, y, x] = Blur.sample(image, channel, row, column, .symmetric)
        }
      }
    }
    return result
  }

  /// Three points around the centre move by up to `jitter` pixels each, and the image with them.
  private static func affine(
    _ image: Picture, jitter: Double, _ generator: inout SplitMix64
  ) -> Picture {
    let (cx, cy) = (Double(image.width / 2), Double(image.height / 2))
    let arm = Double(min(image.height, image.width) / 3)
    let from = [(cx + arm, cy + arm), (cx + arm, cy - arm), (cx - arm, cy - arm)]
    let to = from.map { point in
      (
        point.0 + jitter * (2 * Double(generator.unit()) - 1),
        point.1 + jitter * (2 * Double(generator.unit()) - 1)
      )
    }
    // The map back, from the moved points to the old ones: edges of the triangles.
    let (ax, ay) = (to[0].0 - to[1].0, to[0].1 - to[1].1)
    let (bx, by) = (to[2].0 - to[1].0, to[2].1 - to[1].1)
    let determinant = ax * by - bx * ay
    guard abs(determinant) > 1e-9 else { return image }
    let (px, py) = (from[0].0 - from[1].0, from[0].1 - from[1].1)
    let (qx, qy) = (from[2].0 - from[1].0, from[2].1 - from[1].1)
    var result = image
    for y in 0..<image.height {
      for x in 0..<image.width {
        let (dx, dy) = (Double(x) - to[1].0, Double(y) - to[1].1)
        let s = (dx * by - bx * dy) / determinant
        let t = (ax * dy - dx * ay) / determinant
        let column = from[1].0 + s * px + t * qx
        let row = from[1].1 + s * py + t * qy
        for channel in 0..<image.channels {
          result[channel, y, x] = Blur.sample(image, channel, row, column, .mirror)
        }
      }
    }
    return result
  }

  /// Reduced and enlarged again by boxes, rounded to 8 bits after each pass, as Pillow.
  static func pixelate(_ image: Picture, factor: Double) -> Picture {
    let small = (
      height: max(1, Int(Double(image.height) * factor)), width: max(1, Int(Double(image.width) * factor))
    )
    let reduced = boxed(image, height: small.height, width: small.width)
    return boxed(reduced, height: image.height, width: image.width)
  }

  private static func boxed(_ image: Picture, height: Int, width: Int) -> Picture {
    let columns = (0..<width).map { window($0, source: image.width, target: width) }
    let rows = (0..<height).map { window($0, source: image.height, target: height) }
    func rounded(_ value: Float) -> Float { (value * 255).rounded() / 255 }
    var middle = Picture(
      values: [Float](repeating: 0, count: image.channels * image.height * width), channels: image.channels,
      height: image.height, width: width)
    var result = Picture(
      values: [Float](repeating: 0, count: image.channels * height * width), channels: image.channels,
      height: height, width: width)
    for channel in 0..<image.channels {
      for y in 0..<image.height {
        for (x, range) in columns.enumerated() {
          let sum = range.reduce(Float(0)) { $0 + image[channel, y, $1] }
          middle[channel, y, x] = rounded(sum / Float(range.count))
        }
      }
      for (y, range) in rows.enumerated() {
        for x in 0..<width {
          let sum = range.reduce(Float(0)) { $0 + middle[channel, $1, x] }
          result[channel, y, x] = rounded(sum / Float(range.count))
        }
      }
    }
    return result
  }

  /// The source pixels whose centres lie in the target pixel's box.
  private static func window(_ position: Int, source: Int, target: Int) -> Range<Int> {
    let scale = Double(source) / Double(target)
    let support = 0.5 * max(scale, 1)
    let center = (Double(position) + 0.5) * scale
    let first = max(0, Int(center - support + 0.5))
    let end = min(source, Int(center + support + 0.5))
    return first..<max(end, first + 1)
  }

  /// Stored as a JPEG file and read again.
  static func jpeg(_ image: Picture, quality: Int) throws(ScopeError) -> Picture {
    var pixels = [UInt8](repeating: 0, count: image.plane * 3)
    for index in 0..<image.plane {
      for channel in 0..<3 {
        let value = image.values[min(channel, image.channels - 1) * image.plane + index]
        pixels[3 * index + channel] = UInt8((min(max(value, 0), 1) * 255).rounded())
      }
    }
    let bytes = try ImageEncoder.jpeg(pixels, width: image.width, height: image.height, quality: quality)
    let decoded = try ImageDecoder.decode(bytes)
    var result = image
    for channel in 0..<image.channels {
      for index in 0..<image.plane {
        result.values[channel * image.plane + index] = Float(decoded.rgb[3 * index + channel]) / 255
      }
    }
    return result
  }
}
