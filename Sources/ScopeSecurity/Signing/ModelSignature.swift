import ScopeBytes

/// OpenSSF Model Signing (OMS 1.0): a detached Sigstore bundle, `model.sig`, over the SHA-256 digests of every file
/// of a model.
///
/// Source: https://github.com/ossf/model-signing-spec; the reference implementation is the Python package
/// `model-signing`, whose signatures are read here and which reads those written here.
public enum ModelSignature {
  /// Whose signature is believed.
  public enum Trust: Sendable, Hashable {
    /// Key mode: the signer's public key, PEM (ECDSA P-256, P-384 or P-521).
    case publicKey(pem: String)
    /// Certificate mode: PEM certificates, of which the self-signed ones are trusted and the others may complete
    /// the chain.
    case certificates(pem: String)
    /// Keyless mode, offline: a Sigstore `trusted_root.json`, the identity in the certificate (an e-mail address or
    /// URI, compared exactly) and its OpenID Connect issuer.
    case keyless(trustedRoot: String, identity: String, issuer: String)
  }

  /// What a check of a signature concludes.
  public enum Outcome: Sendable, Hashable {
    /// The signer is trusted and every file is as signed.
    case valid(signer: String)
    /// Every file is as the signature's manifest says, but nobody said whose signature to believe.
    case unauthenticated
    /// The signature is not the trusted signer's, or files differ; one line per reason, naming the file.
    case invalid([String])
    /// The signature uses something that this version cannot check; nothing can be said.
    case incomplete(String)
  }

  /// The result of checking one signature.
  public struct Check: Sendable, Hashable {
    /// The bundle that was read.
    public var signaturePath: String
    /// Files the manifest lists.
    public var files: Int
    public var outcome: Outcome
  }

  /// Where the signature of a model lies unless said otherwise: `model.sig` inside a folder, `FILE.sig` beside a
  /// file.
  public static func defaultPath(for model: String) -> String {
    SignedFiles.isFolder(model) ? "\(trimmed(model))/model.sig" : "\(model).sig"
  }

  /// The signature of a model, if one lies at the usual place (for a file: `FILE.sig`, or `model.sig` beside it).
  public static func find(for model: String) -> String? {
    let usual = defaultPath(for: model)
    if SignedFiles.isFile(usual) { return usual }
    guard !SignedFiles.isFolder(model) else { return nil }
    let folder = model.lastIndex(of: "/").map { String(model[...$0]) } ?? ""
    return SignedFiles.isFile("\(folder)model.sig") ? "\(folder)model.sig" : nil
  }

  /// Signs a model file or folder with a private key and writes the bundle.
  ///
  /// Files of version control (`.git`, `.gitattributes`, `.github`, `.gitignore`) and the signature itself are left
  /// out, as the reference implementation does; symbolic links are refused.
  ///
  /// - Parameters:
  ///   - privateKey: PEM, unencrypted (`EC PRIVATE KEY` or PKCS #8), P-256, P-384 or P-521.
  ///   - signature: where to write; ``defaultPath(for:)`` when nil.
  /// - Returns: the path written and the number of files signed.
  /// - Throws: `invalidArgument` for a key that cannot be used, `notFound`, `unreadable`, `invalidData` for a folder
  ///   without files, `cannotWrite`.
  @discardableResult
  public static func sign(
    path: String, privateKey: String, signature: String? = nil
  ) throws(ScopeError) -> (path: String, files: Int) {
    let key = try SigningKey(pem: privateKey)
    let model = trimmed(path)
    let output = signature ?? defaultPath(for: model)
    let manifest = try SignatureManifest(of: model, leavingOut: output)
    guard !manifest.resources.isEmpty else {
      throw ScopeError(.invalidData, "there is nothing to sign", file: path, expected: "a folder with files")
    }
    let bundle = try SignatureBundle.signed(payload: manifest.statement, with: key)
    try AtomicFile.write(bundle, to: output)
    return (output, manifest.resources.count)
  }

  /// Checks a signature and every file it covers.
  ///
  /// A file signature that was made for a folder (`model.sig` beside the file) is checked against that folder.
  ///
  /// - Parameters:
  ///   - path: the model's file or folder.
  ///   - signature: the bundle; the usual places when nil.
  ///   - trust: whose signature is believed; nil compares the files only.
  /// - Throws: `notFound` without a signature, `unreadable`, `invalidArgument` for a key or certificate that cannot
  ///   be read. A bundle that is not one is an outcome, not an error.
  public static func check(
    path: String, signature: String? = nil, trust: Trust?
  ) throws(ScopeError) -> Check {
    guard let place = signature ?? find(for: trimmed(path)) else {
      throw ScopeError(
        .notFound, "the model has no signature", file: path, expected: defaultPath(for: trimmed(path)))
    }
    let verifier = try trust.map { trust throws(ScopeError) in try SignatureVerifier(trust) }
    let bytes = try ByteSlice(mappingFile: place)
    var check = Check(signaturePath: place, files: 0, outcome: .unauthenticated)
    do throws(ScopeError) {
      let bundle = try SignatureBundle(bytes)
      let signer = try verifier.map { verifier throws(ScopeError) in try verifier.signer(of: bundle) }
      let manifest = try SignatureManifest(statement: bundle.payload)
      check.files = manifest.files.count
      var model = trimmed(path)
      if !SignedFiles.isFolder(model), manifest.files.keys.first != ".",
        signature == nil || manifest.files.count > 1
      {
        model = place.lastIndex(of: "/").map { String(place[..<$0]) } ?? "."
      }
      let differences = try manifest.differences(from: model, signature: place)
      check.outcome =
        differences.isEmpty ? signer.map { .valid(signer: $0) } ?? .unauthenticated : .invalid(differences)
    } catch {
      check.outcome =
        [.unsupported, .limitExceeded].contains(error.code)
        ? .incomplete(error.description) : .invalid([error.description])
    }
    return check
  }

  static func trimmed(_ path: String) -> String {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path
  }
}
