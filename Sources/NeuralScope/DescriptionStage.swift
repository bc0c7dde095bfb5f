import ScopeFormats
import ScopeReport

/// Section 1 of models that are read and described but not executed.
enum DescriptionStage {
  /// The figures, and which of a graph's are absent and why.
  static func run(
    _ description: ModelDescription, fileBytes: Int
  ) -> (Report.Analysis, [Report.NotMeasured]) {
    let tensors = description.tensors
    func elements(_ role: ModelDescription.Role) -> Int {
      tensors.reduce(0) { $0 + ($1.role == role ? $1.elements : 0) }
    }
    let parameters = elements(.parameter)
    let frozen = tensors.reduce(0) { $0 + ($1.role == .parameter && !$1.isTrainable ? $1.elements : 0) }
    var analysis = Report.Analysis(
      parameters: .count(
        parameters, conditions: "PyTorch convention: statistics and constants are not parameters"))
    if frozen > 0 {
      analysis.trainableParameters = .count(parameters - frozen, conditions: "\(frozen) are in frozen layers")
    }
    analysis.buffers = .count(elements(.buffer), conditions: "moving statistics, counters, seeds")
    analysis.weightLayers = .count(
      tensors.count { $0.role == .parameter && $0.dimensions.count >= 2 },
      conditions: "weights of two or more dimensions")
    analysis.weightBytes = .bytes(tensors.reduce(0) { $0 + $1.bytes }, conditions: "all tensors as stored")
    var types: [String: Int] = [:]
    for tensor in tensors where tensor.role == .parameter { types[tensor.type, default: 0] += tensor.bytes }
    analysis.weightTypes = types.sorted { ($0.value, $1.key) > ($1.value, $0.key) }.map(\.key)
    analysis.fileBytes = .bytes(fileBytes)
    analysis.operators = description.operators.map { Report.OperatorCount(opType: $0.key, count: $0.value) }
    let operators = description.operators.values.reduce(0, +)
    analysis.inputs = description.inputs.map(signature)
    analysis.outputs = description.outputs.map(signature)
    analysis.notes = [description.notExecutable] + description.notes
    if !description.operatorKind.isEmpty, operators > 0 {
      analysis.notes.append("\(operators) \(description.operatorKind)")
    }
    var absent = ["peakActivationBytes", "latency", "modules"]
    if let arithmetic = description.arithmetic {
      analysis.graphNodes = .count(operators, conditions: description.operatorKind)
      analysis.macs = .macs(
        arithmetic.macs, conditions: "convolutions and matrix products, bias not included, shapes as stored")
      analysis.macsComplete = arithmetic.operatorsNotCounted == 0
      analysis.macsUnknownOperators = Array(Set(arithmetic.missing.map(\.opType))).sorted()
      analysis.coverage = Report.Coverage(
        nodesCounted: arithmetic.operatorsCounted, nodesNotCounted: arithmetic.operatorsNotCounted,
        missing: arithmetic.missing.map { .init(node: $0.name, opType: $0.opType, reason: $0.reason) })
    } else {
      absent += ["graphNodes", "macs"]
    }
    let missing = absent.map {
      Report.NotMeasured(
        path: "analysis.\($0)", reason: "models of this format are described, not executed",
        remedy: description.notExecutable)
    }
    return (analysis, missing)
  }

  private static func signature(_ entry: ModelDescription.Signature) -> Report.TensorSignature {
    Report.TensorSignature(name: entry.name, dataType: entry.type, shape: entry.dimensions)
  }
}
