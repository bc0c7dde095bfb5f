import ScopeBytes

/// What is asked of a model's signature in a scan.
public struct SignaturePolicy: Sendable, Hashable {
  /// Whose signature is believed; nil when none was named.
  public var trust: ModelSignature.Trust?
  /// The bundle, when it does not lie at the usual place.
  public var signaturePath: String?
  /// Whether a model without a valid signature is unsafe.
  public var isRequired: Bool

  public init(
    trust: ModelSignature.Trust? = nil, signaturePath: String? = nil, isRequired: Bool = false
  ) {
    self.trust = trust
    self.signaturePath = signaturePath
    self.isRequired = isRequired
  }
}

extension SecurityScanner {
  /// The verdict on a model's signature, beside the verdicts on its files.
  ///
  /// - An invalid signature is REP002 high, always.
  /// - No signature: REP002 high if one is required, low for a folder (a folder is published as a whole, and that is
  ///   what the format signs), nothing for a single file.
  /// - A signature that nobody's key was given for: the files are compared when weights are read or a signature is
  ///   required; it is then `incomplete`, since anybody can write a signature. Otherwise low.
  ///
  /// - Returns: nil when there is nothing to say.
  /// - Throws: `notFound` (a bundle that was named), `unreadable`, `invalidArgument` (key or certificates).
  public func signatureVerdict(
    path: String, policy: SignaturePolicy = SignaturePolicy()
  ) throws(ScopeError) -> FileVerdict? {
    let model = ModelSignature.trimmed(path)
    guard let place = policy.signaturePath ?? ModelSignature.find(for: model) else {
      guard policy.isRequired || SignedFiles.isFolder(model) else { return nil }
      return FileVerdict(
        path: path, format: "unsigned model",
        findings: [REP002.unsigned(model, isRequired: policy.isRequired)],
        unexamined: [])
    }
    guard policy.trust != nil || policy.isRequired || limits.readsWeights else {
      return FileVerdict(
        path: place, format: "model signature", findings: [REP002.unchecked(place)], unexamined: [])
    }
    let check = try ModelSignature.check(path: model, signature: policy.signaturePath, trust: policy.trust)
    var findings: [Finding] = []
    var unexamined: [String] = []
    switch check.outcome {
    case .valid: break
    case .unauthenticated:
      findings = [REP002.unchecked(place, files: check.files)]
      if policy.isRequired {
        unexamined = ["\(place): nobody's key or certificate was given to check it with"]
      }
    case .invalid(let reasons):
      findings = reasons.prefix(limits.findingsPerRule).map { REP002.invalid($0, signature: place) }
    case .incomplete(let reason): unexamined = ["\(place): \(reason)"]
    }
    return FileVerdict(path: place, format: "model signature", findings: findings, unexamined: unexamined)
  }
}
