import ScopeBytes

extension FileScan {
  /// Scans what a compressed stream holds.
  ///
  /// - Returns: the format's name.
  mutating func scanCompressed(_ bytes: ByteSlice, codec: ContentKind.Codec, member: String?, depth: Int)
    -> String
  {
    leaveOut(format: "\(codec.rawValue) compressed data", member: member)
    return codec.rawValue
  }
}
