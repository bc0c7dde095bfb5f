import CCurl
import ScopeBytes

/// libcurl, loaded once a process.
enum CurlLibrary {
  private static let names = ["libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.so", "libcurl.4.dylib"]

  /// Nil when it could be loaded, otherwise the reason.
  private static let problem: String? = {
    var reasons: [String] = []
    for name in names {
      var problem = [CChar](repeating: 0, count: 512)
      if unsafe scope_curl_load(name, &problem, problem.count) == 0 { return nil }
      reasons.append(text(problem))
    }
    return reasons.first ?? "not found"
  }()

  static func load() throws(ScopeError) {
    guard let problem else { return }
    throw ScopeError(
      .engineUnavailable, "libcurl, which fetches files, cannot be loaded: \(problem)",
      remedy: "Install it (Debian: apt install libcurl4), or download the file and scan it here")
  }

  /// The text before the terminating zero.
  static func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// One request as libcurl gets it.
struct CurlRequest {
  var address: String
  var range: String?
  var authorization: String?
  var connectTimeoutMilliseconds: Int
  var leastBytesPerSecond: Int
  var stallSeconds: Int
  var totalSeconds: Int

  /// - Returns: the HTTP status, and what went wrong when the transfer did not end well.
  func perform(_ transfer: Transfer) -> (status: Int, problem: String?) {
    var status = 0
    var problem = [CChar](repeating: 0, count: 512)
    let context = unsafe Unmanaged.passUnretained(transfer).toOpaque()
    let code = withExtendedLifetime(transfer) {
      unsafe address.withCString { address in
        unsafe Self.lend(range) { range in
          unsafe Self.lend(authorization) { authorization in
            unsafe "neural-scope".withCString { agent in
              var request = unsafe scope_curl_request(
                url: address, range: range, authorization: authorization, user_agent: agent,
                connect_timeout_milliseconds: connectTimeoutMilliseconds,
                low_speed_bytes: leastBytesPerSecond,
                low_speed_seconds: stallSeconds, total_timeout_seconds: totalSeconds)
              return unsafe scope_curl_perform(
                &request,
                { bytes, count, context in
                  guard let (bytes, transfer) = unsafe CurlRequest.piece(bytes, count, context) else {
                    return 0
                  }
                  return transfer.header(bytes) ? count : 0
                },
                { bytes, count, context in
                  guard let (bytes, transfer) = unsafe CurlRequest.piece(bytes, count, context) else {
                    return 0
                  }
                  return transfer.body(bytes) ? count : 0
                },
                context, &status, &problem, problem.count)
            }
          }
        }
      }
    }
    return (status, code == 0 ? nil : CurlLibrary.text(problem))
  }

  private static func lend<R>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> R) -> R {
    guard let text else { return body(nil) }
    return unsafe text.withCString { unsafe body($0) }
  }

  /// A copy of the bytes that libcurl lends, and the transfer they belong to.
  private static func piece(
    _ bytes: UnsafePointer<CChar>?, _ count: Int, _ context: UnsafeMutableRawPointer?
  ) -> (ByteSlice, Transfer)? {
    guard let bytes = unsafe bytes, let context = unsafe context else { return nil }
    let transfer = unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    return (ByteSlice(unsafe [UInt8](UnsafeRawBufferPointer(start: bytes, count: count))), transfer)
  }
}
