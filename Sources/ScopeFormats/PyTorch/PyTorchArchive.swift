import ScopeBytes

/// The members of a `torch.save` archive: `NAME/data.pkl`, `NAME/data/KEY`, `NAME/byteorder` ...
final class PyTorchArchive {
  let archive: ZipArchive
  /// `archive/`, `resnet20/`; empty when the members lie at the top.
  let prefix: String
  let pickleName: String
  let pickle: ByteSlice
  let isTorchScript: Bool
  /// Storages that had to be decompressed, so that many views of one cost it once.
  private var inflated: [String: ByteSlice] = [:]
  private var inflatedBytes = 0
  private static let inflatedLimit = 1 << 32

  init(_ archive: ZipArchive) throws(ScopeError) {
    self.archive = archive
    guard let member = Self.pickle(in: archive) else {
      let names = archive.members.prefix(3).map { "\"\($0.name.prefix(60))\"" }.joined(separator: ", ")
      let exported = archive.members.contains {
        $0.name.hasSuffix("archive_format") || $0.name.hasSuffix("models/model.json")
      }
      throw ScopeError(
        .unsupported, exported ? "this is a torch.export archive" : "this archive is no PyTorch checkpoint",
        expected: "a member data.pkl", found: names.isEmpty ? "an empty archive" : names,
        remedy: exported
          ? "Export the model to ONNX (torch.onnx.export), or save its state_dict" : "Give a model file")
    }
    pickleName = member.name
    prefix = String(member.name.dropLast("data.pkl".count))
    pickle = try archive.contents(of: member, limit: 1 << 28)
    let prefix = prefix
    isTorchScript =
      archive.member(named: prefix + "constants.pkl") != nil
      || archive.members.contains { $0.name.hasPrefix(prefix + "code/") }
    if let order = archive.member(named: prefix + "byteorder"),
      case let text = try archive.contents(of: order, limit: 64).utf8String ?? "",
      !text.hasPrefix("little")
    {
      if text.hasPrefix("big") { throw PyTorchReader.bigEndian }
      throw ScopeError(
        .malformed, "the byte order is not known", place: "member \"\(order.name)\"",
        expected: "little or big",
        found: text)
    }
  }

  /// PyTorch takes the folder of the archive's first member; where that has no `data.pkl`, the outermost one counts.
  private static func pickle(in archive: ZipArchive) -> ZipMember? {
    if let folder = archive.members.first?.name.split(separator: "/", omittingEmptySubsequences: false).first,
      let member = archive.member(named: "\(folder)/data.pkl")
    {
      return member
    }
    return archive.members.filter { $0.name == "data.pkl" || $0.name.hasSuffix("/data.pkl") }
      .min { $0.name.utf8.count < $1.name.utf8.count }
  }

  func storage(_ key: String) throws(ScopeError) -> ByteSlice {
    try storage(key, in: ["data/", "tensors/", "constants/"])
  }

  /// A storage of `constants.pkl`, whose keys are counted apart from those of `data.pkl`.
  func constantStorage(_ key: String) throws(ScopeError) -> ByteSlice {
    try storage(key, in: ["constants/"])
  }

  private func storage(_ key: String, in folders: [String]) throws(ScopeError) -> ByteSlice {
    for folder in folders {
      guard let member = archive.member(named: prefix + folder + key) else { continue }
      guard member.method != 0 else { return try archive.contents(of: member) }
      if let bytes = inflated[member.name] { return bytes }
      let bytes = try archive.contents(of: member, limit: Self.inflatedLimit - inflatedBytes)
      inflated[member.name] = bytes
      inflatedBytes += bytes.count
      return bytes
    }
    throw ScopeError(
      .malformed, "a tensor's storage is not in the archive",
      place: "member \"\(prefix)\(folders.first ?? "")\(key.prefix(80))\"",
      remedy: "The archive is incomplete; fetch it again")
  }

  /// Declared buffers by class, by module.
  private var declarations: [String: [String: Set<String>]] = [:]

  /// What a TorchScript class declares as its buffers: `__torch__.nets.Tiny` is the class `Tiny` in
  /// `code/__torch__/nets.py`, which says `__buffers__ = ["kept", ]`.
  func scriptBuffers(of qualifiedName: String) throws(ScopeError) -> Set<String> {
    let parts = qualifiedName.split(separator: ".")
    guard let name = parts.last else { return [] }
    let module = parts.dropLast().joined(separator: "/")
    if let known = declarations[module] { return known[String(name)] ?? [] }
    var classes: [String: Set<String>] = [:]
    if let member = archive.member(named: "\(prefix)code/\(module).py") {
      var current = ""
      for line in (try archive.contents(of: member, limit: 1 << 24).utf8String ?? "").split(separator: "\n") {
        if line.hasPrefix("class ") {
          current = String(line.dropFirst(6).prefix { $0 != "(" && $0 != ":" })
        } else if line.hasPrefix("  __buffers__ = [") {
          let quoted = line.split(separator: "\"").enumerated().filter { $0.offset % 2 == 1 }
          classes[current] = Set(quoted.map { String($0.element) })
        }
      }
    }
    declarations[module] = classes
    return classes[String(name)] ?? []
  }
}
