import ScopeBytes

extension FileScan {
  /// Scans a GGUF file.
  ///
  /// - Returns: the format's name.
  mutating func scanGGUF(_ bytes: ByteSlice, member: String?) -> String {
    leaveOut(format: "GGUF", member: member)
    return "gguf"
  }
}
