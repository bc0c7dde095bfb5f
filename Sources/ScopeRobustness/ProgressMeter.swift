/// Measures how far an evaluation is, in forward passes, and estimates what is left.
struct ProgressMeter {
  /// A gradient costs about this many forward passes.
  static let gradientCost = 3.0

  /// Forward passes that an image of a streamed attack is counted as: how many it takes shows only as it runs.
  private static let streamedCost = 100.0

  private let total: Double
  private var done = 0.0
  private let start: ContinuousClock.Instant

  init(attacks: [AttackSpecification], images: Int, start: ContinuousClock.Instant) {
    var perImage = 1.0
    let batched = attacks.filter { !$0.kind.algorithm.isStreamed }
    perImage += ProgressMeter.streamedCost * Double(attacks.count - batched.count)
    if batched.contains(where: { !$0.randomStart }) { perImage += ProgressMeter.gradientCost }
    for attack in batched {
      perImage += ProgressMeter.gradientCost * Double(attack.steps - (attack.randomStart ? 0 : 1)) + 1
    }
    total = perImage * Double(images)
    self.start = start
  }

  mutating func finished(_ forwardPasses: Double, images: Int) { done += forwardPasses * Double(images) }

  /// Counts one gradient step; FGSM's and every first step from the clean image were counted with the shared gradient.
  mutating func step(_ attack: AttackSpecification, images: Int) -> (fraction: Double, remaining: String) {
    if attack.steps > 1 || attack.randomStart {
      let counted = attack.steps - (attack.randomStart ? 0 : 1)
      done += ProgressMeter.gradientCost * Double(images) * Double(counted) / Double(attack.steps)
    }
    return estimate(done)
  }

  /// Where a streamed attack stands that is through with `finished` of its images.
  func streamed(_ finished: Int, of count: Int, images: Int) -> (fraction: Double, remaining: String) {
    let share = count == 0 ? 1 : Double(finished) / Double(count)
    return estimate(done + share * ProgressMeter.streamedCost * Double(images))
  }

  mutating func endStreamed(images: Int) { done += ProgressMeter.streamedCost * Double(images) }

  private func estimate(_ done: Double) -> (fraction: Double, remaining: String) {
    let fraction = min(done / max(total, 1), 1)
    let elapsed = seconds(ContinuousClock().now - start)
    guard fraction > 0.02, elapsed > 0.5 else { return (fraction, "") }
    return (fraction, ", about \(Int((elapsed * (1 - fraction) / fraction).rounded(.up))) s left")
  }
}
