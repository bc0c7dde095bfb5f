import ScopeGraph

/// What a run measured or read that bears on deployment. Every field is optional: what was not measured stays
/// nil, and no advisory speaks about it.
public struct AdvisoryEvidence: Sendable, Hashable, Codable {
  /// Robust accuracy at one attack and strength, of one model or of two measured on the same images.
  public struct Attack: Sendable, Hashable, Codable {
    /// `FGSM`, `PGD` ...
    public var name: String
    /// `Linf` or `L2`.
    public var norm: String
    /// In pixel space [0, 1].
    public var epsilon: Double
    /// As the reader wrote it: `2/255`.
    public var epsilonText: String
    /// Fraction of images still classified correctly, original model.
    public var robustAccuracy: Double
    /// The original and the optimized model, each attacked itself, counted alike.
    public var comparedRobustAccuracy: Double?
    public var optimizedRobustAccuracy: Double?

    public init(
      name: String, norm: String, epsilon: Double, epsilonText: String, robustAccuracy: Double,
      comparedRobustAccuracy: Double? = nil, optimizedRobustAccuracy: Double? = nil
    ) {
      self.comparedRobustAccuracy = comparedRobustAccuracy
      self.name = name
      self.norm = norm
      self.epsilon = epsilon
      self.epsilonText = epsilonText
      self.robustAccuracy = robustAccuracy
      self.optimizedRobustAccuracy = optimizedRobustAccuracy
    }
  }

  /// A recognised architecture family.
  public struct Architecture: Sendable, Hashable, Codable {
    /// `ResNet`.
    public var family: String
    /// Year of first publication.
    public var year: Int
    /// `He et al., arXiv 1512.03385`.
    public var source: String

    public init(family: String, year: Int, source: String) {
      self.family = family
      self.year = year
      self.source = source
    }
  }

  /// Accuracy without attack on the images that were attacked (all images when none were), as a fraction.
  public var cleanAccuracy: Double?
  /// The optimized model's accuracy without attack on the images of ``cleanAccuracy``.
  public var optimizedCleanAccuracy: Double?
  /// The original's accuracy on the optimizer's evaluation images.
  public var originalAccuracy: Double?
  /// The optimized model's accuracy on those images.
  public var optimizedAccuracy: Double?
  /// Share of images on which original and optimized model predict the same class.
  public var agreement: Double?
  /// Whether the optimized model holds quantized weights (false: folded only).
  public var isQuantized: Bool?
  /// Images used to calibrate quantization.
  public var calibrationImages: Int?
  /// Images behind ``cleanAccuracy`` and ``attacks``.
  public var evaluationImages: Int?
  /// Images behind ``originalAccuracy``, ``optimizedAccuracy`` and ``agreement``; none of them calibrated.
  public var optimizationImages: Int?
  public var attacks: [Attack] = []
  public var architecture: Architecture?
  /// The year of the run, for ages.
  public var currentYear: Int?
  /// Format identifier of the file: `pytorch-zip`, `onnx` ...
  public var fileFormat: String?
  /// Whether a signature (`.sig`, `.sigstore`, `model.sig`) lies beside the file.
  public var hasSignature: Bool?
  public var sha256: String?
  /// Inputs with open sizes besides the batch, each with its sizes: `input_ids: batch x sequence`. Nil when the model
  /// is not a graph.
  public var openInputs: [String]?
  public init() {}

  /// ``openInputs`` of a graph; the first size of an input is the batch.
  public static func openInputs(of graph: Graph) -> [String] {
    graph.requiredInputs.compactMap { input in
      guard let shape = input.shape else { return "\(input.name): any number of sizes" }
      guard shape.dimensions.dropFirst().contains(where: { $0.value == nil }) else { return nil }
      return "\(input.name): \(shape.dimensions.map(\.description).joined(separator: " x "))"
    }
  }
}
