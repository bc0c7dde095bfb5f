import ScopeBytes

/// ARC009: Programs inside a model archive. Members that are ELF, PE, Mach-O or Java class files, and scripts
/// with an interpreter line.
enum ARC009: ArchiveRule {
  static let description = RuleDescription(
    id: "ARC009", severity: .high, title: "Programs inside a model archive",
    detects: "Members that are ELF, PE, Mach-O or Java class files, and scripts with an interpreter line.",
    why: "Models need no programs; an installer, an extension loader or a careless double click runs "
      + "them.",
    example: "archive/extra/libx.so that begins with 7f 45 4c 46",
    mitigation: "Delete the member; ask its publisher what it is for.",
    references: ["CWE-506"])

  static func findings(in archive: ArchiveSubject) -> [Finding] {
    archive.executables.map {
      finding("\($0.member) is \($0.kind)", place: FindingPlace(member: archive.qualified($0.member)))
    }
  }

  /// What kind of program the bytes begin like, if any.
  static func kind(of bytes: ByteSlice) -> String? {
    if bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46]) { return "an ELF program or library" }
    if bytes.starts(with: [0x4D, 0x5A]), bytes.count > 64,
      let header: UInt32 = try? bytes.integer(at: 0x3C),
      bytes.dropFirst(Int(header)).starts(with: [0x50, 0x45, 0, 0])
    {
      return "a Windows program or library"
    }
    for magic: [UInt8] in [
      [0xFE, 0xED, 0xFA, 0xCE], [0xFE, 0xED, 0xFA, 0xCF], [0xCF, 0xFA, 0xED, 0xFE], [0xCE, 0xFA, 0xED, 0xFE],
    ]
    where bytes.starts(with: magic) { return "a Mach-O program or library" }
    if bytes.starts(with: [0xCA, 0xFE, 0xBA, 0xBE]) { return "a Java class or universal Mach-O file" }
    if bytes.starts(with: [0x23, 0x21, 0x2F]) { return "a script with an interpreter line" }
    return nil
  }
}
