/// ST001: Header that contradicts itself or the file. Header length beyond the file, offsets out of range or
/// reversed, tensors that overlap, holes between tensors or bytes after the last one, sizes that do not fit
/// type and shape, unknown types.
enum ST001: SafetensorsRule {
  static let description = RuleDescription(
    id: "ST001", severity: .high, title: "Header that contradicts itself or the file",
    detects: "Header length beyond the file, offsets out of range or reversed, tensors that overlap, holes "
      + "between tensors or bytes after the last one, sizes that do not fit type and shape, unknown "
      + "types.",
    why: "Readers that trust the header read outside the file; holes and overlaps hide data from tools "
      + "that look at tensors.",
    example: "data_offsets [0, 100] for F32 [4]",
    mitigation: "Fetch the file again; do not load this one.",
    references: ["CWE-130", "CWE-125"])

  static func findings(in file: SafetensorsSubject) -> [Finding] {
    file.inconsistencies.prefix(20).map { finding($0.detail, place: FindingPlace(member: $0.tensor)) }
  }

  /// Shards that an index names outside its folder.
  static func shards(_ files: [String], member: String?) -> [Finding] {
    var seen: Set<String> = []
    return files.filter { seen.insert($0).inserted }.compactMap { file in
      ExternalLocation.escape(file).map { reason in
        finding(
          "the shard \"\(PickleAnalysis.printable(String(file.prefix(160))))\" \(reason)",
          title: "Shard outside the model's folder", place: FindingPlace(member: member))
      }
    }.prefix(20).map { $0 }
  }
}
