/// PKL001: Calls something that runs commands or Python text. A callable that starts processes or runs Python
/// text (os, posix, nt, subprocess, eval, exec, compile, runpy, pty, code, pdb, timeit, cProfile and others)
/// is called by any route: REDUCE, OBJ, INST, NEWOBJ, BUILD hooks, or given to a helper that calls it.
/// Imported only, it is medium.
enum PKL001: PickleRule {
  static let description = RuleDescription(
    id: "PKL001", severity: .critical, title: "Calls something that runs commands or Python text",
    detects: "A callable that starts processes or runs Python text (os, posix, nt, subprocess, eval, exec, "
      + "compile, runpy, pty, code, pdb, timeit, cProfile and others) is called by any route: REDUCE, "
      + "OBJ, INST, NEWOBJ, BUILD hooks, or given to a helper that calls it. Imported only, it is "
      + "medium.",
    why: "Loading the file runs the attacker's command with the rights of whoever loads it, before any "
      + "tensor is looked at.",
    example: "STACK_GLOBAL os system; 'id'; TUPLE1; REDUCE",
    mitigation: "Do not load this file. Ask its publisher for safetensors or ONNX, or load it with a reader "
      + "that calls nothing (torch.load(weights_only=True)).",
    references: ["CWE-502", "MITRE ATLAS AML.T0011.000"])

  static func findings(in pickle: PickleAnalysis) -> [Finding] {
    callableFindings(.execution, in: pickle, importSeverity: .medium)
  }
}
