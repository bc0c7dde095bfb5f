import ArgumentParser
import NeuralScope
import ScopeReport

struct Validate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Does it keep to the policy? Measures what the policy needs; the gate of a pipeline.",
    discussion: """
      Examples:
        neural-scope init model.onnx --data images
        neural-scope validate model.onnx --policy neural-scope.yml --data images --junit gate.xml
        neural-scope validate model.onnx --policy neural-scope.yml --baseline main/report.json
      Exit codes: 0 the policy is kept, 1 a check failed or the file is unsafe, 2 wrong usage or a model that is \
      unreadable or unsupported, 3 a check that must hold could not be measured. Outputs never change the exit code.
      """)

  @Argument(help: "A model of any format; left out with --report.")
  var model: String?

  @Option(help: ArgumentHelp("The policy; neural-scope init writes one.", valueName: "file"))
  var policy: String

  @Option(help: ArgumentHelp("Labelled images, where the policy asks for accuracy.", valueName: "dir"))
  var data: String?

  @Option(help: ArgumentHelp("An earlier report.json to compare with.", valueName: "report"))
  var baseline: String?

  @Option(help: ArgumentHelp("Check this finished report.json and measure nothing.", valueName: "file"))
  var report: String?

  @Option(help: "What checks do whose interval straddles the limit: fail or warn.")
  var inconclusive = Inconclusive.warn

  @Option(help: ArgumentHelp("Upper bound of the latency measurement.", valueName: "seconds"))
  var latencySeconds = 3.0

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var outputs: GateOutputs
  @OptionGroup var signing: SignatureFlags
  @OptionGroup var attack: AttackFlags
  @OptionGroup var shapes: ShapeOptions
  @OptionGroup var engine: EngineOptions
  @OptionGroup var images: ImageOptions

  enum Inconclusive: String, ExpressibleByArgument, CaseIterable {
    case fail
    case warn
  }

  func validate() throws {
    guard (model == nil) != (report == nil) else {
      throw ValidationError("Give the model, or a finished report with --report")
    }
    guard latencySeconds > 0, latencySeconds <= 3600 else {
      throw ValidationError("--latency-seconds takes more than 0, at most 3600")
    }
  }

  func run() throws {
    let line = ProgressLine()
    let rules = try NeuralScope.policy(at: policy)
    let before = try baseline.map { try NeuralScope.savedReport(at: $0) }
    var options = ValidationOptions()
    options.run = ScopeOptions(engine, data: data, images: images, attack: attack)
    options.run.latencyBudget = .seconds(latencySeconds)
    options.run.progress = line.handler
    try options.run.bind(shapes)
    options.security.signature = try signing.policy()
    options.inconclusiveFails = inconclusive == .fail
    options.baselineName = baseline
    let validation: Validation
    if let report {
      validation = NeuralScope.validate(
        report: try NeuralScope.savedReport(at: report), policy: rules, baseline: before, options: options)
    } else {
      validation = try NeuralScope.validate(
        model: model ?? "", policy: rules, baseline: before, options: options)
    }
    line.clear()
    try Output.gate(validation.result, json: json)
    try outputs.write(validation)
    if validation.result.exitCode != 0 { throw ExitCode(validation.result.exitCode) }
  }
}
