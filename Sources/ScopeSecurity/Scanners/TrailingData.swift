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

  /// Looks for a second format in a file whose own format does not tell where it ends, or is not read to its end: an
  /// archive is found from the end of a file, whatever it begins with.
  mutating func scanBehind(_ bytes: ByteSlice, kind: ContentKind, member: String?, depth: Int) {
    switch kind {
    case .numpy:
      if let end = NumPyExtent.end(of: bytes) {
        scanTrailing(bytes.dropFirst(end), member: member, depth: depth)
        return
      }
    // Readers of GGUF and TensorFlow Lite look behind their data themselves: TFLite keeps its labels there.
    case .safetensors, .onnx, .hdf5, .executable, .unsupported, .text: break
    default: return
    }
    guard depth < limits.nesting, ContentKind.hasEndRecord(bytes), let archive = try? ZipArchive(bytes),
      !archive.members.isEmpty
    else { return }
    add(
      ARC007.finding(
        "a ZIP archive with \(archive.members.count) members begins at byte \(bytes.offset + archive.prefixLength)",
        place: FindingPlace(member: member, offset: bytes.offset + archive.prefixLength)))
    _ = scanZip(bytes.dropFirst(archive.prefixLength), member: member, depth: depth + 1)
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

/// Where a `.npy` array ends.
enum NumPyExtent {
  /// Position after the last element; nil for objects and for types whose size is not in their name.
  static func end(of bytes: ByteSlice) -> Int? {
    guard let major = try? bytes.integer(at: 6, as: UInt8.self) else { return nil }
    let narrow = try? bytes.integer(at: 8, as: UInt16.self)
    let wide = try? bytes.integer(at: 8, as: UInt32.self)
    guard let length = major == 1 ? narrow.map(Int.init) : wide.map(Int.init),
      case let start = major == 1 ? 10 : 12, let header = try? bytes.slice(at: start, count: length),
      let text = header.utf8String, let type = value(of: "descr", in: text),
      let shape = value(of: "shape", in: text),
      let size = elementSize(type)
    else { return nil }
    let sizes = shape.split(whereSeparator: { "(), ".contains($0) }).map { Int($0) }
    guard sizes.allSatisfy({ $0 != nil }),
      let count = try? checkedProduct(sizes.compactMap { $0 } + [size], what: "array")
    else { return nil }
    let (end, overflow) = (start + length).addingReportingOverflow(count)
    return overflow || end > bytes.count ? nil : end
  }

  /// The text of an entry of the header's dictionary: up to the comma outside brackets.
  private static func value(of key: String, in header: String) -> String? {
    guard let range = header.firstRange(of: "'\(key)'"),
      let colon = header[range.upperBound...].firstIndex(of: ":")
    else { return nil }
    var depth = 0
    var result = ""
    for character in header[header.index(after: colon)...] {
      if "([".contains(character) { depth += 1 }
      if ")]".contains(character) { depth -= 1 }
      if depth < 0 || depth == 0 && (character == "," || character == "}") { break }
      result.append(character)
    }
    return result
  }

  /// Bytes of `'<f4'`, `'|u1'` ...; nil for records and objects.
  private static func elementSize(_ type: String) -> Int? {
    let text = type.filter { !" '\"".contains($0) }
    guard text.count >= 2,
      let kind = text.dropFirst(text.first.map { "<>|=".contains($0) } == true ? 1 : 0).first,
      "fiubcSUV".contains(kind), let start = text.firstIndex(of: kind),
      let size = Int(text[text.index(after: start)...])
    else { return nil }
    return kind == "U" ? size.multipliedReportingOverflow(by: 4).partialValue : size
  }
}
