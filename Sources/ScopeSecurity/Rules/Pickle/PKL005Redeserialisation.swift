/// PKL005: Loads another serialised object. pickle, dill, torch.load, joblib.load, numpy.load,
/// pandas.read_pickle or a similar loader is called. Bytes given to torch.storage._load_from_bytes are
/// scanned instead.
enum PKL005: PickleRule {
  static let description = RuleDescription(
    id: "PKL005", severity: .critical, title: "Loads another serialised object",
    detects: "pickle, dill, torch.load, joblib.load, numpy.load, pandas.read_pickle or a similar loader is "
      + "called. Bytes given to torch.storage._load_from_bytes are scanned instead.",
    why: "The object that is loaded lies outside this file or inside opaque bytes, and can do "
      + "everything a pickle can.",
    example: "GLOBAL pickle loads; <bytes>; TUPLE1; REDUCE",
    mitigation: "Do not load this file. Ask its publisher for safetensors or ONNX, or load it with a reader "
      + "that calls nothing (torch.load(weights_only=True)).",
    references: ["CWE-502", "MITRE ATLAS AML.T0011.000"])

  static func findings(in pickle: PickleAnalysis) -> [Finding] {
    callableFindings(.deserialisation, in: pickle, importSeverity: .low)
  }
}
