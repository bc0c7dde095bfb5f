/// ONX002: Tensor data that does not fit its file or tensor. Offset or length of external data is negative, not a
/// number, beyond the end of the external file, or the length is not what the tensor's type and shape need; data inside
/// the model that is not what they need; keys of an entry that begin with two underscores. Other unknown keys are low.
enum ONX002: ONNXRule {
  static let description = RuleDescription(
    id: "ONX002", severity: .high, title: "Tensor data that does not fit its file or tensor",
    detects: "Offset or length of external data is negative, not a number, beyond the end of the external "
      + "file, or the length is not what the tensor's type and shape need; data inside the model that is not "
      + "what they need; keys of an entry that begin with two underscores. Other unknown keys are low.",
    why: "Loaders that trust these numbers read outside the mapped file.",
    example: "offset = 4096, length = 1000000 in a file of 5000 bytes",
    mitigation: "Fetch the model and its data again.",
    references: ["CWE-125", "CVE-2026-34445"])

  static func findings(in model: ONNXSubject) -> [Finding] {
    var findings = model.mismatchedTensors.prefix(20).map {
      finding($0.detail, place: FindingPlace(member: $0.place, offset: $0.offset))
    }
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
            title: key.hasPrefix("__")
              ? "A key that loaders assign as an attribute" : "Unknown key in external data",
            severity: key.hasPrefix("__") ? .high : .low, place: place))
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
