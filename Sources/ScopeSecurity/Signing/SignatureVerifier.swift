import FoundationEssentials
import ScopeBytes

/// Decides whether a bundle is signed by whom the user trusts.
enum SignatureVerifier {
  case key(VerificationKey)
  case certificates([Certificate])
  case keyless(TrustedRoot, identity: String, issuer: String)

  /// - Throws: `invalidArgument` for keys, certificates or roots that cannot be read.
  init(_ trust: ModelSignature.Trust) throws(ScopeError) {
    switch trust {
    case .publicKey(let pem): self = .key(try VerificationKey(pem: pem))
    case .certificates(let pem):
      let blocks = PEMBlock.all(in: pem, label: "CERTIFICATE")
      let certificates = blocks.compactMap { try? Certificate(ByteSlice($0)) }
      guard certificates.contains(where: \.isSelfIssued), certificates.count == blocks.count else {
        throw ScopeError(
          .invalidArgument, "the trusted certificates cannot be used",
          expected: "PEM certificates, at least one of them self-signed", found: "\(blocks.count) blocks")
      }
      self = .certificates(certificates)
    case .keyless(let root, let identity, let issuer):
      self = .keyless(try TrustedRoot(json: root), identity: identity, issuer: issuer)
    }
  }

  /// Who signed the bundle.
  ///
  /// - Throws: `malformed` when the signature is not valid or not the trusted signer's; `unsupported` when that
  ///   cannot be decided.
  func signer(of bundle: SignatureBundle) throws(ScopeError) -> String {
    switch (self, bundle.material) {
    case (.key(let key), .publicKey(let hint)):
      if let hint, hint != key.hint {
        throw ScopeError(
          .malformed, "the signature is of another key", expected: "key \(key.hint.prefix(16))...",
          found: "key \(PickleAnalysis.printable(String(hint.prefix(16))))...")
      }
      try Self.accept(bundle, key)
      return "key \(key.hint)"
    case (.certificates(let trusted), .certificates(let chain)):
      let certificates = try Self.parse(chain)
      let leaf = certificates[0]
      // No trusted time in this mode: the chain counts as of the moment the signer's certificate began, as in the
      // reference implementation.
      try CertificatePath.validate(
        leaf, intermediates: Array(certificates.dropFirst()) + trusted.filter { !$0.isSelfIssued },
        anchors: trusted.filter(\.isSelfIssued), at: leaf.notBefore)
      try Self.acceptUse(leaf)
      try Self.accept(bundle, try leaf.key())
      return "certificate of \(leaf.subjectText)"
    case (.keyless(let root, let identity, let issuer), .certificates(let chain)):
      let certificates = try Self.parse(chain)
      let leaf = certificates[0]
      let time = try root.loggedTime(of: bundle, certificate: leaf)
      try root.validate(leaf, intermediates: Array(certificates.dropFirst()), at: time)
      try Self.acceptUse(leaf)
      guard leaf.identities.contains(identity) else {
        throw ScopeError(
          .malformed, "the certificate is of another identity", expected: identity,
          found: PickleAnalysis.printable(leaf.identities.joined(separator: ", ")))
      }
      guard leaf.oidcIssuer == issuer else {
        throw ScopeError(
          .malformed, "the identity was attested by another issuer", expected: issuer,
          found: PickleAnalysis.printable(leaf.oidcIssuer ?? "none"))
      }
      try Self.accept(bundle, try leaf.key())
      return "\(identity), attested by \(issuer)"
    case (.key, .certificates):
      throw ScopeError(
        .malformed, "the model is signed with a certificate, not with the given key",
        remedy: "Give the certificate chain or the identity that you trust")
    case (_, .publicKey):
      throw ScopeError(
        .malformed, "the model is signed with a bare key, not with a certificate",
        remedy: "Give the public key that you trust")
    }
  }

  private static func parse(_ chain: [ByteSlice]) throws(ScopeError) -> [Certificate] {
    var certificates: [Certificate] = []
    for der in chain { certificates.append(try Certificate(der)) }
    return certificates
  }

  private static func accept(_ bundle: SignatureBundle, _ key: VerificationKey) throws(ScopeError) {
    guard key.accepts(bundle.signature, over: bundle.signedBytes) else {
      throw ScopeError(.malformed, "the signature over the manifest is not valid")
    }
  }

  private static func acceptUse(_ leaf: Certificate) throws(ScopeError) {
    guard leaf.maySign else {
      throw ScopeError(.malformed, "the signer's certificate is not for signing: \(leaf.subjectText)")
    }
  }
}
