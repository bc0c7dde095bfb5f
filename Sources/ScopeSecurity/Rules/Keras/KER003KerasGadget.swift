/// KER003: A function of Keras or TensorFlow as a gadget. The configuration names a function of an allowed package that
/// fetches, reads, writes, loads or executes (get_file, load_model, gfile, py_function ...), walks through such a
/// package to another module, or loads a SavedModel of its choice (TFSMLayer).
enum KER003: KerasRule {
  static let description = RuleDescription(
    id: "KER003", severity: .high, title: "A function of Keras or TensorFlow as a gadget",
    detects: "The configuration names a function of an allowed package that fetches, reads, writes, loads "
      + "or executes (get_file, load_model, gfile, py_function ...), walks through such a package to "
      + "another module, or loads a SavedModel of its choice (TFSMLayer).",
    why: "An allow-list of modules does not help when the module itself has functions that download and "
      + "unpack files or load other models.",
    example: "{\"module\": \"keras.utils\", \"class_name\": \"function\", \"config\": \"get_file\"}",
    mitigation: "Do not load this file.",
    references: ["CVE-2025-8747", "CWE-502", "CWE-829"])

  static func findings(in model: KerasSubject) -> [Finding] {
    var findings: [Finding] = []
    var seen: Set<String> = []
    for reference in model.references {
      guard seen.insert("\(reference.path)|\(reference.kind)").inserted, let reason = judge(reference) else {
        continue
      }
      let name = PickleAnalysis.printable(String(reference.path.prefix(120)))
      findings.append(finding("\(name) \(reason)", place: model.place(reference.place)))
      if findings.count >= 64 { break }
    }
    for operation in model.operations where KerasModules.isDangerousOperation(operation.name) {
      let name = PickleAnalysis.printable(String(operation.name.prefix(120)))
      findings.append(finding("the layer calls tf.\(name)", place: model.place(operation.place)))
      if findings.count >= 64 { break }
    }
    return findings
  }

  private static func judge(_ reference: KerasSubject.Reference) -> String? {
    guard reference.name != "enable_unsafe_deserialization", reference.name != "TorchModuleWrapper" else {
      return nil
    }
    if reference.name == "TFSMLayer" { return "loads a SavedModel from a path in the configuration" }
    if reference.kind == .function, KerasModules.gadgets.contains(reference.name),
      reference.module == nil || reference.module == "builtins"
    {
      return "fetches, reads, writes or loads what its arguments say"
    }
    guard let module = reference.module, KerasModules.isFramework(module) else { return nil }
    if KerasModules.gadgets.contains(reference.name) {
      return "fetches, reads, writes or loads what its arguments say"
    }
    let isLayer = reference.name == "Lambda" || CallableCatalogue.looksLikeClass(reference.name)
    switch CallableCatalogue.judge(reference.path) {
    case .dangerous where !isLayer, .reexport where !isLayer:
      return "leads through the framework to something that executes"
    default: break
    }
    if StandardLibrary.contains(reference.name), reference.kind == .type, !isLayer {
      return "is a module that the framework imports"
    }
    if reference.kind == .function, !KerasModules.isOrdinaryFunction(module) {
      return "is a function of the framework that no layer, loss or metric needs"
    }
    return nil
  }
}
