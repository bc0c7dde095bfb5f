import ScopeGradients
import ScopeStatistics

/// Auto-PGD: projected gradient ascent with momentum whose step size halves when progress stalls.
///
/// Croce & Hein 2020, arXiv:2003.01690, algorithm 1, with the constants of the paper: steps of 2 epsilon at first,
/// momentum 0.75, checkpoints after 22% of the steps and then in intervals 3% shorter each, not below 6%. In L1: sparse
/// steps of adaptive size (Croce & Hein 2021, arXiv:2103.01208, algorithm 2).
package struct APGD: ImageAttack {
  private let image: AttackedImage
  private let ball: Ball
  private let steps: Int
  private let endsWhenFooled: Bool
  package let query: AttackQuery

  package private(set) var point: [Float]
  package private(set) var adversarial: [Float]?
  /// Gradient steps taken; -1 before the first answer.
  private var step = -1
  private var previous: [Float]
  private var gradient: [Float] = []
  /// The point of the largest loss.
  private(set) var best: [Float]
  private var bestGradient: [Float] = []
  private var bestLoss = -Float.infinity
  private var stepSize: Float
  // Checkpoints.
  private var interval: Int
  private var sinceCheck = 0
  private var rises = 0
  private var lastLoss: Float = 0
  private var bestAtCheck = -Float.infinity
  private var halvedAtCheck = true
  /// Share of the values that an L1 step changes, and how many were changed at the last checkpoint.
  private var density: Float
  private var changedAtCheck: Int

  /// - Parameters:
  ///   - start: nil starts at a random point of the ball.
  ///   - endsWhenFooled: otherwise all steps are taken and only ``best`` matters.
  package init(
    _ image: AttackedImage, norm: PerturbationNorm, epsilon: Float, steps: Int, loss: AttackLoss,
    target: Int = 0, seed: UInt64, start: [Float]? = nil, endsWhenFooled: Bool = true
  ) {
    self.image = image
    self.steps = steps
    self.endsWhenFooled = endsWhenFooled
    query = .gradient(loss, target: target)
    ball = Ball(center: image.pixels, norm: norm, radius: epsilon)
    var generator = SplitMix64(seed: seed, stream: UInt64(image.position))
    if let start {
      point = start
      ball.project(&point)
    } else {
      point = ball.randomPoint(&generator)
    }
    previous = point
    best = point
    stepSize = (norm == .l1 ? 1 : 2) * epsilon
    interval = max(Int((norm == .l1 ? 0.04 : 0.22) * Double(steps)), 1)
    density = 0.2
    changedAtCheck = image.pixels.count
    if start != nil, norm == .l1 {
      let changed = changes(point)
      density = Float(changed) / Float(point.count) / 1.5
      changedAtCheck = changed
    }
  }

  private func changes(_ point: [Float]) -> Int {
    zip(point, image.pixels).count { $0 != $1 }
  }

  package mutating func receive(_ answer: AttackAnswer) -> Bool {
    if endsWhenFooled, answer.prediction != image.label {
      adversarial = point
      return true
    }
    gradient = Array(answer.gradient)
    let loss = answer.loss
    if step < 0 {
      (bestLoss, bestAtCheck) = (loss, loss)
      bestGradient = gradient
    } else {
      // The first step is compared with nothing in the reference (its record starts at zero).
      rises += loss > lastLoss ? 1 : 0
      lastLoss = loss
      if loss > bestLoss {
        best = point
        bestGradient = gradient
        bestLoss = loss
      }
      sinceCheck += 1
      if sinceCheck == interval { check() }
    }
    step += 1
    guard step < steps else { return true }
    advance()
    return false
  }

  private mutating func check() {
    sinceCheck = 0
    if ball.norm == .l1 {
      let changed = changes(best)
      let isSparser = Float(changed) / Float(max(changedAtCheck, 1)) < 0.95
      density = Float(changed) / Float(point.count) / 1.5
      stepSize = isSparser ? ball.radius : max(stepSize / 1.5, ball.radius / 10)
      changedAtCheck = changed
      if isSparser { restart() }
      return
    }
    let isOscillating = Float(rises) <= 0.75 * Float(interval)
    let isStuck = !halvedAtCheck && bestAtCheck >= bestLoss
    halvedAtCheck = isOscillating || isStuck
    bestAtCheck = bestLoss
    rises = 0
    if halvedAtCheck {
      stepSize /= 2
      restart()
    }
    interval = max(interval - max(Int(0.03 * Double(steps)), 1), max(Int(0.06 * Double(steps)), 1))
  }

  private mutating func restart() {
    point = best
    gradient = bestGradient
  }

  /// One step with momentum; the two projections are the paper's.
  private mutating func advance() {
    let momentum: Float = step > 0 ? 0.75 : 1
    let current = point
    switch ball.norm {
    case .linf:
      for index in point.indices {
        let slope = gradient[index]
        point[index] += stepSize * ((slope > 0 ? 1 : 0) - (slope < 0 ? 1 : 0))
      }
    case .l2:
      var squares = 0.0
      for slope in gradient { squares += Double(slope) * Double(slope) }
      let scale = stepSize / (Float(squares.squareRoot()) + 1e-12)
      for index in point.indices { point[index] += scale * gradient[index] }
    case .l1:
      sparseStep()
      ball.project(&point)
      previous = current
      return
    }
    ball.project(&point)
    if momentum < 1 {
      for index in point.indices {
        point[index] =
          current[index] + (point[index] - current[index]) * momentum
          + (current[index] - previous[index]) * (1 - momentum)
      }
      ball.project(&point)
    }
    previous = current
  }

  /// Along the signs of the largest slopes, scaled to the step's length in L1.
  private mutating func sparseStep() {
    let sizes = gradient.map(\.magnitude).sorted()
    let place = min(max(Int((1 - density) * Float(sizes.count)), 0), sizes.count - 1)
    let threshold = sizes[place]
    var count: Float = 0
    for slope in gradient where slope.magnitude >= threshold && slope != 0 { count += 1 }
    let length = stepSize / (count + 1e-10)
    for index in point.indices where gradient[index].magnitude >= threshold {
      let slope = gradient[index]
      point[index] += length * ((slope > 0 ? 1 : 0) - (slope < 0 ? 1 : 0))
    }
  }
}

/// Auto-PGD in L1 as AutoAttack runs it: two stages in balls of three and two times the radius, whose end points start
/// the last one (Croce & Hein 2021, arXiv:2103.01208, section 3.3).
package struct StagedAPGD: ImageAttack {
  private static let stages: [(radius: Float, share: Double)] = [(3, 0.3), (2, 0.3), (1, 0.4)]

  private let image: AttackedImage
  private let epsilon: Float
  private let steps: Int
  private let seed: UInt64
  private var stage = 0
  private var current: APGD

  package init(
    _ image: AttackedImage, epsilon: Float, steps: Int, loss: AttackLoss, target: Int, seed: UInt64
  ) {
    self.image = image
    self.epsilon = epsilon
    self.steps = steps
    self.seed = seed
    current = APGD(
      image, norm: .l1, epsilon: Self.stages[0].radius * epsilon,
      steps: Int((Self.stages[0].share * Double(steps)).rounded()), loss: loss, target: target, seed: seed,
      endsWhenFooled: false)
  }

  package var point: [Float] { current.point }
  package var query: AttackQuery { current.query }
  package var adversarial: [Float]? { stage == Self.stages.count - 1 ? current.adversarial : nil }

  package mutating func receive(_ answer: AttackAnswer) -> Bool {
    guard current.receive(answer) else { return false }
    stage += 1
    guard stage < Self.stages.count, case .gradient(let loss, let target) = query else {
      stage = Self.stages.count - 1
      return true
    }
    let isLast = stage == Self.stages.count - 1
    current = APGD(
      image, norm: .l1, epsilon: Self.stages[stage].radius * epsilon,
      steps: Int((Self.stages[stage].share * Double(steps)).rounded()), loss: loss, target: target,
      seed: seed, start: current.best, endsWhenFooled: isLast)
    return false
  }
}
