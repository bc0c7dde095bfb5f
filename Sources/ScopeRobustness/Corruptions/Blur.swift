import Glibc
import ScopeStatistics

/// Blurs of ``Corruption``.
package enum Blur {
  /// How an index beyond the border is brought back.
  enum Border {
    /// a b c | c c c
    case nearest
    /// a b c | c b a
    case symmetric
    /// a b c | b a
    case mirror

    func index(_ position: Int, _ count: Int) -> Int {
      if position >= 0, position < count { return position }
      guard count > 1 else { return 0 }
      switch self {
      case .nearest: return min(max(position, 0), count - 1)
      case .symmetric:
        let period = 2 * count
        let place = ((position % period) + period) % period
        return place < count ? place : period - 1 - place
      case .mirror:
        let period = 2 * (count - 1)
        let place = ((position % period) + period) % period
        return place < count ? place : period - place
      }
    }
  }

  static func gaussianKernel(_ sigma: Double, radius: Int) -> [Float] {
    var weights = (-radius...radius).map { exp(-0.5 * Double($0 * $0) / (sigma * sigma)) }
    let sum = weights.reduce(0, +)
    for index in weights.indices { weights[index] /= sum }
    return weights.map { Float($0) }
  }

  /// Separable, cut off at `truncate` deviations, as scikit-image.
  static func gaussian(
    _ image: Picture, sigma: Double, truncate: Double = 4, border: Border = .nearest
  ) -> Picture {
    let radius = Int(truncate * sigma + 0.5)
    guard sigma > 0, radius > 0 else { return image }
    return separable(image, gaussianKernel(sigma, radius: radius), border)
  }

  static func separable(_ image: Picture, _ kernel: [Float], _ border: Border) -> Picture {
    let radius = kernel.count / 2
    let (height, width) = (image.height, image.width)
    var result = image
    var line = [Float](repeating: 0, count: max(height, width) + 2 * radius)
    func filter(_ count: Int, start: Int, stride: Int) {
      for position in 0..<count + 2 * radius {
        line[position] = result.values[start + border.index(position - radius, count) * stride]
      }
      for position in 0..<count {
        var sum: Float = 0
        for (tap, weight) in kernel.enumerated() { sum += weight * line[position + tap] }
        result.values[start + position * stride] = sum
      }
    }
    for channel in 0..<image.channels {
      let first = channel * image.plane
      for x in 0..<width { filter(height, start: first + x, stride: width) }
      for y in 0..<height { filter(width, start: first + y * width, stride: 1) }
    }
    return result
  }

  /// By a disk whose edge is smoothed.
  static func defocus(_ image: Picture, radius: Double, alias: Double) -> Picture {
    let reach = radius <= 8 ? 8 : Int(radius)
    let side = 2 * reach + 1
    var disk = [Float](repeating: 0, count: side * side)
    var inside: Float = 0
    for y in -reach...reach {
      for x in -reach...reach where Double(x * x + y * y) <= radius * radius {
        disk[(y + reach) * side + x + reach] = 1
        inside += 1
      }
    }
    for index in disk.indices { disk[index] /= inside }
    let smooth = separable(
      Picture(disk, height: side, width: side), gaussianKernel(alias, radius: radius <= 8 ? 1 : 2), .mirror
    ).values
    let taps = smooth.indices.filter { smooth[$0] > 1e-8 }
    var result = image
    for channel in 0..<image.channels {
      for y in 0..<image.height {
        for x in 0..<image.width {
          var sum: Float = 0
          for tap in taps {
            let row = Border.mirror.index(y + tap / side - reach, image.height)
            let column = Border.mirror.index(x + tap % side - reach, image.width)
            sum += smooth[tap] * image[channel, row, column]
          }
          result[channel, y, x] = sum
        }
      }
    }
    return result
  }

  /// Pixels take the value of a neighbour, between two soft blurs. The authors' code exchanges two views of one array,
  /// which copies; ImageNet-C was made so.
  static func glass(
    _ image: Picture, sigma: Double, delta: Int, rounds: Int, _ generator: inout SplitMix64
  ) -> Picture {
    var result = gaussian(image, sigma: sigma)
    for _ in 0..<rounds {
      for y in stride(from: image.height - delta, to: delta, by: -1) where y < image.height {
        for x in stride(from: image.width - delta, to: delta, by: -1) where x < image.width {
          let otherX = x + Int.random(in: -delta..<delta, using: &generator)
          let otherY = y + Int.random(in: -delta..<delta, using: &generator)
          for channel in 0..<image.channels {
            result[channel, y, x] = result[channel, otherY, otherX]
          }
        }
      }
    }
    return gaussian(result, sigma: sigma)
  }

  /// Along a line on one side of each pixel, weighted by half a bell curve.
  package static func motion(_ image: Picture, radius: Int, sigma: Double, degrees: Double) -> Picture {
    let width = 2 * radius + 1
    var weights = (0..<width).map { exp(-Double($0 * $0) / (2 * sigma * sigma)) }
    let sum = weights.reduce(0, +)
    for index in weights.indices { weights[index] /= sum }
    let (down, right) = (sin(degrees * .pi / 180), cos(degrees * .pi / 180))
    var result = image
    for index in result.values.indices { result.values[index] = 0 }
    for (step, weight) in weights.enumerated() {
      let dy = -Int((Double(step) * down - 0.5).rounded(.up))
      let dx = -Int((Double(step) * right - 0.5).rounded(.up))
      // The motion leaves the image.
      guard abs(dy) < image.height, abs(dx) < image.width else { break }
      let share = Float(weight)
      for channel in 0..<image.channels {
        for y in 0..<image.height {
          let row = min(max(y - dy, 0), image.height - 1)
          for x in 0..<image.width {
            result[channel, y, x] += share * image[channel, row, min(max(x - dx, 0), image.width - 1)]
          }
        }
      }
    }
    return result
  }

  /// The mean of the image and of its centre enlarged more and more.
  static func zoom(_ image: Picture, step: Double, end: Double) -> Picture {
    var sum = image
    var count: Float = 1
    var index = 0
    while 1 + Double(index) * step < end - 1e-9 {
      let zoomed = enlarged(image, by: 1 + Double(index) * step)
      for place in sum.values.indices { sum.values[place] += zoomed.values[place] }
      count += 1
      index += 1
    }
    for place in sum.values.indices { sum.values[place] /= count }
    return sum
  }

  /// The centre, enlarged linearly to the image's size.
  static func enlarged(_ image: Picture, by factor: Double) -> Picture {
    let (rows, columns) = (
      Int((Double(image.height) / factor).rounded(.up)), Int((Double(image.width) / factor).rounded(.up))
    )
    let (top, left) = ((image.height - rows) / 2, (image.width - columns) / 2)
    let (tall, wide) = (
      Int((Double(rows) * factor).rounded()), Int((Double(columns) * factor).rounded())
    )
    let (cutTop, cutLeft) = ((tall - image.height) / 2, (wide - image.width) / 2)
    var result = image
    for y in 0..<image.height {
      let row = Double(top) + Double(y + cutTop) * Double(rows - 1) / Double(max(tall - 1, 1))
      for x in 0..<image.width {
        let column = Double(left) + Double(x + cutLeft) * Double(columns - 1) / Double(max(wide - 1, 1))
        for channel in 0..<image.channels {
          result[channel, y, x] = sample(image, channel, row, column, .nearest)
        }
      }
    }
    return result
  }

  /// Bilinear.
  static func sample(
    _ image: Picture, _ channel: Int, _ row: Double, _ column: Double, _ border: Border
  ) -> Float {
    let (y, x) = (Int(row.rounded(.down)), Int(column.rounded(.down)))
    let (v, u) = (Float(row - Double(y)), Float(column - Double(x)))
    let (y0, y1) = (border.index(y, image.height), border.index(y + 1, image.height))
    let (x0, x1) = (border.index(x, image.width), border.index(x + 1, image.width))
    let top = image[channel, y0, x0] * (1 - u) + image[channel, y0, x1] * u
    let bottom = image[channel, y1, x0] * (1 - u) + image[channel, y1, x1] * u
    return top * (1 - v) + bottom * v
  }
}
