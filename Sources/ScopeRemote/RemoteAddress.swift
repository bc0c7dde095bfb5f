import ScopeBytes

/// An http or https address in its parts (RFC 3986), as far as fetching needs them.
public struct RemoteAddress: Sendable, Hashable, CustomStringConvertible {
  /// `http` or `https`.
  public let scheme: String
  /// In lower case, port included when there is one.
  public let authority: String
  /// With query, beginning with a slash.
  public let target: String

  public var description: String { "\(scheme)://\(authority)\(target)" }

  /// The address for messages and reports: queries often carry signatures that open the file to anybody.
  public var shown: String { "\(scheme)://\(authority)\(target.prefix { $0 != "?" })" }

  /// Without user information, port and brackets.
  public var host: String {
    if authority.hasPrefix("[") { return String(authority.dropFirst().prefix { $0 != "]" }) }
    return String(authority.prefix { $0 != ":" })
  }

  /// This machine itself: what is sent there crosses no network.
  public var isLoopback: Bool { ["localhost", "127.0.0.1", "::1"].contains(host) }

  /// Whether the same host and port answer, over the same protocol.
  public func isSameOrigin(as other: RemoteAddress) -> Bool {
    scheme == other.scheme && authority == other.authority
  }

  /// - Throws: `invalidArgument` for anything but http and https, for user information in the address, and for plain http
  ///   beyond this machine.
  public init(_ text: String) throws(ScopeError) {
    func wrong(_ message: String, _ remedy: String? = nil) -> ScopeError {
      ScopeError(.invalidArgument, message, found: String(text.prefix(200)), remedy: remedy)
    }
    guard text.utf8.count <= 8192, text.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value < 0x7F })
    else {
      throw wrong("the address is too long or has characters that must be escaped", "Escape spaces as %20")
    }
    guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else {
      throw wrong("this is no address", "Give https://...")
    }
    scheme = text[..<colon].lowercased()
    let rest = text[text.index(colon, offsetBy: 3)...].prefix { $0 != "#" }
    let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
    authority = rest[..<end].lowercased()
    let tail = rest[end...]
    target = tail.hasPrefix("/") ? String(tail) : "/" + tail
    guard ["http", "https"].contains(scheme) else { throw wrong("only https addresses are fetched") }
    guard !authority.isEmpty, !authority.contains("@"), !authority.contains("\\") else {
      throw wrong(
        "the address has no host, or names a user", "Tokens belong into the environment variable HF_TOKEN")
    }
    guard scheme == "https" || isLoopback else {
      throw wrong("plain http is not fetched: anybody on the way could change the file", "Use https")
    }
  }

  /// Where a redirect from here leads.
  ///
  /// - Throws: `invalidArgument`, also for a step from https to http.
  public func resolving(_ location: String) throws(ScopeError) -> RemoteAddress {
    let next: RemoteAddress
    if location.hasPrefix("//") {
      next = try RemoteAddress("\(scheme):\(location)")
    } else if location.hasPrefix("/") {
      next = try RemoteAddress("\(scheme)://\(authority)\(location)")
    } else if location.contains("://") {
      next = try RemoteAddress(location)
    } else {
      let folder = target.prefix { $0 != "?" }.lastIndex(of: "/").map { target[...$0] } ?? "/"
      next = try RemoteAddress("\(scheme)://\(authority)\(folder)\(location)")
    }
    guard scheme != "https" || next.scheme == "https" else {
      throw ScopeError(.invalidArgument, "the server redirects from https to http", found: next.description)
    }
    return next
  }

  /// The last part of the path, usable as a file's name.
  public var fileName: String {
    let path = target.prefix { $0 != "?" }
    let name = path.split(separator: "/").last.map(String.init) ?? ""
    let plain = name.unicodeScalars.map { scalar in
      let isPlain =
        scalar.properties.isAlphabetic || (0x30...0x39).contains(scalar.value)
        || "-._".unicodeScalars.contains(scalar)
      return isPlain ? Character(scalar) : "_"
    }
    let text = String(plain.suffix(200))
    return text.isEmpty || text.allSatisfy { $0 == "." } ? "download" : text
  }
}
