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
    /// Accuracy lost, a fraction, with its paired interval; share of changed predictions where agreement judges.
    public var accuracyDrop: Figure?
    /// `latency`, `size` or `balanced`: what decided among the variants within the budget.
    public var objective: String?
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
    /// What quantizing each layer alone costs, most sensitive first; empty when not measured.
    public var sensitivity: [LayerSensitivity]
    /// Why variants that should be faster are not, from the engine's profile.
    public var explanations: [String]
    /// Engines and session options tried with the written model; nil when not asked for.
    public var engines: EngineTable?
    /// Remarks such as "nothing was faster than FP32; the folded model was written".
    public var notes: [String]

    public init(originalBytes: Figure, optimizedBytes: Figure, sizeReduction: Figure, isApproximate: Bool) {
      self.originalBytes = originalBytes
      self.optimizedBytes = optimizedBytes
      self.sizeReduction = sizeReduction
      self.isApproximate = isApproximate
      techniques = []
      candidates = []
      sensitivity = []
      explanations = []
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

  /// How a model was run to find what to deploy it with.
  public struct EngineTable: Codable, Sendable, Hashable {
    public struct Row: Codable, Sendable, Hashable {
      /// Engine, threads and options.
      public var configuration: String
      public var p50Milliseconds: Figure?
      /// Against its engine's default, measured side by side.
      public var speedup: Figure?
      public var isBest: Bool
      public var verdict: String

      public init(configuration: String, isBest: Bool, verdict: String) {
        self.configuration = configuration
        self.isBest = isBest
        self.verdict = verdict
      }
    }

    /// What to deploy.
    public var best: String
    public var openVINOOverONNXRuntime: Figure?
    public var rows: [Row]

    public init(best: String) {
      self.best = best
      rows = []
    }
  }

  /// What quantizing one layer alone costs.
  public struct LayerSensitivity: Codable, Sendable, Hashable {
    /// The layer's output value.
    public var layer: String
    public var opType: String
    /// Share of the parameters of all layers that can be quantized.
    public var parameterShare: Double
    /// Of the model's scores with only this layer in INT8, decibel; lower hurts more.
    public var sqnr: Double

    public init(layer: String, opType: String, parameterShare: Double, sqnr: Double) {
      self.layer = layer
      self.opType = opType
      self.parameterShare = parameterShare
      self.sqnr = sqnr
    }
  }

  /// One variant that was built, run and compared.
  public struct Candidate: Codable, Sendable, Hashable {
    public var name: String
    public var bytes: Figure?
    public var accuracy: Figure?
    /// Accuracy lost, a fraction, with its paired interval.
    public var accuracyDrop: Figure?
    public var agreement: Figure?
    public var p50Milliseconds: Figure?
    public var speedup: Figure?
    /// Signal-to-quantization-noise ratio of the scores on calibration samples, decibel.
    public var calibrationSQNR: Double?
    /// What was done to the model after the exact passes, in order.
    public var steps: [String]
    /// Whether no other variant is at least as good in size, time and accuracy and better in one.
    public var isOnFront: Bool
    /// Where the model lies, on the front of a search with a work folder.
    public var path: String?
    /// What was decided and why (`chosen: fastest within 1 point`, `loses 3.2 points`).
    public var verdict: String
    public var standing: Standing
    /// Against the original in ONNX Runtime, when it runs in OpenVINO; nil when that was not asked for.
    public var openVINOSpeedup: Figure?

    /// Where a candidate stands after the search, in the order of the table.
    public enum Standing: String, Codable, Sendable, Hashable, CaseIterable, Comparable {
      /// The unmodified model, listed for comparison.
      case original
      case chosen
      /// Nothing is at least as good in size, time and accuracy and better in one.
      case front
      /// Measured, within the accuracy budget, and not worse than the original.
      case within
      case out
      /// Never timed beside the original nor evaluated.
      case notRun = "not run"

      public static func < (left: Standing, right: Standing) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
      }
    }

    public var isChosen: Bool { standing == .chosen }
    public var isOriginal: Bool { standing == .original }

    public init(name: String, verdict: String, standing: Standing) {
      self.name = name
      self.verdict = verdict
      self.standing = standing
      steps = []
      isOnFront = false
    }
  }
}
