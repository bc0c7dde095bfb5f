import FoundationEssentials
import ScopeBytes

/// What the user names instead of a path: an address, or a Hugging Face repository.
public enum RemoteSource: Sendable, Hashable {
  case address(RemoteAddress)
  /// `hf:owner/name@revision/file`; without a file the whole repository.
  case repository(HubRepository, file: String?)

  /// Nil when the text is an ordinary path.
  ///
  /// - Throws: `invalidArgument` for text that begins like a remote source and is none.
  public static func parse(_ text: String) throws(ScopeError) -> RemoteSource? {
    if text.hasPrefix("https://") || text.hasPrefix("http://") { return .address(try RemoteAddress(text)) }
    guard text.hasPrefix("hf:") else { return nil }
    var rest = text.dropFirst(3)
    while rest.hasPrefix("/") { rest.removeFirst() }
    let parts = rest.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
    guard parts.count >= 2 else { throw HubRepository.wrong(text) }
    let names = parts[1].split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(
      String.init)
    let repository = try HubRepository(
      owner: parts[0], name: names[0], revision: names.count > 1 ? names[1] : "main")
    let file = parts.count > 2 && !parts[2].isEmpty ? parts[2] : nil
    if let file, !RemoteFolder.isSafePath(file) { throw HubRepository.wrong(text) }
    return .repository(repository, file: file)
  }
}

/// A model repository on the Hugging Face Hub at a revision.
public struct HubRepository: Sendable, Hashable, CustomStringConvertible {
  public let owner: String
  public let name: String
  /// A branch, tag or commit.
  public let revision: String

  public var description: String { "hf:\(owner)/\(name)@\(revision)" }

  static func wrong(_ text: String) -> ScopeError {
    ScopeError(
      .invalidArgument, "this names no Hugging Face repository",
      expected: "hf:owner/name, hf:owner/name@revision/file",
      found: String(text.prefix(200)))
  }

  public init(owner: String, name: String, revision: String) throws(ScopeError) {
    func isName(_ text: String, _ extra: String = "") -> Bool {
      !text.isEmpty && text.utf8.count <= 200 && text != "." && text != ".."
        && text.unicodeScalars.allSatisfy {
          ($0.isASCII && ($0.properties.isAlphabetic || (0x30...0x39).contains($0.value)))
            || ("-._" + extra).unicodeScalars.contains($0)
        }
    }
    guard isName(owner), isName(name), isName(revision) else {
      throw Self.wrong("hf:\(owner)/\(name)@\(revision)")
    }
    self.owner = owner
    self.name = name
    self.revision = revision
  }

  /// A file of the repository as the Hub's listing describes it.
  public struct File: Sendable, Hashable {
    public var path: String
    public var bytes: Int
    /// Of the contents, where the Hub keeps the file by its hash.
    public var sha256: String?
  }

  private struct Entry: Decodable {
    struct Large: Decodable { var oid: String }
    var type: String
    var path: String
    var size: Int?
    var lfs: Large?
  }

  private final class Body { var bytes: [UInt8] = [] }

  private static let listingLimit = 64 << 20
  private static let pageLimit = 100

  /// The files of the repository, by path.
  ///
  /// - Throws: what the client throws; `malformed` for a listing that is none or names a path outside the repository;
  ///   `limitExceeded` beyond `limit` files.
  public func files(
    _ client: HTTPClient, endpoint: RemoteAddress, limit: Int
  ) throws(ScopeError) -> [File] {
    var next: RemoteAddress? = try endpoint.resolving(
      "/api/models/\(owner)/\(name)/tree/\(revision)?recursive=1")
    var files: [File] = []
    var pages = 0
    while let address = next {
      pages += 1
      guard pages <= Self.pageLimit else {
        throw ScopeError(.limitExceeded, "the listing has too many pages", file: description)
      }
      let body = Body()
      let response = try client.get(address, limit: Self.listingLimit) { bytes in
        body.bytes += bytes.array
        return nil
      }
      let entries: [Entry]
      do {
        entries = try JSONDecoder().decode([Entry].self, from: Data(body.bytes))
      } catch {
        throw ScopeError(
          .malformed, "the server's listing of the repository cannot be read", file: description)
      }
      for entry in entries where entry.type == "file" {
        guard RemoteFolder.isSafePath(entry.path), let size = entry.size, size >= 0 else {
          throw ScopeError(
            .malformed, "the server's listing names a file outside the repository", file: description,
            found: String(entry.path.prefix(200)), remedy: "Do not trust this server")
        }
        guard files.count < limit else {
          throw ScopeError(
            .limitExceeded, "the repository has too many files", file: description,
            expected: "at most \(limit)",
            remedy: "Raise --max-files, or name a file: \(self)/FILE")
        }
        files.append(File(path: entry.path, bytes: size, sha256: entry.lfs?.oid))
      }
      next = try Self.nextPage(response, from: address)
    }
    return files.sorted { $0.path < $1.path }
  }

  /// The address in a `Link: <...>; rel="next"` header; it must lead to the same host.
  private static func nextPage(
    _ response: HTTPResponse, from address: RemoteAddress
  ) throws(ScopeError) -> RemoteAddress? {
    for link in (response.headers["link"] ?? "").split(separator: ",") where link.contains("rel=\"next\"") {
      let target = link.drop { $0 != "<" }.dropFirst().prefix { $0 != ">" }
      let next = try address.resolving(String(target))
      guard next.isSameOrigin(as: address) else {
        throw ScopeError(.malformed, "the listing goes on at another host", found: next.description)
      }
      return next
    }
    return nil
  }

  /// Where a file's contents are.
  func address(of path: String, endpoint: RemoteAddress) throws(ScopeError) -> RemoteAddress {
    try endpoint.resolving("/\(owner)/\(name)/resolve/\(revision)/\(Self.percentEncoded(path))")
  }

  private static func percentEncoded(_ path: String) -> String {
    path.utf8.map { byte in
      let scalar = Unicode.Scalar(byte)
      let isPlain =
        byte < 0x80
        && (scalar.properties.isAlphabetic || (0x30...0x39).contains(byte)
          || "/-._~".unicodeScalars.contains(scalar))
      let digits = String(byte, radix: 16, uppercase: true)
      return isPlain ? String(Character(scalar)) : "%" + (digits.count < 2 ? "0" : "") + digits
    }.joined()
  }
}
