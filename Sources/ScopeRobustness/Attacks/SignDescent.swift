import ScopeGradients

/// Steps of one length along the sign of the gradient, with or without momentum, in the Linf ball: the basic iterative
/// method (Kurakin et al. 2017, arXiv:1607.02533), the momentum iterative method (Dong et al. 2018, arXiv:1710.06081,
/// algorithm 1), and their targeted form.
package struct SignDescent: ImageAttack {
  private let image: AttackedImage
  private let ball: Ball
  private let steps: Int
  private let stepSize: Float
  private let momentum: Float
  /// The class to reach; nil goes away from the label.
  private let goal: Int?
  private var step = 0
  private var direction: [Float]

  package private(set) var point: [Float]
  package private(set) var adversarial: [Float]?

  /// - Parameter momentum: 0 for the basic method, 1 in the paper of the other.
  package init(
    _ image: AttackedImage, epsilon: Float, steps: Int, stepSize: Float, momentum: Float, goal: Int? = nil
  ) {
    self.image = image
    self.steps = steps
    self.stepSize = stepSize
    self.momentum = momentum
    self.goal = goal
    ball = Ball(center: image.pixels, norm: .linf, radius: epsilon)
    point = image.pixels
    direction = [Float](repeating: 0, count: image.pixels.count)
  }

  /// After the last step only the logits are asked for.
  package var query: AttackQuery {
    if step == steps { return .logits }
    return goal.map { .gradient(.targetedCrossEntropy, target: $0) } ?? .gradient(.crossEntropy, target: 0)
  }

  package mutating func receive(_ answer: AttackAnswer) -> Bool {
    let isReached = goal.map { answer.prediction == $0 } ?? (answer.prediction != image.label)
    if isReached {
      adversarial = point
      return true
    }
    guard step < steps else { return true }
    step += 1
    if momentum > 0 {
      var length = 0.0
      for slope in answer.gradient { length += Double(slope.magnitude) }
      let scale = 1 / (Float(length) + 1e-12)
      for (index, slope) in answer.gradient.enumerated() {
        direction[index] = momentum * direction[index] + slope * scale
      }
    } else {
      direction = Array(answer.gradient)
    }
    for index in point.indices {
      let slope = direction[index]
      point[index] += stepSize * ((slope > 0 ? 1 : 0) - (slope < 0 ? 1 : 0))
    }
    ball.project(&point)
    return false
  }
}
