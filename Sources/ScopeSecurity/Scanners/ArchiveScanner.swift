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
    for member in archive.members.prefix(limits.members) where !member.isDirectory {
      guard let data = contents(of: member, in: &subject) else { continue }
      scanMember(data, member, in: &subject, isTorch: isTorch, depth: depth)
    }
    // What only another reader finds is scanned like the rest.
    for member in archive.shadowMembers.prefix(limits.members) where !member.isDirectory {
      guard let data = contents(of: member, in: &subject) else { continue }
      scanMember(data, member, in: &subject, isTorch: isTorch, depth: depth)
    }
    scanSurroundings(archive, container: container, depth: depth)
    if names.contains("MAR-INF/MANIFEST.json"), let handler = names.first(where: { $0.hasSuffix(".py") }) {
      add(
        REP001.finding(
          "TorchServe imports \(PickleAnalysis.printable(handler)) when it loads the archive",
          title: "A model archive with its own handler", place: subject.place(handler)))
    }
    for rule in SecurityRules.archive { add(rule.findings(in: subject)) }
    if isScript { return "torchscript" }
    if isTorch { return "pytorch-zip" }
    if names.contains("config.json"), names.contains(where: { $0.hasPrefix("model.weights.") }) {
      return "keras"
    }
    return isNumPy ? "npz" : "zip"
  }

  /// The member's bytes, or nil with the reason noted.
  private mutating func contents(of member: ZipMember, in subject: inout ArchiveSubject) -> ByteSlice? {
    let name = subject.qualified(member.name)
    if member.isEncrypted { return encryptedContents(of: member, in: &subject) }
    if member.method == 0, member.compressedSize == member.size,
      let data = try? subject.archive.contents(of: member)
    {
      return data
    }
    // A size that no budget holds is not decompressed for nothing, but loaders read the beginning.
    let left = expansionLeft
    let isHuge = member.size > left && member.size / max(member.compressedSize, 1) > limits.ratio
    do throws(ScopeError) {
      let contents = try subject.archive.salvage(member, limit: isHuge ? min(left, 1 << 24) : left)
      if isHuge {
        expanded(by: contents.data.count)
        subject.bombs.append(
          (
            member.name,
            "\(member.compressedSize) bytes expand to \(member.size), \(member.size / max(member.compressedSize, 1)) times as many"
          ))
        leaveOut(
          ScopeError(
            .limitExceeded, "the compressed member is too large to examine",
            expected: "at most \(left) bytes",
            found: "\(member.size)"), member: name)
      } else {
        take(contents, of: name)
        if contents.problem == nil, contents.data.count != member.size || member.method == 0 {
          subject.sizeProblems.append(
            (
              member.name,
              member.method == 0
                ? "a stored member has two sizes, \(member.compressedSize) and \(member.size)"
                : "the directory declares \(member.size) bytes, the data has \(contents.data.count)"
            ))
        }
      }
      return contents.data
    } catch {
      leaveOut(error, member: name)
      return nil
    }
  }

  /// Bytes of a member whose encryption flag lies; otherwise nil, and the member counts as unexamined.
  private mutating func encryptedContents(of member: ZipMember, in subject: inout ArchiveSubject)
    -> ByteSlice?
  {
    if let contents = try? subject.archive.salvage(member, limit: expansionLeft), contents.problem == nil {
      let plain = contents.data
      if plain.count >= 2,
        member.method != 0 || plain[0] == 0x80 && plain[1] <= 5 || ContentKind(plain) == .numpy
          || ContentKind.isText(plain.prefix(256))
      {
        if member.method != 0 { expanded(by: plain.count) }
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
    if !isStorage, scanFramework(data, member: name, depth: depth + 1) != nil { return }
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
      verify(data, member, &subject)
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
    case .text where !isStorage: scanText(data, name: member.name, member: name)
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
  private func verify(_ data: ByteSlice, _ member: ZipMember, _ subject: inout ArchiveSubject) {
    let sum = Deflate.crc32(data)
    guard !member.isEncrypted, sum != member.crc32 else { return }
    subject.checksumProblems.append(
      (
        member.name,
        "CRC-32 is \(String(sum, radix: 16)), the directory says \(String(member.crc32, radix: 16))"
      ))
  }

  /// What stands before, between and after the members, and in the comment, is looked at as files of their own.
  private mutating func scanSurroundings(_ archive: ZipArchive, container: String?, depth: Int) {
    guard depth < limits.nesting else { return }
    let trailing = archive.anomalies.first { $0.kind == .trailingData }.map {
      archive.bytes.dropFirst($0.offset)
    }
    let whole = [
      ("data before the archive", archive.bytes.prefix(archive.prefixLength)),
      ("data after the archive", trailing ?? ByteSlice([UInt8]())),
    ]
    for (name, bytes) in whole where bytes.count > 1 && bytes.count < archive.bytes.count {
      if Self.loadable(bytes) != nil {
        _ = scan(bytes, member: qualified(name, in: container), depth: depth + 1)
      }
    }
    for (name, bytes) in archive.gaps.map({ ("data between the members", $0) })
      + [("the archive's comment", archive.comment)]
    {
      if let kind = Self.loadable(bytes) {
        add(
          ARC007.finding(
            "\(name), at byte \(bytes.offset), is \(kind)",
            place: FindingPlace(member: container, offset: bytes.offset)))
        _ = scan(bytes, member: qualified(name, in: container), depth: depth + 1)
      } else if name.hasPrefix("data") {
        add(
          ARC007.finding(
            "\(bytes.count) bytes between the members that belong to none", severity: .low,
            place: FindingPlace(member: container, offset: bytes.offset)))
      }
    }
  }
}
