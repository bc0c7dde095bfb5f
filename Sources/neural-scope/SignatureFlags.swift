import ArgumentParser
import NeuralScope
import ScopeBytes
import ScopeSecurity

/// What is asked of a model's signature.
struct SignatureFlags: ParsableArguments {
  @Flag(help: "A model without a valid signature is unsafe.")
  var requireSignature = false

  @Option(help: ArgumentHelp("The bundle, when it is not model.sig or FILE.sig.", valueName: "file"))
  var signature: String?

  @Option(help: ArgumentHelp("The signer's public key, PEM.", valueName: "file"))
  var publicKey: String?

  @Option(help: ArgumentHelp("Trusted certificates, PEM; the self-signed ones are roots.", valueName: "file"))
  var certificates: String?

  @Option(help: ArgumentHelp("A Sigstore trusted_root.json, for keyless signatures.", valueName: "file"))
  var trustedRoot: String?

  @Option(help: ArgumentHelp("The signer of a keyless signature: e-mail address or URI.", valueName: "name"))
  var identity: String?

  @Option(help: ArgumentHelp("Who vouched for the identity: an OpenID Connect issuer.", valueName: "address"))
  var issuer: String?

  func validate() throws {
    guard [publicKey, certificates, trustedRoot].compactMap({ $0 }).count <= 1 else {
      throw ValidationError("Give one of --public-key, --certificates and --trusted-root")
    }
    guard (trustedRoot == nil) == (identity == nil), (trustedRoot == nil) == (issuer == nil) else {
      throw ValidationError("--trusted-root, --identity and --issuer belong together")
    }
  }

  /// Nil when nothing was asked for.
  func policy() throws -> SignaturePolicy? {
    var trust: ModelSignature.Trust?
    if let publicKey { trust = .publicKey(pem: try Self.text(publicKey, "the public key")) }
    if let certificates { trust = .certificates(pem: try Self.text(certificates, "the certificates")) }
    if let trustedRoot, let identity, let issuer {
      trust = .keyless(
        trustedRoot: try Self.text(trustedRoot, "the trusted root"), identity: identity, issuer: issuer)
    }
    guard trust != nil || requireSignature || signature != nil else { return nil }
    return SignaturePolicy(trust: trust, signaturePath: signature, isRequired: requireSignature)
  }

  static func text(_ path: String, _ what: String) throws -> String {
    let bytes = try ByteSlice(mappingFile: path)
    guard bytes.count <= 1 << 24, let text = bytes.utf8String else {
      throw ScopeError(.malformed, "\(what) is not text", file: path)
    }
    return text
  }
}
