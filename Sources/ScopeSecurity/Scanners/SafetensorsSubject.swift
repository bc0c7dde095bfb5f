import ScopeBytes

/// The header of a safetensors file with everything that is wrong with it; tensor bytes are not read.
///
/// Source: https://github.com/huggingface/safetensors (format section of the README).
struct SafetensorsSubject {
  private(set) var inconsistencies: [(tensor: String?, detail: String)] = []
  private(set) var duplicates: [String] = []
  private(set) var paddingProblems: [String] = []
  private(set) var metadata: [(String, String)] = []

  /// Largest header that the reference implementation accepts.
  static let headerLimit = 100_000_000

  /// White space in a header beyond what alignment and indentation explain.
  static let spaceLimit = 1 << 16

  /// Whether the bytes begin like the format: a length and a JSON object, white space before it included.
  static func looksLike(_ bytes: ByteSlice) -> Bool {
    guard bytes.count >= 10, let length: UInt64 = try? bytes.integer(at: 0) else { return false }
    if bytes[8] == 0x7B { return length >= 2 && (length <= UInt64(headerLimit) || bytes[9] == 0x22) }
    let head = bytes.dropFirst(8).prefix(4096).array.drop { isSpace($0) }
    let rest = head.dropFirst().drop { isSpace($0) }
    return length <= UInt64(bytes.count) && head.first == 0x7B && (rest.first == 0x22 || rest.first == 0x7D)
  }

  private static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

  /// White space outside of texts.
  private static func spaces(_ header: ByteSlice) -> Int {
    header.withUnsafeBytes { bytes in
      var (count, isText, isEscaped) = (0, false, false)
      for byte in bytes {
        if isText {
          if isEscaped {
            isEscaped = false
          } else if byte == 0x5C {
            isEscaped = true
          } else if byte == 0x22 {
            isText = false
          }
        } else if byte == 0x22 {
          isText = true
        } else if byte <= 0x20 {
          count += 1
        }
      }
      return count
    }
  }

  /// - Throws: `malformed`, `truncated`, `limitExceeded` when there is no header to look at.
  init(_ bytes: ByteSlice) throws(ScopeError) {
    let length: UInt64 = try bytes.integer(at: 0, what: "header length")
    guard length <= UInt64(Self.headerLimit), length <= UInt64(bytes.count - 8) else {
      inconsistencies.append((nil, "the header length is \(length), the file has \(bytes.count) bytes"))
      return
    }
    let header = try bytes.slice(at: 8, count: Int(length), what: "header")
    let (json, end) = try JSONScanner.parse(header)
    guard case .object(let entries) = json else {
      throw ScopeError(.malformed, "the header is not a JSON object", place: "byte 8")
    }
    if header.count > 0, header[0] != 0x7B {
      paddingProblems.append("white space before the header's JSON, which has to begin at byte 8")
    }
    let spaces = Self.spaces(header)
    if spaces > Self.spaceLimit, spaces > header.count / 4 {
      paddingProblems.append("\(spaces) of the header's \(header.count) bytes are white space")
    }
    let padding = header.dropFirst(end)
    if !padding.array.allSatisfy({ $0 == 0x20 }) {
      paddingProblems.append("\(padding.count) bytes after the header's JSON, not only spaces")
    }
    check(entries, data: bytes.count - 8 - Int(length))
  }

  private mutating func check(_ entries: [(key: String, value: JSONValue)], data: Int) {
    var seen: Set<String> = []
    var ranges: [(start: Int, end: Int, name: String)] = []
    for (name, value) in entries {
      if !seen.insert(name).inserted { duplicates.append(name) }
      if name == "__metadata__" {
        readMetadata(value)
        continue
      }
      guard case .object(let fields) = value else {
        inconsistencies.append((name, "the entry is not an object"))
        continue
      }
      var keys: Set<String> = []
      for field in fields where !keys.insert(field.key).inserted { duplicates.append("\(name).\(field.key)") }
      guard let offsets = value["data_offsets"]?.array, offsets.count == 2, let start = offsets[0].natural,
        let end = offsets[1].natural, start <= end
      else {
        inconsistencies.append((name, "data_offsets are missing, reversed or no natural numbers"))
        continue
      }
      if end > data {
        inconsistencies.append((name, "data_offsets end at \(end), the data has \(data) bytes"))
      }
      ranges.append((start, end, name))
      checkSize(name, value, bytes: end - start)
    }
    checkRanges(ranges, data: data)
  }

  private mutating func checkSize(_ name: String, _ value: JSONValue, bytes: Int) {
    guard let type = value["dtype"]?.text, let bits = Self.bits[type] else {
      inconsistencies.append((name, "the dtype is missing or unknown"))
      return
    }
    guard let shape = value["shape"]?.array, case let sizes = shape.compactMap(\.natural),
      sizes.count == shape.count,
      let count = try? checkedProduct(sizes, what: "shape"),
      case (let total, let overflow) = count.multipliedReportingOverflow(by: bits),
      !overflow
    else {
      inconsistencies.append((name, "the shape is missing, not natural or overflows"))
      return
    }
    if (total + 7) / 8 != bytes {
      inconsistencies.append(
        (name, "\(type) \(sizes) needs \((total + 7) / 8) bytes, data_offsets give \(bytes)"))
    }
  }

  private mutating func checkRanges(_ ranges: [(start: Int, end: Int, name: String)], data: Int) {
    var position = 0
    for range in ranges.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) }) {
      if range.start > position {
        inconsistencies.append((range.name, "a hole of \(range.start - position) bytes before it"))
      }
      if range.start < position, range.end > range.start {
        inconsistencies.append(
          (range.name, "it overlaps the tensor before it by \(position - range.start) bytes"))
      }
      position = max(position, range.end)
    }
    if position < data { inconsistencies.append((nil, "\(data - position) bytes after the last tensor")) }
  }

  private mutating func readMetadata(_ value: JSONValue) {
    guard case .object(let entries) = value else {
      inconsistencies.append(("__metadata__", "the metadata is not an object"))
      return
    }
    var seen: Set<String> = []
    for entry in entries {
      if !seen.insert(entry.key).inserted { duplicates.append("__metadata__.\(entry.key)") }
      if let text = entry.value.text {
        metadata.append((entry.key, text))
      } else {
        inconsistencies.append(
          ("__metadata__", "the value of \"\(PickleAnalysis.printable(entry.key))\" is not text"))
      }
    }
  }

  private static let bits: [String: Int] = [
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E5M2FNUZ": 8, "F8_E4M3FNUZ": 8,
    "I16": 16, "U16": 16, "F16": 16,
    "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "C64": 64, "F64": 64, "I64": 64, "U64": 64, "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
  ]
}

extension FileScan {
  /// Scans a safetensors file's header.
  mutating func scanSafetensors(_ bytes: ByteSlice, member: String?) {
    do throws(ScopeError) {
      let subject = try SafetensorsSubject(bytes)
      for rule in SecurityRules.safetensors { add(rule.findings(in: subject)) }
    } catch {
      leaveOut(error, member: member)
    }
  }
}
