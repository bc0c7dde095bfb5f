/// PKL013: Holds a second stream or data after its end. After STOP the file goes on: another pickle that
/// parses, or other bytes. Containers that are written that way (legacy PyTorch checkpoints) are excluded. Complete
/// pickles that call nothing suspicious, as repeated dumps into one file leave them, are low; so are zeros and a few
/// blanks.
enum PKL013: PickleRule {
  static let description = RuleDescription(
    id: "PKL013", severity: .high, title: "Holds a second stream or data after its end",
    detects: "After STOP the file goes on: another pickle that parses, or other bytes. Containers that are "
      + "written that way (legacy PyTorch checkpoints) are excluded. Complete pickles that call nothing "
      + "suspicious, as repeated dumps into one file leave them, are low; so are zeros and a few blanks.",
    why: "A reader that is called again on the same file loads the second stream; scanners that stop "
      + "at the first STOP never see it.",
    example: "N. followed by cos\\nsystem\\n...",
    mitigation: "Load only the part you expect, or ask for a file that holds one object.",
    references: ["CWE-502", "CWE-436"])

  static func findings(in pickle: PickleAnalysis) -> [Finding] { [] }

  /// A further stream of the file.
  ///
  /// Several complete pickles one after the other are what repeated dumps into one file leave; each is scanned.
  static func secondStream(at offset: Int, calls: Bool, isWhole: Bool, member: String?) -> Finding {
    finding(
      "another pickle begins at byte \(offset)"
        + (calls ? " and calls callables that are not known to be harmless" : ""),
      title: "A second pickle follows the first", severity: calls ? .high : isWhole ? .low : .medium,
      place: FindingPlace(member: member, offset: offset))
  }

  /// Bytes after STOP that are no pickle.
  static func junk(at offset: Int, count: Int, isFiller: Bool, member: String?) -> Finding {
    finding(
      "\(count) bytes follow the STOP opcode" + (isFiller ? ", all of them filler" : ""),
      title: "Data after the end of the pickle",
      severity: isFiller ? .low : .high, place: FindingPlace(member: member, offset: offset))
  }
}
