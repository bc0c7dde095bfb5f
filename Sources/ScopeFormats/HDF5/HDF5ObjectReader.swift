import OrderedCollections
import ScopeBytes

/// One link of a group.
struct HDF5GroupLink: Sendable {
  enum Target: Sendable {
    case hard(Int)
    case soft(String)
    case external(file: String, target: String)
  }

  let name: String
  let target: Target
}

/// A group or dataset as its object header describes it.
struct HDF5Object: Sendable {
  var attributes: OrderedDictionary<String, HDF5Attribute> = [:]
  var links: [HDF5GroupLink] = []
  /// Nil for a group.
  var dataset: HDF5DatasetParts?
}

/// Reads object headers, versions 1 and 2 (specification, section IV.A).
struct HDF5ObjectReader {
  private var file: HDF5Bytes
  /// Bytes of texts that attributes may have together.
  private var textBudget = 1 << 28
  private static let blockLimit = 10_000

  /// Whether a message that cannot be read is noted instead of ending the object.
  private let goesOn: Bool
  private(set) var problems: [ScopeError] = []
  /// Within a committed type, which refers to no other.
  private var isFollowing = false

  init(_ file: HDF5Bytes, goesOn: Bool = false) {
    self.file = file
    self.goesOn = goesOn
  }

  private struct Message {
    let type: Int
    let data: ByteSlice
  }

  mutating func object(at address: Int) throws(ScopeError) -> HDF5Object {
    var object = HDF5Object()
    var parts = HDF5DatasetParts()
    var hasLayout = false
    for message in try messages(at: address) {
      do throws(ScopeError) {
        try take(message, &object, &parts, &hasLayout)
      } catch {
        guard goesOn, error.code != .limitExceeded, problems.count < 64 else { throw error }
        problems.append(error)
      }
    }
    if hasLayout { object.dataset = parts }
    return object
  }

  private mutating func take(
    _ message: Message, _ object: inout HDF5Object, _ parts: inout HDF5DatasetParts, _ hasLayout: inout Bool
  ) throws(ScopeError) {
    let data = HDF5Bytes(
      message.data, offsetSize: file.offsetSize, lengthSize: file.lengthSize, base: 0)
    switch message.type {
    case 0x01: parts.space = try HDF5Space(message.data, lengthSize: file.lengthSize)
    case 0x02:
      let flags = try data.byte(1)
      let start = 2 + (flags & 1 != 0 ? 8 : 0)
      try dense(start, data) { (reader, record) throws(ScopeError) in
        object.links.append(try reader.link(record))
      }
    case 0x03: parts.type = try HDF5Type(message.data)
    case 0x06: object.links.append(try link(message.data))
    case 0x07:
      parts.hasExternalFiles = true
      parts.externalFiles = try HDF5External.listed(data, in: file)
    case 0x08:
      parts.layout = message.data
      hasLayout = true
    case 0x0B: parts.isFiltered = true
    case 0x0C:
      let (name, value) = try attribute(message.data)
      object.attributes[name] = value
    case 0x11:
      guard let tree = try shifted(data, 0), let heap = try shifted(data, file.offsetSize) else { return }
      object.links += try HDF5OldGroup.links(&file, tree: tree, heap: heap)
    case 0x15:
      let flags = try data.byte(1)
      let start = 2 + (flags & 1 != 0 ? 2 : 0)
      try dense(start, data) { (reader, record) throws(ScopeError) in
        let (name, value) = try reader.attribute(record)
        object.attributes[name] = value
      }
    default: break
    }
  }

  /// An address inside a message, as a position in the file.
  private func shifted(_ data: HDF5Bytes, _ position: Int) throws(ScopeError) -> Int? {
    guard let value = try data.number(at: position, width: file.offsetSize) else { return nil }
    let (sum, overflow) = value.addingReportingOverflow(file.base)
    guard !overflow, sum <= file.bytes.count else {
      throw ScopeError(
        .truncated, "an HDF5 address lies beyond the end of the file",
        place: "byte \(data.bytes.offset + position)",
        found: "\(value)", remedy: "The file is truncated or damaged; fetch it again")
    }
    return sum
  }

  /// Every message of a header, continuation blocks included.
  private mutating func messages(at address: Int) throws(ScopeError) -> [Message] {
    var result: [Message] = []
    var blocks: [(start: Int, length: Int)] = []
    let isNew = file.bytes.dropFirst(address).starts(with: Array("OHDR".utf8))
    var flags = 0
    if isNew {
      let version = try file.byte(address + 4)
      guard version == 2 else { throw unknownHeader(address, version) }
      flags = try file.byte(address + 5)
      let start = address + 6 + (flags & 0x20 != 0 ? 16 : 0) + (flags & 0x10 != 0 ? 4 : 0)
      let width = 1 << (flags & 3)
      guard let length = try file.number(at: start, width: width) else {
        throw ScopeError(.malformed, "an HDF5 object header has no size", place: "byte \(address)")
      }
      blocks.append((start + width, length))
    } else {
      let version = try file.byte(address)
      guard version == 1 else { throw unknownHeader(address, version) }
      blocks.append((address + 16, try file.long(address + 8)))
    }
    var seen = Set<Int>()
    var next = 0
    while next < blocks.count {
      let (start, length) = blocks[next]
      next += 1
      guard seen.insert(start).inserted else { continue }
      guard next <= Self.blockLimit else {
        throw ScopeError(
          .limitExceeded, "an HDF5 object header has too many blocks", place: "byte \(address)")
      }
      let block = try file.bytes.slice(at: start, count: length, what: "object header")
      let data = HDF5Bytes(block, offsetSize: file.offsetSize, lengthSize: file.lengthSize, base: 0)
      let head = isNew ? (flags & 4 != 0 ? 6 : 4) : 8
      var position = 0
      // What is left at the end of a block is a gap.
      while position + head <= block.count {
        try file.spend()
        let type = isNew ? try data.byte(position) : try data.word(position)
        let size = try data.word(position + (isNew ? 1 : 2))
        let messageFlags = try data.byte(position + (isNew ? 3 : 4))
        let body = try block.slice(at: position + head, count: size, what: "header message")
        position += head + size
        if type == 0x10 {
          let part = HDF5Bytes(body, offsetSize: file.offsetSize, lengthSize: file.lengthSize, base: 0)
          guard let target = try shifted(part, 0) else { continue }
          let length = try part.length(at: file.offsetSize)
          if isNew {
            try file.expect("OCHK", at: target, "the continuation of an object header")
            blocks.append((target + 4, max(0, length - 8)))
          } else {
            blocks.append((target, length))
          }
          continue
        }
        guard messageFlags & 2 == 0 else {
          // A type or attribute that several objects share.
          guard [0x01, 0x03, 0x0C].contains(type) else { continue }
          if type == 0x03, let shared = try committed(body) {
            result.append(shared)
            continue
          }
          throw ScopeError(
            .unsupported, "the HDF5 file shares a datatype or attribute between objects",
            place: "byte \(body.offset)")
        }
        result.append(Message(type: type, data: body))
      }
    }
    return result
  }

  /// The datatype of a committed (named) type, which has an object header of its own.
  private mutating func committed(_ reference: ByteSlice) throws(ScopeError) -> Message? {
    let part = HDF5Bytes(reference, offsetSize: file.offsetSize, lengthSize: file.lengthSize, base: 0)
    let version = try part.byte(0)
    let kind = try part.byte(1)
    let isInHeap = version == 3 && kind == 1
    guard (1...3).contains(version), !isInHeap, !isFollowing,
      let address = try shifted(part, version == 1 ? 8 : 2)
    else { return nil }
    isFollowing = true
    defer { isFollowing = false }
    return try messages(at: address).first { $0.type == 0x03 }
  }

  private func unknownHeader(_ address: Int, _ version: Int) -> ScopeError {
    ScopeError(
      .malformed, "there is no HDF5 object header where the file says",
      place: "byte \(file.bytes.offset + address)",
      expected: "version 1 or 2", found: "\(version)")
  }

  /// Visits the records that a fractal heap and its name index hold.
  private mutating func dense(
    _ start: Int, _ data: HDF5Bytes, _ visit: (inout HDF5ObjectReader, ByteSlice) throws(ScopeError) -> Void
  ) throws(ScopeError) {
    guard let heap = try shifted(data, start), let index = try shifted(data, start + file.offsetSize) else {
      return
    }
    let fractal = try HDF5FractalHeap(&file, at: heap)
    for record in try HDF5Tree.records(&file, at: index) {
      let object = try fractal.object(record.id, &file)
      try visit(&self, object)
    }
  }

  fileprivate mutating func link(_ bytes: ByteSlice) throws(ScopeError) -> HDF5GroupLink {
    try file.spend()
    let data = HDF5Bytes(bytes, offsetSize: file.offsetSize, lengthSize: file.lengthSize, base: 0)
    let flags = try data.byte(1)
    var position = 2
    var kind = 0
    if flags & 8 != 0 {
      kind = try data.byte(position)
      position += 1
    }
    if flags & 4 != 0 { position += 8 }
    if flags & 16 != 0 { position += 1 }
    let width = 1 << (flags & 3)
    guard let length = try data.number(at: position, width: width) else {
      throw ScopeError(.malformed, "an HDF5 link has no name", place: "byte \(bytes.offset)")
    }
    position += width
    let name = String(
      decoding: try bytes.slice(at: position, count: length, what: "link name").array, as: UTF8.self)
    position += length
    switch kind {
    case 0:
      guard let address = try shifted(data, position) else {
        throw ScopeError(.malformed, "an HDF5 link leads nowhere", place: "link \"\(name.prefix(200))\"")
      }
      return HDF5GroupLink(name: name, target: .hard(address))
    case 1:
      let value = try bytes.slice(at: position + 2, count: try data.word(position), what: "soft link")
      return HDF5GroupLink(name: name, target: .soft(String(decoding: value.array, as: UTF8.self)))
    case 64:
      let value = try bytes.slice(at: position + 2, count: try data.word(position), what: "external link")
      let texts = value.dropFirst(1).array.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
      return HDF5GroupLink(
        name: name, target: .external(file: texts.first ?? "", target: texts.count > 1 ? texts[1] : ""))
    default: return HDF5GroupLink(name: name, target: .soft("link of type \(kind)"))
    }
  }

  fileprivate mutating func attribute(_ bytes: ByteSlice) throws(ScopeError) -> (String, HDF5Attribute) {
    try file.spend()
    let data = HDF5Bytes(bytes, offsetSize: file.offsetSize, lengthSize: file.lengthSize, base: 0)
    let version = try data.byte(0)
    guard (1...3).contains(version) else {
      throw ScopeError(
        .malformed, "the version of an HDF5 attribute is not known", place: "byte \(bytes.offset)",
        expected: "1 to 3", found: "\(version)")
    }
    let sizes = [try data.word(2), try data.word(4), try data.word(6)]
    var position = version == 3 ? 9 : 8
    var pieces: [ByteSlice] = []
    for size in sizes {
      pieces.append(try bytes.slice(at: position, count: size, what: "attribute"))
      // Version 1 pads every piece to eight bytes.
      position += version == 1 ? (size + 7) / 8 * 8 : size
    }
    let name = String(decoding: pieces[0].array.prefix { $0 != 0 }, as: UTF8.self)
    // A shared datatype or dataspace is only referred to.
    let flags = try data.byte(1)
    guard version == 1 || flags & 3 == 0 else { return (name, .other) }
    let type = try HDF5Type(pieces[1])
    let count = try HDF5Space(pieces[2], lengthSize: file.lengthSize).elements
    guard type.isFixedText || type.isVariableText, type.size > 0 else { return (name, .other) }
    let total = try checkedProduct([count, type.size], what: "attribute size")
    let values = try bytes.slice(at: position, count: total, what: "attribute value")
    try file.spend(count)
    var texts: [String] = []
    for index in 0..<count {
      let value = try values.slice(at: index * type.size, count: type.size)
      texts.append(try type.isVariableText ? variableText(value) : fixedText(value))
    }
    return (name, .texts(texts))
  }

  private mutating func fixedText(_ value: ByteSlice) throws(ScopeError) -> String {
    try spendText(value.count)
    return String(decoding: value.array.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// A text in the global heap: length, collection, number in it.
  private mutating func variableText(_ value: ByteSlice) throws(ScopeError) -> String {
    let data = HDF5Bytes(value, offsetSize: file.offsetSize, lengthSize: file.lengthSize, base: 0)
    let length = try data.long(0)
    guard length > 0, let collection = try shifted(data, 4) else { return "" }
    let wanted = try data.long(4 + file.offsetSize)
    try file.expect("GCOL", at: collection, "a heap of texts")
    let size = try file.length(at: collection + 8)
    let heap = try file.bytes.slice(at: collection, count: size, what: "heap of texts")
    let inside = HDF5Bytes(heap, offsetSize: file.offsetSize, lengthSize: file.lengthSize, base: 0)
    var position = 8 + file.lengthSize
    while position + 8 + file.lengthSize <= heap.count {
      try file.spend()
      let number = try inside.word(position)
      guard number != 0 else { break }
      let bytes = try inside.length(at: position + 8)
      let start = position + 8 + file.lengthSize
      if number == wanted {
        guard length <= bytes else { break }
        try spendText(length)
        let text = try heap.slice(at: start, count: length, what: "text")
        return String(decoding: text.array.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard bytes <= heap.count - start else { break }
      position = start + (bytes + 7) / 8 * 8
    }
    throw ScopeError(
      .malformed, "a text is not in the heap that the file names", place: "byte \(value.offset)")
  }

  private mutating func spendText(_ count: Int) throws(ScopeError) {
    textBudget -= count
    guard textBudget >= 0 else { throw ScopeError(.limitExceeded, "the attributes hold too much text") }
  }
}
