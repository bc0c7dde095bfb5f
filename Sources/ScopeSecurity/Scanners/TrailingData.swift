import ScopeBytes

extension FileScan {
  /// Judges what stands after the end of a format: nothing reads it there, but another reader may begin with it.
  ///
  /// Zeros are padding. What a loader or the system would run is a polyglot and is scanned; what has no format is
  /// informational.
  mutating func scanTrailing(_ rest: ByteSlice, member: String?, depth: Int) {
    guard !rest.isEmpty else { return }
    guard let first = rest.firstNonzero else { return }
    let place = FindingPlace(member: member, offset: rest.offset + first)
    // Padding up to a block, then something: both positions are looked at.
    for start in Set([0, first]).sorted() {
      let data = rest.dropFirst(start)
      guard let name = Self.loadable(data) else { continue }
      add(ARC007.finding("\(name) begins after the end of the data, at byte \(data.offset)", place: place))
      if depth < limits.nesting {
        _ = scan(data, member: qualified("data after the end", in: member), depth: depth + 1)
      }
      return
    }
    add(
      ARC007.finding(
        "\(rest.count) bytes after the end of the data that are no known format",
        title: "Bytes after the end",
        severity: .low, place: place))
  }

  /// What a loader would take the bytes for, when it is something that can carry code or data.
  static func loadable(_ bytes: ByteSlice) -> String? {
    switch ContentKind(bytes) {
    case .zip: "a ZIP archive"
    case .numpy: "a NumPy array"
    case .safetensors: "a safetensors file"
    case .onnx where bytes.count >= 64: "an ONNX model"
    case .pickle where ContentKind.isPickle(bytes): "a pickle"
    case .tar: "a tar archive"
    case .hdf5: "an HDF5 file"
    case .gguf: "a GGUF file"
    case .tflite: "a TensorFlow Lite model"
    case .compressed(let codec): "\(codec.rawValue) data"
    case .sevenZip: "a 7-Zip archive"
    case .executable(let kind): kind
    default: nil
    }
  }
}

extension ByteSlice {
  /// Position of the first byte that is not zero, or nil.
  var firstNonzero: Int? {
    unsafe withUnsafeBytes { bytes in unsafe bytes.firstIndex { $0 != 0 } }
  }
}
