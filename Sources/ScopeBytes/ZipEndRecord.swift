/// The end-of-central-directory record, ZIP64 fields resolved.
struct ZipEndRecord {
  let offset: Int
  let entryCount: Int
  let directorySize: Int
  /// Where the directory lies in the bytes.
  let directoryOffset: Int
  /// What has to be added to the offsets in the directory: the length of data put before the archive.
  let base: Int

  /// The last record in the file, as readers choose it.
  static func find(in bytes: ByteSlice, _ anomalies: inout [ZipAnomaly]) throws(ScopeError) -> ZipEndRecord {
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
    var chosen: ZipEndRecord?
    var problem: ScopeError?
    var valid = 0
    for candidate in candidates.reversed() {
      do throws(ScopeError) {
        let record = try ZipEndRecord(bytes, at: candidate)
        valid += 1
        if chosen == nil { chosen = record }
      } catch {
        if problem == nil { problem = error }
      }
    }
    guard let record = chosen else {
      throw problem ?? ScopeError(.malformed, "the archive has no valid end-of-central-directory record")
    }
    if valid > 1 {
      anomalies.append(
        ZipAnomaly(.severalEndRecords, at: record.offset, "\(valid) end records point to a directory"))
    }
    let comment: UInt16 = try bytes.integer(at: record.offset + 20)
    let end = record.offset + 22 + Int(comment)
    if end < bytes.count {
      anomalies.append(ZipAnomaly(.trailingData, at: end, "\(bytes.count - end) bytes after the end record"))
    }
    return record
  }

  private init(_ bytes: ByteSlice, at offset: Int) throws(ScopeError) {
    var entries = Int(try bytes.integer(at: offset + 10, as: UInt16.self))
    var size = Int(try bytes.integer(at: offset + 12, as: UInt32.self))
    var start = Int(try bytes.integer(at: offset + 16, as: UInt32.self))
    var directoryEnd = offset
    if let wide = try Self.zip64(bytes, before: offset) {
      if entries == 0xFFFF { entries = wide.entries }
      if size == 0xFFFF_FFFF { size = wide.size }
      if start == 0xFFFF_FFFF { start = wide.start }
      directoryEnd = wide.offset
    }
    guard size >= 0, start >= 0, entries >= 0, size <= directoryEnd, start <= directoryEnd - size else {
      throw ScopeError(
        .malformed, "the central directory cannot lie where the end record says",
        place: "byte \(bytes.offset + offset)",
        expected: "a directory that ends before byte \(directoryEnd)", found: "\(size) bytes at \(start)")
    }
    func isDirectory(_ position: Int) -> Bool {
      size == 0 || bytes.dropFirst(position).starts(with: [0x50, 0x4B, 1, 2])
    }
    // Where the offset is wrong but a directory ends right before this record, something was put before the
    // archive (self-extracting stubs, polyglots): readers shift all offsets.
    let shifted = directoryEnd - size
    if isDirectory(start) {
      directoryOffset = start
      base = 0
    } else if isDirectory(shifted) {
      directoryOffset = shifted
      base = shifted - start
    } else {
      throw ScopeError(
        .malformed, "there is no central directory where the end record says",
        place: "byte \(bytes.offset + start)",
        expected: "50 4b 01 02", remedy: "The file is damaged; fetch it again")
    }
    self.offset = offset
    entryCount = entries
    directorySize = size
  }

  /// The ZIP64 record that the locator right before the end record points to.
  private static func zip64(
    _ bytes: ByteSlice, before offset: Int
  ) throws(ScopeError) -> (entries: Int, size: Int, start: Int, offset: Int)? {
    guard offset >= 20, bytes.dropFirst(offset - 20).starts(with: [0x50, 0x4B, 6, 7]) else { return nil }
    let declared: UInt64 = try bytes.integer(at: offset - 12)
    // With data before the archive the locator is off by its length; the record is then right before the locator.
    for position in [Int(clamping: declared), offset - 20 - 56]
    where position >= 0 && position <= offset - 20 - 56 {
      guard bytes.dropFirst(position).starts(with: [0x50, 0x4B, 6, 6]) else { continue }
      let entries: UInt64 = try bytes.integer(at: position + 32)
      let size: UInt64 = try bytes.integer(at: position + 40)
      let start: UInt64 = try bytes.integer(at: position + 48)
      return (Int(clamping: entries), Int(clamping: size), Int(clamping: start), position)
    }
    throw ScopeError(
      .malformed, "there is no ZIP64 end record where its locator says",
      place: "byte \(bytes.offset + offset - 20)",
      found: "offset \(declared)")
  }
}
