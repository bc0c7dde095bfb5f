/// KER007: HDF5 data in other files. External links, datasets with external storage, and virtual datasets whose sources
/// are other files. Soft links, which stay in the file, are ordinary.
enum KER007: KerasRule {
  static let description = RuleDescription(
    id: "KER007", severity: .high, title: "HDF5 data in other files",
    detects: "External links, datasets with external storage, and virtual datasets whose sources are other "
      + "files. Soft links, which stay in the file, are ordinary.",
    why: "Loading the weights opens files of the machine that the model chooses and reads them into "
      + "tensors.",
    example: "h5py.ExternalLink(\"/etc/passwd\", \"/\")",
    mitigation: "Do not load this file; ask for one with the data inside.",
    references: ["CVE-2026-1669", "CWE-73", "CWE-200"])

  static func findings(in model: KerasSubject) -> [Finding] {
    model.external.prefix(32).map { finding($0.detail, place: model.place($0.place)) }
  }
}
