import ScopeBytes
import ScopeFormats

/// The header of a GGUF file with everything in it that does not fit; versions 1 to 3 in either byte order. Tensor bytes
/// are not read.
///
/// Source: ggml-org/ggml `docs/gguf.md`; `gguf_init_from_file_impl` of ggml for what its reader requires.
struct GGUFSubject {
  let member: String?
  private(set) var problems: [(place: String, detail: String)] = []
  /// Chat templates by their key.
  private(set) var templates: [(key: String, text: ByteSlice)] = []
  /// Why the header could not be read to its end.
  private(set) var failure: ScopeError?
  /// Where the last tensor ends.
  private(set) var end = 0

  private let bytes: ByteSlice
  private var position = 4
  private var isBig = false
  private var isWide = true
  private var alignment = 32
  private var keys: Set<String> = []
  private var tensors: [(name: String, offset: UInt64, size: Int)] = []

  /// A size beyond what a cut file would explain.
  private static let slack = 16 << 20

  init(_ bytes: ByteSlice, member: String?) {
    self.bytes = bytes
    self.member = member
    do throws(ScopeError) {
      try read()
    } catch {
      failure = error
    }
  }

  private mutating func note(_ place: String, _ detail: String) {
    if problems.count < 64 { problems.append((place, detail)) }
  }

  private mutating func integer<T: FixedWidthInteger & UnsignedInteger>(
    _ type: T.Type, _ what: String
  ) throws(ScopeError) -> T {
    let value: T = try bytes.integer(at: position, what: what)
    position += MemoryLayout<T>.size
    return isBig ? value.byteSwapped : value
  }

  private mutating func count(_ what: String) throws(ScopeError) -> UInt64 {
    isWide ? try integer(UInt64.self, what) : UInt64(try integer(UInt32.self, what))
  }

  /// Checks that `count` elements of at least `each` bytes can follow.
  ///
  /// - Throws: `truncated`; what no cut explains is noted as a problem as well.
  private mutating func require(_ count: UInt64, each: Int, _ what: String, _ place: String)
    throws(ScopeError) -> Int
  {
    let (need, overflow) = count.multipliedReportingOverflow(by: UInt64(each))
    guard !overflow, need <= UInt64(Int.max), count <= UInt64(Int.max) else {
      note(place, "\(what) is \(count), whose size overflows")
      throw ScopeError(
        .limitExceeded, "\(what) is not possible", place: "byte \(position)", found: "\(count)")
    }
    guard need <= UInt64(bytes.count - position) else {
      if need > UInt64(bytes.count + Self.slack) {
        note(place, "\(what) is \(count), the file has \(bytes.count) bytes")
      }
      throw ScopeError(
        .truncated, "\(what) declares more than the file holds", place: "byte \(position)",
        expected: "\(need) bytes", found: "\(bytes.count - position) bytes left")
    }
    return Int(count)
  }

  private mutating func text(_ what: String, _ place: String) throws(ScopeError) -> ByteSlice {
    let length = try require(try count("length of \(what)"), each: 1, "the length of \(what)", place)
    let result = try bytes.slice(at: position, count: length, what: what)
    position += length
    return result
  }

  private mutating func skip(_ count: Int) { position += count }

  private mutating func read() throws(ScopeError) {
    var version = try integer(UInt32.self, "version")
    if !(1...3).contains(version), (1...3).contains(version.byteSwapped) {
      isBig = true
      version = version.byteSwapped
    }
    guard (1...3).contains(version) else {
      throw ScopeError(.unsupported, "the GGUF version is not known", expected: "1 to 3", found: "\(version)")
    }
    isWide = version > 1
    let tensorCount = try require(try count("number of tensors"), each: 1, "the number of tensors", "header")
    let pairCount = try require(
      try count("number of pairs"), each: 1, "the number of metadata pairs", "header")
    _ = try require(UInt64(tensorCount), each: isWide ? 24 : 16, "the number of tensors", "header")
    _ = try require(UInt64(pairCount), each: isWide ? 13 : 9, "the number of metadata pairs", "header")
    for number in 0..<pairCount { try pair(number) }
    for number in 0..<tensorCount { try tensor(number) }
    checkData()
  }

  private mutating func pair(_ number: Int) throws(ScopeError) {
    let key = try text("a key", "metadata[\(number)]")
    let name = key.count <= 65_535 ? key.utf8String : nil
    if name == nil { note("metadata[\(number)]", "the key is no text or longer than 65535 bytes") }
    let place = "metadata \"\(PickleAnalysis.printable(String((name ?? "?").prefix(120))))\""
    if let name, !keys.insert(name).inserted { note(place, "the key appears twice") }
    let type = try integer(UInt32.self, "type")
    if name == "general.alignment", type != 4 { note(place, "the alignment is of type \(type), not uint32") }
    let start = position
    try value(type, place, depth: 0)
    guard let name else { return }
    if name == "general.alignment", type == 4 {
      position = start
      let value = Int(try integer(UInt32.self, "alignment"))
      if value == 0 || value & (value - 1) != 0 || value > 1 << 20 {
        note(place, "the alignment \(value) is not a power of two")
      } else {
        alignment = value
      }
    }
    if name.contains("template"), type == 8 {
      position = start
      templates.append((name, try text("a template", place)))
    }
  }

  private mutating func value(_ type: UInt32, _ place: String, depth: Int) throws(ScopeError) {
    switch type {
    case 0, 1, 7: _ = try integer(UInt8.self, "value")
    case 2, 3: _ = try integer(UInt16.self, "value")
    case 4, 5, 6: _ = try integer(UInt32.self, "value")
    case 10, 11, 12: _ = try integer(UInt64.self, "value")
    case 8: _ = try text("a text", place)
    case 9:
      let inner = try integer(UInt32.self, "type of an array")
      let length = try count("length of an array")
      guard depth < 4 else {
        throw ScopeError(.limitExceeded, "arrays are nested too deeply", expected: "at most 4 levels")
      }
      let width = [0: 1, 1: 1, 7: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 10: 8, 11: 8, 12: 8][inner]
      if let width {
        skip(try require(length, each: width, "the length of an array", place) * width)
      } else {
        guard inner == 8 || inner == 9 else { return try unknown(inner, place) }
        let size = isWide ? 8 : 4
        for _
          in 0..<(try require(length, each: inner == 8 ? size : size + 4, "the length of an array", place))
        {
          try value(inner, place, depth: depth + 1)
        }
      }
    default: try unknown(type, place)
    }
  }

  private mutating func unknown(_ type: UInt32, _ place: String) throws(ScopeError) {
    note(place, "the value is of the unknown type \(type)")
    throw ScopeError(
      .malformed, "a metadata value has an unknown type", expected: "0 to 12", found: "\(type)")
  }

  private mutating func tensor(_ number: Int) throws(ScopeError) {
    let raw = try text("a tensor's name", "tensor[\(number)]")
    let name = raw.count < 1024 ? raw.utf8String ?? "?" : "?"
    let place = "tensor \"\(PickleAnalysis.printable(String(name.prefix(120))))\""
    if name == "?" || name.isEmpty {
      note("tensor[\(number)]", "the name is empty, no text or longer than 1023 bytes")
    }
    if tensors.count < 2_000_000, !names.insert(name).inserted { note(place, "the name appears twice") }
    let rank = try integer(UInt32.self, "number of dimensions")
    guard rank <= 4 else {
      note(place, "\(rank) dimensions, at most 4 are possible")
      throw ScopeError(.malformed, "a tensor has too many dimensions", place: place, found: "\(rank)")
    }
    var sizes: [Int] = []
    for _ in 0..<rank {
      let size = try count("a dimension")
      sizes.append(size <= UInt64(Int.max) ? Int(size) : -1)
    }
    let code = try integer(UInt32.self, "type of a tensor")
    let offset = try integer(UInt64.self, "offset of a tensor")
    guard let elements = try? checkedProduct(sizes, what: "shape") else {
      return note(place, "the dimensions \(sizes.map { $0 < 0 ? "2^63 or more" : "\($0)" }) overflow")
    }
    guard let type = GGMLType.byCode[code] else {
      if code > 64 {
        note(place, "the tensor's type \(code) is not known")
      } else {
        failure = ScopeError(
          .unsupported, "the tensor's type is not known", place: place, found: "type \(code)")
      }
      return
    }
    guard (sizes.first ?? 1) % type.blockElements == 0 else {
      return note(place, "rows of \(sizes.first ?? 1) elements are not whole blocks of \(type.blockElements)")
    }
    guard let size = try? checkedProduct([elements / type.blockElements, type.blockBytes], what: "size"),
      size <= 1 << 50
    else { return note(place, "the dimensions \(sizes) of \(type.name) overflow") }
    tensors.append((name, offset, size))
  }

  private var names: Set<String> = []

  /// Every tensor lies aligned, inside the file, and directly behind the one before.
  private mutating func checkData() {
    let (padded, overflow) = position.addingReportingOverflow(alignment - 1)
    guard !overflow else { return }
    let start = padded / alignment * alignment
    let available = UInt64(max(0, bytes.count - start))
    var expected: UInt64 = 0
    let isComplete = problems.isEmpty && failure == nil
    for tensor in tensors.sorted(by: { ($0.offset, $0.size) < ($1.offset, $1.size) }) {
      let place = "tensor \"\(PickleAnalysis.printable(String(tensor.name.prefix(120))))\""
      if tensor.offset % UInt64(alignment) != 0 {
        note(place, "the offset \(tensor.offset) is not aligned to \(alignment)")
      }
      let (stop, overflow) = tensor.offset.addingReportingOverflow(UInt64(tensor.size))
      if overflow || stop > available {
        note(place, "\(tensor.size) bytes at \(tensor.offset) reach beyond the \(available) bytes of data")
      } else if tensor.offset < expected, tensor.size > 0, expected - tensor.offset > 0 {
        note(place, "it overlaps the tensor before it")
      } else if tensor.offset > expected, isComplete {
        note(place, "a hole of \(tensor.offset - expected) bytes before it")
      }
      guard !overflow else { continue }
      let (next, wraps) = stop.addingReportingOverflow(UInt64(alignment - 1))
      if !wraps { expected = max(expected, next / UInt64(alignment) * UInt64(alignment)) }
    }
    end = start + Int(clamping: min(expected, available))
  }
}
