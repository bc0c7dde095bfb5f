extension Report {
  /// Section 2: what optimization gives on this machine with this data.
  public struct Optimization: Codable, Sendable, Hashable {
    public var originalBytes: Figure
    public var optimizedBytes: Figure
    /// 1 - optimized/original, a fraction.
    public var sizeReduction: Figure
    /// Original time / optimized time, measured interleaved, with its interval.
    public var speedup: Figure?
    public var originalP50Milliseconds: Figure?
    public var optimizedP50Milliseconds: Figure?
    /// Top-1 accuracy on images that were not used for calibration.
    public var originalAccuracy: Figure?
    public var optimizedAccuracy: Figure?
    /// Share of images on which both models give the same top-1 class.
    public var agreement: Figure?
    /// What was applied to the written model, in order.
    public var techniques: [String]
    /// Everything that was built and measured, the original first when it is listed.
    public var candidates: [Candidate]
    /// Name of the candidate that was written.
    public var chosen: String?
    /// Whether the written model is quantized or pruned (false: exact rewrites only).
    public var isApproximate: Bool
    /// Accepted loss of accuracy as a fraction (0.01 is one point).
    public var maximumAccuracyDrop: Double?
    public var calibrationImages: Int?
    public var evaluationImages: Int?
    /// Where the optimized model was written.
    public var optimizedPath: String?
    public var optimizedSha256: String?
    /// Remarks such as "nothing was faster than FP32; the folded model was written".
    public var notes: [String]

    public init(originalBytes: Figure, optimizedBytes: Figure, sizeReduction: Figure, isApproximate: Bool) {
      self.originalBytes = originalBytes
      self.optimizedBytes = optimizedBytes
      self.sizeReduction = sizeReduction
      self.isApproximate = isApproximate
      techniques = []
      candidates = []
      notes = []
    }

    /// Sizes known, everything else to be filled in.
    public init(originalBytes: Int, optimizedBytes: Int, isApproximate: Bool, conditions: String? = nil) {
      self.init(
        originalBytes: .bytes(originalBytes, conditions: conditions),
        optimizedBytes: .bytes(optimizedBytes, conditions: conditions),
        sizeReduction: .fraction(originalBytes > 0 ? 1 - Double(optimizedBytes) / Double(originalBytes) : 0),
        isApproximate: isApproximate)
    }
  }

  /// One variant that was built, run and compared.
  public struct Candidate: Codable, Sendable, Hashable {
    public var name: String
    public var bytes: Figure?
    public var accuracy: Figure?
    public var agreement: Figure?
    public var p50Milliseconds: Figure?
    public var speedup: Figure?
    /// What was decided and why (`chosen: fastest within 1 point`, `rejected: loses 3.2 points`).
    public var verdict: String
    public var isChosen: Bool
    /// The unmodified model, listed for comparison.
    public var isOriginal: Bool

    public init(name: String, verdict: String, isChosen: Bool = false, isOriginal: Bool = false) {
      self.name = name
      self.verdict = verdict
      self.isChosen = isChosen
      self.isOriginal = isOriginal
    }
  }
}
