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

  /// What takes a body piece by piece; an error ends the transfer.
  public typealias Receiver = (ByteSlice) -> ScopeError?

  /// - Parameters:
  ///   - range: bytes wanted, the last included; nil for the whole.
  ///   - limit: most bytes of body that are taken.
  ///   - receive: gets the body of a successful answer; not called for others.
  /// - Throws: `engineUnavailable` without libcurl; `unreadable` when the host cannot be reached, answers with an error,
  ///   stalls, or redirects in a circle; `limitExceeded` beyond `limit`; what `receive` returns.
  public func get(
    _ address: RemoteAddress, range: ClosedRange<Int>? = nil, limit: Int, receive: @escaping Receiver
  ) throws(ScopeError) -> HTTPResponse {
    try CurlLibrary.load()
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
      case 404: throw ScopeError(.notFound, "there is no such file on the server", file: address.shown)
      default: throw failure("the server answered with status \(response.status)", address)
      }
    }
    throw failure("the server redirects too often", address)
  }

  private func failure(_ message: String, _ address: RemoteAddress, _ remedy: String? = nil) -> ScopeError {
    ScopeError(.unreadable, message, file: address.shown, remedy: remedy)
  }

  private func once(
    _ address: RemoteAddress, range: ClosedRange<Int>?, limit: Int, receive: @escaping Receiver
  ) throws(ScopeError) -> HTTPResponse {
    var authorization: String?
    if let token, let tokenOrigin, tokenOrigin.isSameOrigin(as: address) {
      authorization = "Authorization: Bearer \(token)"
    }
    let transfer = Transfer(limit: limit, receive: receive)
    let request = CurlRequest(
      address: address.description, range: range.map { "\($0.lowerBound)-\($0.upperBound)" },
      authorization: authorization, connectTimeoutMilliseconds: connectTimeoutSeconds * 1000,
      leastBytesPerSecond: leastBytesPerSecond, stallSeconds: stallSeconds, totalSeconds: totalTimeoutSeconds)
    let (status, failed) = request.perform(transfer)
    if let problem = transfer.problem { throw problem.inFile(address.shown) }
    if let failed { throw failure("the transfer failed: \(failed)", address) }
    return HTTPResponse(status: status, headers: transfer.headers, address: address)
  }
}

/// One answer as it comes in.
final class Transfer {
  private(set) var headers: [String: String] = [:]
  private(set) var problem: ScopeError?
  private var headerBytes = 0
  private var received = 0
  private var status = 0
  private let limit: Int
  private let receive: HTTPClient.Receiver

  init(limit: Int, receive: @escaping HTTPClient.Receiver) {
    self.limit = limit
    self.receive = receive
  }

  /// Takes a header line; false ends the transfer.
  func header(_ bytes: ByteSlice) -> Bool {
    headerBytes += bytes.count
    guard headerBytes <= 1 << 18 else {
      problem = ScopeError(.limitExceeded, "the server's headers are too long", expected: "at most 256 KiB")
      return false
    }
    let line = String(decoding: bytes.array, as: UTF8.self)
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

  /// Takes a piece of the body; false ends the transfer.
  func body(_ bytes: ByteSlice) -> Bool {
    received += bytes.count
    // What comes with a redirect or an error is not the file.
    guard status == 200 || status == 206 else { return received <= 1 << 20 }
    guard received <= limit else {
      problem = ScopeError(
        .limitExceeded, "the server sends more than is taken", expected: "at most \(limit) bytes",
        remedy: "Raise --max-download if the file is really that large")
      return false
    }
    problem = receive(bytes)
    return problem == nil
  }
}
