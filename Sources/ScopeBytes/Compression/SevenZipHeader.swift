/// The counts in a 7-Zip archive's header, checked before libarchive reserves memory for them: a folder takes at least
/// two bytes of the header and a file one, but a number of five bytes can claim millions of either.
///
/// Source: 7zFormat.txt of the LZMA SDK.
struct SevenZipHeader {
  /// Property identifiers.
  private enum Property {
    static let (end, header, archiveProperties, additionalStreams): (UInt8, UInt8, UInt8, UInt8) = (
      0, 1, 2, 3
    )
    static let (mainStreams, files, packInfo, unpackInfo): (UInt8, UInt8, UInt8, UInt8) = (4, 5, 6, 7)
    static let substreams: UInt8 = 8
    static let (sizes, digests, folders, unpackSizes): (UInt8, UInt8, UInt8, UInt8) = (9, 10, 11, 12)
    static let encodedHeader: UInt8 = 0x17
  }

  /// Where packed streams begin.
  private static let signatureLength = 32
  /// An encoded header may hold an encoded header.
  private static let deepest = 4
  private static let largestHeader = 64 << 20
  private static let mostCoders: UInt64 = 32
  private static let lzma: [UInt8] = [3, 1, 1]

  private var reader: ByteReader
  private var isAtSubstreams = false

  /// - Parameter bytes: the whole archive.
  /// - Throws: `malformed`, `truncated` for a header that cannot be walked or claims more than it can hold.
  static func check(_ bytes: ByteSlice) throws(ScopeError) {
    let offset: UInt64 = try bytes.integer(at: 12, what: "7-Zip header position")
    let size: UInt64 = try bytes.integer(at: 20, what: "7-Zip header size")
    // An empty archive has no header.
    guard size > 0 else { return }
    let header = try bytes.slice(
      at: Int(clamping: offset.addingReportingOverflow(UInt64(signatureLength)).partialValue),
      count: Int(clamping: size), what: "7-Zip header")
    try check(header, of: bytes, depth: 0)
  }

  private static func check(
    _ header: ByteSlice, of archive: ByteSlice, depth: Int
  ) throws(ScopeError) {
    guard depth < deepest else {
      throw ScopeError(.limitExceeded, "the 7-Zip header is encoded too often", expected: "\(deepest) times")
    }
    var walk = SevenZipHeader(reader: ByteReader(header))
    switch try walk.reader.byte() {
    case Property.header: try walk.mainHeader()
    case Property.encodedHeader:
      // Headers packed by another coder than LZMA (LZMA2 by py7zr) are left to libarchive, counts and all.
      guard let streams = try walk.streams() else { return }
      try check(try decoded(streams, archive), of: archive, depth: depth + 1)
    default: throw walk.problem("the 7-Zip header begins with no known property")
    }
  }

  /// What is needed to decode an encoded header that one LZMA coder wrote.
  private struct EncodedHeader {
    var position: UInt64
    var packedSize: UInt64
    var unpackedSize: UInt64
    var properties: ByteSlice
  }

  /// - Throws: `malformed` unless all of it comes out: what libarchive would make of a broken one is not known.
  private static func decoded(_ header: EncodedHeader, _ archive: ByteSlice) throws(ScopeError) -> ByteSlice {
    guard header.unpackedSize <= UInt64(largestHeader) else {
      throw ScopeError(
        .limitExceeded, "the 7-Zip header is too large", expected: "at most \(largestHeader) bytes",
        found: "\(header.unpackedSize)")
    }
    let start = header.position.addingReportingOverflow(UInt64(signatureLength)).partialValue
    let packed = try archive.slice(
      at: Int(clamping: start), count: Int(clamping: header.packedSize), what: "packed 7-Zip header")
    // 7-Zip leaves the end mark out, other writers put it in; readers of .lzma files want a size or a mark, not both.
    let wanted = Int(header.unpackedSize)
    for size in [header.unpackedSize, .max] {
      let found = try? Decompressor.decompress(
        lzmaFile(header.properties, size: size, packed), codec: .lzma, limit: wanted)
      if let data = found?.data, data.count == wanted { return data }
    }
    throw ScopeError(
      .malformed, "the packed 7-Zip header cannot be unpacked", place: "byte \(packed.offset)",
      expected: "\(header.unpackedSize) bytes of LZMA")
  }

  /// The stream as a file of the older .lzma format: properties, size (`max` is unknown), data.
  private static func lzmaFile(_ properties: ByteSlice, size: UInt64, _ packed: ByteSlice) -> ByteSlice {
    var stream = properties.array
    for shift in stride(from: 0, to: 64, by: 8) {
      stream.append(UInt8(truncatingIfNeeded: size >> UInt64(shift)))
    }
    return ByteSlice(stream + packed.array)
  }

  // MARK: The grammar

  private func problem(_ text: String, found: String? = nil) -> ScopeError {
    ScopeError(.malformed, text, place: "byte \(reader.fileOffset)", found: found)
  }

  /// A number of one to nine bytes: the leading ones of the first byte count those that follow.
  private mutating func number() throws(ScopeError) -> UInt64 {
    let first = try reader.byte()
    var mask: UInt8 = 0x80
    var value: UInt64 = 0
    for index in 0..<8 {
      if first & mask == 0 { return value | UInt64(first & (mask - 1)) << UInt64(8 * index) }
      value |= UInt64(try reader.byte()) << UInt64(8 * index)
      mask >>= 1
    }
    return value
  }

  /// A number of things of which each takes a byte of the header at least.
  private mutating func count(_ what: String) throws(ScopeError) -> Int {
    let value = try number()
    guard value <= UInt64(reader.bytes.count) else {
      throw problem(
        "the 7-Zip header claims more \(what) than it can hold",
        found: "\(value) in \(reader.bytes.count) bytes")
    }
    return Int(value)
  }

  private mutating func mainHeader() throws(ScopeError) {
    while true {
      switch try reader.byte() {
      case Property.archiveProperties:
        while try reader.byte() != Property.end { try reader.skip(Int(clamping: try number())) }
      case Property.additionalStreams, Property.mainStreams:
        _ = try streams()
        if isAtSubstreams { return }
      case Property.files:
        _ = try count("files")
        return
      case Property.end: return
      default: throw problem("the 7-Zip header has an unknown property")
      }
    }
  }

  /// - Returns: what describes an encoded header; nil when another coder than LZMA wrote it.
  private mutating func streams() throws(ScopeError) -> EncodedHeader? {
    var packed: (position: UInt64, size: UInt64)?
    var unpacked: (properties: ByteSlice?, size: UInt64)?
    while true {
      switch try reader.byte() {
      case Property.packInfo: packed = try packInfo()
      case Property.unpackInfo: unpacked = try unpackInfo()
      case Property.end:
        guard let packed, let unpacked, let properties = unpacked.properties else { return nil }
        return EncodedHeader(
          position: packed.position, packedSize: packed.size, unpackedSize: unpacked.size,
          properties: properties)
      case Property.substreams:
        // Behind the counts for which memory is reserved and walked; the files behind them need a name each.
        isAtSubstreams = true
        return nil
      default: throw problem("the streams of the 7-Zip header have an unknown property")
      }
    }
  }

  private mutating func packInfo() throws(ScopeError) -> (position: UInt64, size: UInt64) {
    let position = try number()
    let streams = try count("packed streams")
    var size: UInt64 = 0
    while true {
      switch try reader.byte() {
      case Property.sizes:
        for index in 0..<streams {
          let next = try number()
          if index == 0 { size = next }
        }
      case Property.digests: try digests(streams)
      case Property.end: return (position, size)
      default: throw problem("the packed streams of the 7-Zip header have an unknown property")
      }
    }
  }

  /// - Returns: the properties of the first folder's coder when it is LZMA alone, and the size that it unpacks to.
  private mutating func unpackInfo() throws(ScopeError) -> (properties: ByteSlice?, size: UInt64) {
    guard try reader.byte() == Property.folders else {
      throw problem("the unpacked streams of the 7-Zip header name no folders")
    }
    let folders = try count("folders")
    guard try reader.byte() == 0 else { return (nil, 0) }
    var outputs: [Int] = []
    var properties: ByteSlice?
    for index in 0..<folders {
      let folder = try self.folder()
      outputs.append(folder.outputs)
      if index == 0 { properties = folder.properties }
    }
    var size: UInt64 = 0
    while true {
      switch try reader.byte() {
      case Property.unpackSizes:
        for (index, streams) in outputs.enumerated() {
          for stream in 0..<streams {
            let next = try number()
            if index == 0, stream == 0 { size = next }
          }
        }
      case Property.digests: try digests(folders)
      case Property.end: return (properties, size)
      default: throw problem("the folders of the 7-Zip header have an unknown property")
      }
    }
  }

  private mutating func folder() throws(ScopeError) -> (outputs: Int, properties: ByteSlice?) {
    let coders = try bounded("coders")
    var (inputs, outputs) = (0, 0)
    var properties: ByteSlice?
    for _ in 0..<coders {
      let flags = try reader.byte()
      let id = try reader.slice(Int(flags & 0xF), what: "coder")
      let isSimple = flags & 0x10 == 0
      inputs += isSimple ? 1 : try bounded("streams")
      outputs += isSimple ? 1 : try bounded("streams")
      guard flags & 0x20 != 0 else { continue }
      let found = try reader.slice(Int(clamping: try number()), what: "coder properties")
      if coders == 1, isSimple, id.array == Self.lzma, found.count == 5 { properties = found }
    }
    guard inputs > 0, outputs > 0 else { throw problem("a folder of the 7-Zip header has no streams") }
    for _ in 0..<2 * (outputs - 1) { _ = try number() }
    let packed = inputs - (outputs - 1)
    if packed > 1 { for _ in 0..<packed { _ = try number() } }
    return (outputs, properties)
  }

  private mutating func bounded(_ what: String) throws(ScopeError) -> Int {
    let value = try number()
    guard value <= Self.mostCoders else {
      throw problem("a folder of the 7-Zip header has too many \(what)", found: "\(value)")
    }
    return Int(value)
  }

  private mutating func digests(_ streams: Int) throws(ScopeError) {
    var defined = streams
    if try reader.byte() == 0 {
      let bits = try reader.slice((streams + 7) / 8, what: "digests")
      defined = bits.array.reduce(0) { $0 + $1.nonzeroBitCount }
    }
    try reader.skip(4 * defined, what: "digests")
  }
}
