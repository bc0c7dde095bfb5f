import ScopeFormats
import ScopeGraph
import ScopeReport

/// What a PyTorch program tells of itself beside its graph: its modules, and what was assumed of its inputs.
enum ProgramModules {
  /// Sets the counts of modules from the program's module tree; does nothing for files without one.
  static func fill(_ analysis: inout Report.Analysis, from weights: StateDict) {
    guard let modules = weights.modules else { return }
    analysis.modules = .count(
      modules.moduleCount, conditions: "PyTorch convention: containers and the model itself included")
    analysis.parameterisedModules = .count(
      modules.parameterisedModuleCount, conditions: "modules that own parameters")
    analysis.weightLayers = .count(
      modules.weightLayerCount, conditions: "convolution and linear layers, by module class")
  }

  /// Sentences about how the program was converted, for the notes of the analysis.
  static func notes(_ model: Model) -> [String] {
    var notes: [String] = []
    if let assumed = model.metadata["assumed_inputs"] {
      notes.append(
        "the program does not tell its input sizes: converted for \(assumed); give --shape for others")
    }
    if let training = model.metadata["training_mode"] { notes.append("the program was \(training)") }
    return notes
  }
}
