/// PKL006: Opens a network connection. A callable of socket, ssl, urllib, requests, http.client, ftplib and
/// similar modules is called.
enum PKL006: PickleRule {
  static let description = RuleDescription(
    id: "PKL006", severity: .high, title: "Opens a network connection",
    detects: "A callable of socket, ssl, urllib, requests, http.client, ftplib and similar modules is "
      + "called.",
    why: "Loading the file contacts another machine: code can be fetched, data sent away, and the "
      + "reader learns nothing of it.",
    example: "GLOBAL urllib.request urlopen; 'http://...'; TUPLE1; REDUCE",
    mitigation: "Do not load this file. Ask its publisher for safetensors or ONNX, or load it with a reader "
      + "that calls nothing (torch.load(weights_only=True)).",
    references: ["CWE-502", "MITRE ATLAS AML.T0011.000", "CWE-918"])

  static func findings(in pickle: PickleAnalysis) -> [Finding] {
    callableFindings(.network, in: pickle, importSeverity: .low)
  }
}
