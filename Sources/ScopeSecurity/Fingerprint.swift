import ScopeBytes

extension Finding {
  /// Identifies the finding over time: the rule, the file's own name, the member, and the evidence without positions.
  ///
  /// The same on every machine and in every folder, and unchanged when other parts of the file change; two findings of
  /// one file may share it.
  ///
  /// - Parameter path: of the file it was found in; only the last part counts.
  /// - Returns: SHA-256 in hexadecimal.
  public func fingerprint(in path: String) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let folder = path.dropLast(name.count)
    var evidence = self.evidence
    if folder.count > 1 { evidence = Self.removing(String(folder), from: evidence) }
    let parts = ["neural-scope/1", rule, name, place?.member ?? "", Self.withoutPositions(evidence)]
    // Lengths keep the parts apart.
    let text = parts.map { "\($0.utf8.count):\($0)" }.joined(separator: "\n")
    return ByteSlice(Array(text.utf8)).sha256
  }

  private static func removing(_ pattern: String, from text: String) -> String {
    text.split(separator: pattern, omittingEmptySubsequences: false).joined()
  }

  /// Numbers that say where something lies (`byte 1,234`, `offset 77`, `at 12`, `0x3f20`) as `#`, spaces folded.
  static func withoutPositions(_ text: String) -> String {
    let positional: Set<String> = ["byte", "bytes", "offset", "position", "at", "line", "opcode"]
    var previous = ""
    return text.split { $0 == " " || $0 == "\n" || $0 == "\t" }.map { word in
      defer { previous = word.lowercased() }
      let isPosition = positional.contains(previous) || word.hasPrefix("0x")
      guard isPosition, let digit = word.firstIndex(where: { $0.isASCII && $0.isHexDigit }),
        word[digit].isNumber
      else { return String(word) }
      let tail = word[digit...].drop { $0.isASCII && ($0.isHexDigit || $0 == "x" || $0 == "," || $0 == ".") }
      return String(word[..<digit]) + "#" + tail
    }.joined(separator: " ")
  }
}
