/// What a rule looks for and why: the text of `--explain`, of the report and of machine-readable outputs.
public struct RuleDescription: Sendable, Hashable, Codable {
  /// Stable id, `PKL001`.
  public var id: String
  /// Severity of its findings unless the evidence makes one lower.
  public var severity: Severity
  /// Noun phrase, without a full stop.
  public var title: String
  /// What it detects, precisely enough to predict it.
  public var detects: String
  /// Why that is dangerous.
  public var why: String
  /// A small instance, in the notation of `pickletools` or of the format.
  public var example: String
  /// What the reader should do.
  public var mitigation: String
  /// Public records: CWE, CVE, GHSA, MITRE ATLAS, arXiv.
  public var references: [String]

  public init(
    id: String, severity: Severity, title: String, detects: String, why: String, example: String,
    mitigation: String, references: [String]
  ) {
    self.id = id
    self.severity = severity
    self.title = title
    self.detects = detects
    self.why = why
    self.example = example
    self.mitigation = mitigation
    self.references = references
  }

  /// The user documentation of the rule as plain text.
  public var explanation: String {
    """
    \(id) (\(severity.rawValue)): \(title)

    What it detects
      \(detects)

    Why it matters
      \(why)

    Example
      \(example.split(separator: "\n").joined(separator: "\n  "))

    What to do
      \(mitigation)

    References
      \(references.joined(separator: "\n  "))
    """
  }
}

/// A rule: its description. What it examines is said by the protocols that refine this one.
public protocol SecurityRule: Sendable {
  static var description: RuleDescription { get }
}

extension SecurityRule {
  /// A finding of this rule; the description fills in what the evidence does not change.
  static func finding(
    _ evidence: String, title: String? = nil, severity: Severity? = nil, place: FindingPlace? = nil,
    why: String? = nil
  ) -> Finding {
    Finding(
      rule: description.id, severity: severity ?? description.severity, title: title ?? description.title,
      evidence: evidence, place: place, why: why ?? description.why, mitigation: description.mitigation,
      reference: description.references.joined(separator: ", "))
  }
}

/// A rule about one pickle stream.
protocol PickleRule: SecurityRule {
  static func findings(in pickle: PickleAnalysis) -> [Finding]
}

/// A rule about a ZIP container.
protocol ArchiveRule: SecurityRule {
  static func findings(in archive: ArchiveSubject) -> [Finding]
}

/// A rule about an ONNX model.
protocol ONNXRule: SecurityRule {
  static func findings(in model: ONNXSubject) -> [Finding]
}

/// A rule about a safetensors file.
protocol SafetensorsRule: SecurityRule {
  static func findings(in file: SafetensorsSubject) -> [Finding]
}

/// A rule about a Keras model: its configuration, and the HDF5 file that holds it or its weights.
protocol KerasRule: SecurityRule {
  static func findings(in model: KerasSubject) -> [Finding]
}

/// A rule about a TensorFlow graph (SavedModel, MetaGraph, GraphDef).
protocol TensorFlowRule: SecurityRule {
  static func findings(in model: TensorFlowSubject) -> [Finding]
}

/// A rule about a TensorFlow Lite model.
protocol TFLiteRule: SecurityRule {
  static func findings(in model: TFLiteSubject) -> [Finding]
}

/// A rule about a GGUF file.
protocol GGUFRule: SecurityRule {
  static func findings(in file: GGUFSubject) -> [Finding]
}

/// A rule about a chat template.
protocol TemplateRule: SecurityRule {
  static func findings(in template: ChatTemplate) -> [Finding]
}

/// A rule that a scanner raises itself, because what it reports is a step of reading (a magic number, a file name).
protocol ReadingRule: SecurityRule {}
