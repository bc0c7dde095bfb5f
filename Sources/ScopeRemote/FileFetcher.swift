import ScopeBytes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Fetches one file to a path: its header alone where that is all the scan reads, otherwise the whole.
struct FileFetcher {
  let client: HTTPClient
  let address: RemoteAddress
  let path: String
  /// In messages and reports.
  let name: String
  /// Most bytes that may be transferred.
  let limit: Int
  let expectedBytes: Int?
  /// SHA-256 in hexadecimal, where the listing tells it.
  let expectedHash: String?
  let fetchesWeights: Bool
  private var descriptor: Int32 = -1
  /// Bytes that were transferred, and how many from the beginning of the file are there.
  private var transferred = 0
  private var filled = 0

  /// Enough for the header of most files, and for whole small ones.
  private static let firstRange = 1 << 18
  /// What a scan looks at from the end: the end record of a ZIP archive with its longest comment.
  private static let lastRange = 1 << 17
  private static let safetensorsHeaderLimit = 100_000_000

  init(
    client: HTTPClient, address: RemoteAddress, path: String, name: String, limit: Int, expectedBytes: Int?,
    expectedHash: String?, fetchesWeights: Bool
  ) {
    self.client = client
    self.address = address
    self.path = path
    self.name = name
    self.limit = limit
    self.expectedBytes = expectedBytes
    self.expectedHash = expectedHash
    self.fetchesWeights = fetchesWeights
  }

  mutating func fetch() throws(ScopeError) -> RemoteFolder.File {
    if let expectedBytes, expectedBytes > limit, fetchesWeights { throw tooLarge(expectedBytes) }
    descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw ScopeError(.cannotWrite, "cannot be written: \(systemMessage(errno))", file: path)
    }
    defer { close(descriptor) }
    do throws(ScopeError) {
      let total = try beginning()
      var isPartial = false
      if let total, filled < total {
        if let header = try headerLength(total: total), !fetchesWeights {
          try fill(to: header, total: total)
          if max(filled, total - Self.lastRange) > filled {
            // What lies between is a hole: the file has its full size and most weights are zeros.
            isPartial = true
            try part(max(filled, total - Self.lastRange)...(total - 1), total: total)
          } else {
            try fill(to: total, total: total)
          }
        } else {
          guard total <= limit else { throw tooLarge(total) }
          try fill(to: total, total: total)
        }
      }
      try check(total: total, isPartial: isPartial)
      return RemoteFolder.File(localPath: path, name: name, fetched: transferred, isPartial: isPartial)
    } catch {
      throw error.inFile(name)
    }
  }

  /// What the server said of the file with the first answer.
  private var version: String?

  /// Asks for the first range.
  ///
  /// - Returns: the size of the whole; nil when the server sent everything without ranges.
  private mutating func beginning() throws(ScopeError) -> Int? {
    let response = try receive(0...(Self.firstRange - 1), limit: limit)
    filled = transferred
    version = response.version
    guard response.status == 206 else {
      // A server without ranges sends the whole file.
      if let length = response.length, length != transferred {
        throw damaged("the transfer ended early", "\(length) bytes", "\(transferred)")
      }
      return nil
    }
    guard let range = response.range, range.start == 0 else {
      throw damaged(
        "the server answered another range than asked for", "bytes from 0 on",
        response.headers["content-range"])
    }
    guard transferred == min(Self.firstRange, range.total) else {
      throw damaged(
        "the server sent another number of bytes than it announced", "\(min(Self.firstRange, range.total))",
        "\(transferred)")
    }
    return range.total
  }

  /// Bytes of a safetensors file before its tensors; nil for other formats.
  private func headerLength(total: Int) throws(ScopeError) -> Int? {
    var head = [UInt8](repeating: 0, count: 9)
    guard unsafe pread(descriptor, &head, 9, 0) == 9, head[8] == 0x7B else { return nil }
    let length = head.prefix(8).enumerated().reduce(UInt64(0)) {
      $0 | UInt64($1.element) << (8 * UInt64($1.offset))
    }
    guard length >= 2, length <= UInt64(Self.safetensorsHeaderLimit), Int(length) <= total - 8 else {
      return nil
    }
    return 8 + Int(length)
  }

  /// Fetches what is missing up to `end`.
  private mutating func fill(to end: Int, total: Int) throws(ScopeError) {
    guard filled < end else { return }
    try part(filled...(end - 1), total: total)
    filled = end
  }

  private mutating func part(_ wanted: ClosedRange<Int>, total: Int) throws(ScopeError) {
    let before = transferred
    let response = try receive(wanted, limit: min(limit - transferred, wanted.count))
    guard response.status == 206, let range = response.range, range.start == wanted.lowerBound,
      range.total == total
    else {
      throw damaged(
        "the server no longer answers ranges of the same file",
        "bytes \(wanted.lowerBound) to \(wanted.upperBound) of \(total)",
        response.headers["content-range"] ?? "status \(response.status)")
    }
    guard response.version == version else {
      throw damaged("the file changed on the server during the transfer", version, response.version)
    }
    guard transferred - before == wanted.count else {
      throw damaged("the transfer ended early", "\(wanted.count) bytes", "\(transferred - before)")
    }
  }

  private mutating func receive(_ range: ClosedRange<Int>, limit: Int) throws(ScopeError) -> HTTPResponse {
    let position = Position(range.lowerBound)
    let (descriptor, path) = (self.descriptor, self.path)
    let response = try client.get(address, range: range, limit: limit) { bytes in
      Self.write(bytes, to: descriptor, at: position, path: path)
    }
    transferred += position.value - range.lowerBound
    return response
  }

  /// Where the next piece of a body goes.
  private final class Position {
    var value: Int
    init(_ value: Int) { self.value = value }
  }

  private static func write(
    _ bytes: ByteSlice, to descriptor: Int32, at position: Position, path: String
  ) -> ScopeError? {
    unsafe bytes.withUnsafeBytes { buffer in
      var written = 0
      while written < buffer.count {
        let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[written...])
        let step = unsafe pwrite(descriptor, rest.baseAddress, rest.count, off_t(position.value))
        if step < 0 {
          if errno == EINTR { continue }
          return ScopeError(.cannotWrite, "cannot be written: \(systemMessage(errno))", file: path)
        }
        written += step
        position.value += step
      }
      return nil
    }
  }

  private func check(total: Int?, isPartial: Bool) throws(ScopeError) {
    let size = total ?? transferred
    if let expectedBytes, size != expectedBytes {
      throw damaged("the file has another size than the listing says", "\(expectedBytes) bytes", "\(size)")
    }
    guard !isPartial, let expectedHash else { return }
    let hash = try ByteSlice(mappingFile: path).sha256
    guard hash == expectedHash.lowercased() else {
      throw damaged("the file's hash is not the one in the listing", expectedHash, hash)
    }
  }

  private func damaged(_ message: String, _ expected: String?, _ found: String?) -> ScopeError {
    ScopeError(
      .malformed, message, file: name, expected: expected, found: found,
      remedy: "Try again; do not use the file")
  }

  private func tooLarge(_ size: Int) -> ScopeError {
    ScopeError(
      .limitExceeded, "the file is larger than may be fetched", file: name,
      expected: "at most \(limit) bytes",
      found: "\(size)", remedy: "Raise --max-download")
  }
}
