/// Turns the callables of one danger class into findings: called ones at the rule's severity, imported ones lower.
extension PickleRule {
  /// - Parameters:
  ///   - kind: the class the rule is about.
  ///   - importSeverity: severity when the name is imported and nothing calls it.
  static func callableFindings(
    _ kind: DangerClass, in pickle: PickleAnalysis, importSeverity: Severity
  ) -> [Finding] {
    var findings: [Finding] = []
    var called: Set<String> = []
    for use in pickle.uses {
      guard case .dangerous(kind, let reason) = use.judgement else { continue }
      let isNew = called.insert(use.path).inserted
      guard isNew || findings.count < 8 else { continue }
      findings.append(
        finding(
          "\(use.path)(\(use.arguments)) is called by \(use.description); it \(reason)",
          title: "Calls \(use.path)", place: pickle.place(use.offset, use.opcode)))
    }
    for name in pickle.imports where !called.contains(name.path) && !pickle.explained.contains(name.path) {
      guard case .dangerous(kind, let reason) = name.judgement else { continue }
      findings.append(
        finding(
          "\(name.path) is imported and kept; it \(reason)", title: "Imports \(name.path) without calling it",
          severity: importSeverity, place: pickle.place(name.offset, name.opcode)))
      if findings.count >= 32 { break }
    }
    return findings
  }
}

extension CallableUse {
  /// The first word of the route is the opcode.
  var opcode: String { String(route.prefix { $0 != " " && $0 != "," }) }

  /// `REDUCE`, `REDUCE through getattr, import_module`.
  var description: String { chain.isEmpty ? route : "\(route) through \(chain.joined(separator: ", "))" }
}
