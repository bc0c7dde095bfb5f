import ScopeBytes
import ScopeFormats

/// PT003: Tensor views that do not fit their storage. A tensor's offset, sizes and strides (checked without
/// overflow) reach beyond the elements its storage declares, or are negative; or a storage declares more bytes than
/// its member of the archive holds.
enum PT003: PickleRule {
  static let description = RuleDescription(
    id: "PT003", severity: .high, title: "Tensor views that do not fit their storage",
    detects: "A tensor's offset, sizes and strides (checked without overflow) reach beyond the elements "
      + "its storage declares, or are negative; or a storage declares more bytes than its member of the archive holds.",
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

  /// Storages of a `data.pkl` that declare more than their member holds.
  ///
  /// - Parameters:
  ///   - prefix: the folder of the pickle in the archive, with its slash.
  ///   - name: the pickle as a place calls it.
  static func storages(_ pickle: ByteSlice, in archive: ZipArchive, prefix: String, name: String) -> [Finding]
  {
    let sizes = Dictionary(
      archive.members.map { ($0.name, $0.size) }, uniquingKeysWith: { first, _ in first })
    let run = PickleMachine.run(pickle)
    var findings: [Finding] = []
    var seen: Set<String> = []
    for event in run.events {
      guard case .persistentID(let id) = event.kind, let items = run.elements(id), items.count >= 5,
        run.text(items[0]) == "storage", let type = run.global(items[1]), let key = run.text(items[2]),
        let count = run.integer(items[4]), seen.insert(key).inserted, findings.count < 8,
        let held = sizes["\(prefix)data/\(key)"],
        // Two or four elements share a byte there.
        !type.name.contains("x2Storage"), !type.name.contains("x4Storage")
      else { continue }
      let (bytes, overflow) = count.multipliedReportingOverflow(by: StorageType.elementSize(type.name))
      guard overflow || count < 0 || bytes > held else { continue }
      findings.append(
        finding(
          "storage \(PickleAnalysis.printable(String(key.prefix(40)))) declares \(count) elements of \(type.name), its member holds \(held) bytes",
          title: "A storage that is smaller than it says",
          place: FindingPlace(member: name, offset: event.offset)))
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
