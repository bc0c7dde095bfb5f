/// ONX002: External data that does not fit its file or tensor. Offset or length is negative, not a number,
/// beyond the end of the external file, or the length is not what the tensor's type and shape need; unknown
/// keys of an entry are low.
enum ONX002: ONNXRule {
  static let description = RuleDescription(
    id: "ONX002", severity: .high, title: "External data that does not fit its file or tensor",
    detects: "Offset or length is negative, not a number, beyond the end of the external file, or the "
      + "length is not what the tensor's type and shape need; unknown keys of an entry are low.",
    why: "Loaders that trust these numbers read outside the mapped file.",
    example: "offset = 4096, length = 1000000 in a file of 5000 bytes",
    mitigation: "Fetch the model and its data again.",
    references: ["CWE-125", "CVE-2026-34445"])

  static func findings(in model: ONNXSubject) -> [Finding] {
    var findings: [Finding] = []
    for tensor in model.externalTensors where findings.count < 20 {
      let place = FindingPlace(member: tensor.place, offset: tensor.offset)
      if tensor.location == nil {
        findings.append(finding("an external tensor without a location", place: place))
      }
      for (key, value) in tensor.badNumbers {
        findings.append(
          finding("\(key) is '\(PickleAnalysis.printable(String(value.prefix(60))))'", place: place))
      }
      if let length = tensor.length, let wanted = tensor.byteCount, length != wanted {
        findings.append(
          finding("the entry gives \(length) bytes, type and shape need \(wanted)", place: place))
      }
      for key in tensor.unknownKeys {
        findings.append(
          finding(
            "the entry has the key '\(PickleAnalysis.printable(String(key.prefix(60))))'",
            title: "Unknown key in external data", severity: .low, place: place))
      }
      guard let directory = model.directory, let location = tensor.location,
        ExternalLocation.escape(location) == nil,
        case .file(let size) = ExternalLocation.inspect(location, in: directory)
      else { continue }
      let length = tensor.length ?? tensor.byteCount ?? 0
      let (end, overflow) = (tensor.start ?? 0).addingReportingOverflow(length)
      if overflow || end > size {
        findings.append(
          finding(
            "bytes \(tensor.start ?? 0) to \(overflow ? "beyond 2^63" : "\(end)") of '\(PickleAnalysis.printable(location))', which has \(size)",
            place: place))
      }
    }
    return findings
  }
}
