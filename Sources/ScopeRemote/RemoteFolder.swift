import ScopeBytes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// How much is fetched.
public struct RemoteLimits: Sendable {
  /// Bytes of all files together.
  public var bytes = 32 << 30
  public var files = 10_000
  /// Whether every byte is fetched although the scan would not look at the weights.
  public var fetchesWeights = false

  public init() {}
}

/// Remote files in a temporary folder that disappears with the value.
///
/// Of a safetensors file only header and end are fetched where the server answers ranges: the scan reads nothing else
/// unless it reads weights. Such a file has its full size and zeros between, and ``File/isPartial`` is true.
public final class RemoteFolder: Sendable {
  public struct File: Sendable {
    /// Where it lies here.
    public var localPath: String
    /// What reports call it.
    public var name: String
    /// Bytes that were transferred.
    public var fetched: Int
    public var isPartial: Bool
  }

  public let files: [File]
  /// What reports call the folder.
  public let name: String
  private let folder: TemporaryFolder

  /// Where the files lie.
  public var localPath: String { folder.path }

  private init(files: [File], name: String, folder: TemporaryFolder) {
    self.files = files
    self.name = name
    self.folder = folder
  }

  /// Whether a path of a listing stays below its folder and is an ordinary one.
  package static func isSafePath(_ path: String) -> Bool {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    return !path.isEmpty && path.utf8.count <= 2048 && parts.count <= 64
      && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.count <= 255 }
      && !path.contains("\\") && path.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
  }

  /// Fetches what the source names.
  ///
  /// - Parameter endpoint: of the Hugging Face Hub.
  /// - Throws: what listing and fetching throw; `malformed` when a file is not what the listing says.
  public static func fetch(
    _ source: RemoteSource, client: HTTPClient, endpoint: RemoteAddress, limits: RemoteLimits,
    progress: ((_ name: String, _ fraction: Double?) -> Void)? = nil
  ) throws(ScopeError) -> RemoteFolder {
    var wanted: [(address: RemoteAddress, path: String, file: HubRepository.File?)] = []
    let root: String
    switch source {
    case .address(let address):
      root = "\(address.scheme)://\(address.authority)"
      wanted = [(address, address.fileName, nil)]
    case .repository(let repository, let only):
      root = repository.description
      var listed = try repository.files(client, endpoint: endpoint, limit: limits.files)
      if let only {
        listed.removeAll { $0.path != only }
        guard !listed.isEmpty else {
          throw ScopeError(.notFound, "the repository has no such file", file: "\(repository)/\(only)")
        }
      }
      for file in listed {
        wanted.append((try repository.address(of: file.path, endpoint: endpoint), file.path, file))
      }
    }
    let folder = try TemporaryFolder()
    var files: [File] = []
    var left = limits.bytes
    for (index, item) in wanted.enumerated() {
      progress?(item.path, wanted.count > 1 ? Double(index) / Double(wanted.count) : nil)
      try folder.makeParents(of: item.path)
      let name: String
      if case .address(let address) = source { name = address.shown } else { name = "\(root)/\(item.path)" }
      var fetcher = FileFetcher(
        client: client, address: item.address, path: "\(folder.path)/\(item.path)", name: name, limit: left,
        expectedBytes: item.file?.bytes, expectedHash: item.file?.sha256,
        fetchesWeights: limits.fetchesWeights)
      let file = try fetcher.fetch()
      left -= file.fetched
      files.append(file)
    }
    return RemoteFolder(files: files, name: root, folder: folder)
  }
}
