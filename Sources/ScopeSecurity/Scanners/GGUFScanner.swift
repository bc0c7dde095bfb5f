import ScopeBytes
import ScopeFormats

extension FileScan {
  /// Scans a GGUF file: header, tensor table, chat templates.
  ///
  /// - Returns: the format's name.
  mutating func scanGGUF(_ bytes: ByteSlice, member: String?) -> String {
    let subject = GGUFSubject(bytes, member: member)
    for rule in SecurityRules.gguf { add(rule.findings(in: subject)) }
    for (key, text) in subject.templates {
      let place = member.map { "\($0): \(key)" } ?? key
      guard let string = text.utf8String else {
        leaveOut(ScopeError(.malformed, "the chat template is not UTF-8"), member: place)
        continue
      }
      applyTemplate(string, member: place)
    }
    if let failure = subject.failure {
      leaveOut(failure, member: member)
    } else if subject.problems.isEmpty, bytes.count > subject.end {
      scanBehind(bytes.dropFirst(subject.end), member: member)
    }
    return "gguf"
  }

  /// Bytes behind the last tensor belong to no tensor: another file may stand there.
  private mutating func scanBehind(_ rest: ByteSlice, member: String?) {
    let skipped = rest.prefix(4096).array.prefix { $0 == 0 }.count
    let content = rest.dropFirst(skipped)
    guard content.count > 0, skipped < 4096 else { return }
    let place = "\(member.map { "\($0): " } ?? "")behind the tensors"
    switch ContentKind(content) {
    case .empty, .unknown, .text: break
    default:
      add(
        ARC007.finding(
          "another file begins at byte \(content.offset), behind the tensors",
          place: FindingPlace(member: member, offset: content.offset)))
      _ = scan(content, member: place, depth: 1)
    }
  }
}
