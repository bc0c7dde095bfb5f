/// GG001: Counts, lengths, dimensions or offsets that cannot be. Numbers whose product overflows, that reach beyond the
/// file, overlap, leave holes or are not aligned; unknown types; keys or tensors that appear twice.
enum GG001: GGUFRule {
  static let description = RuleDescription(
    id: "GG001", severity: .high, title: "Counts, lengths, dimensions or offsets that cannot be",
    detects: "Numbers whose product overflows, that reach beyond the file, overlap, leave holes or are not "
      + "aligned; unknown types; keys or tensors that appear twice.",
    why: "Readers in C allocate and copy by these numbers: overflows give heap buffers that are too small, "
      + "offsets beyond the file leak memory into tensors.",
    example: "a tensor of 2^33 x 2^33 elements",
    mitigation: "Fetch the file again and compare its checksum; do not load this one.",
    references: ["CVE-2026-27940", "CVE-2026-7482", "CWE-190", "CWE-125"])

  static func findings(in file: GGUFSubject) -> [Finding] {
    file.problems.map { problem in
      finding(
        problem.detail,
        place: FindingPlace(member: file.member.map { "\($0): \(problem.place)" } ?? problem.place))
    }
  }
}
