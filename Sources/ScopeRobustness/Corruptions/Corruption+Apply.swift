import Glibc
import ScopeBytes
import ScopeData
import ScopeStatistics

extension Corruption {
  /// - Parameters:
  ///   - severity: 1...5.
  ///   - generator: of everything random.
  /// - Returns: values in [0, 1].
  /// - Throws: what the JPEG encoder says.
  package func apply(
    _ image: Picture, severity: Int, _ generator: inout SplitMix64
  ) throws(ScopeError) -> Picture {
    /// The constant of this severity, for large and for small images.
    func pick<Value>(_ large: [Value], _ small: [Value]) -> Value {
      (image.isSmall ? small : large)[min(max(severity, 1), 5) - 1]
    }
    var result = image
    switch self {
    case .gaussianNoise:
      let scale: Float = pick([0.08, 0.12, 0.18, 0.26, 0.38], [0.04, 0.06, 0.08, 0.09, 0.1])
      for index in result.values.indices { result.values[index] += scale * generator.normal() }
    case .speckleNoise:
      let scale: Float = pick([0.15, 0.2, 0.35, 0.45, 0.6], [0.06, 0.1, 0.12, 0.16, 0.2])
      for index in result.values.indices {
        result.values[index] += result.values[index] * scale * generator.normal()
      }
    case .shotNoise:
      let photons: Double = pick([60, 25, 12, 5, 3], [500, 250, 100, 75, 50])
      for index in result.values.indices {
        result.values[index] = Float(
          Double(generator.poisson(Double(result.values[index]) * photons)) / photons)
      }
    case .impulseNoise:
      let amount: Float = pick([0.03, 0.06, 0.09, 0.17, 0.27], [0.01, 0.02, 0.03, 0.05, 0.07])
      for index in result.values.indices where generator.unit() < amount {
        result.values[index] = generator.next() & 1 == 0 ? 0 : 1
      }
    case .gaussianBlur:
      result = Blur.gaussian(image, sigma: pick([1, 2, 3, 4, 6], [0.4, 0.6, 0.7, 0.8, 1]))
    case .defocusBlur:
      let (radius, alias): (Double, Double) = pick(
        [(3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)],
        [(0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)])
      result = Blur.defocus(image, radius: radius, alias: alias)
    case .glassBlur:
      let (sigma, delta, rounds): (Double, Int, Int) = pick(
        [(0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)],
        [(0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)])
      result = Blur.glass(image, sigma: sigma, delta: delta, rounds: rounds, &generator)
    case .motionBlur:
      let (radius, sigma): (Int, Double) = pick(
        [(10, 3), (15, 5), (15, 8), (15, 12), (20, 15)], [(6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)])
      result = Blur.motion(
        image, radius: radius, sigma: sigma, degrees: Double(generator.unit()) * 90 - 45)
    case .zoomBlur:
      let (step, end): (Double, Double) = pick(
        [(0.01, 1.11), (0.01, 1.16), (0.02, 1.21), (0.02, 1.26), (0.03, 1.31)],
        [(0.01, 1.06), (0.01, 1.11), (0.01, 1.16), (0.01, 1.21), (0.01, 1.26)])
      result = Blur.zoom(image, step: step, end: end)
    case .fog:
      let (amount, decay): (Float, Double) = pick(
        [(1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)],
        [(0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75)])
      result = Weather.fog(image, amount: amount, decay: decay, &generator)
    case .frost:
      let (kept, added): (Float, Float) = pick(
        [(1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)],
        [(1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)])
      result = Weather.frost(image, kept: kept, added: added, &generator)
    case .snow:
      let settings: Weather.Snow = pick(
        [
          .init(0.1, 0.3, 3, 0.5, 10, 4, 0.8), .init(0.2, 0.3, 2, 0.5, 12, 4, 0.7),
          .init(0.55, 0.3, 4, 0.9, 12, 8, 0.7), .init(0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
          .init(0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
        ],
        [
          .init(0.1, 0.2, 1, 0.6, 8, 3, 0.95), .init(0.1, 0.2, 1, 0.5, 10, 4, 0.9),
          .init(0.15, 0.3, 1.75, 0.55, 10, 4, 0.9), .init(0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
          .init(0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
        ])
      result = Weather.snow(image, settings, &generator)
    case .brightness:
      let amount: Float = pick([0.1, 0.2, 0.3, 0.4, 0.5], [0.05, 0.1, 0.15, 0.2, 0.3])
      result = Colour.mapped(image) { _, saturation, value in (saturation, min(value + amount, 1)) }
    case .saturate:
      let (factor, offset): (Float, Float) = pick(
        [(0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)],
        [(0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2)])
      result = Colour.mapped(image) { _, saturation, value in
        (min(max(saturation * factor + offset, 0), 1), value)
      }
    case .contrast:
      let factor: Float = pick([0.4, 0.3, 0.2, 0.1, 0.05], [0.75, 0.5, 0.4, 0.3, 0.15])
      for channel in 0..<image.channels {
        let range = channel * image.plane..<(channel + 1) * image.plane
        let mean = Float(image.values[range].reduce(0.0) { $0 + Double($1) } / Double(max(image.plane, 1)))
        for index in range { result.values[index] = (image.values[index] - mean) * factor + mean }
      }
    case .elastic: result = Distortion.elastic(image, severity: severity, &generator)
    case .pixelate:
      result = Distortion.pixelate(
        image, factor: pick([0.6, 0.5, 0.4, 0.3, 0.25], [0.95, 0.9, 0.85, 0.75, 0.65]))
    case .jpeg:
      result = try Distortion.jpeg(image, quality: pick([25, 18, 15, 10, 7], [80, 65, 58, 50, 40]))
    }
    return result.clipped()
  }
}

extension SplitMix64 {
  /// Poisson with mean `mean`: by multiplication (Knuth) while that is short, else the rounded normal approximation, whose
  /// error is below the 8 bits of a pixel.
  mutating func poisson(_ mean: Double) -> Int {
    guard mean > 0 else { return 0 }
    guard mean < 60 else { return max(0, Int((mean + mean.squareRoot() * Double(normal())).rounded())) }
    let limit = exp(-mean)
    var product = 1.0
    var count = -1
    repeat {
      count += 1
      product *= Double(next() >> 11) * 0x1p-53
    } while product > limit
    return count
  }
}

/// Hue, saturation and value.
enum Colour {
  /// Changes saturation and value of every pixel; grey images have no saturation.
  static func mapped(
    _ image: Picture, _ change: (_ hue: Float, _ saturation: Float, _ value: Float) -> (Float, Float)
  ) -> Picture {
    var result = image
    guard image.channels == 3 else {
      for index in result.values.indices { result.values[index] = change(0, 0, image.values[index]).1 }
      return result
    }
    let plane = image.plane
    for index in 0..<plane {
      let (red, green, blue) = (
        image.values[index], image.values[plane + index], image.values[2 * plane + index]
      )
      let value = max(red, green, blue)
      let range = value - min(red, green, blue)
      var hue: Float = 0
      if range > 0 {
        if value == red {
          hue = (green - blue) / range
        } else if value == green {
          hue = 2 + (blue - red) / range
        } else {
          hue = 4 + (red - green) / range
        }
        if hue < 0 { hue += 6 }
      }
      let (saturation, brightness) = change(hue, value > 0 ? range / value : 0, value)
      let sector = Int(hue) % 6
      let part = hue - hue.rounded(.down)
      let low = brightness * (1 - saturation)
      let falling = brightness * (1 - saturation * part)
      let rising = brightness * (1 - saturation * (1 - part))
      let colour: (Float, Float, Float) =
        switch sector {
        case 0: (brightness, rising, low)
        case 1: (falling, brightness, low)
        case 2: (low, brightness, rising)
        case 3: (low, falling, brightness)
        case 4: (rising, low, brightness)
        default: (brightness, low, falling)
        }
      (result.values[index], result.values[plane + index], result.values[2 * plane + index]) = colour
    }
    return result
  }
}
