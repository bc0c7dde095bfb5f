import ScopeGradients

/// Looks for the smallest Linf budget at which an image is fooled, by bisection with Auto-PGD.
///
/// Each success says what budget was really used (the largest change of a pixel), so the bound falls faster than by
/// halves. What it finds is an upper bound of the true minimum: a stronger attack may need less.
package struct EpsilonBisection: ImageAttack {
  private let image: AttackedImage
  private let steps: Int
  private let seed: UInt64
  private let rounds: Int
  private var round = 0
  private var low: Float = 0
  private var high: Float
  private var current: APGD
  private var radius: Float

  /// The nearest misclassified point.
  package private(set) var adversarial: [Float]?
  /// Its largest change of a pixel; nil when even the limit did not fool.
  package private(set) var smallest: Float?

  /// - Parameters:
  ///   - limit: the largest budget tried, first.
  ///   - rounds: halvings after it.
  package init(_ image: AttackedImage, limit: Float, rounds: Int, steps: Int, seed: UInt64) {
    self.image = image
    self.steps = steps
    self.seed = seed
    self.rounds = rounds
    high = limit
    radius = limit
    current = APGD(
      image, norm: .linf, epsilon: limit, steps: steps, loss: .margin, seed: seed)
  }

  package var point: [Float] { current.point }
  package var query: AttackQuery { current.query }

  package mutating func receive(_ answer: AttackAnswer) -> Bool {
    guard current.receive(answer) else { return false }
    if let found = current.adversarial {
      let used = Ball(center: image.pixels, norm: .linf, radius: radius).distance(found)
      if used < smallest ?? .infinity {
        smallest = used
        adversarial = found
      }
      high = min(radius, used)
    } else {
      low = radius
    }
    round += 1
    guard smallest != nil, round <= rounds, high - low > 0.02 * high else { return true }
    radius = (low + high) / 2
    current = APGD(
      image, norm: .linf, epsilon: radius, steps: steps, loss: .margin, seed: seed &+ UInt64(round))
    return false
  }
}
