import ScopeBytes

/// A ZIP container with what the scanner learned while reading its members.
struct ArchiveSubject {
  let archive: ZipArchive
  /// The member path of the archive itself when it lies inside another one.
  let container: String?
  /// Members that claim encryption although their bytes are readable.
  var readableEncrypted: [String] = []
  var encrypted: [String] = []
  var checksumProblems: [(member: String, detail: String)] = []
  /// Members whose declared size is not that of their data.
  var sizeProblems: [(member: String, detail: String)] = []
  var bombs: [(member: String, detail: String)] = []
  var executables: [(member: String, kind: String)] = []

  init(_ archive: ZipArchive, container: String?) {
    self.archive = archive
    self.container = container
  }

  /// The anomalies of the given kinds, at most twenty.
  func anomalies(_ kinds: Set<ZipAnomaly.Kind>) -> [ZipAnomaly] {
    Array(archive.anomalies.lazy.filter { kinds.contains($0.kind) }.prefix(20))
  }

  func qualified(_ member: String) -> String { container.map { "\($0)!\(member)" } ?? member }

  func place(_ anomaly: ZipAnomaly) -> FindingPlace {
    FindingPlace(member: anomaly.member.map(qualified) ?? container, offset: anomaly.offset)
  }

  func place(_ member: String) -> FindingPlace { FindingPlace(member: qualified(member)) }

  /// Whether the bytes that an anomaly is about are a short run of zeros (alignment).
  func isZeroFilled(_ anomaly: ZipAnomaly) -> Bool {
    let bytes =
      anomaly.kind == .prefixData
      ? archive.bytes.prefix(archive.prefixLength) : archive.bytes.dropFirst(anomaly.offset)
    return bytes.count <= 1 << 20 && bytes.array.allSatisfy { $0 == 0 }
  }
}
