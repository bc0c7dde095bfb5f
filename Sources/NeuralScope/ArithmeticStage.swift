import ScopeAnalysis
import ScopeBytes
import ScopeGraph
import ScopeReport

/// The arithmetic of section 1: multiply-accumulates, other work by kind, coverage, and the formula for open sizes.
enum ArithmeticStage {
  /// Nodes without a cost that are listed by name.
  private static let maximumListed = 100

  /// Fills the figures in; returns what could not be counted.
  static func fill(_ analysis: inout Report.Analysis, _ structure: StructureAnalysis) -> [Report.NotMeasured]
  {
    let operations = structure.operations
    analysis.work = Report.Work.Kind.allCases.compactMap { kind in
      guard let own = WorkKind(rawValue: kind.rawValue), let amount = operations.work[own] else { return nil }
      return Report.Work(kind: kind, operations: amount.operations, nodes: amount.nodes)
    }
    let missing = structure.nodesNotCounted
    analysis.coverage = Report.Coverage(
      nodesCounted: operations.nodesCounted, nodesNotCounted: missing.count,
      missing: missing.prefix(maximumListed).map { node in
        Report.Coverage.MissingNode(
          node: name(of: node, structure), opType: node.opType, reason: node.reason ?? "its cost is not known"
        )
      })
    analysis.macsFormula = structure.macsFormula?.explained
    analysis.assumptions = structure.assumptions
    guard !operations.isComplete else { return [] }
    let reasons = missing.prefix(3).map { "\(name(of: $0, structure)): \($0.reason ?? "not known")" }
    let more = missing.count > 3 ? " and \(missing.count - 3) more" : ""
    guard let needed = structure.openSizesExample else {
      return [
        Report.NotMeasured(
          path: "analysis.macs",
          reason:
            "\(missing.count) nodes are not counted (\(reasons.joined(separator: "; "))\(more)); the total is a lower bound",
          remedy: structure.unknownOperators.isEmpty
            ? "correct the nodes named, or export the model with fixed input sizes"
            : "report the operators \(structure.unknownOperators.keys.joined(separator: ", "))")
      ]
    }
    let names = structure.openSizes.map(\.name).joined(separator: ", ")
    // A sum over the nodes that do not depend on the open sizes would say nothing.
    analysis.macs = nil
    analysis.flops = nil
    var absent = ["macs", "flops"]
    if structure.activations.valuesNotCounted > 0 {
      analysis.peakActivationBytes = nil
      analysis.peakActivationBytesNaive = nil
      analysis.peakActivationTensor = nil
      analysis.memory = nil
      absent += ["peakActivationBytes", "memory"]
    }
    return absent.map {
      Report.NotMeasured(
        path: "analysis.\($0)", reason: "it depends on sizes that the model leaves open: \(names)",
        remedy: "give them, for example \(needed)")
    }
  }

  private static func name(of node: StructureAnalysis.NodeCost, _ structure: StructureAnalysis) -> String {
    node.name.isEmpty ? "node \(node.index) (\(node.opType))" : node.name
  }
}
