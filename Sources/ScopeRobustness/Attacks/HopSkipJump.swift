import ScopeStatistics

/// Walks along the decision boundary towards the image, seeing nothing but which class the model gives: the gradient of
/// the boundary is estimated from random points around it.
///
/// Chen et al. 2020, arXiv:1904.02144, algorithm 2, with the paper's numbers: 100 points in the first step and their
/// square root's growth after, gamma 1, uniform noise to begin with.
package struct HopSkipJump: ImageAttack {
  private static let firstPoints = 100
  private static let mostPoints = 10_000
  private static let mostStarts = 1000

  private enum Phase {
    /// Looking for any misclassified point.
    case starting
    /// Bisecting between the image and a misclassified point.
    case projecting
    /// Asking random points around the boundary point.
    case sampling
    /// Looking for the longest step along the estimate that stays misclassified.
    case stepping
  }

  private let image: AttackedImage
  private let ball: Ball
  private let queries: Int
  /// Relative width at which a bisection ends.
  private let tolerance: Float
  private var generator: SplitMix64
  private var phase = Phase.starting
  private var asked = 0
  private var round = 1
  /// On the misclassified side of the boundary.
  private var boundary: [Float] = []
  /// The misclassified end of a bisection, and where between the image (0) and it (1) the boundary lies.
  private var far: [Float] = []
  private var (low, high): (Float, Float) = (0, 1)
  /// Directions asked about and whether each was misclassified.
  private var noise: [[Float]] = []
  private var isAcross: [Bool] = []
  private var spread: Float = 0
  private var direction: [Float] = []
  private var stride: Float = 0

  package private(set) var point: [Float]
  package private(set) var adversarial: [Float]?
  /// Of the nearest misclassified point; infinite before the first.
  package private(set) var nearestDistance = Float.infinity

  package init(_ image: AttackedImage, norm: PerturbationNorm, epsilon: Float, queries: Int, seed: UInt64) {
    self.image = image
    self.queries = queries
    ball = Ball(center: image.pixels, norm: norm, radius: epsilon)
    generator = SplitMix64(seed: seed, stream: UInt64(image.position))
    let count = Float(image.pixels.count)
    tolerance = norm == .linf ? 1 / (count * count) : 1 / (count * count.squareRoot())
    point = []
    point = uniformPoint()
  }

  package var query: AttackQuery { .logits }

  package mutating func receive(_ answer: AttackAnswer) -> Bool {
    asked += 1
    let isMisled = answer.prediction != image.label
    if isMisled {
      let distance = ball.distance(point)
      nearestDistance = min(nearestDistance, distance)
      if distance <= ball.radius {
        adversarial = point
        return true
      }
    }
    guard asked < queries else { return true }
    switch phase {
    case .starting:
      if isMisled {
        project(from: point)
      } else {
        guard asked < Self.mostStarts else { return true }
        point = uniformPoint()
      }
    case .projecting:
      if isMisled { high = middle } else { low = middle }
      if high - low > width { point = between(middle) } else { endProjection() }
    case .sampling:
      isAcross.append(isMisled)
      if isAcross.count < noise.count { point = probe(isAcross.count) } else { estimate() }
    case .stepping:
      if isMisled {
        project(from: point)
      } else {
        stride /= 2
        // Nothing but numbers' ends is left of the step.
        if stride < 1e-9 { startSampling() } else { point = stepped() }
      }
    }
    return false
  }

  private mutating func uniformPoint() -> [Float] {
    var result = image.pixels
    for index in result.indices { result[index] = generator.unit() }
    return result
  }

  // MARK: Onto the boundary

  private var middle: Float { (low + high) / 2 }

  /// In L2 a share of the way; in Linf a bound on every change.
  private var width: Float {
    ball.norm == .linf ? max(tolerance * max(ball.distance(far), 1e-6), 1e-6) : max(tolerance, 1e-6)
  }

  private mutating func project(from misled: [Float]) {
    far = misled
    (low, high) = (0, ball.norm == .linf ? ball.distance(misled) : 1)
    phase = .projecting
    point = between(middle)
  }

  private func between(_ place: Float) -> [Float] {
    var result = far
    for index in result.indices {
      let change = far[index] - image.pixels[index]
      result[index] =
        image.pixels[index]
        + (ball.norm == .linf ? min(max(change, -place), place) : place * change)
    }
    return result
  }

  private mutating func endProjection() {
    boundary = between(high)
    startSampling()
  }

  // MARK: The boundary's gradient

  private mutating func startSampling() {
    let count = min(
      Int(Float(Self.firstPoints) * Float(round).squareRoot()), Self.mostPoints, max(queries - asked, 1))
    let length = ball.distance(boundary)
    let dimensions = Float(image.pixels.count)
    spread =
      round == 1
      ? 0.1
      : ball.norm == .linf ? dimensions * tolerance * length : dimensions.squareRoot() * tolerance * length
    spread = max(spread, 1e-5)
    noise = (0..<count).map { _ in unitNoise() }
    isAcross = []
    phase = .sampling
    point = probe(0)
  }

  /// A direction of length one in L2, uniform (Linf) or normal (L2) per value.
  private mutating func unitNoise() -> [Float] {
    var result = image.pixels
    var squares = 0.0
    for index in result.indices {
      result[index] = ball.norm == .linf ? 2 * generator.unit() - 1 : generator.normal()
      squares += Double(result[index]) * Double(result[index])
    }
    let scale = 1 / Float(max(squares.squareRoot(), 1e-12))
    for index in result.indices { result[index] *= scale }
    return result
  }

  /// The point of a direction within [0, 1]; the direction becomes what is left of it.
  private mutating func probe(_ index: Int) -> [Float] {
    var result = boundary
    for place in result.indices {
      result[place] = min(max(boundary[place] + spread * noise[index][place], 0), 1)
      noise[index][place] = (result[place] - boundary[place]) / spread
    }
    return result
  }

  private mutating func estimate() {
    let mean = 2 * Float(isAcross.count { $0 }) / Float(isAcross.count) - 1
    direction = [Float](repeating: 0, count: image.pixels.count)
    for (sample, across) in zip(noise, isAcross) {
      // With all on one side there is no variance to reduce.
      let value: Float = mean.magnitude == 1 ? mean : (across ? 1 : -1) - mean
      for index in direction.indices { direction[index] += value * sample[index] }
    }
    noise = []
    if ball.norm == .linf {
      for index in direction.indices {
        direction[index] = direction[index] > 0 ? 1 : direction[index] < 0 ? -1 : 0
      }
    } else {
      let length = Float(direction.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
      for index in direction.indices { direction[index] /= max(length, 1e-12) }
    }
    stride = ball.distance(boundary) / Float(round).squareRoot()
    round += 1
    phase = .stepping
    point = stepped()
  }

  private func stepped() -> [Float] {
    var result = boundary
    for index in result.indices {
      result[index] = min(max(boundary[index] + stride * direction[index], 0), 1)
    }
    return result
  }
}
