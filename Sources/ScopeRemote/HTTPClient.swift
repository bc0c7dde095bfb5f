import CCurl
import ScopeBytes

/// What a server answered, its body aside.
public struct HTTPResponse: Sendable {
  public var status: Int
  /// Names in lower case; the last of several.
  public var headers: [String: String]
  /// Where the answer came from, redirects followed.
  public var address: RemoteAddress

  public var length: Int? { headers["content-length"].flatMap { Int($0) } }

  /// First byte and size of the whole from `Content-Range: bytes 0-99/1234`.
  public var range: (start: Int, total: Int)? {
    guard let text = headers["content-range"], text.hasPrefix("bytes ") else { return nil }
    let parts = text.dropFirst(6).split { $0 == "-" || $0 == "/" }
    guard parts.count == 3, let start = Int(parts[0]), let total = Int(parts[2]), start >= 0, total > start
    else {
      return nil
    }
    return (start, total)
  }

  /// What changes when the file changes.
  public var version: String? { headers["etag"] ?? headers["last-modified"] }
}

/// Makes GET requests through libcurl, loaded when the first is made. Redirects are followed here and not by the library,
/// so that a token never reaches a host it was not meant for.
public struct HTTPClient: Sendable {
  public var redirects = 5
  public var connectTimeoutSeconds = 20
  /// The transfer ends when less than this arrives for ``stallSeconds``.
  public var leastBytesPerSecond = 1024
  public var stallSeconds = 30
  public var totalTimeoutSeconds = 6 * 3600
  /// Sent as a bearer token to ``tokenOrigin`` alone.
  public var token: String?
  public var tokenOrigin: RemoteAddress?

  public init() {}

  /// - Parameters:
  ///   - range: bytes wanted, the last included; nil for the whole.
  ///   - limit: most bytes of body that are taken.
  ///   - receive: gets the body of a successful answer piece by piece; not called for others.
  /// - Throws: `engineUnavailable` without libcurl; `unreadable` when the host cannot be reached, answers with an error,
  ///   stalls, or redirects in a circle; `limitExceeded` beyond `limit`; what `receive` throws.
  public func get(
    _ address: RemoteAddress, range: ClosedRange<Int>? = nil, limit: Int,
    receive: (UnsafeRawBufferPointer) throws(ScopeError) -> Void
  ) throws(ScopeError) -> HTTPResponse {
    try Library.load()
    var address = address
    for _ in 0...max(0, redirects) {
      let response = try once(address, range: range, limit: limit, receive: receive)
      switch response.status {
      case 301, 302, 303, 307, 308:
        guard let location = response.headers["location"] else {
          throw failure("the server redirects to nowhere", address)
        }
        do throws(ScopeError) {
          address = try address.resolving(location)
        } catch {
          throw ScopeError(.unreadable, error.message, file: address.shown, found: error.found)
        }
      case 200, 206: return response
      case 401, 403:
        throw failure(
          "the server refuses access (status \(response.status))", address,
          "Accept the model's terms and set HF_TOKEN, or check the address")
      case 404:
        throw ScopeError(.notFound, "there is no such file on the server", file: address.shown)
      default: throw failure("the server answered with status \(response.status)", address)
      }
    }
    throw failure("the server redirects too often", address)
  }

  private func failure(_ message: String, _ address: RemoteAddress, _ remedy: String? = nil) -> ScopeError {
    ScopeError(.unreadable, message, file: address.shown, remedy: remedy)
  }

  private final class Transfer {
    var headers: [String: String] = [:]
    var headerBytes = 0
    var received = 0
    var status = 0
    let limit: Int
    var problem: ScopeError?
    let receive: (UnsafeRawBufferPointer) -> ScopeError?

    init(limit: Int, receive: @escaping (UnsafeRawBufferPointer) -> ScopeError?) {
      self.limit = limit
      self.receive = receive
    }

    func header(_ line: String) -> Bool {
      headerBytes += line.utf8.count
      guard headerBytes <= 1 << 18 else {
        problem = ScopeError(.limitExceeded, "the server's headers are too long", expected: "at most 256 KiB")
        return false
      }
      if line.hasPrefix("HTTP/") {
        headers = [:]
        status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
      } else if let colon = line.firstIndex(of: ":") {
        let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
        let end = value.lastIndex { !$0.isWhitespace }
        headers[line[..<colon].lowercased()] = end.map { String(value[...$0]) } ?? ""
      }
      return true
    }

    func body(_ bytes: UnsafeRawBufferPointer) -> Bool {
      // What comes with a redirect or an error is not the file.
      guard status == 200 || status == 206 else {
        received += unsafe bytes.count
        return received <= 1 << 20
      }
      received += unsafe bytes.count
      guard received <= limit else {
        problem = ScopeError(
          .limitExceeded, "the server sends more than is taken", expected: "at most \(limit) bytes",
          remedy: "Raise --max-download if the file is really that large")
        return false
      }
      problem = unsafe receive(bytes)
      return problem == nil
    }
  }

  private func once(
    _ address: RemoteAddress, range: ClosedRange<Int>?, limit: Int,
    receive: (UnsafeRawBufferPointer) throws(ScopeError) -> Void
  ) throws(ScopeError) -> HTTPResponse {
    let authorization: String? =
      if let token, let tokenOrigin, tokenOrigin.isSameOrigin(as: address) {
        "Authorization: Bearer \(token)"
      } else {
        nil
      }
    let span = range.map { "\($0.lowerBound)-\($0.upperBound)" }
    var status = 0
    var problem = [CChar](repeating: 0, count: 512)
    let (code, transfer) = withoutActuallyEscaping(receive) { receive in
      let transfer = Transfer(limit: limit) { (bytes: UnsafeRawBufferPointer) -> ScopeError? in
        do throws(ScopeError) {
          unsafe try receive(bytes)
          return nil
        } catch {
          return error
        }
      }
      let context = unsafe Unmanaged.passUnretained(transfer).toOpaque()
      let code = unsafe Self.withStrings([address.description, span, authorization]) { strings in
        var request = unsafe scope_curl_request()
        unsafe request.url = strings[0]
        unsafe request.range = strings[1]
        unsafe request.authorization = strings[2]
        unsafe request.connect_timeout_milliseconds = connectTimeoutSeconds * 1000
        unsafe request.low_speed_bytes = leastBytesPerSecond
        unsafe request.low_speed_seconds = stallSeconds
        unsafe request.total_timeout_seconds = totalTimeoutSeconds
        return unsafe "neural-scope".withCString { agent in
          unsafe request.user_agent = agent
          return unsafe scope_curl_perform(
            &request,
            { bytes, count, context in
              guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
              let transfer = unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
              let line = unsafe String(
                decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
              return transfer.header(line) ? count : 0
            },
            { bytes, count, context in
              guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
              let transfer = unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
              return unsafe transfer.body(UnsafeRawBufferPointer(start: bytes, count: count)) ? count : 0
            },
            context, &status, &problem, problem.count)
        }
      }
      return (code, transfer)
    }
    if let problem = transfer.problem { throw problem.inFile(address.shown) }
    guard code == 0 else {
      let text = unsafe problem.withUnsafeBufferPointer { buffer in
        String(decoding: unsafe buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      }
      throw failure("the transfer failed: \(text)", address)
    }
    return HTTPResponse(status: status, headers: transfer.headers, address: address)
  }

  /// Lends the texts as C strings for the time of a call.
  private static func withStrings<R>(
    _ texts: [String?], _ body: ([UnsafePointer<CChar>?]) -> R
  ) -> R {
    let arrays = texts.map { $0.map { Array($0.utf8CString) } }
    func next(_ index: Int, _ pointers: [UnsafePointer<CChar>?]) -> R {
      guard index < arrays.count else { return unsafe body(pointers) }
      guard let array = arrays[index] else { return unsafe next(index + 1, pointers + [nil]) }
      return unsafe array.withUnsafeBufferPointer { unsafe next(index + 1, pointers + [$0.baseAddress]) }
    }
    return unsafe next(0, [])
  }
}

/// libcurl, once a process.
private enum Library {
  private static let names = [
    "libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.so", "libcurl.4.dylib",
  ]

  /// Nil when it could be loaded, otherwise the reason.
  private static let problem: String? = {
    var reasons: [String] = []
    for name in names {
      var problem = [CChar](repeating: 0, count: 512)
      if unsafe scope_curl_load(name, &problem, problem.count) == 0 { return nil }
      reasons.append(
        String(decoding: problem.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
    return reasons.first ?? "not found"
  }()

  static func load() throws(ScopeError) {
    guard let problem else { return }
    throw ScopeError(
      .engineUnavailable, "libcurl, which fetches files, cannot be loaded: \(problem)",
      remedy: "Install it (Debian: apt install libcurl4), or download the file and scan it here")
  }
}
