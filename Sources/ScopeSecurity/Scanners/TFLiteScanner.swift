import ScopeBytes

extension FileScan {
  /// Scans a TensorFlow Lite model.
  ///
  /// - Returns: the format's name.
  mutating func scanTFLite(_ bytes: ByteSlice, member: String?) -> String {
    leaveOut(format: "TensorFlow Lite", member: member)
    return "tflite"
  }
}
