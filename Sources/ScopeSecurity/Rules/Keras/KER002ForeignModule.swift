/// KER002: The configuration names a module outside the allow-list. A class or function whose module is of Python's
/// standard library, dangerous, or neither Keras, TensorFlow nor a known package of layers. Custom objects under a
/// registered name (`Package>Name`) and without a module are low or nothing: the loader takes them from its own registry.
enum KER002: KerasRule {
  static let description = RuleDescription(
    id: "KER002", severity: .critical, title: "Names a module outside the allow-list",
    detects: "A class or function whose module is of Python's standard library, dangerous, or neither "
      + "Keras, TensorFlow nor a known package of layers; Python tags in a YAML configuration. "
      + "Objects registered as Package>Name are low.",
    why: "Keras before 3.9 imports any module that config.json names and calls what it finds there, "
      + "whatever safe_mode says.",
    example: "{\"module\": \"subprocess\", \"class_name\": \"function\", \"config\": \"run\"}",
    mitigation: "Do not load this file. Load models of unknown origin with current Keras only.",
    references: ["CVE-2025-1550", "CVE-2021-37678", "CWE-502", "CWE-94", "AML.T0011.000"])

  static func findings(in model: KerasSubject) -> [Finding] {
    var findings: [Finding] = []
    var seen: Set<String> = []
    for reference in model.references {
      guard seen.insert("\(reference.path)|\(reference.registeredName ?? "")|\(reference.kind)").inserted,
        let (severity, reason) = judge(reference)
      else { continue }
      let name = PickleAnalysis.printable(String(reference.path.prefix(120)))
      findings.append(
        finding(
          "\(name) \(reason)",
          title: severity == .low ? "Custom object of another package" : nil, severity: severity,
          place: model.place(reference.place),
          why: severity == .low
            ? "Whoever loads the model needs that package; its code runs then." : nil))
      if findings.count >= 64 { break }
    }
    for (place, tag) in model.tags.prefix(16) {
      guard let (severity, reason) = judgeTag(tag) else { continue }
      findings.append(
        finding(
          "the YAML tag \(PickleAnalysis.printable(String(tag.prefix(120)))) \(reason)", severity: severity,
          place: model.place(place)))
    }
    return findings
  }

  /// Severity and reason, or nil when the reference is ordinary.
  private static func judge(_ reference: KerasSubject.Reference) -> (Severity, String)? {
    let isRegistered =
      reference.registeredName?.contains(">") ?? false
      || reference.kind == .function
        && reference.name.contains(">")
    if let registered = reference.registeredName, registered.contains("."), isDangerous(registered) {
      return (.critical, "is registered as \(PickleAnalysis.printable(String(registered.prefix(80))))")
    }
    guard let module = reference.module, !module.isEmpty else {
      return isDangerous(reference.name) ? (.critical, "is dangerous to call") : nil
    }
    let root = KerasModules.root(module)
    if KerasModules.isFramework(module) { return nil }
    if root == "builtins" || root == "__builtin__" || root == "__builtins__" {
      if isDangerous(reference.path) || dangerousBuiltins.contains(reference.name) {
        return (.critical, "is dangerous to call")
      }
      return nil
    }
    if isDangerous(reference.path) { return (.critical, "is dangerous to call") }
    if StandardLibrary.contains(root) { return (.critical, "is in Python's standard library, not in Keras") }
    if root == "__main__" { return nil }
    if KerasModules.known.contains(root) || isRegistered && reference.kind == .type {
      return (.low, "is not part of Keras")
    }
    if ["torch", "numpy", "scipy", "pandas", "jax", "flax", "sklearn"].contains(root),
      reference.kind == .type, CallableCatalogue.looksLikeClass(reference.name)
    {
      return (.medium, "is not part of Keras")
    }
    return (
      reference.kind == .function ? .high : .medium,
      "is in a module that is neither Keras's nor registered, and is imported by name"
    )
  }

  private static func isDangerous(_ path: String) -> Bool {
    switch CallableCatalogue.judge(path) {
    case .dangerous: true
    case .reexport: path.contains(".")
    case .inert, .unknown: false
    }
  }

  private static let dangerousBuiltins: Set<String> = [
    "eval", "exec", "compile", "__import__", "open", "getattr", "setattr", "delattr", "globals", "locals",
    "vars",
    "input", "breakpoint", "__build_class__", "execfile", "file", "help", "exit", "quit",
  ]

  private static func judgeTag(_ tag: String) -> (Severity, String)? {
    guard let colon = tag.firstIndex(of: ":") else { return nil }
    let kind = tag[..<colon]
    let name = String(tag[tag.index(after: colon)...])
    if isDangerous(name) || dangerousBuiltins.contains(KerasModules.root(name)) {
      return (.critical, "makes the loader call it")
    }
    if case .inert = CallableCatalogue.judge(name) { return nil }
    guard
      kind.hasSuffix("apply") || kind.hasSuffix("new") || kind.hasSuffix("module") || kind.hasSuffix("name")
    else { return (.low, "builds an object of a class") }
    return StandardLibrary.contains(KerasModules.root(name))
      ? (.high, "makes the loader import and call it") : (.medium, "makes the loader import it")
  }
}
