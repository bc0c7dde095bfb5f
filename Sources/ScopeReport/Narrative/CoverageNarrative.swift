/// How much of the graph the arithmetic covers, and what the rest of it is.
enum CoverageNarrative {
  /// `100% of 49 nodes counted`, or what is missing; nil when the run says nothing about coverage.
  static func share(_ analysis: Report.Analysis) -> String? {
    guard let coverage = analysis.coverage else { return nil }
    let (counted, missing) = (coverage.nodesCounted, coverage.nodesNotCounted)
    guard missing > 0 else { return "100% of \(Format.plural(counted, "node")) counted" }
    return
      "\(Format.integer(missing)) of \(Format.integer(Double(counted) + Double(missing))) nodes not counted"
  }

  /// What the total leaves out and why, when it leaves out something.
  static func missing(_ analysis: Report.Analysis) -> String? {
    guard let coverage = analysis.coverage, coverage.nodesNotCounted > 0 else { return nil }
    var types: [String] = []
    for node in coverage.missing where !types.contains(node.opType) { types.append(node.opType) }
    let named = types.isEmpty ? "" : " (\(Format.list(Array(types.prefix(4)))))"
    let reason = coverage.missing.first.map { ", the first because \($0.reason)" } ?? ""
    return
      "A lower bound: \(Format.plural(coverage.nodesNotCounted, "node")) \(coverage.nodesNotCounted == 1 ? "is" : "are") "
      + "not counted\(named)\(reason)."
  }

  /// What stands beside the multiply-accumulates.
  static func work(_ analysis: Report.Analysis) -> String {
    let other = analysis.work.reduce(0) { $0 + Double($1.operations) }
    guard let macs = analysis.macs?.value, macs > 0 else {
      return "The arithmetic beside multiply-accumulates is \(Format.large(other)) operations."
    }
    let share = other / (other + 2 * macs)
    let largest = analysis.work.max { $0.operations < $1.operations }
    var text =
      "Beside the multiply-accumulates the graph does \(Format.large(other)) operations, "
      + "\(Format.percent(share)) of all"
    if let largest, largest.operations > 0 { text += ", most of them \(largest.kind.rawValue)" }
    return text
      + (share > Thresholds.notableOtherWork
        ? ": more than the MACs alone suggest." : ": MACs describe the arithmetic well.")
  }
}
