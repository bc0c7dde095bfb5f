import ScopeStatistics

/// A fraction of images with its 95% interval.
public struct MeasuredAccuracy: Sendable, Hashable, Codable {
  public var correct: Int
  public var count: Int
  /// 95% interval; see ``Proportion/interval``.
  public var interval: ClosedRange<Double>

  public var value: Double { count == 0 ? 0 : Double(correct) / Double(count) }

  public init(correct: Int, of count: Int) {
    self.correct = correct
    self.count = count
    interval = Proportion(successes: correct, trials: count).interval
  }
}

/// What one attack did to all images.
public struct AttackResult: Sendable, Hashable, Codable {
  public var specification: AttackSpecification
  /// Correct predictions on the final adversarial images over all images, misclassified ones attacked too: the
  /// convention of torchattacks' examples. An attack can turn a wrong prediction right; such an image counts.
  public var robustAccuracy: MeasuredAccuracy
  /// Images that are right when clean and at every point the attack visited, over all images: what an attacker who
  /// may stop at any step leaves. Never above ``robustAccuracy``.
  public var strictRobustAccuracy: MeasuredAccuracy
  /// Images right when clean and wrong after the attack.
  public var fooled: Int
  /// Mean length of the perturbations in pixel units, over the images attacked.
  public var meanL2: Double
  public var meanLinf: Double
  /// Gradient passes and forward passes, counted per image.
  public var gradientQueries: Int
  public var forwardQueries: Int
  /// Wall time of this attack alone. The first gradient, which all attacks without random start share, is counted
  /// to each by its share.
  public var seconds: Double
  /// What the accuracy counts, for the report.
  public var convention: String
  /// Images fooled by each part of an ensemble or targeted attack, most first; empty for others.
  public var foundBy: [AttackPart]
  /// Per image, whether it is right when clean and at every point visited.
  public var withstood: [Bool]
  /// Adversarial images of this model as seen by the second one; nil without a second model.
  public var transferred: MeasuredAccuracy?
}

/// A part of an ensemble and the images it was the first to fool.
public struct AttackPart: Sendable, Hashable, Codable {
  public var name: String
  public var fooled: Int
}

/// Images that withstand every attack tried at one budget.
public struct WorstCaseResult: Sendable, Hashable, Codable {
  public var norm: PerturbationNorm
  public var epsilon: Epsilon
  public var robustAccuracy: MeasuredAccuracy
  /// Attacks that took part.
  public var attacks: Int
}

/// One image before and after the attack, for the report.
public struct AttackSample: Sendable {
  public var name: String
  public var label: Int
  public var specification: AttackSpecification
  public var channels: Int
  public var height: Int
  public var width: Int
  /// [C, H, W] in [0, 1].
  public var clean: [Float]
  public var perturbed: [Float]
  public var cleanPrediction: Int
  public var perturbedPrediction: Int
  /// Softmax probabilities of those predictions.
  public var cleanConfidence: Double
  public var perturbedConfidence: Double

  public var isFooled: Bool { cleanPrediction == label && perturbedPrediction != label }
}

/// Robustness of one model on one set of images.
public struct RobustnessResult: Sendable {
  public var imageCount: Int
  public var cleanAccuracy: MeasuredAccuracy
  /// Per image, whether it is right when clean.
  public var right: [Bool]
  /// One per specification, in the order asked for.
  public var attacks: [AttackResult]
  public var worstCase: [WorstCaseResult]
  /// The budget of the score; nil when no Linf attack ran.
  public var headlineEpsilon: Epsilon?
  /// How the headline budget was chosen, one sentence.
  public var headlineReason: String
  /// Strongest attack at the headline budget.
  public var headlineAttack: AttackSpecification?
  /// 100 x robust accuracy / clean accuracy under ``headlineAttack``, at most 100.
  public var score: Double?
  public var level: RobustnessLevel?
  public var grade: RobustnessGrade?
  /// Whether the score rests on single-step attacks alone: iterated ones would lower it.
  public var isUpperBound: Bool
  /// Checks against false robustness, and what they say of the score; nil when they were not asked for.
  public var checks: [SanityCheck] = []
  public var confidence: RobustnessConfidence?
  /// Confidence against accuracy on the clean images, of this model and of the second one.
  public var calibration: Calibration?
  public var otherCalibration: Calibration?
  /// How small a change fools each image; nil when it was not asked for.
  public var minimalEpsilon: MinimalEpsilon?
  public var sharedChanges: [SharedChangeResult] = []
  public var changes: [ChangeResult] = []
  public var unknowns: [UnknownResult] = []
  public var smoothing: SmoothingResult?
  public var samples: [AttackSample]
  /// Images per run.
  public var batchSize: Int
  public var threads: Int
  public var seconds: Double
  /// Forward and backward nodes of the graph that was run.
  public var forwardNodes: Int
  public var backwardNodes: Int
}

/// The original and another model (usually its quantized form) under the same attacks.
public struct ComparedRobustness: Sendable {
  public var original: RobustnessResult
  /// Attacked through its own gradient (straight-through for quantized models); nil when that gradient cannot be
  /// built, with the reason in ``otherFailure``.
  public var other: RobustnessResult?
  public var otherFailure: String?
  /// Clean accuracy of the other model; its accuracy on the original's adversarial images is in
  /// ``AttackResult/transferred`` of ``original``.
  public var otherCleanAccuracy: MeasuredAccuracy
}

/// Which budget the score is taken at.
public enum HeadlineRule {
  /// The literature's Linf budget: 8/255 for images up to 64 pixels (Madry et al. 2018), 4/255 beyond (ImageNet in
  /// RobustBench, Croce et al. 2021). When it was not asked for, the nearest one that was.
  public static func choose(
    _ specifications: [AttackSpecification], height: Int, width: Int
  ) -> (epsilon: Epsilon, reason: String)? {
    let small = min(height, width) <= 64
    let usual = Epsilon(small ? 8 : 4, over: 255)
    let offered = specifications.filter { $0.norm == .linf }.map(\.epsilon)
    guard let nearest = offered.min(by: { abs($0.value - usual.value) < abs($1.value - usual.value) }) else {
      return nil
    }
    let source = small ? "Madry et al. 2018 for small images" : "RobustBench for ImageNet"
    return abs(nearest.value - usual.value) < 1e-9
      ? (nearest, "\(usual.text) is the literature's Linf budget (\(source))")
      : (
        nearest,
        "\(nearest.text) was the tested Linf budget nearest to the literature's \(usual.text) (\(source))"
      )
  }
}
