import ScopeBytes
import ScopeData

/// How small a change fools each image: accuracy against the budget without a grid.
public struct MinimalEpsilon: Sendable, Hashable, Codable {
  /// Largest budget tried.
  public var limit: Double
  /// Halvings and steps per attack.
  public var rounds: Int
  public var steps: Int
  /// Per image that is right when clean, the smallest Linf budget found, ascending; those that withstood the limit are
  /// not among them.
  public var found: [Double]
  /// Images that withstood the limit.
  public var withstood: Int
  public var imageCount: Int
  public var seconds: Double

  public init(
    limit: Double, rounds: Int, steps: Int, found: [Double], withstood: Int, imageCount: Int, seconds: Double
  ) {
    self.limit = limit
    self.rounds = rounds
    self.steps = steps
    self.found = found
    self.withstood = withstood
    self.imageCount = imageCount
    self.seconds = seconds
  }

  /// Images right when clean.
  public var right: Int { found.count + withstood }

  /// The budget at which `share` of the images that were right are fooled; nil beyond the limit.
  public func quantile(_ share: Double) -> Double? {
    let position = Int((share * Double(right)).rounded(.up)) - 1
    return found.indices.contains(position) ? found[position] : nil
  }

  /// Accuracy over all images left at a budget.
  public func accuracy(_ epsilon: Double) -> Double {
    imageCount == 0 ? 0 : Double(right - found.count { $0 <= epsilon }) / Double(imageCount)
  }

  /// Mean accuracy over the budgets from 0 to the limit: the area under the curve, 0...1.
  public var area: Double {
    guard imageCount > 0, limit > 0 else { return 0 }
    let kept = found.reduce(0.0) { $0 + $1 } + Double(withstood) * limit
    return kept / limit / Double(imageCount)
  }
}

extension MinimalEpsilon {
  /// Budgets up to 16/255: beyond, a change is plain to see.
  package static let limit = 16.0 / 255
  private static let rounds = 8
  private static let steps = 20

  /// - Parameter scores: the logits without attack [images, classes].
  /// - Throws: `interrupted`, `engineFailure`.
  package static func measure(
    target: AttackTarget, images: LabeledImages, scores: [Float], seed: UInt64,
    progress: (_ done: Int, _ count: Int) -> Void, isCancelled: () -> Bool
  ) throws(ScopeError) -> MinimalEpsilon {
    let clock = ContinuousClock()
    let begin = clock.now
    let shape = [images.channels, images.height, images.width]
    let classes = scores.count / max(images.count, 1)
    let right = images.labels.indices.filter {
      AttackAnswer.largest(scores[$0 * classes..<($0 + 1) * classes]) == images.labels[$0]
    }
    var found: [Double] = []
    _ = try AttackStream(target: target, shape: shape).run(right) { (image) throws(ScopeError) in
      let attacked = AttackedImage(image, of: images, scores: scores)
      let attack = EpsilonBisection(
        attacked, limit: Float(limit), rounds: rounds, steps: steps, seed: seed)
      return (images.labels[image], attack)
    } finished: { (_, attack) throws(ScopeError) in
      if let smallest = (attack as? EpsilonBisection)?.smallest { found.append(Double(smallest)) }
    } afterBatch: { (done) throws(ScopeError) in
      if isCancelled() { throw ScopeError(.interrupted, "the attack was interrupted") }
      progress(done, right.count)
    }
    return MinimalEpsilon(
      limit: limit, rounds: rounds, steps: steps, found: found.sorted(), withstood: right.count - found.count,
      imageCount: images.count, seconds: ScopeRobustness.seconds(clock.now - begin))
  }
}
