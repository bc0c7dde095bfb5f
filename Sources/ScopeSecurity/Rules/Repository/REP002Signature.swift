/// REP002: No valid model signature. A model folder without an OpenSSF Model Signing bundle is low, high when a
/// signature is required. A bundle whose signature does not verify, or whose manifest does not match the files, is
/// high. A single file without a signature is no finding unless a signature is required.
enum REP002: ReadingRule {
  static let description = RuleDescription(
    id: "REP002", severity: .low, title: "No valid model signature",
    detects: "A model folder without an OpenSSF Model Signing bundle is low, high when a signature is "
      + "required. A bundle whose signature does not verify, or whose manifest does not match the files, is "
      + "high. A single file without a signature is no finding unless a signature is required.",
    why: "Without a signature nobody can tell whether these files are the publisher's; with an invalid one "
      + "they are not, or somebody changed them.",
    example: "model.sig lists weights.bin with SHA-256 5891b5b5..., the file has 73cb3858...",
    mitigation: "Fetch the model again from its publisher and check its signature; sign your own models with "
      + "neural-scope sign.",
    references: ["CWE-347", "OpenSSF Model Signing 1.0"])

  static func unsigned(_ path: String, isRequired: Bool) -> Finding {
    finding(
      "no \(ModelSignature.defaultPath(for: path).split(separator: "/").last ?? "model.sig") with the model",
      title: isRequired ? "No model signature, although one is required" : "The model is not signed",
      severity: isRequired ? .high : .low)
  }

  static func unchecked(_ signature: String, files: Int? = nil) -> Finding {
    finding(
      files.map { "the \($0) files are as \(signature) lists them; whose signature it is was not checked" }
        ?? "\(signature) was not checked",
      title: "The model's signature was not checked", severity: .low,
      why: "A signature says nothing until it is checked with the key, certificate or identity of somebody "
        + "you trust: anybody can write one.")
  }

  static func invalid(_ reason: String, signature: String) -> Finding {
    finding(
      reason, title: "The model's signature is not valid", severity: .high,
      place: FindingPlace(member: String(signature.split(separator: "/").last ?? "model.sig")),
      why: "Somebody changed the model after it was signed, or the signature is not the trusted signer's.")
  }
}
