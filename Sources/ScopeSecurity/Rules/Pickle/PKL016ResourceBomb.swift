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
    if let (offset, size) = explosiveKey(pickle.run) {
      findings.append(
        finding(
          "a key or member that unfolds to \(size == .max ? "more than 2^63" : "\(size)") elements",
          title: "Nests shared tuples so that hashing them explodes", place: pickle.place(offset)))
    }
    return findings
  }

  /// A dictionary key or set member made of shared tuples whose unfolded size is absurd: Python hashes it in full.
  private static func explosiveKey(_ run: PickleRun) -> (offset: Int, size: Int)? {
    var sizes: [Int32: Int] = [:]
    for (index, object) in run.objects.enumerated() {
      switch object.value {
      case .tuple(let items), .frozenset(let items):
        var size = 1
        for item in items {
          let (sum, overflow) = size.addingReportingOverflow(sizes[item.index] ?? 1)
          size = overflow ? .max : sum
        }
        if size > 64 { sizes[Int32(index)] = size }
      default: continue
      }
    }
    guard sizes.values.contains(where: { $0 > 100_000_000 }) else { return nil }
    for object in run.objects {
      let keys: [PickleID]
      switch object.value {
      case .dict(let pairs): keys = pairs.map(\.key)
      case .set(let items), .frozenset(let items): keys = items
      case .call(let call): keys = call.pairs.map(\.key)
      default: continue
      }
      for key in keys { if let size = sizes[key.index], size > 100_000_000 { return (object.offset, size) } }
    }
    return nil
  }
}
