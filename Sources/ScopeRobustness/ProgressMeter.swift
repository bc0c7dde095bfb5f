/// Measures how far an evaluation is, in forward passes, and estimates what is left.
struct ProgressMeter {
  /// A gradient costs about this many forward passes.
  static let gradientCost = 3.0

  private let total: Double
  private var done = 0.0
  private let start: ContinuousClock.Instant

  init(attacks: [AttackSpecification], images: Int, start: ContinuousClock.Instant) {
    var perImage = 1.0
    if attacks.contains(where: { !$0.randomStart }) { perImage += ProgressMeter.gradientCost }
    for attack in attacks {
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
    let fraction = min(done / max(total, 1), 1)
    let elapsed = seconds(ContinuousClock().now - start)
    guard fraction > 0.02, elapsed > 0.5 else { return (fraction, "") }
    return (fraction, ", about \(Int((elapsed * (1 - fraction) / fraction).rounded(.up))) s left")
  }
}
