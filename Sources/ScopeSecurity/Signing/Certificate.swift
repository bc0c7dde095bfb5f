import ScopeBytes

/// What model signatures need of an X.509 certificate (RFC 5280).
struct Certificate {
  /// Object identifiers, DER contents.
  private enum ID {
    static let keyUsage: [UInt8] = [0x55, 0x1D, 0x0F]
    static let alternativeName: [UInt8] = [0x55, 0x1D, 0x11]
    static let basicConstraints: [UInt8] = [0x55, 0x1D, 0x13]
    static let extendedKeyUsage: [UInt8] = [0x55, 0x1D, 0x25]
    /// 1.3.6.1.5.5.7.3.3
    static let codeSigning: [UInt8] = [0x2B, 6, 1, 5, 5, 7, 3, 3]
    /// 1.3.6.1.4.1.57264.1: Fulcio's extensions.
    static let fulcio: [UInt8] = [0x2B, 6, 1, 4, 1, 0x83, 0xBF, 0x30, 1]
    /// 1.2.840.10045.4.3: ECDSA with SHA-2; then 2, 3, 4 for 256, 384, 512 bits.
    static let ecdsa: [UInt8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3]
    static let commonName: [UInt8] = [0x55, 4, 3]
    /// Critical extensions that are examined, or that only narrow what is not used here (policies).
    static let understood: Set<[UInt8]> = [
      keyUsage, alternativeName, basicConstraints, extendedKeyUsage, [0x55, 0x1D, 0x20],
    ]
  }

  let encoded: ByteSlice
  let issuer: ByteSlice
  let subject: ByteSlice
  /// Seconds since 1970.
  let notBefore: Int
  let notAfter: Int
  private let signed: ByteSlice
  private let algorithm: [UInt8]
  private let signature: [UInt8]
  private let publicKey: ByteSlice
  private let extensions: [[UInt8]: ByteSlice]
  /// Whether a critical extension is not understood.
  let hasUnknownCriticalExtension: Bool

  /// - Throws: `malformed`, `truncated`.
  init(_ der: ByteSlice) throws(ScopeError) {
    let malformed = ScopeError(.malformed, "a certificate cannot be read")
    let outer = try DERElement(der)
    let parts = try outer.children(0x30)
    guard outer.encoded.count == der.count, parts.count == 3, let bits = parts[2].bits else {
      throw malformed
    }
    var fields = try parts[0].children(0x30)
    if fields.first?.tag == 0xA0 { fields.removeFirst() }
    guard fields.count >= 6 else { throw malformed }
    let validity = try fields[3].children(0x30)
    guard validity.count == 2, let start = validity[0].time, let end = validity[1].time,
      fields[1].encoded.equals(parts[1].encoded), let name = try parts[1].children(0x30).first, name.tag == 6
    else { throw malformed }
    encoded = outer.encoded
    signed = parts[0].encoded
    algorithm = name.content.array
    signature = bits
    issuer = fields[2].encoded
    subject = fields[4].encoded
    notBefore = start
    notAfter = end
    publicKey = fields[5].encoded
    var extensions: [[UInt8]: ByteSlice] = [:]
    var unknown = false
    for field in fields[6...] where field.tag == 0xA3 {
      guard let list = try field.children().first else { continue }
      for entry in try list.children(0x30) {
        let values = try entry.children(0x30)
        guard let id = values.first, id.tag == 6, let value = values.last, value.tag == 4,
          extensions.updateValue(value.content, forKey: id.content.array) == nil
        else { throw malformed }
        let isCritical = values.count == 3 && values[1].tag == 1 && values[1].content.array == [0xFF]
        if isCritical, !ID.understood.contains(id.content.array) { unknown = true }
      }
    }
    self.extensions = extensions
    hasUnknownCriticalExtension = unknown
  }

  var isSelfIssued: Bool { issuer.equals(subject) }

  /// - Throws: `unsupported` for keys other than ECDSA on P-256, P-384 and P-521.
  func key() throws(ScopeError) -> VerificationKey {
    guard let key = VerificationKey(der: publicKey.array) else {
      throw ScopeError(
        .unsupported, "a certificate has a key of a kind that is not checked here (only ECDSA is)",
        found: subjectText)
    }
    return key
  }

  /// Whether `issuer` signed this certificate.
  ///
  /// - Throws: `unsupported` for other algorithms than ECDSA with SHA-2.
  func isSigned(by issuer: Certificate) throws(ScopeError) -> Bool {
    let hash: VerificationKey.Hash
    switch (algorithm.starts(with: ID.ecdsa), algorithm.last) {
    case (true, 2): hash = .sha256
    case (true, 3): hash = .sha384
    case (true, 4): hash = .sha512
    default:
      throw ScopeError(
        .unsupported, "a certificate is signed with an algorithm that is not checked here (only ECDSA is)",
        found: subjectText)
    }
    return try issuer.key().accepts(signature, over: signed.array, hash: hash)
  }

  /// Bits of the key usage extension, first byte; nil without one.
  private var keyUsage: UInt8? {
    guard let value = extensions[ID.keyUsage], let bits = try? DERElement(value), bits.tag == 3,
      bits.content.count >= 2
    else { return nil }
    return bits.content[1]
  }

  private var extendedUses: [[UInt8]]? {
    guard let value = extensions[ID.extendedKeyUsage], let list = try? DERElement(value).children(0x30) else {
      return nil
    }
    return list.map(\.content.array)
  }

  /// digitalSignature, or codeSigning (what the reference implementation asks for).
  var maySign: Bool {
    if let keyUsage, keyUsage & 0x80 != 0 { return true }
    return extendedUses?.contains(ID.codeSigning) ?? false
  }

  /// Whether it may certify, and how many intermediates may follow it at most.
  var authority: (mayCertify: Bool, pathLength: Int?) {
    guard let value = extensions[ID.basicConstraints], let list = try? DERElement(value).children(0x30),
      let flag = list.first, flag.tag == 1, flag.content.array == [0xFF],
      keyUsage.map({ $0 & 0x04 != 0 }) ?? true
    else { return (false, nil) }
    guard list.count > 1 else { return (true, nil) }
    guard list[1].tag == 2, list[1].content.count == 1, list[1].content[0] < 0x80 else { return (false, nil) }
    return (true, Int(list[1].content[0]))
  }

  /// E-mail addresses and URIs of the subject.
  var identities: [String] {
    guard let value = extensions[ID.alternativeName], let names = try? DERElement(value).children(0x30) else {
      return []
    }
    return names.filter { $0.tag == 0x81 || $0.tag == 0x86 }.compactMap(\.content.utf8String)
  }

  /// The OpenID Connect issuer that Fulcio recorded.
  var oidcIssuer: String? {
    if let value = extensions[ID.fulcio + [8]] {
      guard let text = try? DERElement(value), text.tag == 0x0C else { return nil }
      return text.content.utf8String
    }
    return extensions[ID.fulcio + [1]]?.utf8String
  }

  /// The common name, or the first identity.
  var subjectText: String {
    if let sets = try? DERElement(subject).children(0x30) {
      for set in sets {
        guard let pair = try? set.children().first?.children(0x30), pair.count == 2,
          pair[0].content.array == ID.commonName, let text = pair[1].content.utf8String
        else { continue }
        return PickleAnalysis.printable(String(text.prefix(100)))
      }
    }
    return PickleAnalysis.printable(String((identities.first ?? "an unnamed subject").prefix(100)))
  }
}

/// Path validation (RFC 5280 section 6, as far as chains of model signatures need it: names, signatures, validity,
/// basic constraints, key usage; critical extensions that are not understood are refused, revocation is not
/// looked up because nothing here uses the network).
enum CertificatePath {
  /// Longest chain, the signer's certificate included.
  static let limit = 8

  /// - Parameter time: seconds since 1970 at which every certificate must be valid.
  /// - Throws: `malformed` when no chain leads to an anchor; `unsupported` when the only chains use other algorithms.
  static func validate(
    _ leaf: Certificate, intermediates: [Certificate], anchors: [Certificate], at time: Int
  ) throws(ScopeError) {
    var obstacle: ScopeError?
    if leads(leaf, intermediates, anchors, time, depth: 1, obstacle: &obstacle) { return }
    throw obstacle
      ?? ScopeError(
        .malformed, "no valid chain leads from the signer's certificate to a trusted one",
        found: leaf.subjectText)
  }

  private static func leads(
    _ certificate: Certificate, _ intermediates: [Certificate], _ anchors: [Certificate], _ time: Int,
    depth: Int,
    obstacle: inout ScopeError?
  ) -> Bool {
    guard depth < limit, isCurrent(certificate, time), !certificate.hasUnknownCriticalExtension else {
      return false
    }
    if depth > 1, anchors.contains(where: { $0.encoded.equals(certificate.encoded) }) { return true }
    for (index, issuer) in (anchors + intermediates).enumerated() {
      guard issuer.subject.equals(certificate.issuer), isCurrent(issuer, time),
        !issuer.hasUnknownCriticalExtension, !issuer.encoded.equals(certificate.encoded)
      else { continue }
      let authority = issuer.authority
      // `depth - 1` intermediates stand between this issuer and the signer.
      guard authority.mayCertify, authority.pathLength.map({ depth - 1 <= $0 }) ?? true else { continue }
      do throws(ScopeError) {
        guard try certificate.isSigned(by: issuer) else { continue }
      } catch {
        obstacle = error
        continue
      }
      if index < anchors.count { return true }
      let rest = intermediates.filter { !$0.encoded.equals(issuer.encoded) }
      if leads(issuer, rest, anchors, time, depth: depth + 1, obstacle: &obstacle) { return true }
    }
    return false
  }

  private static func isCurrent(_ certificate: Certificate, _ time: Int) -> Bool {
    certificate.notBefore <= time && time <= certificate.notAfter
  }
}
