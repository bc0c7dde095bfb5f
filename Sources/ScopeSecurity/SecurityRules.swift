import ScopeBytes

/// Every rule, listed explicitly: a rule that is not here does not run, and a test compares this list with the
/// files under `Rules/`.
public enum SecurityRules {
  static let pickle: [any PickleRule.Type] = [
    PKL001.self, PKL002.self, PKL003.self, PKL004.self, PKL005.self, PKL006.self, PKL007.self, PKL008.self,
    PKL009.self, PKL010.self, PKL011.self, PKL012.self, PKL013.self, PKL014.self, PKL015.self, PKL016.self,
    PKL017.self, PKL018.self, PT003.self,
  ]
  static let archive: [any ArchiveRule.Type] = [
    ARC001.self, ARC002.self, ARC003.self, ARC004.self, ARC005.self, ARC006.self, ARC007.self, ARC009.self,
  ]
  static let onnx: [any ONNXRule.Type] = [
    ONX001.self, ONX002.self, ONX003.self, ONX004.self, ONX005.self, ONX006.self,
  ]
  static let safetensors: [any SafetensorsRule.Type] = [ST001.self, ST002.self, ST003.self]
  static let keras: [any KerasRule.Type] = [
    KER001.self, KER002.self, KER003.self, KER004.self, KER005.self, KER006.self, KER007.self,
  ]
  static let tensorFlow: [any TensorFlowRule.Type] = [TF001.self, TF002.self]
  static let tflite: [any TFLiteRule.Type] = [TFL001.self, TFL002.self]
  static let gguf: [any GGUFRule.Type] = [GG001.self]
  static let templates: [any TemplateRule.Type] = [GG002.self, GG003.self]
  /// Raised by the scanners as they read.
  static let reading: [any ReadingRule.Type] = [
    PT001.self, PT002.self, PT004.self, PT005.self, NP001.self, JL001.self, SKP001.self, ARC008.self,
    FMT001.self, FMT002.self, REP001.self, REP002.self, WGT001.self,
  ]

  /// The descriptions of all rules, by id.
  public static let all: [RuleDescription] = {
    var rules: [RuleDescription] = []
    rules += pickle.map { $0.description }
    rules += archive.map { $0.description }
    rules += onnx.map { $0.description }
    rules += safetensors.map { $0.description }
    rules += keras.map { $0.description }
    rules += tensorFlow.map { $0.description }
    rules += tflite.map { $0.description }
    rules += gguf.map { $0.description }
    rules += templates.map { $0.description }
    rules += reading.map { $0.description }
    rules += DeploymentAdvisories.descriptions
    return rules.sorted { $0.id < $1.id }
  }()

  /// The rule of that id, in any case of letters.
  public static func rule(_ id: String) -> RuleDescription? {
    let wanted = id.uppercased()
    return all.first { $0.id == wanted }
  }

  /// The documentation of a rule for `--explain`.
  ///
  /// - Throws: `invalidArgument` naming the rules that exist.
  public static func explain(_ id: String) throws(ScopeError) -> String {
    guard let rule = rule(id) else {
      throw ScopeError(
        .invalidArgument, "there is no rule of that id",
        expected: "one of \(all.map(\.id).joined(separator: ", "))",
        found: id)
    }
    return rule.explanation
  }

  /// Rules that say that something could not be examined: they make a verdict incomplete, not unsafe.
  package static func reportsIncompleteness(_ id: String) -> Bool {
    ["FMT001", "FMT002", "ARC006"].contains(id)
  }
}
