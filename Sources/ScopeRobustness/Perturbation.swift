import Glibc
import ScopeStatistics

/// The arithmetic of the attacks on batches of images in pixel space [0, 1].
///
/// Images are stored one after another, `size` values each. Every step keeps the values inside [0, 1] and inside the
/// ball around the originals, in the order of operations of torchattacks 3.5, whose figures are the reference.
package enum Perturbation {
  /// One step along the sign of the gradient, then back into the Linf ball.
  package static func stepSign(
    _ images: inout [Float], gradient: [Float], originals: [Float], stepSize: Float, epsilon: Float
  ) {
    precondition(images.count == gradient.count && images.count == originals.count)
    images.withUnsafeMutableBufferPointer { images in
      gradient.withUnsafeBufferPointer { gradient in
        originals.withUnsafeBufferPointer { originals in
          for index in images.indices {
            let slope = gradient[index]
            // sign(0) is 0: such a pixel stays.
            let direction: Float = (slope > 0 ? 1 : 0) - (slope < 0 ? 1 : 0)
            let change = images[index] + stepSize * direction - originals[index]
            let bounded = min(max(change, -epsilon), epsilon)
            images[index] = min(max(originals[index] + bounded, 0), 1)
          }
        }
      }
    }
  }

  /// One step along each image's gradient scaled to length one, then back into the L2 ball.
  package static func stepNormalized(
    _ images: inout [Float], gradient: [Float], originals: [Float], stepSize: Float, epsilon: Float,
    size: Int,
    normFloor: Float = 1e-10
  ) {
    precondition(images.count == gradient.count && images.count == originals.count)
    images.withUnsafeMutableBufferPointer { images in
      gradient.withUnsafeBufferPointer { gradient in
        originals.withUnsafeBufferPointer { originals in
          for start in Swift.stride(from: 0, to: images.count, by: max(size, 1)) {
            let range = start..<start + size
            var squares = 0.0
            for index in range { squares += Double(gradient[index]) * Double(gradient[index]) }
            let scale = stepSize / (Float(squares.squareRoot()) + normFloor)
            var length = 0.0
            for index in range {
              images[index] += scale * gradient[index]
              let change = Double(images[index] - originals[index])
              length += change * change
            }
            let norm = Float(length.squareRoot())
            let factor = norm > epsilon ? epsilon / norm : 1
            for index in range {
              let change = (images[index] - originals[index]) * factor
              images[index] = min(max(originals[index] + change, 0), 1)
            }
          }
        }
      }
    }
  }

  /// A random point of the ball: uniform per pixel for Linf, uniform direction and radius for L2.
  package static func randomStart(
    _ images: inout [Float], norm: PerturbationNorm, epsilon: Float, size: Int, seed: UInt64, firstImage: Int
  ) {
    for start in stride(from: 0, to: images.count, by: max(size, 1)) {
      var generator = SplitMix64(seed: seed, stream: UInt64(firstImage + start / max(size, 1)))
      let range = start..<start + size
      switch norm {
      case .linf:
        for index in range {
          images[index] = min(max(images[index] + epsilon * (2 * generator.unit() - 1), 0), 1)
        }
      case .l2, .l1:
        let noise = (0..<size).map { _ in generator.normal() }
        let length = noise.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        let scale = epsilon * generator.unit() / Float(max(length, 1e-10))
        for index in range { images[index] = min(max(images[index] + scale * noise[index - start], 0), 1) }
      }
    }
  }

  /// Length of one image's change in both norms.
  package static func distance(_ images: [Float], _ originals: [Float], _ range: Range<Int>) -> (
    l2: Double, linf: Double
  ) {
    var squares = 0.0
    var largest: Float = 0
    for index in range {
      let change = images[index] - originals[index]
      squares += Double(change) * Double(change)
      largest = max(largest, change.magnitude)
    }
    return (squares.squareRoot(), Double(largest))
  }
}

extension SplitMix64 {
  /// Standard normal (Box-Muller).
  mutating func normal() -> Float {
    let radius = (-2 * log(max(unit(), 0x1p-25))).squareRoot()
    return radius * cos(2 * Float.pi * unit())
  }
}
