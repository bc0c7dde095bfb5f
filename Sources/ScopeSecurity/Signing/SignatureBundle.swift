import FoundationEssentials
import ScopeBytes

/// A Sigstore bundle, version 0.3, that holds a DSSE envelope.
///
/// Sources: https://github.com/sigstore/protobuf-specs (`sigstore_bundle.proto`),
/// https://github.com/secure-systems-lab/dsse/blob/v1.0.0/protocol.md.
struct SignatureBundle {
  static let mediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"
  static let payloadType = "application/vnd.in-toto+json"
  /// Largest bundle read: about 100,000 files.
  static let limit = 64 << 20

  enum Material {
    /// SHA-256 of the PEM text of the public key, when given.
    case publicKey(hint: String?)
    /// DER, the signer's first.
    case certificates([ByteSlice])
  }

  let payload: ByteSlice
  /// DER-encoded ECDSA signature.
  let signature: [UInt8]
  let material: Material
  let logEntries: [JSONValue]

  /// - Throws: `malformed`, `unsupported`, `limitExceeded`.
  init(_ bytes: ByteSlice) throws(ScopeError) {
    guard bytes.count <= Self.limit else {
      throw ScopeError(.limitExceeded, "the signature is too large", expected: "at most \(Self.limit) bytes")
    }
    let (json, end) = try JSONScanner.parse(bytes)
    guard case .object = json, bytes.dropFirst(end).array.allSatisfy({ [9, 10, 13, 32].contains($0) }),
      !Self.repeatsKeys(json)
    else { throw ScopeError(.malformed, "the signature is not one JSON object with distinct keys") }
    guard let type = json["mediaType"]?.text, type.hasPrefix("application/vnd.dev.sigstore.bundle") else {
      throw ScopeError(.malformed, "the signature is not a Sigstore bundle")
    }
    guard type == Self.mediaType else {
      throw ScopeError(
        .unsupported, "the bundle is of another version", expected: Self.mediaType,
        found: PickleAnalysis.printable(String(type.prefix(100))))
    }
    guard let envelope = json["dsseEnvelope"], let payload = Self.bytes(envelope["payload"]),
      let signatures = envelope["signatures"]?.array, signatures.count == 1,
      let signature = Self.bytes(signatures[0]["sig"])
    else { throw ScopeError(.malformed, "the bundle lacks a DSSE envelope with one signature") }
    guard envelope["payloadType"]?.text == Self.payloadType else {
      throw ScopeError(.malformed, "the payload is not an in-toto statement", expected: Self.payloadType)
    }
    self.payload = ByteSlice(payload)
    self.signature = signature
    guard let found = json["verificationMaterial"] else {
      throw ScopeError(.malformed, "the bundle lacks its verification material")
    }
    logEntries = found["tlogEntries"]?.array ?? []
    if let key = found["publicKey"] {
      material = .publicKey(hint: key["hint"]?.text)
    } else {
      let list =
        found["x509CertificateChain"]?["certificates"]?.array ?? found["certificate"].map { [$0] } ?? []
      let certificates = list.compactMap { Self.bytes($0["rawBytes"]) }
      guard !certificates.isEmpty, certificates.count == list.count, list.count <= 16 else {
        throw ScopeError(.malformed, "the bundle names neither a key nor certificates")
      }
      material = .certificates(certificates.map { ByteSlice($0) })
    }
  }

  /// What is signed: the pre-authentication encoding of type and payload (DSSE v1).
  var signedBytes: [UInt8] { Self.preAuthentication(payload.array) }

  private static func preAuthentication(_ payload: [UInt8]) -> [UInt8] {
    Array("DSSEv1 \(payloadType.utf8.count) \(payloadType) \(payload.count) ".utf8) + payload
  }

  /// Signs a payload in key mode.
  ///
  /// - Returns: the bundle's JSON text.
  static func signed(payload: [UInt8], with key: SigningKey) throws(ScopeError) -> String {
    let signature = try key.sign(preAuthentication(payload))
    return
      "{\"mediaType\":\"\(mediaType)\",\"verificationMaterial\":{\"publicKey\":{\"hint\":\"\(key.publicKey.hint)\"},"
      + "\"tlogEntries\":[]},\"dsseEnvelope\":{\"payload\":\"\(Data(payload).base64EncodedString())\","
      + "\"payloadType\":\"\(payloadType)\",\"signatures\":[{\"sig\":\"\(Data(signature).base64EncodedString())\","
      + "\"keyid\":\"\"}]}}\n"
  }

  static func bytes(_ value: JSONValue?) -> [UInt8]? {
    value?.text.flatMap { Data(base64Encoded: $0) }.map { [UInt8]($0) }
  }

  /// Readers differ on which of two equal keys counts; such a bundle is refused.
  private static func repeatsKeys(_ value: JSONValue) -> Bool {
    switch value {
    case .array(let values): return values.contains(where: repeatsKeys)
    case .object(let entries):
      return Set(entries.map(\.key)).count != entries.count || entries.contains { repeatsKeys($0.value) }
    default: return false
    }
  }
}
