extension Report {
  /// Section 4: accuracy under adversarial perturbation in pixel space [0, 1].
  public struct Robustness: Codable, Sendable, Hashable {
    public var cleanAccuracy: Figure
    /// 100 x robust / clean accuracy at the headline epsilon; nil without a headline attack.
    public var score: Figure?
    /// `Low` below 40, `Medium` to 70, `High` above.
    public var level: String?
    /// `A` from 85, `B` from 70, `C` from 55, `D` from 40, `E` from 20, else `F`.
    public var grade: String?
    /// Whether only single-step attacks stand behind the score, which iterated ones would lower.
    public var isUpperBound: Bool?
    /// How far the checks let the score be trusted: `high`, `reduced`, `low`.
    public var confidence: String?
    /// Checks against false robustness.
    public var checks: [RobustnessCheck]?
    /// Whether confidence means what it says, on the clean images.
    public var calibration: Calibration?
    /// The same of the optimized model.
    public var optimizedCalibration: Calibration?
    /// How small a change fools each image; only when it was asked for.
    public var minimalEpsilon: MinimalEpsilon?
    /// Changes that all images share; only when they were asked for.
    public var sharedChanges: [SharedChange]?
    /// Beyond adversaries; only when they were asked for.
    public var corruptions: Corruptions?
    public var stability: [Stability]?
    public var unknownInputs: [UnknownInputs]?
    /// What randomized smoothing guarantees; only when it was asked for.
    public var certified: Certified?
    /// Radius at which the score is taken, in pixel units [0, 1].
    public var headlineEpsilon: Double?
    public var headlineNorm: String?
    /// The attack behind the score.
    public var headlineAttack: String?
    public var attacks: [Attack]
    /// Share of images that withstand every attack of the same norm and radius.
    public var worstCase: [WorstCase]
    /// The optimized model's accuracy without attack on the same images.
    public var optimizedCleanAccuracy: Figure?
    /// The optimized model under the same attacks.
    public var optimizedComparison: [OptimizedUnderAttack]
    public var samples: [Sample]
    /// Images attacked.
    public var images: Int?
    public var seconds: Double?

    public init(cleanAccuracy: Figure) {
      self.cleanAccuracy = cleanAccuracy
      attacks = []
      worstCase = []
      optimizedComparison = []
      samples = []
    }
  }

  /// Confidence (the largest softmax probability) against accuracy.
  public struct Calibration: Codable, Sendable, Hashable {
    /// Mean |confidence - accuracy| over 15 bins of confidence, weighted by their images (Guo et al. 2017,
    /// arXiv:1706.04599).
    public var expectedError: Figure
    /// Mean confidence minus accuracy, as a fraction.
    public var overconfidence: Double
    /// Negative log-likelihood per image, nats.
    public var logLoss: Double
    /// Temperature fitted on half of the images, and the expected error of the other half without and with it.
    public var temperature: Double?
    public var errorBefore: Double?
    public var errorAfter: Double?
    /// Bins that hold images.
    public var bins: [Bin]

    public struct Bin: Codable, Sendable, Hashable {
      public var low: Double
      public var high: Double
      public var count: Int
      public var meanConfidence: Double
      public var accuracy: Double

      public init(low: Double, high: Double, count: Int, meanConfidence: Double, accuracy: Double) {
        self.low = low
        self.high = high
        self.count = count
        self.meanConfidence = meanConfidence
        self.accuracy = accuracy
      }
    }

    public init(expectedError: Figure, overconfidence: Double, logLoss: Double, bins: [Bin]) {
      self.expectedError = expectedError
      self.overconfidence = overconfidence
      self.logLoss = logLoss
      self.bins = bins
    }
  }

  /// The smallest Linf budgets that an attack found, image by image.
  public struct MinimalEpsilon: Codable, Sendable, Hashable {
    /// Largest budget tried, in pixel units [0, 1].
    public var limit: Double
    /// Of the images right when clean, ascending; those that withstood the limit are missing.
    public var found: [Double]
    public var withstood: Int
    /// Budget that fools half of the images that were right; nil beyond the limit.
    public var median: Double?
    /// Mean accuracy over the budgets up to the limit: the area under the curve.
    public var area: Figure
    public var settings: String

    public init(
      limit: Double, found: [Double], withstood: Int, median: Double?, area: Figure, settings: String
    ) {
      self.limit = limit
      self.found = found
      self.withstood = withstood
      self.median = median
      self.area = area
      self.settings = settings
    }
  }

  /// A check that the measured robustness is no artefact.
  public struct RobustnessCheck: Codable, Sendable, Hashable {
    public var name: String
    /// `passed`, `failed`, `not applicable`.
    public var outcome: String
    public var evidence: String
    public var advice: String
    public init(name: String, outcome: String, evidence: String, advice: String) {
      self.name = name
      self.outcome = outcome
      self.evidence = evidence
      self.advice = advice
    }
  }

  /// One change for every image, learnt on some and judged on others.
  public struct SharedChange: Codable, Sendable, Hashable {
    /// `Universal perturbation 4/255`, `Patch over 5% of the image`.
    public var name: String
    /// On the images that judge: without the change, with it, and with noise of the same size in its place.
    public var cleanAccuracy: Figure
    public var accuracy: Figure
    public var controlAccuracy: Figure
    public var seconds: Double?

    public init(
      name: String, cleanAccuracy: Figure, accuracy: Figure, controlAccuracy: Figure, seconds: Double? = nil
    ) {
      self.name = name
      self.cleanAccuracy = cleanAccuracy
      self.accuracy = accuracy
      self.controlAccuracy = controlAccuracy
      self.seconds = seconds
    }
  }

  /// One attack at one radius.
  public struct Attack: Codable, Sendable, Hashable {
    /// `FGSM`, `PGD-10`.
    public var name: String
    /// `Linf`, `L2`.
    public var norm: String
    /// Radius in pixel units [0, 1].
    public var epsilon: Double
    /// The radius as the user wrote it (`1/255`).
    public var epsilonText: String?
    public var robustAccuracy: Figure
    /// Steps, step size, random starts, loss.
    public var settings: String?
    /// Images that each part of an ensemble or targeted attack was the first to fool.
    public var parts: [AttackPart]?
    public var seconds: Double?

    public init(
      name: String, norm: String, epsilon: Double, epsilonText: String? = nil, robustAccuracy: Figure
    ) {
      self.name = name
      self.norm = norm
      self.epsilon = epsilon
      self.epsilonText = epsilonText
      self.robustAccuracy = robustAccuracy
    }
  }

  public struct AttackPart: Codable, Sendable, Hashable {
    public var name: String
    public var fooled: Int
    public init(name: String, fooled: Int) {
      self.name = name
      self.fooled = fooled
    }
  }

  public struct WorstCase: Codable, Sendable, Hashable {
    public var norm: String
    public var epsilon: Double
    public var robustAccuracy: Figure
    public init(norm: String, epsilon: Double, robustAccuracy: Figure) {
      self.norm = norm
      self.epsilon = epsilon
      self.robustAccuracy = robustAccuracy
    }
  }

  /// The original and the optimized model under one attack, on the same images.
  public struct OptimizedUnderAttack: Codable, Sendable, Hashable {
    public var attack: String
    public var norm: String
    public var epsilon: Double
    public var originalRobustAccuracy: Figure
    public var optimizedRobustAccuracy: Figure
    /// Whether the perturbation was computed on the original and carried over (`transferred`) or otherwise.
    public var method: String?
    public init(
      attack: String, norm: String, epsilon: Double, originalRobustAccuracy: Figure,
      optimizedRobustAccuracy: Figure
    ) {
      self.attack = attack
      self.norm = norm
      self.epsilon = epsilon
      self.originalRobustAccuracy = originalRobustAccuracy
      self.optimizedRobustAccuracy = optimizedRobustAccuracy
    }
  }

  /// A clean image beside its perturbed version, with the predictions. Images are PNG, base64.
  public struct Sample: Codable, Sendable, Hashable {
    public var label: String
    public var attack: String
    public var epsilonText: String
    public var cleanImage: String
    public var cleanPrediction: String
    /// Softmax probability of the prediction.
    public var cleanConfidence: Double?
    public var perturbedImage: String
    public var perturbedPrediction: String
    public var perturbedConfidence: Double?

    public init(
      label: String, attack: String, epsilonText: String, cleanImage: String, cleanPrediction: String,
      cleanConfidence: Double? = nil, perturbedImage: String, perturbedPrediction: String,
      perturbedConfidence: Double? = nil
    ) {
      self.label = label
      self.attack = attack
      self.epsilonText = epsilonText
      self.cleanImage = cleanImage
      self.cleanPrediction = cleanPrediction
      self.cleanConfidence = cleanConfidence
      self.perturbedImage = perturbedImage
      self.perturbedPrediction = perturbedPrediction
      self.perturbedConfidence = perturbedConfidence
    }
  }
}
