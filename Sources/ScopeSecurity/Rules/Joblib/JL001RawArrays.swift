import ScopeFormats

/// JL001: Dangerous content behind the arrays of a joblib file. joblib writes the numbers of arrays between the opcodes
/// of its pickle; the pickle is followed past them, and a call of something that is not known to be harmless behind
/// the first array, in the pickle of an object array, or in what joblib skips as numbers and pickle.load executes, is
/// reported here besides its own rule; so is an array that is read from a file outside the folder.
enum JL001: ReadingRule {
  static let description = RuleDescription(
    id: "JL001", severity: .high, title: "Dangerous content behind the arrays of a joblib file",
    detects:
      "joblib writes the numbers of arrays between the opcodes of its pickle; the pickle is followed past "
      + "them, and a call of something that is not known to be harmless behind the first array, in the pickle of "
      + "an object array, or in what joblib skips as numbers and pickle.load executes, is reported here besides "
      + "its own rule; so is an array that is read from a file outside the folder.",
    why: "Tools that stop at the first byte that is no opcode never see what follows the first array.",
    example: "NumpyArrayWrapper; BUILD; 512 bytes of numbers; GLOBAL os system; 'id'; TUPLE1; REDUCE",
    mitigation: "Do not load this file; ask for skops, safetensors or ONNX.",
    references: ["CWE-502", "CVE-2024-34997", "MITRE ATLAS AML.T0011.000"])

  /// Calls behind the first array of `pickle`.
  static func behindArrays(_ pickle: PickleAnalysis) -> [Finding] {
    guard let first = pickle.run.rawArrays.first else { return [] }
    return pickle.uses.filter { $0.offset > first.offset && isSerious($0.judgement) }.prefix(4).map { use in
      finding(
        "\(use.path) is called at byte \(use.offset), behind the array at byte \(first.offset)",
        place: pickle.place(use.offset, use.opcode))
    }
  }

  /// Calls in a pickle that stands in place of numbers.
  static func inObjects(_ pickle: PickleAnalysis) -> [Finding] {
    pickle.uses.filter { isSerious($0.judgement) }.prefix(4).map { use in
      finding(
        "\(use.path) is called at byte \(use.offset), in the pickle of an array of objects",
        title: "Dangerous content in an array of objects", place: pickle.place(use.offset, use.opcode))
    }
  }

  /// Calls that only a reader sees that takes the numbers for opcodes.
  static func inNumbers(_ pickle: PickleAnalysis, member: String?) -> [Finding] {
    pickle.uses.filter { isSerious($0.judgement) }.prefix(4).map { use in
      finding(
        "\(use.path) is called at byte \(use.offset) when the numbers of an array are read as opcodes",
        title: "Numbers of an array that are a program for pickle.load",
        place: pickle.place(use.offset, use.opcode))
    }
  }

  /// Arrays of old joblib versions that lie in files of their own: `NDArrayWrapper(filename, ...)`.
  static func outsideFiles(_ pickle: PickleAnalysis) -> [Finding] {
    var findings: [Finding] = []
    for event in pickle.run.events {
      guard case .build(let target, let state) = event.kind, let call = pickle.run.call(target),
        let name = pickle.run.calleeName(call), name.hasSuffix("NDArrayWrapper"),
        case .dict(let entries) = pickle.run.value(state),
        let entry = entries.last(where: { pickle.run.text($0.key) == "filename" }),
        let path = pickle.run.text(entry.value),
        path.contains("/") || path.contains("\\") || path.contains("..")
      else { continue }
      findings.append(
        finding(
          "the array is read from \(PickleAnalysis.printable(String(path.prefix(120))))",
          title: "An array that is read from a file outside the folder",
          place: pickle.place(event.offset, "BUILD")))
      if findings.count >= 4 { break }
    }
    return findings
  }

  /// Whether the catalogue knows that a call is dangerous.
  private static func isSerious(_ judgement: Judgement) -> Bool {
    switch judgement {
    case .dangerous, .reexport: true
    case .inert, .unknown: false
    }
  }
}
