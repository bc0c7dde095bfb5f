import ScopeBytes

extension FileScan {
  /// Scans the members of a 7-Zip archive.
  ///
  /// - Returns: the format's name.
  mutating func scanSevenZip(_ bytes: ByteSlice, member: String?, depth: Int) -> String {
    leaveOut(format: "7-Zip archive", member: member)
    return "7z"
  }
}
