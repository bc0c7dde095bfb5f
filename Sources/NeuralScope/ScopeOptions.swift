import ScopeBytes
import ScopeData
import ScopeGraph
import ScopeOptimization

/// What a run should do; every field has the default of the command line.
public struct ScopeOptions: Sendable {
  /// ONNX Runtime library; nil looks in the known places.
  public var enginePath: String?
  /// Threads inside an operator; 0 takes every core.
  public var threads = 0
  public var seed: UInt64 = 0
  public var data = DataOptions()
  /// Loss of accuracy an optimized model may have, a fraction (0.01 is one point).
  public var maximumAccuracyDrop = 0.01
  /// Where `optimize` writes its model; nil writes none.
  public var optimizedPath: String?
  public var optimization = OptimizationSettings()
  /// Attacks and radii of the robustness section.
  public var attack = AttackOptions()
  /// Bounds the time of the latency measurement of `analyze`.
  public var latencyBudget: Duration = .seconds(3)
  /// Timed runs that are taken even when the median is precise before.
  public var leastLatencySamples = 20
  /// Shapes of graph inputs that the model leaves open, by input name (`input=1x3x224x224`).
  public var shapes: [String: Shape] = [:]
  /// What `analyze` looks into beyond the first table.
  public var details: Set<AnalysisDetail> = []
  /// Price of a machine like this one per hour, in any currency; nil estimates no cost.
  public var pricePerHour: Double?
  /// Context lengths at which a decoder's memory is computed; empty takes the configuration's own.
  public var contextLengths: [Int] = []
  /// The command line, for the report's conditions.
  public var command: String?
  /// Told about long work; called from any thread.
  public var progress: (@Sendable (ScopeProgress) -> Void)?

  public init() {}
}

/// How the search of `optimize` goes about it.
public struct OptimizationSettings: Sendable {
  public var objective = OptimizationObjective.latency
  /// Nil lets the search choose.
  public var techniques: Set<OptimizationTechnique>?
  public var timeBudget: Duration = .seconds(60)
  /// Judge by agreement with the original's predictions even where there are labels.
  public var judgesByAgreement = false
  /// Recover accuracy of pruned models by distilling the original into them.
  public var finetune = false
  /// Try thread counts and session options with the written model.
  public var tunesSessions = false
  /// Also measure the written model in OpenVINO.
  public var usesOpenVINO = false
  /// OpenVINO's C library; nil looks in the known places.
  public var openVINOPath: String?
  /// Batch size to write into the model.
  public var batch: Int?
  /// Measure what quantizing each layer alone costs.
  public var sensitivity = false
  /// Folder of candidates: an interrupted search goes on, and the Pareto front's models stay there.
  public var workDirectory: String?

  public init() {}
}

/// Parts of the analysis that cost time or room and are done on request.
public enum AnalysisDetail: String, Sendable, CaseIterable {
  /// Engine arena peak, resident growth, what larger batches need.
  case memory
  /// The machine's roofs and each kernel's place under them.
  case roofline
  /// Statistics of every stored tensor: reads all weights.
  case tensors
  /// Latency over batch sizes and thread counts.
  case throughput
}

/// Labelled images and how they become the model's input.
public struct DataOptions: Sendable {
  /// A folder or `.npz`; nil when there is no data.
  public var path: String?
  /// At most this many images, spread over the classes.
  public var limit: Int?
  /// Stop at the first image that cannot be used.
  public var strict = false
  /// `imagenet`, `tf`, `cifar`, `none`; nil takes the recognised architecture's own.
  public var preset: String?
  public var mean: String?
  public var standardDeviation: String?
  public var resize: String?
  public var crop: String?
  public var interpolation: String?

  public init() {}

  /// Whether the user chose any part of the preprocessing.
  var isCustomised: Bool {
    [preset, mean, standardDeviation, resize, crop, interpolation].contains { $0 != nil }
  }
}

/// What to attack with; texts as on the command line.
public struct AttackOptions: Sendable {
  /// Names of ``AttackKind/all`` (`fgsm`, `pgd-l2`, `autoattack`), separated by commas.
  public var names = "fgsm,pgd"
  /// Linf radii such as `1/255,2/255`, in units of the [0, 1] pixel range; nil takes the usual four.
  public var epsilons: String?
  /// L2 radii; nil takes the documented default for the image size.
  public var l2Epsilons: String?
  /// L1 radii; nil takes the documented default for the image size.
  public var l1Epsilons: String?
  /// Gradient steps; nil takes 10 for PGD and 100 for APGD and FAB.
  public var steps: Int?
  /// Forward passes of Square, alone or in AutoAttack.
  public var queries = 5000
  public var stepSize: Double?
  public var randomStart = false
  /// Whether to look for false robustness too; costs a few more attacks on a few images.
  public var checksSanity = true
  /// Whether each image's smallest budget is looked for.
  public var findsMinimalEpsilon = false
  /// Linf radii of universal perturbations, and the shares of the image that adversarial patches cover; none by default.
  public var universalEpsilons: String?
  public var patchShares: String?
  /// Corruptions to measure: `all`, families or names separated by commas; none by default.
  public var corruptions: String?
  /// Standard deviation of the noise to certify under, and noisy copies per image; not certified by default.
  public var smoothingSigma: Double?
  public var smoothingSamples = 1000
  /// Whether small shifts, JPEG and the like are tried.
  public var measuresStability = false
  /// Whether the confidence on images of nothing is measured.
  public var asksUnknowns = false
  /// Added to the length of a gradient before PGD in L2 divides by it; see ``AttackSpecification/gradientNormFloor``.
  public var gradientNormFloor = 1e-10

  public init() {}
}

/// Where long work stands.
public struct ScopeProgress: Sendable {
  /// `Reading images`, `Calibrating` ...
  public var stage: String
  /// 0 to 1 within the stage; nil when it cannot be told.
  public var fraction: Double?

  public init(stage: String, fraction: Double?) {
    self.stage = stage
    self.fraction = fraction
  }
}
