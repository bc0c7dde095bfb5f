/// SKP001: A skops file names types or functions that execute. The schema of a skops archive names a dangerous
/// function, class or method, an operator other than attrgetter and itemgetter, or an object whose type differs from
/// what its node says.
enum SKP001: ReadingRule {
  static let description = RuleDescription(
    id: "SKP001", severity: .critical, title: "A skops file names types or functions that execute",
    detects:
      "The schema of a skops archive names a dangerous function, class or method, an operator other than "
      + "attrgetter and itemgetter, or an object whose type differs from what its node says.",
    why:
      "skops.io.load builds what the schema names once the reader trusts the listed types; affected versions do "
      + "not list all of them (operators, methods, mismatched nodes).",
    example: "{\"__loader__\": \"OperatorFuncNode\", \"__module__\": \"operator\", \"__class__\": \"call\"}",
    mitigation: "Do not load this file; update skops to 0.12 or later and pass trusted types explicitly.",
    references: ["CWE-502", "CWE-351", "CVE-2025-54412", "CVE-2025-54413", "CVE-2025-54886"])

  /// - Parameter schema: the parsed `schema.json`.
  static func findings(in schema: JSONValue, member: String) -> [Finding] {
    var findings: [Finding] = []
    var pending: [(JSONValue, Int)] = [(schema, 0)]
    while let (node, depth) = pending.popLast(), findings.count < 20 {
      switch node {
      case .object(let entries):
        if let finding = check(node, member: member) { findings.append(finding) }
        pending += entries.map { ($0.value, depth + 1) }
      case .array(let items): pending += items.map { ($0, depth + 1) }
      default: continue
      }
    }
    return findings
  }

  private static func check(_ node: JSONValue, member: String) -> Finding? {
    let place = FindingPlace(member: member)
    let loader = node["__loader__"]?.text ?? ""
    let type = name(node)
    switch loader {
    case "OperatorFuncNode":
      if let type, ["operator.attrgetter", "operator.itemgetter", "_operator.attrgetter"].contains(type) {
        return nil
      }
      if type == "operator.methodcaller" {
        return finding(
          "an OperatorFuncNode makes operator.methodcaller", title: "Names a method to call",
          severity: .medium,
          place: place)
      }
      return finding(
        "an OperatorFuncNode calls \(printable(type))", title: "Calls \(printable(type)) while loading",
        place: place)
    case "MethodNode":
      guard let content = node["content"], let method = content["func"]?.text, let object = content["obj"]
      else {
        return finding("a MethodNode without an object", severity: .medium, place: place)
      }
      let owner = name(object)
      if owner != type {
        return finding(
          "a MethodNode of \(printable(type)) holds an object of \(printable(owner))",
          title: "The node's type is not the object's", severity: .high, place: place)
      }
      return judged("\(owner ?? "").\(method)", kind: "the method", place, unknownIsLow: true)
    case "FunctionNode", "TypeNode", "PartialNode":
      if let content = node["content"], let module = content["module_path"]?.text,
        let function = content["function"]?.text,
        let finding = judged("\(module).\(function)", kind: "the function", place, unknownIsLow: true)
      {
        return finding
      }
      guard let type else { return nil }
      return judged(type, kind: loader == "TypeNode" ? "the type" : "the function", place, unknownIsLow: true)
    default:
      guard let type else { return nil }
      return judged(type, kind: "the type", place, unknownIsLow: !StandardLibrary.contains(type))
    }
  }

  private static func judged(
    _ path: String, kind: String, _ place: FindingPlace, unknownIsLow: Bool
  ) -> Finding? {
    let shown = printable(path)
    switch CallableCatalogue.judgeConstruction(path) {
    case .dangerous(_, let reason):
      return finding("\(kind) \(shown); it \(reason)", title: "Names \(shown)", place: place)
    case .reexport(_, let original):
      return finding(
        "\(kind) \(shown) is \(original)", title: "Names \(original) through \(shown)", place: place)
    case .inert: return nil
    case .unknown:
      return finding(
        "\(kind) \(shown) is not known", title: "Names \(shown), which is not known to be harmless",
        severity: unknownIsLow ? .low : .medium, place: place)
    }
  }

  private static func name(_ node: JSONValue) -> String? {
    guard let type = node["__class__"]?.text, let module = node["__module__"]?.text else { return nil }
    return module.isEmpty ? type : "\(module).\(type)"
  }

  private static func printable(_ text: String?) -> String {
    PickleAnalysis.printable(String((text ?? "nothing").prefix(120)))
  }
}
