import ScopeBytes

extension FileScan {
  /// Scans a `.py` member: TorchScript code, or a module of a torch.package archive, which runs when it is imported.
  mutating func scanCode(
    _ data: ByteSlice, _ member: ZipMember, in subject: ArchiveSubject, isScript: Bool
  ) {
    let name = subject.qualified(member.name)
    let isPackage = subject.archive.members.contains { $0.name.hasSuffix(".data/extern_modules") }
    if isPackage {
      add(PT004.findings(package: data, member: name))
    } else if isScript {
      add(PT004.findings(code: data, member: name))
    }
  }

  /// Scans the schema of a skops archive (skops/io/_persist.py).
  mutating func scanSkops(_ data: ByteSlice, member: String) {
    // A schema.json of something else has no loaders.
    guard data.firstIndex(of: Array("__loader__".utf8)) != nil else { return }
    do throws(ScopeError) {
      let (schema, _) = try JSONScanner.parse(data)
      add(SKP001.findings(in: schema, member: member))
    } catch {
      leaveOut(error, member: member)
    }
  }
}
