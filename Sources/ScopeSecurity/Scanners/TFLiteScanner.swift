import ScopeBytes

extension FileScan {
  /// Scans a TensorFlow Lite model, and the files that its metadata appends as a ZIP archive.
  ///
  /// - Returns: the format's name.
  mutating func scanTFLite(_ bytes: ByteSlice, member: String?) -> String {
    let subject = TFLiteSubject(bytes, member: member)
    for rule in SecurityRules.tflite { add(rule.findings(in: subject)) }
    scanTrailingArchive(bytes, member: member, isOrdinary: true)
    return "tflite"
  }
}
