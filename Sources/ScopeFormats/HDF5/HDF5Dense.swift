import ScopeBytes

/// B-trees of version 2 (specification, section III.A.2), as the name index of links and attributes and as the index of
/// huge objects.
enum HDF5Tree {
  struct Record {
    /// Identifier of the object in the fractal heap; for huge objects the whole record.
    let id: ByteSlice
  }

  static func records(_ file: inout HDF5Bytes, at header: Int) throws(ScopeError) -> [Record] {
    try file.expect("BTHD", at: header, "an index of names")
    let type = try file.byte(header + 5)
    let nodeSize = try file.long(header + 6)
    let recordSize = try file.word(header + 10)
    let depth = try file.word(header + 12)
    guard nodeSize > 16, recordSize > 0, depth <= 16 else {
      throw ScopeError(
        .malformed, "an index of names is not possible", place: "byte \(file.bytes.offset + header)")
    }
    guard let root = try file.address(at: header + 16) else { return [] }
    let count = try file.word(header + 16 + file.offsetSize)
    // Widths of the record counts beside each child pointer.
    let leafMost = (nodeSize - 10) / recordSize
    let countWidth = Self.width(leafMost)
    var totalWidths = [0]
    var totals = leafMost
    for level in 1..<max(depth + 1, 2) {
      let pointer = file.offsetSize + countWidth + (level > 1 ? totalWidths[level - 1] : 0)
      let most = max(0, (nodeSize - 10 - pointer) / (recordSize + pointer))
      let (product, overflow) = (most + 1).multipliedReportingOverflow(by: totals)
      totals = overflow ? .max / 2 : min(product, .max / 2) + most
      totalWidths.append(Self.width(totals))
    }
    // The widths at index u are those of subtrees of depth u; leaves need none.
    var leafTotals = [Self.width(leafMost)]
    leafTotals += totalWidths.dropFirst()
    var result: [Record] = []
    var seen = Set<Int>()
    var stack = [(root, count, depth)]
    while let (node, count, level) = stack.popLast() {
      try file.spend(count)
      guard seen.insert(node).inserted else {
        throw ScopeError(
          .malformed, "an index of names meets itself", place: "byte \(file.bytes.offset + node)")
      }
      try file.expect(level == 0 ? "BTLF" : "BTIN", at: node, "a node of an index of names")
      let records = try file.bytes.slice(at: node + 6, count: count * recordSize, what: "records")
      for index in 0..<count {
        let record = try records.slice(at: index * recordSize, count: recordSize)
        // Links: hash, then the identifier; attributes: identifier first.
        switch type {
        case 5: result.append(Record(id: record.dropFirst(4)))
        case 6: result.append(Record(id: record.dropFirst(8)))
        case 8, 9: result.append(Record(id: record.prefix(8)))
        default: result.append(Record(id: record))
        }
      }
      guard level > 0 else { continue }
      let pointer = file.offsetSize + countWidth + (level > 1 ? leafTotals[level - 1] : 0)
      var position = node + 6 + count * recordSize
      for _ in 0...count {
        guard let child = try file.address(at: position),
          let number = try file.number(at: position + file.offsetSize, width: countWidth), number <= leafMost
        else {
          throw ScopeError(
            .malformed, "an index of names is damaged", place: "byte \(file.bytes.offset + position)")
        }
        stack.append((child, number, level - 1))
        position += pointer
      }
    }
    return result
  }

  /// Bytes that hold a number up to `limit`.
  static func width(_ limit: Int) -> Int { (Int.bitWidth - max(limit, 1).leadingZeroBitCount + 7) / 8 }
}

/// A fractal heap (specification, section III.G): where links and attributes lie that are too many for the header.
struct HDF5FractalHeap {
  private let idLength: Int
  private let tableWidth: Int
  private let startingSize: Int
  private let maximumDirect: Int
  private let offsetWidth: Int
  private let lengthWidth: Int
  private let root: Int?
  /// 0 when the root is one direct block.
  private let rootRows: Int
  private let hugeIndex: Int?

  init(_ file: inout HDF5Bytes, at header: Int) throws(ScopeError) {
    try file.spend()
    try file.expect("FRHP", at: header, "a fractal heap")
    let (offset, length) = (file.offsetSize, file.lengthSize)
    idLength = try file.word(header + 5)
    guard try file.word(header + 7) == 0 else {
      throw ScopeError(
        .unsupported, "the HDF5 file compresses its attributes or links",
        place: "byte \(file.bytes.offset + header)")
    }
    let largestManaged = try file.long(header + 10)
    hugeIndex = try file.address(at: header + 14 + length)
    let table = header + 14 + length + offset + length + offset + 8 * length
    tableWidth = try file.word(table)
    startingSize = try file.length(at: table + 2)
    maximumDirect = try file.length(at: table + 2 + length)
    let bits = try file.word(table + 2 + 2 * length)
    root = try file.address(at: table + 6 + 2 * length)
    rootRows = try file.word(table + 6 + 2 * length + offset)
    guard idLength >= 1, tableWidth > 0, tableWidth <= 1 << 12, startingSize > 0, bits <= 64,
      startingSize & (startingSize - 1) == 0, maximumDirect >= startingSize, maximumDirect <= 1 << 32,
      rootRows <= 64,
      maximumDirect & (maximumDirect - 1) == 0
    else {
      throw ScopeError(
        .malformed, "a fractal heap is not possible", place: "byte \(file.bytes.offset + header)")
    }
    offsetWidth = (bits + 7) / 8
    lengthWidth = min((maximumDirect.trailingZeroBitCount + 7) / 8, HDF5Tree.width(largestManaged))
  }

  /// The bytes of an object.
  func object(_ id: ByteSlice, _ file: inout HDF5Bytes) throws(ScopeError) -> ByteSlice {
    try file.spend()
    let fields = HDF5Bytes(id, offsetSize: file.offsetSize, lengthSize: file.lengthSize, base: 0)
    switch try fields.byte(0) >> 4 & 3 {
    case 0:
      guard let offset = try fields.number(at: 1, width: offsetWidth),
        let length = try fields.number(at: 1 + offsetWidth, width: lengthWidth)
      else { throw ScopeError(.malformed, "an object of a heap has no place", place: "byte \(id.offset)") }
      return try managed(offset, length, file)
    case 1: return try huge(fields, &file)
    case 2:
      let length = (try fields.byte(0) & 15) + 1
      return try id.slice(at: 1, count: length, what: "tiny object")
    default:
      throw ScopeError(.malformed, "an object of a heap is of no known kind", place: "byte \(id.offset)")
    }
  }

  private func blockSize(row: Int) -> Int { row < 2 ? startingSize : startingSize << min(row - 1, 40) }

  private func managed(_ offset: Int, _ length: Int, _ file: HDF5Bytes) throws(ScopeError) -> ByteSlice {
    guard var block = root else { throw ScopeError(.malformed, "a heap with objects has no blocks") }
    var inside = offset
    guard rootRows > 0 else {
      return try file.bytes.slice(at: block + inside, count: length, what: "heap object")
    }
    var rows = rootRows
    let directRows = maximumDirect.trailingZeroBitCount - startingSize.trailingZeroBitCount + 2
    // Indirect blocks hold indirect blocks; each level is smaller than the one above.
    for _ in 0..<64 {
      try file.expect("FHIB", at: block, "an indirect block of a heap")
      var start = 0
      var found: (row: Int, column: Int, begin: Int)?
      for row in 0..<rows {
        let size = blockSize(row: row)
        let (span, overflow) = size.multipliedReportingOverflow(by: tableWidth)
        guard !overflow else { break }
        if inside < start + span {
          let column = (inside - start) / size
          found = (row, column, start + column * size)
          break
        }
        start += span
        guard start < 1 << 56 else { break }
      }
      guard let found else {
        throw ScopeError(.malformed, "an object lies outside its heap", found: "offset \(offset)")
      }
      let entries = block + 5 + file.offsetSize + offsetWidth
      let index = found.row * tableWidth + found.column
      let place = entries + index * file.offsetSize
      guard let child = try file.address(at: place) else {
        throw ScopeError(.malformed, "a block of a heap is missing", found: "offset \(offset)")
      }
      inside -= found.begin
      block = child
      if found.row < directRows {
        return try file.bytes.slice(at: block + inside, count: length, what: "heap object")
      }
      rows =
        blockSize(row: found.row).trailingZeroBitCount - startingSize.trailingZeroBitCount
        - (tableWidth.trailingZeroBitCount) + 1
      guard rows > 0, rows <= 64 else { break }
    }
    throw ScopeError(.malformed, "the blocks of a heap are nested without end", found: "offset \(offset)")
  }

  /// Objects too large for a block lie in the file by themselves.
  private func huge(_ fields: HDF5Bytes, _ file: inout HDF5Bytes) throws(ScopeError) -> ByteSlice {
    let (offset, length) = (file.offsetSize, file.lengthSize)
    if idLength - 1 >= offset + length {
      return try slice(fields, at: 1, file)
    }
    guard idLength > 1, let wanted = try fields.number(at: 1, width: min(idLength - 1, 8)), let hugeIndex
    else {
      throw ScopeError(.malformed, "a large object of a heap has no index")
    }
    for record in try HDF5Tree.records(&file, at: hugeIndex) {
      let entry = HDF5Bytes(record.id, offsetSize: offset, lengthSize: length, base: 0)
      guard try entry.number(at: offset + length, width: length) == wanted else { continue }
      return try slice(entry, at: 0, file)
    }
    throw ScopeError(.malformed, "a large object of a heap is not in its index", found: "number \(wanted)")
  }

  private func slice(_ fields: HDF5Bytes, at position: Int, _ file: HDF5Bytes) throws(ScopeError) -> ByteSlice
  {
    guard let address = try fields.number(at: position, width: file.offsetSize) else {
      throw ScopeError(.malformed, "a large object of a heap has no address")
    }
    let (start, overflow) = address.addingReportingOverflow(file.base)
    guard !overflow else { throw ScopeError(.truncated, "a large object lies beyond the file") }
    return try file.bytes.slice(
      at: start, count: try fields.length(at: position + file.offsetSize), what: "heap object")
  }
}
