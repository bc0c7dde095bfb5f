import ScopeBytes
import ScopeFormats

extension FileScan {
  /// Scans a ZIP container and every member in it.
  ///
  /// - Returns: the format's name.
  mutating func scanZip(_ bytes: ByteSlice, member container: String?, depth: Int) -> String {
    let archive: ZipArchive
    do throws(ScopeError) {
      archive = try ZipArchive(bytes)
    } catch {
      leaveOut(error, member: container)
      return "zip"
    }
    var subject = ArchiveSubject(archive, container: container)
    let names = archive.members.map(\.name)
    let isTorch = names.contains { $0 == "data.pkl" || $0.hasSuffix("/data.pkl") }
    let isScript = isTorch && names.contains { $0.contains("/code/") || $0.hasSuffix("constants.pkl") }
    let isNumPy = !names.isEmpty && names.allSatisfy { $0.hasSuffix(".npy") }
    if names.count > limits.members {
      leaveOut(
        ScopeError(.limitExceeded, "the archive has too many members", expected: "at most \(limits.members)"),
        member: container)
    }
    var expanded = 0
    for member in archive.members.prefix(limits.members) where !member.isDirectory {
      guard let data = contents(of: member, in: &subject, expanded: &expanded) else { continue }
      scanMember(data, member, in: &subject, isTorch: isTorch, depth: depth)
    }
    if archive.prefixLength > 1 { scanPrefix(archive, container: container, depth: depth) }
    for rule in SecurityRules.archive { add(rule.findings(in: subject)) }
    if isScript { return "torchscript" }
    if isTorch { return "pytorch-zip" }
    return isNumPy ? "npz" : "zip"
  }

  /// The member's bytes, or nil with the reason noted.
  private mutating func contents(
    of member: ZipMember, in subject: inout ArchiveSubject, expanded: inout Int
  ) -> ByteSlice? {
    let name = subject.qualified(member.name)
    if member.method != 0, member.size > limits.expandedBytes || expanded > 4 * limits.expandedBytes {
      let ratio = member.size / max(member.compressedSize, 1)
      if ratio > limits.ratio {
        subject.bombs.append(
          (member.name, "\(member.compressedSize) bytes expand to \(member.size), \(ratio) times as many"))
      }
      leaveOut(
        ScopeError(
          .limitExceeded, "the compressed member is too large to examine",
          expected: "at most \(limits.expandedBytes) bytes",
          found: "\(member.size)"), member: name)
      return nil
    }
    if member.isEncrypted { return encryptedContents(of: member, in: &subject) }
    do throws(ScopeError) {
      let data = try subject.archive.contents(of: member, limit: limits.expandedBytes)
      if member.method != 0 { expanded += data.count }
      return data
    } catch {
      leaveOut(error, member: name)
      return nil
    }
  }

  /// Bytes of a member whose encryption flag lies; otherwise nil, and the member counts as unexamined.
  private mutating func encryptedContents(of member: ZipMember, in subject: inout ArchiveSubject)
    -> ByteSlice?
  {
    if let offset = member.dataOffset,
      let data = try? subject.archive.bytes.slice(
        at: offset, count: min(member.compressedSize, subject.archive.bytes.count - offset))
    {
      var plain: ByteSlice?
      if member.method == 0 { plain = data }
      if member.method == 8 {
        plain = try? Deflate.inflate(data, size: member.size, limit: limits.expandedBytes)
      }
      if let plain, plain.count >= 2,
        member.method == 8 || plain[0] == 0x80 && plain[1] <= 5 || ContentKind(plain) == .numpy
          || ContentKind.isText(plain.prefix(256))
      {
        subject.readableEncrypted.append(member.name)
        return plain
      }
    }
    subject.encrypted.append(member.name)
    unexamined.append("\(subject.qualified(member.name)): encrypted")
    return nil
  }

  private mutating func scanMember(
    _ data: ByteSlice, _ member: ZipMember, in subject: inout ArchiveSubject, isTorch: Bool, depth: Int
  ) {
    let name = subject.qualified(member.name)
    guard data.count >= 2 else { return }
    // Tensors: two bytes decide, so that 45 MB of weights stay unread.
    let isStorage =
      isTorch
      && (member.name.contains("/data/") || member.name.contains("/constants/")
        || member.name.hasPrefix("data/"))
      // Storages are numbered; a name with an extension says that it is something else.
      && member.name.split(separator: "/").last?.contains(".") == false
    if isStorage, !Self.mayBePickle(data), !ZipArchive.looksLikeArchive(data) {
      if let kind = ARC009.kind(of: data.prefix(4096)), !kind.hasPrefix("a script") {
        subject.executables.append((member.name, kind))
      }
      return
    }
    if let kind = ARC009.kind(of: data.prefix(4096)) {
      subject.executables.append((member.name, kind))
      return
    }
    if member.name.hasSuffix(".py") { scanCode(data, member, in: subject, isScript: isTorch) }
    if member.name == "schema.json" { scanSkops(data, member: name) }
    if !isTorch { scanSerialized(data, member: name, depth: depth) }
    switch isStorage ? storageKind(data) : ContentKind(data) {
    case .pickle:
      let before = findings.count
      _ = scanPickle(data, member: name, depth: depth, role: isTorch ? .torch : .plain)
      if isTorch, member.name.hasSuffix("data.pkl") {
        add(
          PT003.storages(
            data, in: subject.archive, prefix: String(member.name.dropLast("data.pkl".count)), name: name))
      }
      let isExpected = [".pkl", ".pickle", ".p", ".joblib", ".dat", ".debug_pkl", ".bin"].contains {
        member.name.hasSuffix($0)
      }
      if !isExpected,
        findings[before...].contains(where: { $0.severity >= .medium && $0.rule.hasPrefix("PKL") })
      {
        add(PT001.disguised(name))
      }
      verify(member, &subject)
    case .numpy:
      scanNumPy(data, member: name, depth: depth)
    case .zip, .tar, .hdf5, .gguf, .tflite, .compressed, .sevenZip:
      guard depth < limits.nesting else {
        subject.bombs.append((member.name, "containers nested more than \(limits.nesting) deep"))
        leaveOut(
          ScopeError(
            .limitExceeded, "containers are nested too deeply", expected: "at most \(limits.nesting) levels"),
          member: name)
        return
      }
      _ = scan(data, member: name, depth: depth + 1)
    case .onnx where member.name.hasSuffix(".onnx"): scanONNX(data, member: name)
    case .safetensors where member.name.hasSuffix(".safetensors"): scanSafetensors(data, member: name)
    case .unsupported(let format) where !isStorage: leaveOut(format: format, member: name)
    case .unknown where !isTorch && Self.isModelName(member.name):
      leaveOut(ScopeError(.unsupported, "the content is not recognised"), member: name)
    default: break
    }
  }

  private static func isModelName(_ name: String) -> Bool {
    [".pkl", ".pickle", ".npy", ".pt", ".pth", ".bin", ".joblib", ".h5"].contains { name.hasSuffix($0) }
  }

  private static func mayBePickle(_ data: ByteSlice) -> Bool {
    data[0] == 0x80 && data[1] <= 5 && data[data.count - 1] == 0x2E
  }

  /// A storage whose first bytes look like a pickle is one only when it parses to its end and imports something.
  private func storageKind(_ data: ByteSlice) -> ContentKind {
    if ZipArchive.looksLikeArchive(data) { return (try? ZipArchive(data)) != nil ? .zip : .unknown }
    let run = PickleMachine.run(data)
    let imports = run.events.contains { if case .global = $0.kind { true } else { false } }
    return run.problem == nil && run.endOffset == data.count && imports ? .pickle : .unknown
  }

  /// Compares the checksum of a member that was scanned.
  private mutating func verify(_ member: ZipMember, _ subject: inout ArchiveSubject) {
    guard !member.isEncrypted, member.size <= limits.expandedBytes,
      let problem = try? subject.archive.verify(member, limit: limits.expandedBytes)
    else { return }
    subject.checksumProblems.append(problem)
  }

  /// What stands before the archive is a file of its own.
  private mutating func scanPrefix(_ archive: ZipArchive, container: String?, depth: Int) {
    let prefix = archive.bytes.prefix(archive.prefixLength)
    guard depth < limits.nesting else { return }
    switch ContentKind(prefix) {
    case .pickle: _ = scanPickle(prefix, member: container, depth: depth + 1)
    case .executable(let kind):
      add(ARC009.finding("the file begins with \(kind)", place: FindingPlace(member: container, offset: 0)))
    default: break
    }
  }

  /// Scans a tar archive: the format of very old checkpoints, and a container of others.
  mutating func scanTar(_ bytes: ByteSlice, member container: String?, depth: Int) -> String {
    let members: [TarMember]
    do throws(ScopeError) {
      members = try TarReader.members(bytes, limit: limits.members)
    } catch {
      leaveOut(error, member: container)
      return "tar"
    }
    let names = members.map(\.name)
    let isCheckpoint = names.contains("pickle") && names.contains("storages")
    if isCheckpoint { add(PT005.found(names)) }
    for member in members {
      let name = container.map { "\($0)!\(member.name)" } ?? member.name
      let leaves = { (path: String) in path.hasPrefix("/") || path.split(separator: "/").contains("..") }
      let isLink = member.type == 0x31 || member.type == 0x32
      if leaves(member.name) || isLink && leaves(member.linkTarget) {
        add(
          ARC004.finding(
            "\(PickleAnalysis.printable(member.name))\(isLink ? " links to \(PickleAnalysis.printable(member.linkTarget))" : "") leaves the folder",
            place: FindingPlace(member: name)))
      }
      guard member.data.count >= 2, member.type == 0 || member.type == 0x30 else { continue }
      guard depth < limits.nesting else {
        leaveOut(ScopeError(.limitExceeded, "containers are nested too deeply"), member: name)
        continue
      }
      switch ContentKind(member.data) {
      case .text, .unknown, .empty: break
      case .pickle:
        _ = scanPickle(member.data, member: name, depth: depth + 1, role: isCheckpoint ? .torch : .plain)
      default: _ = scan(member.data, member: name, depth: depth + 1)
      }
    }
    return isCheckpoint ? "pytorch-tar" : "tar"
  }
}
