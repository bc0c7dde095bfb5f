import Crypto
import FoundationEssentials
import ScopeBytes

/// The certificate authorities and transparency logs of a Sigstore instance, from its `trusted_root.json`.
///
/// What a keyless bundle is checked for, all of it offline: the log's signature over the entry (its signed entry
/// timestamp, which is also the trusted time), the inclusion proof and the log's checkpoint, that the entry is about
/// this signature, payload and certificate, and the certificate's chain at that time. Not checked: that the
/// certificate itself stands in a certificate transparency log (signed certificate timestamps).
struct TrustedRoot {
  private struct Authority {
    var intermediates: [Certificate]
    var anchor: Certificate
    var validity: ClosedRange<Int>
  }

  private struct Log {
    /// SHA-256 of the key, base 64.
    var id: String
    var key: VerificationKey
    var validity: ClosedRange<Int>
  }

  private var authorities: [Authority] = []
  private var logs: [Log] = []

  /// - Throws: `invalidArgument` without any authority or log that can be used.
  init(json text: String) throws(ScopeError) {
    let bytes = ByteSlice(Array(text.utf8))
    guard bytes.count <= 16 << 20, var root = try? JSONScanner.parse(bytes).0 else { throw Self.unusable }
    if let inner = root["trustedRoot"] { root = inner }
    for entry in root["certificateAuthorities"]?.array ?? [] {
      let list = entry["certChain"]?["certificates"]?.array ?? []
      let chain = list.compactMap { SignatureBundle.bytes($0["rawBytes"]) }.compactMap {
        try? Certificate(ByteSlice($0))
      }
      guard chain.count == list.count, let anchor = chain.last,
        let validity = Self.validity(entry["validFor"])
      else {
        continue
      }
      authorities.append(Authority(intermediates: chain.dropLast(), anchor: anchor, validity: validity))
    }
    for entry in root["tlogs"]?.array ?? [] {
      guard let id = entry["logId"]?["keyId"]?.text,
        let der = SignatureBundle.bytes(entry["publicKey"]?["rawBytes"]),
        let key = VerificationKey(der: der), let validity = Self.validity(entry["publicKey"]?["validFor"])
      else { continue }
      logs.append(Log(id: id, key: key, validity: validity))
    }
    guard !authorities.isEmpty, !logs.isEmpty else { throw Self.unusable }
  }

  private static let unusable = ScopeError(
    .invalidArgument, "the trusted root cannot be used",
    expected: "a Sigstore trusted_root.json with certificate authorities and transparency logs")

  private static func validity(_ value: JSONValue?) -> ClosedRange<Int>? {
    guard let start = seconds(value?["start"]?.text) else { return nil }
    let end = value?["end"].map { seconds($0.text) } ?? Int.max
    guard let end, end >= start else { return nil }
    return start...end
  }

  /// Seconds since 1970 of `2021-10-07T13:56:59Z`, fractions dropped.
  private static func seconds(_ text: String?) -> Int? {
    guard let text, text.hasSuffix("Z") else { return nil }
    let parts = text.prefix(19).split { "-T:".contains($0) }.map { Int($0) }
    guard parts.count == 6, let year = parts[0], let month = parts[1], let day = parts[2],
      let hour = parts[3],
      let minute = parts[4], let second = parts[5], min(year, hour, minute, second) >= 0
    else { return nil }
    return DERElement.seconds(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
  }

  /// - Throws: as ``CertificatePath``.
  func validate(_ leaf: Certificate, intermediates: [Certificate], at time: Int) throws(ScopeError) {
    var obstacle: ScopeError?
    for authority in authorities where authority.validity.contains(time) {
      do throws(ScopeError) {
        try CertificatePath.validate(
          leaf, intermediates: authority.intermediates + intermediates, anchors: [authority.anchor], at: time)
        return
      } catch {
        obstacle = error
      }
    }
    throw obstacle
      ?? ScopeError(
        .malformed, "no certificate authority of the trusted root was in use when the model was signed")
  }

  /// When the signature was logged, after checking the log entry.
  ///
  /// - Throws: `malformed` for an entry that is wrong, `unsupported` without one that can be checked.
  func loggedTime(of bundle: SignatureBundle, certificate: Certificate) throws(ScopeError) -> Int {
    guard bundle.logEntries.count == 1, let entry = bundle.logEntries.first else {
      throw ScopeError(
        bundle.logEntries.isEmpty ? .malformed : .unsupported,
        "the bundle has \(bundle.logEntries.count) log entries",
        expected: "one")
    }
    guard let promise = SignatureBundle.bytes(entry["inclusionPromise"]?["signedEntryTimestamp"]),
      let time = Self.natural(entry["integratedTime"]), let index = Self.natural(entry["logIndex"])
    else {
      throw ScopeError(
        .unsupported,
        "the log entry carries no signed time (Rekor version 2 uses a timestamp authority instead)")
    }
    guard let id = entry["logId"]?["keyId"]?.text, let log = logs.first(where: { $0.id == id }),
      log.validity.contains(time), let idBytes = SignatureBundle.bytes(entry["logId"]?["keyId"]),
      let encodedBody = entry["canonicalizedBody"]?.text,
      let body = SignatureBundle.bytes(entry["canonicalizedBody"])
    else { throw ScopeError(.malformed, "the entry is of a log that the trusted root does not have") }
    let logID = idBytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    let signed =
      "{\"body\":\"\(encodedBody)\",\"integratedTime\":\(time),\"logID\":\"\(logID)\",\"logIndex\":\(index)}"
    guard log.key.accepts(promise, over: Array(signed.utf8), hash: .sha256) else {
      throw ScopeError(.malformed, "the log's signature over the entry is not valid")
    }
    guard let proof = entry["inclusionProof"] else {
      throw ScopeError(.malformed, "the log entry has no inclusion proof")
    }
    try TransparencyProof(proof).verify(entry: body, key: log.key, keyID: idBytes)
    try Self.checkSubject(body, bundle: bundle, certificate: certificate)
    return time
  }

  /// The entry must be about this very signature (Rekor entry kind `dsse` 0.0.1).
  private static func checkSubject(
    _ body: [UInt8], bundle: SignatureBundle, certificate: Certificate
  ) throws(ScopeError) {
    let json = try JSONScanner.parse(ByteSlice(body)).0
    guard json["kind"]?.text == "dsse", json["apiVersion"]?.text == "0.0.1", let spec = json["spec"] else {
      throw ScopeError(
        .unsupported, "the log entry is of another kind", expected: "dsse 0.0.1",
        found: PickleAnalysis.printable(String((json["kind"]?.text ?? "none").prefix(40))))
    }
    let signatures = spec["signatures"]?.array ?? []
    let verifier = signatures.first.flatMap { SignatureBundle.bytes($0["verifier"]) } ?? []
    guard signatures.count == 1, spec["payloadHash"]?["algorithm"]?.text == "sha256",
      spec["payloadHash"]?["value"]?.text == bundle.payload.sha256,
      SignatureBundle.bytes(signatures[0]["signature"]) == bundle.signature,
      PEMBlock.all(in: String(decoding: verifier, as: UTF8.self), label: "CERTIFICATE").first
        == certificate.encoded.array
    else { throw ScopeError(.malformed, "the log entry is about another signature") }
  }

  static func natural(_ value: JSONValue?) -> Int? {
    if let number = value?.natural { return number }
    guard let text = value?.text, !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      return nil
    }
    return Int(text)
  }
}

/// A proof that an entry stands in a transparency log, up to the log's signed checkpoint.
///
/// Sources: RFC 6962 section 2.1.1 (as RFC 9162 section 2.1.3.2 verifies it), https://c2sp.org/tlog-checkpoint.
struct TransparencyProof {
  private let index: Int
  private let size: Int
  private let root: [UInt8]
  private let path: [[UInt8]]
  private let checkpoint: String

  /// - Throws: `malformed`.
  init(_ json: JSONValue) throws(ScopeError) {
    let hashes = json["hashes"]?.array ?? []
    let path = hashes.compactMap { SignatureBundle.bytes($0) }
    guard let index = TrustedRoot.natural(json["logIndex"]), let size = TrustedRoot.natural(json["treeSize"]),
      index < size, let root = SignatureBundle.bytes(json["rootHash"]),
      let checkpoint = json["checkpoint"]?["envelope"]?.text, path.count == hashes.count, path.count <= 64
    else { throw ScopeError(.malformed, "the inclusion proof is not complete") }
    self.index = index
    self.size = size
    self.root = root
    self.path = path
    self.checkpoint = checkpoint
  }

  /// - Throws: `malformed` when the proof does not hold.
  func verify(entry: [UInt8], key: VerificationKey, keyID: [UInt8]) throws(ScopeError) {
    var node = index
    var last = size - 1
    var hash = [UInt8](SHA256.hash(data: [0] + entry))
    for sibling in path {
      guard last > 0 else { throw ScopeError(.malformed, "the inclusion proof is too long") }
      if node & 1 == 1 || node == last {
        hash = [UInt8](SHA256.hash(data: [1] + sibling + hash))
        while node & 1 == 0, node != 0 {
          node >>= 1
          last >>= 1
        }
      } else {
        hash = [UInt8](SHA256.hash(data: [1] + hash + sibling))
      }
      node >>= 1
      last >>= 1
    }
    guard last == 0, hash == root else { throw ScopeError(.malformed, "the inclusion proof does not hold") }
    try verifyCheckpoint(key: key, keyID: keyID)
  }

  private func verifyCheckpoint(key: VerificationKey, keyID: [UInt8]) throws(ScopeError) {
    let lines = checkpoint.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard let blank = lines.firstIndex(of: ""), blank >= 3, lines[1] == "\(size)",
      Data(base64Encoded: lines[2]).map({ [UInt8]($0) }) == root
    else { throw ScopeError(.malformed, "the log's checkpoint is of another tree") }
    let text = Array((lines[..<blank].joined(separator: "\n") + "\n").utf8)
    for line in lines[(blank + 1)...] where line.hasPrefix("\u{2014} ") {
      guard let encoded = line.split(separator: " ").last, let data = Data(base64Encoded: String(encoded)),
        data.count > 4, [UInt8](data.prefix(4)) == Array(keyID.prefix(4))
      else { continue }
      if key.accepts([UInt8](data.dropFirst(4)), over: text, hash: .sha256) { return }
    }
    throw ScopeError(.malformed, "the log did not sign the checkpoint")
  }
}
