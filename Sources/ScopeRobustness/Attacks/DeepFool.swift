import ScopeGradients

/// Walks to the nearest of the boundaries between the label and other classes, linearised anew in every step.
///
/// Moosavi-Dezfooli et al. 2016, arXiv:1511.04599, algorithm 2 (L2) and section 3.3 (Linf), with the paper's overshoot of
/// 0.02; the candidates are the classes of the largest logits, as in the authors' code. Points stay in [0, 1].
package struct DeepFool: ImageAttack {
  private static let overshoot: Float = 0.02
  private static let candidates = 9

  private let image: AttackedImage
  private let ball: Ball
  private let steps: Int
  private let rivals: [Int]
  private var step = 0
  /// Boundaries looked at in this step.
  private var looked = 0
  private var nearest: (distance: Float, move: [Float])?
  /// The sum of the moves.
  private var total: [Float]

  package private(set) var point: [Float]
  package private(set) var adversarial: [Float]?
  /// Length of the change at the end of the walk, beyond the budget too; nil when no boundary was crossed.
  package private(set) var distance: Float?

  /// - Parameter steps: at most; the paper's code takes 50.
  package init(_ image: AttackedImage, norm: PerturbationNorm, epsilon: Float, steps: Int) {
    self.image = image
    self.steps = steps
    ball = Ball(center: image.pixels, norm: norm, radius: epsilon)
    rivals = Array(image.rivals.prefix(Self.candidates))
    point = image.pixels
    total = [Float](repeating: 0, count: image.pixels.count)
  }

  package var query: AttackQuery {
    step == steps || rivals.isEmpty ? .logits : .gradient(.logitDifference, target: rivals[looked])
  }

  package mutating func receive(_ answer: AttackAnswer) -> Bool {
    if answer.prediction != image.label {
      let length = ball.distance(point)
      distance = length
      if length <= ball.radius { adversarial = point }
      return true
    }
    guard step < steps, !rivals.isEmpty else { return true }
    look(difference: answer.loss, normal: answer.gradient)
    looked += 1
    guard looked == rivals.count else { return false }
    looked = 0
    step += 1
    guard let nearest else { return true }
    for index in point.indices {
      total[index] += nearest.move[index]
      point[index] = min(max(image.pixels[index] + (1 + Self.overshoot) * total[index], 0), 1)
    }
    self.nearest = nil
    return false
  }

  /// The move onto the boundary `difference + normal . move = 0`, kept when it is the shortest of this step.
  private mutating func look(difference: Float, normal: ArraySlice<Float>) {
    var (squares, sum) = (0.0, 0.0)
    for slope in normal {
      squares += Double(slope) * Double(slope)
      sum += Double(slope.magnitude)
    }
    let gap = difference.magnitude
    let length = ball.norm == .linf ? Float(sum) : Float(squares.squareRoot())
    guard length > 1e-12 else { return }
    let away = gap / length
    if let nearest, nearest.distance <= away { return }
    // A little beyond, so that a point on the boundary moves at all (as the authors' code adds 1e-4).
    let reach = away + 1e-4
    let move = normal.map { slope in
      ball.norm == .linf ? reach * ((slope > 0 ? 1 : 0) - (slope < 0 ? 1 : 0)) : reach * slope / length
    }
    nearest = (away, move)
  }
}
