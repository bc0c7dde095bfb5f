/// PKL008: Loads machine code. ctypes, cffi, torch.ops.load_library, numpy.ctypeslib or another loader of
/// shared libraries is called.
enum PKL008: PickleRule {
  static let description = RuleDescription(
    id: "PKL008", severity: .high, title: "Loads machine code",
    detects: "ctypes, cffi, torch.ops.load_library, numpy.ctypeslib or another loader of shared libraries "
      + "is called.",
    why: "Machine code runs with all rights of the process as soon as the library is loaded.",
    example: "GLOBAL ctypes CDLL; './payload.so'; TUPLE1; REDUCE",
    mitigation: "Do not load this file. Ask its publisher for safetensors or ONNX, or load it with a reader "
      + "that calls nothing (torch.load(weights_only=True)).",
    references: ["CWE-502", "MITRE ATLAS AML.T0011.000", "CWE-114"])

  static func findings(in pickle: PickleAnalysis) -> [Finding] {
    callableFindings(.nativeLoad, in: pickle, importSeverity: .low)
  }
}
