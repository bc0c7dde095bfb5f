import Crypto
import FoundationEssentials
import ScopeBytes

/// A public key that signatures are checked with: ECDSA on the curves of OMS 1.0.
enum VerificationKey: Sendable {
  case p256(P256.Signing.PublicKey)
  case p384(P384.Signing.PublicKey)
  case p521(P521.Signing.PublicKey)

  enum Hash { case sha256, sha384, sha512 }

  /// - Parameter pem: a `PUBLIC KEY` block.
  /// - Throws: `invalidArgument`.
  init(pem: String) throws(ScopeError) {
    guard let block = PEMBlock.all(in: pem, label: "PUBLIC KEY").first, let key = Self(der: block) else {
      throw ScopeError(
        .invalidArgument, "this is not a public key that model signatures are made with",
        expected: "a PEM text of an ECDSA key on P-256, P-384 or P-521")
    }
    self = key
  }

  /// - Parameter der: a SubjectPublicKeyInfo; nil for other algorithms and curves.
  init?(der: [UInt8]) {
    if let key = try? P256.Signing.PublicKey(derRepresentation: der) {
      self = .p256(key)
    } else if let key = try? P384.Signing.PublicKey(derRepresentation: der) {
      self = .p384(key)
    } else if let key = try? P521.Signing.PublicKey(derRepresentation: der) {
      self = .p521(key)
    } else {
      return nil
    }
  }

  var der: [UInt8] {
    switch self {
    case .p256(let key): [UInt8](key.derRepresentation)
    case .p384(let key): [UInt8](key.derRepresentation)
    case .p521(let key): [UInt8](key.derRepresentation)
    }
  }

  /// The hash that OMS pairs with the curve.
  var pairedHash: Hash {
    switch self {
    case .p256: .sha256
    case .p384: .sha384
    case .p521: .sha512
    }
  }

  /// SHA-256 of the PEM text: how a bundle names the key.
  var hint: String { ByteSlice(Array(PEMBlock.text(der, label: "PUBLIC KEY").utf8)).sha256 }

  /// Whether `signature` (DER) is this key's over `message`.
  func accepts(_ signature: [UInt8], over message: [UInt8], hash: Hash? = nil) -> Bool {
    switch hash ?? pairedHash {
    case .sha256: accepts(signature, SHA256.hash(data: message))
    case .sha384: accepts(signature, SHA384.hash(data: message))
    case .sha512: accepts(signature, SHA512.hash(data: message))
    }
  }

  private func accepts(_ signature: [UInt8], _ digest: some Digest) -> Bool {
    switch self {
    case .p256(let key):
      (try? P256.Signing.ECDSASignature(derRepresentation: signature)).map {
        key.isValidSignature($0, for: digest)
      } ?? false
    case .p384(let key):
      (try? P384.Signing.ECDSASignature(derRepresentation: signature)).map {
        key.isValidSignature($0, for: digest)
      } ?? false
    case .p521(let key):
      (try? P521.Signing.ECDSASignature(derRepresentation: signature)).map {
        key.isValidSignature($0, for: digest)
      } ?? false
    }
  }
}

/// A private key that models are signed with.
enum SigningKey: Sendable {
  case p256(P256.Signing.PrivateKey)
  case p384(P384.Signing.PrivateKey)
  case p521(P521.Signing.PrivateKey)

  /// - Throws: `invalidArgument`; `unsupported` for an encrypted key.
  init(pem: String) throws(ScopeError) {
    guard !pem.contains("ENCRYPTED") else {
      throw ScopeError(
        .unsupported, "the private key is encrypted", expected: "an unencrypted PEM text",
        remedy: "Decrypt it first: openssl pkey -in KEY -out PLAIN")
    }
    for label in ["EC PRIVATE KEY", "PRIVATE KEY"] {
      guard let block = PEMBlock.all(in: pem, label: label).first else { continue }
      let text = PEMBlock.text(block, label: label)
      if let key = try? P256.Signing.PrivateKey(pemRepresentation: text) {
        self = .p256(key)
        return
      }
      if let key = try? P384.Signing.PrivateKey(pemRepresentation: text) {
        self = .p384(key)
        return
      }
      if let key = try? P521.Signing.PrivateKey(pemRepresentation: text) {
        self = .p521(key)
        return
      }
    }
    throw ScopeError(
      .invalidArgument, "this is not a private key that models are signed with",
      expected: "a PEM text of an ECDSA key on P-256, P-384 or P-521",
      remedy: "Make one: openssl ecparam -name prime256v1 -genkey -noout -out key.pem")
  }

  var publicKey: VerificationKey {
    switch self {
    case .p256(let key): .p256(key.publicKey)
    case .p384(let key): .p384(key.publicKey)
    case .p521(let key): .p521(key.publicKey)
    }
  }

  /// A DER-encoded ECDSA signature with the hash paired with the curve.
  func sign(_ message: [UInt8]) throws(ScopeError) -> [UInt8] {
    do {
      switch self {
      case .p256(let key):
        return [UInt8](try key.signature(for: SHA256.hash(data: message)).derRepresentation)
      case .p384(let key):
        return [UInt8](try key.signature(for: SHA384.hash(data: message)).derRepresentation)
      case .p521(let key):
        return [UInt8](try key.signature(for: SHA512.hash(data: message)).derRepresentation)
      }
    } catch {
      throw ScopeError(.invalidArgument, "the key cannot sign: \(error)")
    }
  }
}

/// Blocks of PEM text (RFC 7468).
enum PEMBlock {
  /// The contents of all blocks of that label, in order; at most 1,000.
  static func all(in text: String, label: String) -> [[UInt8]] {
    var blocks: [[UInt8]] = []
    var body: String?
    for line in text.split(whereSeparator: \.isNewline) {
      let line = line.filter { !$0.isWhitespace || $0 == " " }
      if line == "-----BEGIN \(label)-----" {
        body = ""
      } else if line.hasPrefix("-----END") {
        if let body, blocks.count < 1000, let data = Data(base64Encoded: body) {
          blocks.append([UInt8](data))
        }
        body = nil
      } else {
        body?.append(contentsOf: line.filter { $0 != " " })
      }
    }
    return blocks
  }

  static func text(_ bytes: [UInt8], label: String) -> String {
    let encoded = Array(Data(bytes).base64EncodedString().utf8)
    var lines = ["-----BEGIN \(label)-----"]
    for start in stride(from: 0, to: encoded.count, by: 64) {
      lines.append(String(decoding: encoded[start..<min(start + 64, encoded.count)], as: UTF8.self))
    }
    return (lines + ["-----END \(label)-----"]).joined(separator: "\n") + "\n"
  }
}
