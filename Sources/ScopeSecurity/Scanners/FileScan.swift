import ScopeBytes
import ScopeFormats

/// The state of scanning one file: findings, what was not examined, and the format.
struct FileScan {
  let limits: ScanLimits
  let path: String
  /// The folder of the file; nil when the bytes do not come from a file.
  let directory: String?
  var findings: [Finding] = []
  var unexamined: [String] = []
  /// Bytes that decompression has produced so far.
  private(set) var expandedTotal = 0
  private var counts: [String: Int] = [:]

  init(path: String, directory: String?, limits: ScanLimits) {
    self.path = path
    self.directory = directory
    self.limits = limits
  }

  mutating func add(_ found: [Finding]) {
    for finding in found {
      // Counted by severity: many harmless findings must not push a serious one out.
      let key = "\(finding.rule) \(finding.severity)"
      let count = counts[key, default: 0]
      counts[key] = count + 1
      guard count < limits.findingsPerRule else { continue }
      findings.append(finding)
    }
  }

  mutating func add(_ finding: Finding) { add([finding]) }

  /// What one more decompression may produce.
  var expansionLeft: Int { max(0, min(limits.expandedBytes, limits.totalExpandedBytes - expandedTotal)) }

  /// Counts what a decompression produced.
  mutating func expanded(by count: Int) { expandedTotal += count }

  /// Notes something that could not be read, with a finding that says so.
  mutating func leaveOut(_ error: ScopeError, member: String? = nil) {
    unexamined.append((member.map { "\($0): " } ?? "") + error.description)
    add(FMT001.unreadable(error, member: member))
  }

  mutating func leaveOut(format: String, member: String? = nil) {
    unexamined.append((member.map { "\($0): " } ?? "") + "\(format) is not supported by this version")
    add(FMT002.unsupported(format, member: member))
  }

  /// Scans bytes of any kind; the returned text names the format.
  mutating func scan(_ bytes: ByteSlice, member: String?, depth: Int) -> String {
    let kind = ContentKind(bytes)
    scanDisguised(bytes, as: kind, member: member, depth: depth)
    if let format = scanFramework(bytes, member: member, depth: depth) { return format }
    let format = scan(bytes, as: kind, member: member, depth: depth)
    scanBehind(bytes, kind: kind, member: member, depth: depth)
    return format
  }

  private mutating func scan(_ bytes: ByteSlice, as kind: ContentKind, member: String?, depth: Int) -> String
  {
    switch kind {
    case .zip: return scanZip(bytes, member: member, depth: depth)
    case .numpy:
      scanNumPy(bytes, member: member, depth: depth)
      return "npy"
    case .safetensors:
      scanSafetensors(bytes, member: member)
      return "safetensors"
    case .pickle: return scanPickle(bytes, member: member, depth: depth)
    case .tar: return scanTar(bytes, member: member, depth: depth)
    case .onnx:
      scanONNX(bytes, member: member)
      return "onnx"
    case .executable(let kind)
    where kind.hasPrefix("a script") && member == nil && !FolderWalk.claimsToBeModel(path):
      // A script that stands beside a model says what it is; nothing runs it by itself.
      scanText(bytes, name: path, member: nil)
      return "text"
    case .executable(let kind):
      add(ARC009.finding("\(member ?? "the file") is \(kind)", place: FindingPlace(member: member)))
      return "executable"
    case .hdf5: return scanHDF5(bytes, member: member)
    case .gguf: return scanGGUF(bytes, member: member)
    case .tflite: return scanTFLite(bytes, member: member)
    case .compressed(let codec): return scanCompressed(bytes, codec: codec, member: member, depth: depth)
    case .sevenZip: return scanSevenZip(bytes, member: member, depth: depth)
    case .unsupported(let name):
      leaveOut(format: name, member: member)
      return name
    case .text:
      scanText(bytes, name: member ?? path, member: member)
      return "text"
    case .empty:
      leaveOut(ScopeError(.truncated, "the file is empty"), member: member)
      return "empty"
    case .unknown:
      leaveOut(
        ScopeError(
          .unsupported, "the content is no model format that this version recognises",
          remedy: "Check that the file is complete"),
        member: member)
      return "unknown"
    }
  }
}
