import ScopeBytes

/// Names of other files in which an HDF5 dataset keeps its numbers (specification, sections IV.A.2.h and VII.E).
enum HDF5External {
  private static let fileLimit = 4096

  /// The files of an external data files message: version, slots, the heap of names, one entry per file.
  static func listed(_ message: HDF5Bytes, in file: HDF5Bytes) throws(ScopeError) -> [String] {
    let used = try message.word(6)
    guard let heap = try position(message, 8, in: file) else { return [] }
    try file.expect("HEAP", at: heap, "a heap of file names")
    let size = try file.length(at: heap + 8)
    guard let start = try file.address(at: heap + 8 + 2 * file.lengthSize) else { return [] }
    let names = HDF5Bytes(
      try file.bytes.slice(at: start, count: size, what: "heap of file names"), offsetSize: file.offsetSize,
      lengthSize: file.lengthSize, base: 0)
    var files: [String] = []
    for slot in 0..<min(used, fileLimit) {
      let entry = 8 + file.offsetSize + slot * 3 * file.lengthSize
      let offset = try message.length(at: entry)
      guard offset < names.bytes.count else {
        throw ScopeError(.malformed, "the name of an external file lies outside its heap")
      }
      files.append(try names.text(at: offset))
    }
    return files
  }

  /// The source files of a virtual dataset: its layout message leads to an object of the global heap.
  static func virtualSources(_ layout: HDF5Bytes, in file: HDF5Bytes) throws(ScopeError) -> [String] {
    guard let heap = try position(layout, 2, in: file) else { return [] }
    let wanted = try layout.long(2 + file.offsetSize)
    try file.expect("GCOL", at: heap, "a heap of virtual datasets")
    let size = try file.length(at: heap + 8)
    let collection = HDF5Bytes(
      try file.bytes.slice(at: heap, count: size, what: "heap of virtual datasets"),
      offsetSize: file.offsetSize, lengthSize: file.lengthSize, base: 0)
    var place = 8 + file.lengthSize
    while place + 8 + file.lengthSize <= size {
      let number = try collection.word(place)
      guard number != 0 else { break }
      let length = try collection.length(at: place + 8)
      let start = place + 8 + file.lengthSize
      guard length <= size - start else { break }
      if number == wanted {
        return try sources(
          HDF5Bytes(
            try collection.bytes.slice(at: start, count: length), offsetSize: file.offsetSize,
            lengthSize: file.lengthSize, base: 0))
      }
      place = start + (length + 7) / 8 * 8
    }
    throw ScopeError(.malformed, "the mapping of a virtual dataset is not where the file says")
  }

  /// Entries of file name, dataset name and two selections.
  private static func sources(_ block: HDF5Bytes) throws(ScopeError) -> [String] {
    let count = try block.length(at: 1)
    var place = 1 + block.lengthSize
    var files: [String] = []
    // Version 1 names what entries share: 1 the file and 2 the dataset of an entry before, 4 this file itself.
    let hasFlags = try block.byte(0) == 1
    for _ in 0..<min(count, fileLimit) {
      var flags = 0
      if hasFlags {
        flags = try block.byte(place)
        place += 1
      }
      if flags & 4 != 0 {
        if files.isEmpty { files.append(".") }
      } else if flags & 1 != 0 {
        place += block.lengthSize
      } else {
        let name = try block.text(at: place)
        if files.last != name { files.append(name) }
        place += name.utf8.count + 1
      }
      if flags & 2 != 0 {
        place += block.lengthSize
      } else {
        place += try block.text(at: place).utf8.count + 1
      }
      for _ in 0..<2 { place += try selectionLength(block, place) }
    }
    return files
  }

  /// Bytes of a serialised selection (section VII.A).
  private static func selectionLength(_ block: HDF5Bytes, _ place: Int) throws(ScopeError) -> Int {
    let kind = try block.long(place)
    let version = try block.long(place + 4)
    switch (kind, version) {
    case (0, _), (3, _): return 16
    case (1, 1), (2, 1): return 16 + (try block.long(place + 12))
    case (2, 2): return 13 + (try block.long(place + 9))
    case (1, 2), (2, 3):
      let isHyperslab = kind == 2
      let flags = isHyperslab ? try block.byte(place + 8) : 0
      let width = try block.byte(place + (isHyperslab ? 9 : 8))
      let start = place + (isHyperslab ? 10 : 9)
      let rank = try block.long(start)
      guard [2, 4, 8].contains(width), rank <= 32 else { break }
      if flags & 1 != 0 { return start + 4 + 4 * rank * width - place }
      guard let blocks = try block.number(at: start + 4, width: width), blocks < 1 << 24 else { break }
      return start + 4 + width + (isHyperslab ? 2 : 1) * rank * blocks * width - place
    default: break
    }
    throw ScopeError(
      .unsupported, "a selection of a virtual dataset is of no known kind",
      found: "type \(kind), version \(version)")
  }

  private static func position(
    _ message: HDF5Bytes, _ place: Int, in file: HDF5Bytes
  ) throws(ScopeError) -> Int? {
    guard let value = try message.number(at: place, width: file.offsetSize) else { return nil }
    let (sum, overflow) = value.addingReportingOverflow(file.base)
    guard !overflow, sum <= file.bytes.count else {
      throw ScopeError(.truncated, "an HDF5 address lies beyond the end of the file", found: "\(value)")
    }
    return sum
  }
}
