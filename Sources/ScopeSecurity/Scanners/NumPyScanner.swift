import ScopeBytes

extension FileScan {
  /// Scans a `.npy` array: its header, and the pickle of an object array. Numbers are not read.
  ///
  /// Source: NumPy format specification (NEP 1), versions 1 to 3.
  mutating func scanNumPy(_ bytes: ByteSlice, member: String?, depth: Int) {
    do throws(ScopeError) {
      let major = try bytes.integer(at: 6, as: UInt8.self, what: "npy version")
      let length: Int
      let start: Int
      if major == 1 {
        length = Int(try bytes.integer(at: 8, as: UInt16.self, what: "npy header length"))
        start = 10
      } else {
        length = Int(try bytes.integer(at: 8, as: UInt32.self, what: "npy header length"))
        start = 12
      }
      let header = try bytes.slice(at: start, count: length, what: "npy header")
      guard let text = header.utf8String, text.hasPrefix("{"), let type = Self.descriptor(in: text) else {
        throw ScopeError(
          .malformed, "the npy header is not a dictionary with descr", place: "byte \(header.offset)")
      }
      guard Self.holdsObjects(type) else { return }
      let data = bytes.dropFirst(start + length)
      let before = findings.count
      let left = unexamined.count
      _ = scanPickle(data, member: member, depth: depth + 1)
      let isDangerous = findings[before...].contains { $0.severity >= .medium } || unexamined.count > left
      add(
        NP001.objects(
          String(PickleAnalysis.printable(type).prefix(80)), isDangerous: isDangerous, member: member))
    } catch {
      leaveOut(error, member: member)
    }
  }

  /// The text of the `descr` entry.
  private static func descriptor(in header: String) -> String? {
    let text = Array(header.utf8)
    for quote: UInt8 in [0x27, 0x22] {
      let key = [quote] + Array("descr".utf8) + [quote]
      guard let position = ByteSlice(text).firstIndex(of: key) else { continue }
      let rest = text[(position + key.count)...].drop { $0 == 0x20 || $0 == 0x3A }
      let ends = [Array("'fortran_order'".utf8), Array("\"fortran_order\"".utf8), Array("'shape'".utf8)]
        .compactMap { ByteSlice(Array(rest)).firstIndex(of: $0) }
      return String(decoding: rest.prefix(ends.min() ?? rest.count), as: UTF8.self)
    }
    return nil
  }

  /// `'|O'`, `'O'`, `'|O8'`, `'object'` or a field of one.
  private static func holdsObjects(_ type: String) -> Bool {
    let bytes = ByteSlice(Array(type.utf8))
    return ["'|O", "'O'", "'O8'", "'<O", "'>O", "'=O", "\"|O", "\"O\"", "object"].contains {
      bytes.firstIndex(of: Array($0.utf8)) != nil
    }
  }
}
