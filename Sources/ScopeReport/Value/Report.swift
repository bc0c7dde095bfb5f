/// Everything one run found out about one model: the single value that every output is rendered from.
///
/// A section that was not run is nil; a value that was not measured is nil and listed in ``notMeasured``.
/// JSON paths are a stable interface: fields are added, never renamed, within one ``schemaVersion``.
public struct Report: Codable, Sendable, Hashable {
  public static let currentSchemaVersion = 1

  public var schemaVersion: Int
  public var model: Model
  public var analysis: Analysis?
  public var optimization: Optimization?
  public var security: Security?
  public var robustness: Robustness?
  /// Accuracy and calibration without attack, where nothing else was asked for.
  public var evaluation: Evaluation?
  /// What the results mean for practitioners; written by ``narrated()``.
  public var assessments: [Assessment]
  /// What to do, largest gain first; written by ``narrated()``.
  public var recommendations: [Recommendation]
  /// Ship or not, and why; written by ``narrated()``.
  public var conclusion: Conclusion?
  public var conditions: Conditions
  public var notMeasured: [NotMeasured]

  public init(model: Model, conditions: Conditions) {
    schemaVersion = Report.currentSchemaVersion
    self.model = model
    self.conditions = conditions
    assessments = []
    recommendations = []
    notMeasured = []
  }

  /// The file under test.
  public struct Model: Codable, Sendable, Hashable {
    /// Name shown to people, usually the file name.
    public var name: String
    /// The path as the user gave it; used in the commands of the recommendations.
    public var path: String
    /// `onnx`, `pytorch`, `safetensors` ...
    public var format: String
    /// Container details (`zip checkpoint, state dict`, `opset 17, written by pytorch 2.1`).
    public var formatDetail: String?
    /// SHA-256 of the file in hexadecimal; nil when only structure was asked for.
    public var sha256: String?
    /// Bytes of the file (all shards and external data).
    public var bytes: Int
    /// Family and variant (`EfficientNet-Lite0`), nil when not recognised.
    public var architecture: String?
    /// What the architecture is known for, one sentence.
    public var architectureDescription: String?
    /// What it was recognised from (`49 parameter names and shapes match exactly`).
    public var architectureEvidence: String?
    /// Why the program in the file could not be followed, operator and place named; its weights are described all the
    /// same.
    public var problem: String?
    /// Year of introduction.
    public var architectureYear: Int?
    /// Paper or repository that introduced it.
    public var architectureSource: String?

    public init(
      name: String, path: String, format: String, sha256: String? = nil, bytes: Int,
      architecture: String? = nil
    ) {
      self.name = name
      self.path = path
      self.format = format
      self.sha256 = sha256
      self.bytes = bytes
      self.architecture = architecture
    }
  }

  /// A value that is absent, and how to get it.
  public struct NotMeasured: Codable, Sendable, Hashable {
    /// JSON path of the absent value (`analysis.latency.p99Milliseconds`).
    public var path: String
    /// Why it is absent, a phrase without a full stop.
    public var reason: String
    /// The command or flag that measures it.
    public var remedy: String

    public init(path: String, reason: String, remedy: String) {
      self.path = path
      self.reason = reason
      self.remedy = remedy
    }
  }

  /// The sections of a report, in order.
  public enum Section: String, Sendable, CaseIterable {
    case analysis, optimization, security, robustness, meaning, recommendations, conclusion, conditions
  }
}
