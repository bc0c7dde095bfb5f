/// PKL002: Imports or resolves objects by a name given as data. importlib.import_module, __import__,
/// pkgutil.resolve_name, pydoc.locate, cloudpickle.subimport and similar are called. What they return is
/// followed, so that a call of the result is reported as well.
enum PKL002: PickleRule {
  static let description = RuleDescription(
    id: "PKL002", severity: .critical, title: "Imports or resolves objects by a name given as data",
    detects: "importlib.import_module, __import__, pkgutil.resolve_name, pydoc.locate, "
      + "cloudpickle.subimport and similar are called. What they return is followed, so that a call "
      + "of the result is reported as well.",
    why: "The names that such a call resolves never appear as imports of the pickle, which is how "
      + "lists of forbidden names are evaded.",
    example: "GLOBAL importlib import_module; 'os'; TUPLE1; REDUCE",
    mitigation: "Do not load this file. Ask its publisher for safetensors or ONNX, or load it with a reader "
      + "that calls nothing (torch.load(weights_only=True)).",
    references: ["CWE-502", "MITRE ATLAS AML.T0011.000", "GHSA-vvpj-8cmc-gx39"])

  static func findings(in pickle: PickleAnalysis) -> [Finding] {
    // cloudpickle and dill name their importers in every function that they store.
    callableFindings(.resolver, in: pickle, importSeverity: .medium).filter { finding in
      finding.severity != .medium
        || !finding.title.hasPrefix("Imports cloudpickle.")
          && !finding.title.hasPrefix("Imports dill.")
    }
  }
}
