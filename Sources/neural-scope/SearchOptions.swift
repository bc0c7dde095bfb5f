import ArgumentParser
import NeuralScope
import ScopeOptimization

/// Options of the search for a smaller and faster model.
struct SearchOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Accuracy the optimized model may lose.", valueName: "points"))
  var maxAccuracyDrop = 1.0

  @Option(help: "What to optimize for, within the accuracy budget: latency, size or balanced.")
  var objective = OptimizationObjective.latency

  @Option(
    help: ArgumentHelp(
      "Only these techniques, separated by commas: \(OptimizationTechnique.allCases.map(\.rawValue).joined(separator: ", ")). Default: what suits the model and the data.",
      valueName: "list"))
  var technique: String?

  @Option(help: ArgumentHelp("Time the search may take, such as 90s or 5m.", valueName: "time"))
  var timeBudget = TimeBudget(seconds: 60)

  @Option(
    help: ArgumentHelp(
      "labels, or agreement with the original's predictions.", valueName: "labels|agreement"))
  var judge = Judgement.labels

  @Flag(help: "Recover accuracy of pruned models by distilling the original into them.")
  var finetune = false

  @Flag(help: "Try thread counts and session options with the written model.")
  var tune = false

  @Option(
    name: .customLong("engine"),
    help: ArgumentHelp(
      "Also measure the written model in this engine: openvino.", valueName: "name"))
  var secondEngine: SecondEngine?

  @Option(help: ArgumentHelp("OpenVINO's C library to load.", valueName: "path"))
  var openvino: String?

  @Option(help: ArgumentHelp("Write the model for this batch size.", valueName: "n"))
  var batch: Int?

  @Flag(help: "Measure what quantizing each layer alone costs.")
  var sensitivity = false

  @Option(
    help: ArgumentHelp(
      "Keep candidates in this folder: an interrupted search goes on, and the models of the Pareto front stay there.",
      valueName: "dir"))
  var workDir: String?

  @OptionGroup var shapes: ShapeOptions

  enum SecondEngine: String, ExpressibleByArgument, CaseIterable {
    case openvino
  }

  enum Judgement: String, ExpressibleByArgument, CaseIterable {
    case labels
    case agreement
  }

  func validate() throws {
    guard (0...100).contains(maxAccuracyDrop) else {
      throw ValidationError("--max-accuracy-drop takes 0 to 100 points")
    }
    if let batch, !(1...65_536).contains(batch) {
      throw ValidationError("--batch takes 1 to 65536, not \(batch)")
    }
    _ = try techniques()
  }

  func techniques() throws -> Set<OptimizationTechnique>? {
    guard let technique else { return nil }
    return Set(
      try technique.split(separator: ",", omittingEmptySubsequences: false).map { name in
        guard let found = OptimizationTechnique(rawValue: String(name)) else {
          throw ValidationError(
            "--technique takes \(OptimizationTechnique.allCases.map(\.rawValue).joined(separator: ", ")), not \(name)"
          )
        }
        return found
      })
  }
}

extension OptimizationObjective: ExpressibleByArgument {}

extension ScopeOptions {
  /// What the flags of `optimize` ask for.
  mutating func search(as flags: SearchOptions) throws {
    maximumAccuracyDrop = flags.maxAccuracyDrop / 100
    optimization.objective = flags.objective
    optimization.techniques = try flags.techniques()
    optimization.timeBudget = flags.timeBudget.duration
    optimization.judgesByAgreement = flags.judge == .agreement
    optimization.finetune = flags.finetune
    optimization.sensitivity = flags.sensitivity
    optimization.tunesSessions = flags.tune
    optimization.usesOpenVINO = flags.secondEngine == .openvino
    optimization.openVINOPath = flags.openvino
    optimization.batch = flags.batch
    optimization.workDirectory = flags.workDir
    try bind(flags.shapes)
  }
}
