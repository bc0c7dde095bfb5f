import ScopeBytes

/// FMT001: Cannot be read to its end. The content begins like a known format but is truncated, malformed or
/// exceeds a limit of this scanner; or it is no format that this version recognises. The verdict is
/// incomplete: what was not read may hold anything.
enum FMT001: ReadingRule {
  static let description = RuleDescription(
    id: "FMT001", severity: .medium, title: "Cannot be read to its end",
    detects: "The content begins like a known format but is truncated, malformed or exceeds a limit of "
      + "this scanner; or it is no format that this version recognises. The verdict is incomplete: "
      + "what was not read may hold anything.",
    why: "A loader may read further than this scanner did.",
    example: "a PyTorch archive cut in half",
    mitigation:
      "Fetch the file again and compare its checksum; do not load what no tool can read completely.",
    references: ["CWE-693", "CWE-20"])

  static func unreadable(_ error: ScopeError, member: String? = nil) -> Finding {
    finding(
      error.message + (error.expected.map { ", expected \($0)" } ?? "")
        + (error.found.map { ", found \(PickleAnalysis.printable($0))" } ?? ""),
      place: FindingPlace(member: member ?? error.place))
  }
}
