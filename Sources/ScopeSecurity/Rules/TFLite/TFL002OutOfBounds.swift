/// TFL002: Offsets out of bounds. FlatBuffer offsets, tables, vectors or buffers outside the file; numbers of tensors,
/// buffers, graphs or operators that do not exist; shapes that are negative, overflow or do not fit their buffer.
enum TFL002: TFLiteRule {
  static let description = RuleDescription(
    id: "TFL002", severity: .high, title: "Offsets out of bounds",
    detects: "FlatBuffer offsets, tables, vectors or buffers outside the file; numbers of tensors, buffers, "
      + "graphs or operators that do not exist; shapes that are negative, overflow or do not fit "
      + "their buffer.",
    why: "The interpreter follows the offsets without checking them when the file is loaded without "
      + "verification, and reads or writes outside the file.",
    example: "a tensor with buffer 4294967295",
    mitigation: "Fetch the file again and compare its checksum; do not load this one.",
    references: ["CWE-125", "CWE-787", "CWE-190"])

  static func findings(in model: TFLiteSubject) -> [Finding] {
    model.problems.map { problem in
      finding(
        problem.detail,
        place: FindingPlace(member: model.member.map { "\($0): \(problem.place)" } ?? problem.place))
    }
  }
}
