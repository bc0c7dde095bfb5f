import ScopeBytes
import ScopeRemote
import ScopeReport
import ScopeSecurity

/// Scans what an address or a Hugging Face repository holds: fetched to temporary folders, scanned as local files are, and
/// reported under the remote names.
enum RemoteScan {
  static func run(
    _ source: RemoteSource, scanner: SecurityScanner, options: SecurityOptions
  ) throws(ScopeError) -> [SecurityScan.File] {
    let endpoint = try RemoteAddress(options.remote.endpoint)
    var client = HTTPClient()
    client.token = options.remote.token
    client.tokenOrigin = endpoint
    var limits = RemoteLimits()
    limits.bytes = options.remote.maximumBytes
    limits.files = options.limits.files
    // Signatures and bills of materials are about every byte.
    limits.fetchesWeights =
      options.limits.readsWeights || options.describesFiles || options.signature != nil
    let progress = options.progress
    let folder = try RemoteFolder.fetch(source, client: client, endpoint: endpoint, limits: limits) {
      name, fraction in
      progress?(ScopeProgress(stage: "Fetching \(name)", fraction: fraction))
    }
    var verdicts: [FileVerdict] = []
    do throws(ScopeError) {
      switch source {
      case .repository(_, file: nil): verdicts = try SecurityRun.scan(folder.localPath, scanner, options)
      default:
        for file in folder.files { verdicts += try SecurityRun.scan(file.localPath, scanner, options) }
      }
    } catch {
      throw ScopeError(
        error.code, error.message, file: error.file.map { remoteName($0, folder) }, place: error.place,
        expected: error.expected, found: error.found, remedy: error.remedy)
    }
    return verdicts.map { verdict in
      var remote = verdict
      remote.path = remoteName(verdict.path, folder)
      remote.findings = verdict.findings.map { finding in
        var finding = finding
        finding.evidence = remoteName(finding.evidence, folder)
        finding.title = remoteName(finding.title, folder)
        return finding
      }
      remote.unexamined = verdict.unexamined.map { remoteName($0, folder) }
      var file = SecurityScan.File(remote)
      if options.describesFiles { FileProvenance.describe(&file, at: verdict.path) }
      return file
    }
  }

  /// The text with paths of the temporary folders spelt as the remote ones.
  private static func remoteName(_ text: String, _ folder: RemoteFolder) -> String {
    var text = text
    // An address is reported as it was given, whatever its file is called here.
    if folder.files.count == 1, let file = folder.files.first {
      text = replacing(text, file.localPath, file.name)
    }
    return replacing(text, folder.localPath, folder.name)
  }

  private static func replacing(_ text: String, _ pattern: String, _ replacement: String) -> String {
    guard text.contains(pattern) else { return text }
    return text.split(separator: pattern, omittingEmptySubsequences: false).joined(separator: replacement)
  }
}
