import ScopeFormats

/// PT003: Tensor views that do not fit their storage. A tensor's offset, sizes and strides (checked without
/// overflow) reach beyond the elements its storage declares, or are negative.
enum PT003: PickleRule {
  static let description = RuleDescription(
    id: "PT003", severity: .high, title: "Tensor views that do not fit their storage",
    detects: "A tensor's offset, sizes and strides (checked without overflow) reach beyond the elements "
      + "its storage declares, or are negative.",
    why: "Loaders that trust these numbers read or write outside the allocated memory.",
    example: "_rebuild_tensor_v2(storage of 4 elements, 0, (1000,), (1,))",
    mitigation: "Do not load this file; fetch it again from its publisher.",
    references: ["CWE-125", "CWE-787", "CVE-2026-24747"])

  static func findings(in pickle: PickleAnalysis) -> [Finding] {
    var findings: [Finding] = []
    for event in pickle.run.events {
      guard case .call(let id) = event.kind, let call = pickle.run.call(id),
        let name = pickle.run.calleeName(call),
        name.hasPrefix("torch._utils._rebuild_tensor"), let problem = problem(call, pickle.run)
      else { continue }
      findings.append(finding(problem, place: pickle.place(event.offset, "REDUCE")))
      if findings.count >= 8 { break }
    }
    return findings
  }

  private static func problem(_ call: PickleCall, _ run: PickleRun) -> String? {
    guard let items = run.elements(call.arguments), items.count >= 4,
      case .persistentID(let reference) = run.value(items[0]), let storage = run.elements(reference),
      storage.count >= 5,
      let elements = run.integer(storage[4]), let offset = run.integer(items[1]),
      let sizes = run.elements(items[2])?.map({ run.integer($0) }),
      let strides = run.elements(items[3])?.map({ run.integer($0) })
    else { return nil }
    guard sizes.count == strides.count, offset >= 0, elements >= 0 else {
      return "offset \(offset), \(sizes.count) sizes and \(strides.count) strides over \(elements) elements"
    }
    var last = offset
    for (size, stride) in zip(sizes, strides) {
      guard let size, let stride, size >= 0, stride >= 0 else {
        return "a negative or missing size or stride"
      }
      if size == 0 { return nil }
      let (step, overflow) = (size - 1).multipliedReportingOverflow(by: stride)
      let (sum, overflowed) = last.addingReportingOverflow(step)
      if overflow || overflowed { return "sizes and strides overflow 64 bits" }
      last = sum
    }
    return last < elements ? nil : "the view ends at element \(last), the storage holds \(elements)"
  }
}
