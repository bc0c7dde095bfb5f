/// The end-of-central-directory record, ZIP64 fields resolved.
struct ZipEndRecord {
  let offset: Int
  let entryCount: Int
  let directorySize: Int
  /// Where the directory lies in the bytes.
  let directoryOffset: Int
  /// What has to be added to the offsets in the directory: the length of data put before the archive.
  let base: Int

  /// The directory that the last record in the file points to, as readers choose it; then the other directories that
  /// another reader may choose: of other records, of an offset that is declared and one that is computed from the
  /// end, of contradicting ZIP64 records.
  static func find(
    in bytes: ByteSlice, _ anomalies: inout [ZipAnomaly]
  ) throws(ScopeError) -> [ZipEndRecord] {
    let signature: [UInt8] = [0x50, 0x4B, 5, 6]
    let tailStart = max(0, bytes.count - 22 - 65535)
    var candidates: [Int] = []
    var search = tailStart
    while let hit = bytes.firstIndex(of: signature, from: search) {
      if hit + 22 <= bytes.count { candidates.append(hit) }
      search = hit + 1
      // More end records than this are an attack on readers, not an archive.
      if candidates.count > 64 { candidates.removeFirst() }
    }
    guard !candidates.isEmpty else {
      throw ScopeError(
        .truncated, "the archive has no end-of-central-directory record", place: "byte \(bytes.endOffset)",
        remedy: "The file is truncated; fetch it again")
    }
    var found: [ZipEndRecord] = []
    var problem: ScopeError?
    for candidate in candidates.reversed() {
      do throws(ScopeError) {
        found += try records(bytes, at: candidate)
      } catch {
        if problem == nil { problem = error }
      }
    }
    guard let record = found.first else {
      throw problem ?? ScopeError(.malformed, "the archive has no valid end-of-central-directory record")
    }
    let comment: UInt16 = try bytes.integer(at: record.offset + 20)
    let end = record.offset + 22 + Int(comment)
    if end < bytes.count {
      anomalies.append(ZipAnomaly(.trailingData, at: end, "\(bytes.count - end) bytes after the end record"))
    }
    return found
  }

  /// The comment of the archive.
  func comment(in bytes: ByteSlice) -> ByteSlice {
    let length: UInt16 = (try? bytes.integer(at: offset + 20)) ?? 0
    return bytes.dropFirst(offset + 22).prefix(Int(length))
  }

  /// Whether the comment ends where the file ends: some readers take only such a record.
  func reachesEnd(of bytes: ByteSlice) -> Bool {
    let length: UInt16 = (try? bytes.integer(at: offset + 20)) ?? 0
    return offset + 22 + Int(length) == bytes.count
  }

  /// Everything that readers understand by one record; the usual understanding first.
  private static func records(_ bytes: ByteSlice, at offset: Int) throws(ScopeError) -> [ZipEndRecord] {
    let entries = Int(try bytes.integer(at: offset + 10, as: UInt16.self))
    let size = Int(try bytes.integer(at: offset + 12, as: UInt32.self))
    let start = Int(try bytes.integer(at: offset + 16, as: UInt32.self))
    var readings: [(entries: Int, size: Int, start: Int, end: Int)] = []
    for wide in try zip64(bytes, before: offset) {
      // Python takes all fields of the ZIP64 record; others only those that the narrow one leaves open.
      readings.append(
        (
          entries == 0xFFFF ? wide.entries : entries, size == 0xFFFF_FFFF ? wide.size : size,
          start == 0xFFFF_FFFF ? wide.start : start, wide.offset
        ))
      readings.append((wide.entries, wide.size, wide.start, wide.offset))
    }
    if readings.isEmpty { readings.append((entries, size, start, offset)) }
    func isDirectory(_ position: Int, _ size: Int) -> Bool {
      size == 0 || bytes.dropFirst(position).starts(with: [0x50, 0x4B, 1, 2])
    }
    var records: [ZipEndRecord] = []
    var problem: ScopeError?
    for reading in readings {
      guard reading.size >= 0, reading.start >= 0, reading.entries >= 0, reading.size <= reading.end,
        reading.start <= reading.end - reading.size
      else {
        problem = ScopeError(
          .malformed, "the central directory cannot lie where the end record says",
          place: "byte \(bytes.offset + offset)",
          expected: "a directory that ends before byte \(reading.end)",
          found: "\(reading.size) bytes at \(reading.start)")
        continue
      }
      // Where the offset is wrong but a directory ends right before this record, something was put before the
      // archive (self-extracting stubs, polyglots): readers shift all offsets. Python always computes it so.
      let shifted = reading.end - reading.size
      for place in reading.start == shifted || reading.size == 0 ? [reading.start] : [reading.start, shifted]
      where isDirectory(place, reading.size)
        && !records.contains(where: { $0.directoryOffset == place && $0.directorySize == reading.size })
      {
        records.append(
          ZipEndRecord(
            offset: offset, entryCount: reading.entries, directorySize: reading.size, directoryOffset: place,
            base: place - reading.start))
      }
      if records.isEmpty {
        problem = ScopeError(
          .malformed, "there is no central directory where the end record says",
          place: "byte \(bytes.offset + reading.start)",
          expected: "50 4b 01 02", remedy: "The file is damaged; fetch it again")
      }
    }
    if records.isEmpty, let problem { throw problem }
    return records
  }

  /// The ZIP64 records that readers take: where the locator right before the end record points to, and right before
  /// that locator. None without a locator.
  private static func zip64(
    _ bytes: ByteSlice, before offset: Int
  ) throws(ScopeError) -> [(entries: Int, size: Int, start: Int, offset: Int)] {
    guard offset >= 20, bytes.dropFirst(offset - 20).starts(with: [0x50, 0x4B, 6, 7]) else { return [] }
    var found: [(entries: Int, size: Int, start: Int, offset: Int)] = []
    let declared: UInt64 = try bytes.integer(at: offset - 12)
    // With data before the archive the locator is off by its length; the record is then right before the locator.
    for position in [Int(clamping: declared), offset - 20 - 56]
    where position >= 0 && position <= offset - 20 - 56 && !found.contains(where: { $0.offset == position }) {
      guard bytes.dropFirst(position).starts(with: [0x50, 0x4B, 6, 6]) else { continue }
      let entries: UInt64 = try bytes.integer(at: position + 32)
      let size: UInt64 = try bytes.integer(at: position + 40)
      let start: UInt64 = try bytes.integer(at: position + 48)
      found.append((Int(clamping: entries), Int(clamping: size), Int(clamping: start), position))
    }
    if !found.isEmpty { return found }
    throw ScopeError(
      .malformed, "there is no ZIP64 end record where its locator says",
      place: "byte \(bytes.offset + offset - 20)",
      found: "offset \(declared)")
  }
}
