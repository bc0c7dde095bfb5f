import ScopeBytes
import ScopeFormats

/// PT004: Code in the archive that reaches outside the model. The code of a TorchScript archive calls torch.save,
/// torch.from_file, load_library, image file operators or PythonOp; or a Python module of a torch.package archive
/// calls something that starts processes, runs text, opens connections or loads machine code.
enum PT004: ReadingRule {
  static let description = RuleDescription(
    id: "PT004", severity: .high, title: "Code in the archive that reaches outside the model",
    detects:
      "The code of a TorchScript archive calls torch.save, torch.from_file, load_library, image file operators "
      + "or PythonOp; or a Python module of a torch.package archive calls something that starts processes, runs "
      + "text, opens connections or loads machine code.",
    why:
      "TorchScript runs when the model is loaded or called, also with weights_only=True in affected versions; "
      + "modules of a package run when the package imports them.",
    example: "torch.from_file(\"/etc/passwd\", ...)",
    mitigation: "Do not load this file; ask for an ONNX export.",
    references: ["CWE-94", "CVE-2025-32434"])

  static let operators = [
    "torch.save(", "torch.from_file(", "ops.aten.from_file", "ops.aten.save", "aten::save", "aten::from_file",
    "load_library", "prim.PythonOp", "prim::PythonOp", "^PythonOp", "ops.image.read_file",
    "ops.image.write_file",
    "ops.prim.unchecked_cast_py",
    "torch.load(", "torch.classes.", "ops.torchaudio.load", "ops.torchrec.",
  ]

  /// Operators of TorchScript code; blanks between the parts of a name do not matter.
  static func findings(code: ByteSlice, member: String) -> [Finding] {
    let literal = operators.compactMap { name in
      code.firstIndex(of: Array(name.utf8)).map { position in
        finding(
          "\(name.hasSuffix("(") ? String(name.dropLast()) : name) in the TorchScript code",
          place: FindingPlace(member: member, offset: position))
      }
    }
    guard literal.isEmpty else { return literal }
    return PythonCode(code).calls.filter { call in
      operators.contains {
        call.path == $0 || "\(call.path)(" == $0 || $0.hasSuffix(".") && call.path.hasPrefix($0)
      }
        || call.path.contains("load_library") || call.path.hasPrefix("ops.image.")
    }.prefix(8).map { call in
      finding(
        "\(PickleAnalysis.printable(call.path)) in the TorchScript code",
        place: FindingPlace(member: member, offset: call.offset))
    }
  }

  /// Python modules of a package, which run when they are imported.
  static func findings(package code: ByteSlice, member: String) -> [Finding] {
    PythonCode(code).dangerousCalls.prefix(8).map { call in
      finding(
        "\(PickleAnalysis.printable(call.path)) is called by the module",
        title: "Python code that calls \(PickleAnalysis.printable(call.path))",
        place: FindingPlace(member: member, offset: call.offset))
    }
  }
}
