extension Report {
  /// Accuracy where nobody attacks but the world is unkind.
  public struct Corruptions: Codable, Sendable, Hashable {
    /// Mean over the standard corruptions and severities that were measured.
    public var meanAccuracy: Figure
    public var optimizedMeanAccuracy: Figure?
    /// Name of the corruption that costs most.
    public var worst: String
    /// Severity by severity, a row per corruption.
    public var rows: [CorruptionRow]
    /// Exact McNemar test over all corrupted images that the two models are equally accurate.
    public var pValue: Double?

    public init(meanAccuracy: Figure, worst: String, rows: [CorruptionRow]) {
      self.meanAccuracy = meanAccuracy
      self.worst = worst
      self.rows = rows
    }
  }

  public struct CorruptionRow: Codable, Sendable, Hashable {
    public var name: String
    /// `noise`, `blur`, `weather`, `digital`.
    public var family: String
    /// By severity, from 1.
    public var accuracies: [Figure]
    public var meanAccuracy: Double
    public var optimizedMeanAccuracy: Double?
    /// Mean expected calibration error.
    public var calibrationError: Double

    public init(
      name: String, family: String, accuracies: [Figure], meanAccuracy: Double, calibrationError: Double
    ) {
      self.name = name
      self.family = family
      self.accuracies = accuracies
      self.meanAccuracy = meanAccuracy
      self.calibrationError = calibrationError
    }
  }

  /// How often a harmless change of the image changes the prediction.
  public struct Stability: Codable, Sendable, Hashable {
    public var name: String
    /// Share of images with another prediction than unchanged.
    public var changed: Figure
    public var accuracy: Figure
    public var optimizedChanged: Figure?
    public var optimizedAccuracy: Figure?

    public init(name: String, changed: Figure, accuracy: Figure) {
      self.name = name
      self.changed = changed
      self.accuracy = accuracy
    }
  }

  /// Accuracy that holds for every change in L2 up to a radius, of the model smoothed by noise.
  public struct Certified: Codable, Sendable, Hashable {
    public struct Row: Codable, Sendable, Hashable {
      /// L2, pixel units [0, 1].
      public var radius: Double
      public var accuracy: Figure

      public init(radius: Double, accuracy: Figure) {
        self.radius = radius
        self.accuracy = accuracy
      }
    }

    public var sigma: Double
    public var samples: Int
    /// Chance that one image's radius is wrong.
    public var alpha: Double
    public var rows: [Row]
    /// Images without a certain majority.
    public var abstained: Int
    public var seconds: Double?

    public init(
      sigma: Double, samples: Int, alpha: Double, rows: [Row], abstained: Int, seconds: Double? = nil
    ) {
      self.sigma = sigma
      self.samples = samples
      self.alpha = alpha
      self.rows = rows
      self.abstained = abstained
      self.seconds = seconds
    }
  }

  /// How sure the model is of images that show nothing it knows.
  public struct UnknownInputs: Codable, Sendable, Hashable {
    public var name: String
    /// Mean largest softmax probability, and that of the data's own images.
    public var meanConfidence: Double
    public var knownConfidence: Double
    /// Share with a confidence above 0.9.
    public var confident: Figure
    /// Area under the ROC curve of the confidence as a detector.
    public var separation: Double

    public init(
      name: String, meanConfidence: Double, knownConfidence: Double, confident: Figure, separation: Double
    ) {
      self.name = name
      self.meanConfidence = meanConfidence
      self.knownConfidence = knownConfidence
      self.confident = confident
      self.separation = separation
    }
  }
}
