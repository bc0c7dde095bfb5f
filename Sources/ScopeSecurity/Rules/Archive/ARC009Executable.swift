import ScopeBytes

/// ARC009: Programs inside a model archive. Members that are ELF, PE, Mach-O or Java class files, and scripts
/// with an interpreter line.
enum ARC009: ArchiveRule {
  static let description = RuleDescription(
    id: "ARC009", severity: .high, title: "Programs inside a model archive",
    detects:
      "Files or members that are ELF, PE, Mach-O, Java class, Dalvik, WebAssembly or compiled Python files, "
      + "Windows shortcuts, and scripts with an interpreter line; decided by content.",
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
    if bytes.starts(with: [0x4D, 0x5A]), bytes.count > 64, let header: UInt32 = try? bytes.integer(at: 0x3C) {
      let isPortable =
        Int(header) + 4 <= bytes.count
        ? bytes.dropFirst(Int(header)).starts(with: [0x50, 0x45, 0, 0])
        : bytes.firstIndex(of: Array("This program".utf8)) != nil
      if isPortable { return "a Windows program or library" }
    }
    for magic: [UInt8] in [
      [0xFE, 0xED, 0xFA, 0xCE], [0xFE, 0xED, 0xFA, 0xCF], [0xCF, 0xFA, 0xED, 0xFE], [0xCE, 0xFA, 0xED, 0xFE],
    ]
    where bytes.starts(with: magic) { return "a Mach-O program or library" }
    if bytes.starts(with: [0xCA, 0xFE, 0xBA, 0xBE]) { return "a Java class or universal Mach-O file" }
    if bytes.starts(with: [0xBE, 0xBA, 0xFE, 0xCA]) { return "a universal Mach-O file" }
    if bytes.starts(with: [0x00, 0x61, 0x73, 0x6D, 1, 0, 0, 0]) { return "a WebAssembly module" }
    if bytes.starts(with: Array("dex\n0".utf8)) { return "a Dalvik program" }
    if bytes.starts(with: [0x4C, 0, 0, 0, 1, 0x14, 2, 0]) { return "a Windows shortcut" }
    // CPython 3.6 and later: magic number 3379 and up, CR, LF, then flags that are 0, 1 or 3.
    if bytes.count > 16, (0x0D...0x0F).contains(bytes[1]), bytes[2] == 0x0D, bytes[3] == 0x0A, bytes[4] <= 3,
      bytes[5] == 0, bytes[6] == 0, bytes[7] == 0
    {
      return "compiled Python"
    }
    if bytes.starts(with: [0x23, 0x21]),
      bytes.prefix(16).array.dropFirst(2).first(where: { $0 != 0x20 && $0 != 0x09 }) == 0x2F
    {
      return "a script with an interpreter line"
    }
    return nil
  }
}
