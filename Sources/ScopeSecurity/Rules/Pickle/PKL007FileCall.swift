/// PKL007: Reads or writes files. open, io.FileIO, shutil, tempfile, numpy.save, pathlib write methods and
/// similar are called.
enum PKL007: PickleRule {
  static let description = RuleDescription(
    id: "PKL007", severity: .high, title: "Reads or writes files",
    detects: "open, io.FileIO, shutil, tempfile, numpy.save, pathlib write methods and similar are called.",
    why: "Loading the file can overwrite start-up scripts or read secrets.",
    example: "GLOBAL builtins open; '/home/user/.bashrc', 'a'; TUPLE2; REDUCE",
    mitigation: "Do not load this file. Ask its publisher for safetensors or ONNX, or load it with a reader "
      + "that calls nothing (torch.load(weights_only=True)).",
    references: ["CWE-502", "MITRE ATLAS AML.T0011.000", "CWE-73"])

  static func findings(in pickle: PickleAnalysis) -> [Finding] {
    callableFindings(.file, in: pickle, importSeverity: .low)
  }
}
