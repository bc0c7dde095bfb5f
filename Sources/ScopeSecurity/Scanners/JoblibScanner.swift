import ScopeBytes
import ScopeFormats

extension FileScan {
  /// Scans what joblib adds to a pickle: the pickles of object arrays, and the numbers between the opcodes, which
  /// `joblib.load` skips and `pickle.load` executes.
  ///
  /// - Returns: whether there is anything of joblib's.
  mutating func scanArrays(of pickle: PickleAnalysis, depth: Int) -> Bool {
    add(JL001.outsideFiles(pickle))
    guard !pickle.run.rawArrays.isEmpty || !pickle.run.embedded.isEmpty else { return false }
    add(JL001.behindArrays(pickle))
    scanEmbedded(pickle.run, of: pickle, depth: depth)
    let limits = PickleLimits(
      opcodes: 1_000_000, objects: 1_000_000, memoEntries: 100_000, stackDepth: 1_000_000,
      followsRawArrays: false)
    let executed = PickleAnalysis(
      pickle.bytes, at: pickle.run.startOffset, member: pickle.member, role: pickle.role, limits: limits)
    let seen = Set(pickle.uses.map(\.path))
    if executed.uses.contains(where: { !seen.contains($0.path) }) {
      add(JL001.inNumbers(executed, member: pickle.member))
    }
    return true
  }

  private mutating func scanEmbedded(_ run: PickleRun, of pickle: PickleAnalysis, depth: Int) {
    for inner in run.embedded {
      let analysis = PickleAnalysis(inner, of: pickle.bytes, member: pickle.member, role: pickle.role)
      apply(analysis, depth: depth)
      add(JL001.inObjects(analysis))
      scanEmbedded(inner, of: pickle, depth: depth + 1)
    }
  }
}
