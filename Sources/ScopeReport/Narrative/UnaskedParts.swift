extension Report {
  /// Parts of the analysis that are measured on request, and were not: absent like any other value, with the flag.
  ///
  /// Only what could have been measured is listed: nothing is executed where there is no latency.
  static func unaskedParts(_ report: Report) -> [NotMeasured] {
    guard let analysis = report.analysis else { return [] }
    let command = Commands(report).analyze
    let executed = analysis.latency != nil
    let parts: [(path: String, flag: String, isAbsent: Bool, isPossible: Bool)] = [
      ("analysis.roofline", "--roofline", analysis.roofline == nil, executed),
      ("analysis.throughput", "--throughput", analysis.throughput.isEmpty, executed),
      ("analysis.memory", "--memory", analysis.memory == nil, executed || !analysis.layers.isEmpty),
      ("analysis.tensors", "--tensors", analysis.tensors.isEmpty, analysis.weightBytes != nil),
      (
        "analysis.deployment.costPerMillion", "--throughput --price-per-hour PRICE",
        analysis.deployment?.costPerMillion == nil, executed
      ),
    ]
    return parts.filter { part in
      part.isAbsent && part.isPossible
        && !report.notMeasured.contains { $0.path == part.path || part.path.hasPrefix($0.path + ".") }
    }.map { NotMeasured(path: $0.path, reason: "not asked for", remedy: "\(command) \($0.flag)") }
  }
}
