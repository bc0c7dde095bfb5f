import ScopeGradients
import ScopeStatistics

/// Fast adaptive boundary attack towards one class: walks along the boundary of label and target by projections, so
/// that the perturbation is as small as it finds.
///
/// Croce & Hein 2020, arXiv:1907.02044, algorithm 1, in the targeted form of AutoAttack (arXiv:2003.01690, section 4)
/// with the papers' alpha_max 0.1, eta 1.05, beta 0.9.
package struct FAB: ImageAttack {
  private static let largestBias: Float = 0.1
  private static let overshoot: Float = 1.05
  private static let backward: Float = 0.9

  private let image: AttackedImage
  private let ball: Ball
  private let steps: Int
  private let target: Int
  /// Whether the attack ends at the first point within the budget or looks for nearer ones to the end.
  private let seeksNearest: Bool
  private var step = 0
  private var isProbing = false

  package private(set) var point: [Float]
  /// The nearest misclassified point and its distance.
  package private(set) var nearest: [Float]?
  package private(set) var nearestDistance = Float.infinity

  package init(
    _ image: AttackedImage, norm: PerturbationNorm, epsilon: Float, steps: Int, target: Int,
    seeksNearest: Bool = false, startsAtRandom: Bool = false, seed: UInt64 = 0
  ) {
    self.image = image
    self.steps = steps
    self.target = target
    self.seeksNearest = seeksNearest
    ball = Ball(center: image.pixels, norm: norm, radius: epsilon)
    point = image.pixels
    if startsAtRandom {
      var generator = SplitMix64(seed: seed, stream: UInt64(image.position))
      point = Ball(center: image.pixels, norm: norm, radius: epsilon / 2).randomPoint(&generator)
    }
  }

  package var query: AttackQuery { isProbing ? .logits : .gradient(.logitDifference, target: target) }

  package var adversarial: [Float]? { nearestDistance <= ball.radius ? nearest : nil }

  package mutating func receive(_ answer: AttackAnswer) -> Bool {
    if isProbing {
      isProbing = false
      if answer.prediction != image.label {
        let distance = ball.distance(point)
        if distance < nearestDistance {
          nearestDistance = distance
          nearest = point
        }
        if !seeksNearest, nearestDistance <= ball.radius { return true }
        for index in point.indices {
          point[index] = image.pixels[index] + (point[index] - image.pixels[index]) * Self.backward
        }
      }
      step += 1
      return step >= steps
    }
    walk(difference: answer.loss, normal: Array(answer.gradient))
    isProbing = true
    return false
  }

  /// Towards the linearised boundary from here and from the original, the nearer one counting more.
  private mutating func walk(difference: Float, normal: [Float]) {
    // Boundary: w . x = w . point - f(point), so the offset at the point is f and at the original f + w . (x0 - point).
    var between = 0.0
    for index in point.indices {
      between += Double(normal[index]) * Double(image.pixels[index] - point[index])
    }
    let here = BoxProjection.step(
      from: point, normal: normal, offset: Double(difference), norm: ball.norm)
    let there = BoxProjection.step(
      from: image.pixels, normal: normal, offset: Double(difference) + between, norm: ball.norm)
    let lengthHere = max(length(here), 1e-8)
    let lengthThere = max(length(there), 1e-8)
    let bias = min(lengthHere / (lengthHere + lengthThere), Self.largestBias)
    for index in point.indices {
      let moved =
        (point[index] + Self.overshoot * here[index]) * (1 - bias)
        + (image.pixels[index] + Self.overshoot * there[index]) * bias
      point[index] = min(max(moved, 0), 1)
    }
  }

  private func length(_ step: [Float]) -> Float {
    switch ball.norm {
    case .linf: step.reduce(Float(0)) { max($0, $1.magnitude) }
    case .l2: Float(step.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
    case .l1: Float(step.reduce(0.0) { $0 + Double($1.magnitude) })
    }
  }
}
