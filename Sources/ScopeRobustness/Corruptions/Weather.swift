import ScopeStatistics

/// Weather of ``Corruption``.
enum Weather {
  /// A height map in [0, 1] by the diamond-square algorithm (Fournier et al. 1982), whose edges meet.
  ///
  /// - Parameters:
  ///   - side: a power of two.
  ///   - decay: by which the roughness falls from one scale to the next.
  static func plasma(side: Int, decay: Double, _ generator: inout SplitMix64) -> [Float] {
    var map = [Double](repeating: 0, count: side * side)
    var step = side
    var wobble = 100.0
    func noise(_ generator: inout SplitMix64) -> Double {
      wobble * wobble * (2 * Double(generator.unit()) - 1)
    }
    func at(_ y: Int, _ x: Int) -> Double { map[((y + side) % side) * side + (x + side) % side] }
    while step >= 2 {
      let half = step / 2
      for y in stride(from: 0, to: side, by: step) {
        for x in stride(from: 0, to: side, by: step) {
          let corners = at(y, x) + at(y + step, x) + at(y, x + step) + at(y + step, x + step)
          map[(y + half) * side + x + half] = corners / 4 + noise(&generator)
        }
      }
      for y in stride(from: 0, to: side, by: step) {
        for x in stride(from: 0, to: side, by: step) {
          let above = at(y, x) + at(y, x + step) + at(y - half, x + half) + at(y + half, x + half)
          map[y * side + x + half] = above / 4 + noise(&generator)
          let beside = at(y, x) + at(y + step, x) + at(y + half, x - half) + at(y + half, x + half)
          map[(y + half) * side + x] = beside / 4 + noise(&generator)
        }
      }
      step = half
      wobble /= decay
    }
    let (low, high) = (map.min() ?? 0, map.max() ?? 1)
    return map.map { Float(($0 - low) / max(high - low, 1e-12)) }
  }

  /// The smallest power of two that covers the image.
  private static func mapSide(_ image: Picture) -> Int {
    var side = 2
    while side < max(image.height, image.width) { side *= 2 }
    return side
  }

  static func fog(
    _ image: Picture, amount: Float, decay: Double, _ generator: inout SplitMix64
  ) -> Picture {
    let side = mapSide(image)
    let map = plasma(side: side, decay: decay, &generator)
    let largest = image.values.max() ?? 0
    let scale = largest / max(largest + amount, 1e-6)
    var result = image
    for channel in 0..<image.channels {
      for y in 0..<image.height {
        for x in 0..<image.width {
          result[channel, y, x] = (image[channel, y, x] + amount * map[y * side + x]) * scale
        }
      }
    }
    return result
  }

  /// Ridges of several height maps, bluish white, in place of the paper's photographs.
  static func frost(
    _ image: Picture, kept: Float, added: Float, _ generator: inout SplitMix64
  ) -> Picture {
    let side = mapSide(image)
    var texture = [Float](repeating: 0, count: side * side)
    for decay in [1.4, 1.7, 2.0] {
      let map = plasma(side: side, decay: decay, &generator)
      for index in texture.indices {
        let ridge = 1 - (2 * map[index] - 1).magnitude
        texture[index] = max(texture[index], ridge * ridge)
      }
    }
    let tint: [Float] = [0.82, 0.92, 1]
    var result = image
    for channel in 0..<image.channels {
      let colour = image.channels == 3 ? tint[channel] : 0.92
      for y in 0..<image.height {
        for x in 0..<image.width {
          result[channel, y, x] = kept * image[channel, y, x] + added * colour * texture[y * side + x]
        }
      }
    }
    return result
  }

  struct Snow {
    var (mean, deviation): (Float, Float)
    var zoom: Double
    var threshold: Float
    var (radius, sigma): (Int, Double)
    /// Share of the image that is not whitened.
    var kept: Float

    init(
      _ mean: Float, _ deviation: Float, _ zoom: Double, _ threshold: Float, _ radius: Int, _ sigma: Double,
      _ kept: Float
    ) {
      (self.mean, self.deviation, self.zoom, self.threshold) = (mean, deviation, zoom, threshold)
      (self.radius, self.sigma, self.kept) = (radius, sigma, kept)
    }
  }

  static func snow(_ image: Picture, _ settings: Snow, _ generator: inout SplitMix64) -> Picture {
    let noise = (0..<image.plane).map { _ in settings.mean + settings.deviation * generator.normal() }
    var flakes = Blur.enlarged(
      Picture(noise, height: image.height, width: image.width), by: settings.zoom)
    for index in flakes.values.indices where flakes.values[index] < settings.threshold {
      flakes.values[index] = 0
    }
    flakes = Blur.motion(
      flakes.clipped(), radius: settings.radius, sigma: settings.sigma,
      degrees: -135 + 90 * Double(generator.unit()))
    let grey = image.grey()
    var result = image
    let last = image.plane - 1
    for channel in 0..<image.channels {
      for index in 0..<image.plane {
        let value = image.values[channel * image.plane + index]
        let white = max(value, grey[index] * 1.5 + 0.5)
        // The layer once more, turned by 180 degrees.
        result.values[channel * image.plane + index] =
          settings.kept * value + (1 - settings.kept) * white + flakes.values[index]
          + flakes.values[last - index]
      }
    }
    return result
  }
}
