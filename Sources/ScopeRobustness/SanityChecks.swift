import ScopeBytes
import ScopeData
import ScopeGradients
import ScopeGraph

/// One check that the measured robustness is no artefact.
public struct SanityCheck: Sendable, Hashable, Codable {
  public enum Outcome: String, Sendable, Codable {
    case passed, failed
    /// The attacks that were asked for do not show it.
    case notApplicable = "not applicable"
  }

  public var name: String
  public var outcome: Outcome
  /// What was measured.
  public var evidence: String
  /// What to do when it failed.
  public var advice: String

  public init(_ name: String, _ outcome: Outcome, _ evidence: String, advice: String) {
    self.name = name
    self.outcome = outcome
    self.evidence = evidence
    self.advice = advice
  }
}

/// How far the score can be trusted.
public enum RobustnessConfidence: String, Sendable, Codable {
  /// Every check passed.
  case high
  /// One check failed, or the model is quantized, whose gradient is only straight-through.
  case reduced
  /// Two or more failed.
  case low
}

/// Looks for gradient masking and too weak attacks, after Carlini et al. 2019, arXiv:1902.06705, section 4 and appendix,
/// Athalye et al. 2018, arXiv:1802.00420, and the flags of AutoAttack (arXiv:2003.01690).
package struct SanityChecks {
  /// Images that the extra attacks run on: those of CIFAR's size, and larger ones.
  private static let imagesWhenSmall = 64
  private static let imagesWhenLarge = 16
  private static let blackBoxQueries = 300
  private static let unboundedSteps = 40
  /// Share of exactly zero gradient values that is suspicious: rectified networks stay far below it.
  private static let zeroShare = 0.5

  private let target: AttackTarget
  private let images: LabeledImages
  private let options: RobustnessOptions

  package init(target: AttackTarget, images: LabeledImages, options: RobustnessOptions) {
    self.target = target
    self.images = images
    self.options = options
  }

  /// - Parameters:
  ///   - result: what was measured; its attacks are compared with each other.
  ///   - isQuantized: whether gradients pass quantizers straight-through.
  /// - Throws: `engineFailure`, `interrupted`.
  package func run(
    _ result: RobustnessResult, isQuantized: Bool, isCancelled: () -> Bool
  ) throws(ScopeError) -> (checks: [SanityCheck], confidence: RobustnessConfidence) {
    let budget = result.headlineEpsilon ?? Epsilon(8, over: 255)
    let chosen = try subset()
    var checks = [
      try gradients(chosen), try repeats(chosen), monotony(result),
      try iteration(chosen, budget, result, isCancelled),
    ]
    checks += try extremes(chosen, budget, isCancelled)
    if isQuantized {
      checks.append(
        SanityCheck(
          "The gradient is the model's own", .failed,
          "the model holds quantizers, whose gradient is passed straight through",
          advice:
            "Read its figures together with the transfer from the float model and with Square, which needs no gradient"
        ))
    }
    let failed = checks.count { $0.outcome == .failed }
    return (checks, failed == 0 ? .high : failed == 1 ? .reduced : .low)
  }

  /// Images spread over the set, as many as the checks afford.
  private func subset() throws(ScopeError) -> LabeledImages {
    let limit =
      max(images.height, images.width) <= 64 ? Self.imagesWhenSmall : Self.imagesWhenLarge
    let count = min(limit, images.count)
    let indices = (0..<count).map { $0 * images.count / count }
    return try LabeledImages(
      channels: images.channels, height: images.height, width: images.width,
      pixels: .floats(images.pixelValues(indices)), labels: indices.map { images.labels[$0] },
      names: indices.map { images.names[$0] })
  }

  private func shape(_ images: LabeledImages, _ count: Int) -> [Int] {
    [count, images.channels, images.height, images.width]
  }

  /// Gradients that vanish or are not numbers leave a gradient attack nothing to follow.
  private func gradients(_ images: LabeledImages) throws(ScopeError) -> SanityCheck {
    var (zeros, invalid, values, blank) = (0, 0, 0, 0)
    var first = 0
    while first < images.count {
      let range = first..<min(first + target.batchSize, images.count)
      let found = try target.gradients(
        images.pixelValues(range), questions: range.map { (.margin, images.labels[$0], 0) },
        shape: shape(images, range.count)
      ).gradient
      for position in 0..<range.count {
        let own = found[position * images.imageSize..<(position + 1) * images.imageSize]
        let none = own.count { $0 == 0 }
        zeros += none
        blank += none == own.count ? 1 : 0
        invalid += own.count { !$0.isFinite }
      }
      values += found.count
      first = range.upperBound
    }
    let share = Double(zeros) / Double(max(values, 1))
    let passes = invalid == 0 && blank == 0 && share < Self.zeroShare
    return SanityCheck(
      "Gradients are there", passes ? .passed : .failed,
      "\(percent(share)) of the gradient's values at \(images.count) clean images are exactly zero, \(blank) images have none, \(invalid) values are not finite",
      advice:
        "Gradient attacks are blind where the gradient vanishes; rely on Square and on transfer from a similar model"
    )
  }

  /// The same images twice.
  private func repeats(_ images: LabeledImages) throws(ScopeError) -> SanityCheck {
    let range = 0..<min(target.batchSize, images.count)
    let pixels = images.pixelValues(range)
    let one = try target.logits(pixels, shape: shape(images, range.count)).values
    let two = try target.logits(pixels, shape: shape(images, range.count)).values
    let difference = zip(one, two).reduce(Float(0)) { max($0, ($1.0 - $1.1).magnitude) }
    let scale = one.reduce(Float(1e-6)) { max($0, $1.magnitude) }
    return SanityCheck(
      "The model answers the same twice", difference <= 1e-4 * scale ? .passed : .failed,
      "the logits of \(range.count) images differ by at most \(difference) between two runs",
      advice:
        "A randomised model needs attacks that average over its noise (expectation over transformation); these do not"
    )
  }

  /// A larger budget never protects.
  private func monotony(_ result: RobustnessResult) -> SanityCheck {
    var (pairs, worst) = (0, "")
    for one in result.attacks {
      for other in result.attacks
      where other.specification.kind == one.specification.kind
        && other.specification.epsilon.value > one.specification.epsilon.value
        && one.specification.kind.algorithm != .fgsm
      {
        pairs += 1
        // One image in a hundred may be luck of the step size.
        if other.strictRobustAccuracy.correct > one.strictRobustAccuracy.correct + result.imageCount / 100 {
          worst =
            "\(one.specification.kind.title) leaves \(one.strictRobustAccuracy.correct) images at \(one.specification.epsilon.text) and \(other.strictRobustAccuracy.correct) at \(other.specification.epsilon.text)"
        }
      }
    }
    return SanityCheck(
      "Accuracy falls as epsilon grows", pairs == 0 ? .notApplicable : worst.isEmpty ? .passed : .failed,
      pairs == 0
        ? "no iterated attack ran at two budgets"
        : worst.isEmpty ? "\(pairs) pairs of budgets compared" : worst,
      advice: "Take more steps or restarts: an attack that does better with less room has not converged")
  }

  /// Steps help.
  private func iteration(
    _ images: LabeledImages, _ budget: Epsilon, _ result: RobustnessResult, _ isCancelled: () -> Bool
  ) throws(ScopeError) -> SanityCheck {
    let attacks = [AttackSpecification(.fgsm, epsilon: budget), AttackSpecification(.pgd, epsilon: budget)]
    let counts = try survivors(images, attacks, isCancelled)
    let (single, iterated) = (counts[0].count { $0 }, counts[1].count { $0 })
    return SanityCheck(
      "Ten steps are at least as strong as one", iterated <= single ? .passed : .failed,
      "of \(images.count) images at \(budget.text), FGSM leaves \(single) and PGD-10 \(iterated)",
      advice: "Gradients are masked or the step size is wrong; look at the model's last layers for saturation"
    )
  }

  /// Nothing survives without a bound, and seeing less does not help an attacker.
  private func extremes(
    _ images: LabeledImages, _ budget: Epsilon, _ isCancelled: () -> Bool
  ) throws(ScopeError) -> [SanityCheck] {
    let attacks = [
      AttackSpecification(
        AttackKind(.apgdCrossEntropy), epsilon: Epsilon(value: 1, text: "1"), steps: Self.unboundedSteps),
      AttackSpecification(AttackKind(.apgdCrossEntropy), epsilon: budget, steps: Self.unboundedSteps),
      AttackSpecification(AttackKind(.square), epsilon: budget, queries: Self.blackBoxQueries),
    ]
    let kept = try survivors(images, attacks, isCancelled)
    let unbounded = kept[0].count { $0 }
    let onlyBlackBox = kept[1].indices.count { kept[1][$0] && !kept[2][$0] }
    let passesUnbounded = Double(unbounded) <= max(1, 0.02 * Double(images.count))
    return [
      SanityCheck(
        "Nothing survives without a bound", passesUnbounded ? .passed : .failed,
        "APGD at epsilon 1 leaves \(unbounded) of \(images.count) images",
        advice:
          "An attacker who may change every pixel must win: the gradient is masked, and the scores above are too good"
      ),
      SanityCheck(
        "Seeing the gradient helps", onlyBlackBox <= max(1, images.count / 50) ? .passed : .failed,
        "Square with \(Self.blackBoxQueries) queries fools \(onlyBlackBox) of \(images.count) images at \(budget.text) that APGD does not",
        advice: "The gradient misleads the attack; report Square's figure, or AutoAttack's, instead"),
    ]
  }

  /// Per attack and image, whether it is right when clean and withstands.
  private func survivors(
    _ images: LabeledImages, _ attacks: [AttackSpecification], _ isCancelled: () -> Bool
  ) throws(ScopeError) -> [[Bool]] {
    var quiet = options
    quiet.stopsWhenFooled = true
    quiet.sampleCount = 0
    quiet.headlineEpsilon = nil
    quiet.findsMinimalEpsilon = false
    var run = EvaluationRun(target: target, second: nil, images: images, attacks: attacks, options: quiet)
    _ = try run.result(progress: { _, _ in }, isCancelled: isCancelled)
    return run.tallies.map(\.survivors)
  }

  private func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10)%" }
}
