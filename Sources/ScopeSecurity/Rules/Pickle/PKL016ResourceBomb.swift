import ScopeBytes
import ScopeFormats

/// PKL016: Asks for unreasonable memory or time. A memo index far beyond the entries written, tuples nested
/// so that hashing them takes exponential time, an allocation of gigabytes by a call, or a declared length
/// far beyond the file.
enum PKL016: PickleRule {
  static let description = RuleDescription(
    id: "PKL016", severity: .high, title: "Asks for unreasonable memory or time",
    detects: "A memo index far beyond the entries written, tuples nested so that hashing them takes "
      + "exponential time, an allocation of gigabytes by a call, or a declared length far beyond the "
      + "file.",
    why: "A file of a few hundred bytes can exhaust the memory of the machine that loads it.",
    example: "LONG_BINPUT 4294967295",
    mitigation: "Do not load this file; it was not written by a pickler.",
    references: ["CWE-770", "CWE-502"])

  static func findings(in pickle: PickleAnalysis) -> [Finding] {
    var findings: [Finding] = []
    for event in pickle.run.events {
      guard findings.count < 8 else { break }
      switch event.kind {
      case .anomaly(.hugeMemoIndex(let index)):
        findings.append(
          finding(
            "memo index \(index)", title: "Writes a huge memo index", place: pickle.place(event.offset, "PUT")
          ))
      case .anomaly(.frameBeyondEnd(let declared)) where declared > 1 << 40:
        findings.append(
          finding(
            "a frame of \(declared) bytes is declared", title: "Declares a huge frame",
            place: pickle.place(event.offset, "FRAME")))
      default: continue
      }
    }
    for allocation in pickle.allocations.prefix(8) {
      findings.append(
        finding(
          "\(allocation.path) with \(allocation.count == .max ? "an integer beyond 64 bits" : "\(allocation.count)")",
          title: "Allocates gigabytes through \(allocation.path)",
          place: pickle.place(allocation.offset, "REDUCE")))
    }
    if let length = declaredLength(pickle.run.problem), length > 1 << 30, length / 1000 > pickle.bytes.count {
      findings.append(
        finding(
          "\(length) bytes are declared in a file of \(pickle.bytes.count)",
          title: "Declares a length far beyond the file",
          place: pickle.place(pickle.run.endOffset)))
    }
    if let (offset, size) = explosiveKey(pickle.run) {
      findings.append(
        finding(
          "a key or member that unfolds to about \(size) elements",
          title: "Nests shared tuples so that hashing them explodes", place: pickle.place(offset)))
    }
    return findings
  }

  /// The length that a read beyond the end asked for.
  private static func declaredLength(_ problem: ScopeError?) -> Int? {
    guard let problem, problem.code == .truncated, let expected = problem.expected,
      expected.hasSuffix(" bytes")
    else { return nil }
    return Int(expected.dropLast(" bytes".count))
  }

  /// A dictionary key or set member made of shared tuples whose unfolded size is absurd: Python hashes it in full.
  private static func explosiveKey(_ run: PickleRun) -> (offset: Int, size: Float)? {
    let limit: Float = 1e8
    var sizes = [Float](repeating: 1, count: run.objects.count)
    var isExplosive = false
    for (index, object) in run.objects.enumerated() {
      switch object.value {
      case .tuple(let items), .frozenset(let items):
        sizes[index] = items.reduce(1) { $0 + sizes[Int($1.index)] }
        if sizes[index] > limit { isExplosive = true }
      default: continue
      }
    }
    guard isExplosive else { return nil }
    for object in run.objects {
      let keys: [PickleID]
      switch object.value {
      case .dict(let pairs): keys = pairs.map(\.key)
      case .set(let items), .frozenset(let items): keys = items
      case .call(let call): keys = call.pairs.map(\.key)
      default: continue
      }
      for key in keys where sizes[Int(key.index)] > limit { return (object.offset, sizes[Int(key.index)]) }
    }
    return nil
  }
}
