import Glibc
import ScopeGradients

/// Minimises the length of the change plus a weight times how far the image is from being misclassified, with Adam in
/// a space where every point is a valid image; the weight is found by bisection.
///
/// Carlini & Wagner 2017, arXiv:1608.04644, sections V and VI (L2, confidence 0): x = (tanh w + 1) / 2, loss f6, learning
/// rate 0.01, 9 bisections from 1e-3, and the authors' early end where a tenth of the steps brought nothing. The paper
/// takes 10,000 steps each.
package struct CarliniWagner: ImageAttack {
  private static let bisections = 9
  private static let firstWeight: Float = 1e-3
  private static let largestWeight: Float = 1e10
  private static let learningRate: Float = 0.01
  private static let (decay1, decay2): (Float, Float) = (0.9, 0.999)

  private let image: AttackedImage
  private let ball: Ball
  private let steps: Int
  /// Whether the attack ends at the first point within the budget or looks for nearer ones to the end.
  private let seeksNearest: Bool
  private var search = 0
  private var step = 0
  private var weight = firstWeight
  private var (lower, upper): (Float, Float) = (0, largestWeight)
  private var hasFooled = false
  private var lastCost = Float.infinity
  private var tangent: [Float]
  private var (first, second): ([Float], [Float])

  package private(set) var point: [Float]
  /// The nearest misclassified point and its distance.
  package private(set) var nearest: [Float]?
  package private(set) var nearestDistance = Float.infinity

  /// - Parameter steps: of each bisection.
  package init(_ image: AttackedImage, epsilon: Float, steps: Int, seeksNearest: Bool = false) {
    self.image = image
    self.steps = steps
    self.seeksNearest = seeksNearest
    ball = Ball(center: image.pixels, norm: .l2, radius: epsilon)
    point = image.pixels
    tangent = Self.tangents(of: image.pixels)
    let zeros = [Float](repeating: 0, count: image.pixels.count)
    (first, second) = (zeros, zeros)
  }

  package var query: AttackQuery { .gradient(.margin, target: 0) }
  package var adversarial: [Float]? { nearestDistance <= ball.radius ? nearest : nil }

  /// Slightly inside, where the inverse of tanh is finite.
  private static func tangents(of pixels: [Float]) -> [Float] {
    pixels.map { atanh((2 * $0 - 1) * 0.999999) }
  }

  package mutating func receive(_ answer: AttackAnswer) -> Bool {
    let distance = ball.distance(point)
    if answer.prediction != image.label {
      hasFooled = true
      if distance < nearestDistance {
        nearestDistance = distance
        nearest = point
      }
      if !seeksNearest, nearestDistance <= ball.radius { return true }
    }
    // The loss is max over others - label: f6 is its negative, not below zero.
    let shortfall = max(-answer.loss, 0)
    let cost = distance * distance + weight * shortfall
    var isStuck = false
    if step % max(steps / 10, 1) == 0 {
      isStuck = cost > lastCost * 0.9999
      lastCost = cost
    }
    guard step < steps, !isStuck else { return nextWeight() }
    step += 1
    descend(answer, isShort: shortfall > 0)
    return false
  }

  /// One step of Adam on w.
  private mutating func descend(_ answer: AttackAnswer, isShort: Bool) {
    let start = answer.gradient.startIndex
    let correction1 = 1 - pow(Self.decay1, Float(step))
    let correction2 = 1 - pow(Self.decay2, Float(step))
    for index in point.indices {
      var slope = 2 * (point[index] - image.pixels[index])
      if isShort { slope -= weight * answer.gradient[start + index] }
      // d/dw of (tanh w + 1) / 2 is 2 x (1 - x).
      slope *= 2 * point[index] * (1 - point[index])
      first[index] = Self.decay1 * first[index] + (1 - Self.decay1) * slope
      second[index] = Self.decay2 * second[index] + (1 - Self.decay2) * slope * slope
      tangent[index] -=
        Self.learningRate * (first[index] / correction1)
        / ((second[index] / correction2).squareRoot() + 1e-8)
      point[index] = (tanh(tangent[index]) + 1) / 2
    }
  }

  /// - Returns: whether that was the last bisection.
  private mutating func nextWeight() -> Bool {
    if hasFooled {
      upper = min(upper, weight)
      weight = (lower + upper) / 2
    } else {
      lower = max(lower, weight)
      weight = upper < Self.largestWeight ? (lower + upper) / 2 : weight * 10
    }
    search += 1
    guard search < Self.bisections else { return true }
    (hasFooled, step, lastCost) = (false, 0, .infinity)
    tangent = Self.tangents(of: image.pixels)
    point = image.pixels
    for index in first.indices { (first[index], second[index]) = (0, 0) }
    return false
  }
}
