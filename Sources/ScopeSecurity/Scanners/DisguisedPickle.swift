import ScopeBytes
import ScopeFormats

extension FileScan {
  /// Scans bytes that pass for another format but are also opcodes that call something dangerous: the first bytes of
  /// `GGUF` are a number for a pickle reader, a name at byte 257 makes a tar archive of anything.
  mutating func scanDisguised(_ bytes: ByteSlice, as kind: ContentKind, member: String?, depth: Int) {
    switch kind {
    case .pickle, .zip, .numpy, .empty, .executable: return
    default: break
    }
    let limits = PickleLimits(opcodes: 100_000, objects: 100_000, memoEntries: 10_000, stackDepth: 100_000)
    let analysis = PickleAnalysis(bytes, member: member, role: .plain, limits: limits)
    let isDangerous = analysis.uses.contains { use in
      switch use.judgement {
      case .dangerous, .reexport: true
      case .inert, .unknown: false
      }
    }
    guard isDangerous else { return }
    add(
      ARC007.finding(
        "the bytes are also a pickle that calls \(analysis.uses.first?.path ?? "something")",
        place: FindingPlace(member: member, offset: 0)))
    apply(analysis, depth: depth)
  }
}
