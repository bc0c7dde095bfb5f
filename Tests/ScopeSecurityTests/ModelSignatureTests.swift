import Foundation
import ScopeBytes
import ScopeSecurity
import TestSupport
import Testing

/// Signatures made by the reference implementation (`make_signatures.py`), and our own.
@Suite struct ModelSignatureTests {
  private func path(_ name: String) -> String { Fixture.path("signatures/\(name)") }
  private func text(_ name: String) throws -> String {
    try String(contentsOfFile: path(name), encoding: .utf8)
  }

  private func outcome(
    _ signature: String, _ trust: ModelSignature.Trust?, model: String? = nil
  ) throws -> ModelSignature.Outcome {
    try ModelSignature.check(path: model ?? path("model"), signature: path(signature), trust: trust).outcome
  }

  private func isValid(_ outcome: ModelSignature.Outcome) -> Bool {
    if case .valid = outcome { true } else { false }
  }

  private func isInvalid(_ outcome: ModelSignature.Outcome) -> Bool {
    if case .invalid(let reasons) = outcome { !reasons.isEmpty } else { false }
  }

  /// A copy of the model that may be changed.
  private func withCopy(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "scope-sign-\(UUID().uuidString)")
      .path()
    try FileManager.default.copyItem(atPath: path("model"), toPath: folder)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  @Test(arguments: ["p256", "p384", "p521"])
  func theReferencesKeySignaturesAreValid(_ curve: String) throws {
    #expect(isValid(try outcome("\(curve).sig", .publicKey(pem: text("\(curve).pub.pem")))))
    #expect(try outcome("\(curve).sig", nil) == .unauthenticated)
  }

  @Test func anotherKeyIsRefused() throws {
    #expect(isInvalid(try outcome("p384.sig", .publicKey(pem: text("p256.pub.pem")))))
    #expect(isInvalid(try outcome("p256.sig", .certificates(pem: text("root.pem")))))
  }

  @Test func shardsAndSingleFilesAreRead() throws {
    let key = ModelSignature.Trust.publicKey(pem: try text("p256.pub.pem"))
    #expect(isValid(try outcome("shards.sig", key)))
    #expect(isValid(try ModelSignature.check(path: path("single.bin"), trust: key).outcome))
    #expect(isValid(try ModelSignature.check(path: path("signed"), trust: key).outcome))
    #expect(isValid(try ModelSignature.check(path: path("signed/weights.bin"), trust: key).outcome))
  }

  @Test func otherHashesAreIncomplete() throws {
    guard case .incomplete = try outcome("blake2.sig", .publicKey(pem: text("p256.pub.pem"))) else {
      Issue.record("a BLAKE2 manifest cannot be checked")
      return
    }
  }

  @Test func certificatesAreValidatedToTheRoot() throws {
    #expect(isValid(try outcome("certificate.sig", .certificates(pem: text("root.pem")))))
    #expect(isInvalid(try outcome("certificate.sig", .certificates(pem: text("other-root.pem")))))
    #expect(isInvalid(try outcome("rogue.sig", .certificates(pem: text("root.pem")))))
    #expect(isInvalid(try outcome("useless.sig", .certificates(pem: text("root.pem")))))
  }

  @Test func keylessBundlesAreCheckedOffline() throws {
    let root = try text("trusted_root.json")
    func keyless(_ identity: String, _ issuer: String) -> ModelSignature.Trust {
      .keyless(trustedRoot: root, identity: identity, issuer: issuer)
    }
    let right = keyless("signer@example.com", "issuer.example.com/oidc/id")
    #expect(isValid(try outcome("keyless.sig", right)))
    #expect(isInvalid(try outcome("keyless.sig", keyless("other@example.com", "issuer.example.com/oidc/id"))))
    #expect(isInvalid(try outcome("keyless.sig", keyless("signer@example.com", "other.example.com"))))
    for name in ["path", "time", "checkpoint", "unlogged"] {
      #expect(isInvalid(try outcome("keyless-\(name).sig", right)), "\(name)")
    }
  }

  @Test func changedMissingAndAddedFilesAreNamed() throws {
    let key = ModelSignature.Trust.publicKey(pem: try text("p256.pub.pem"))
    try withCopy { folder in
      try Data("other weights\n".utf8).write(to: URL(filePath: "\(folder)/weights.bin"))
      try FileManager.default.removeItem(atPath: "\(folder)/sub/more.bin")
      try Data("x".utf8).write(to: URL(filePath: "\(folder)/new.py"))
      try FileManager.default.createSymbolicLink(atPath: "\(folder)/link", withDestinationPath: "weights.bin")
      guard case .invalid(let reasons) = try outcome("p256.sig", key, model: folder) else {
        Issue.record("a changed model must not be valid")
        return
      }
      for name in ["weights.bin", "sub/more.bin", "new.py", "link"] {
        #expect(reasons.contains { $0.contains("'\(name)'") }, "\(name): \(reasons)")
      }
    }
  }

  @Test(arguments: ["p256", "p384", "p521"])
  func ourSignaturesAreValid(_ curve: String) throws {
    try withCopy { folder in
      let written = try ModelSignature.sign(path: folder, privateKey: text("\(curve).key.pem"))
      #expect(written.path == "\(folder)/model.sig" && written.files == 3)
      let check = try ModelSignature.check(path: folder, trust: .publicKey(pem: text("\(curve).pub.pem")))
      #expect(isValid(check.outcome), "\(check)")
      try Data("x".utf8).write(to: URL(filePath: "\(folder)/config.json"))
      #expect(isInvalid(try ModelSignature.check(path: folder, trust: nil).outcome))
    }
  }

  /// The reference implementation reads ours (`NEURAL_SCOPE_MODEL_SIGNING` names its Python).
  @Test(.enabled(if: ProcessInfo.processInfo.environment["NEURAL_SCOPE_MODEL_SIGNING"] != nil))
  func theReferenceAcceptsOurSignatures() throws {
    let python = try #require(ProcessInfo.processInfo.environment["NEURAL_SCOPE_MODEL_SIGNING"])
    for curve in ["p256", "p384", "p521"] {
      try withCopy { folder in
        try ModelSignature.sign(path: folder, privateKey: text("\(curve).key.pem"))
        try ModelSignature.sign(
          path: "\(folder)/weights.bin", privateKey: text("\(curve).key.pem"), signature: "\(folder).file.sig"
        )
        defer { try? FileManager.default.removeItem(atPath: "\(folder).file.sig") }
        for (signature, model) in [
          ("\(folder)/model.sig", folder), ("\(folder).file.sig", "\(folder)/weights.bin"),
        ] {
          let process = Process()
          process.executableURL = URL(filePath: python)
          process.arguments = [
            Fixture.path("check_signature.py"), signature, model, path("\(curve).pub.pem"),
          ]
          try process.run()
          process.waitUntilExit()
          #expect(process.terminationStatus == 0, "\(curve) \(model)")
        }
      }
    }
  }

  @Test func keysThatCannotBeUsedAreRefused() {
    #expect(throws: ScopeError.self) { try ModelSignature.sign(path: path("model"), privateKey: "no key") }
    #expect(throws: ScopeError.self) { try outcome("p256.sig", .publicKey(pem: "no key")) }
    #expect(throws: ScopeError.self) {
      try outcome("certificate.sig", .certificates(pem: text("p256.pub.pem")))
    }
    #expect(throws: ScopeError.self) { try ModelSignature.check(path: path("model"), trust: nil) }
  }

  /// Every byte of a bundle changed or missing: never valid, never a crash.
  @Test func damagedBundlesAreNeverValid() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "scope-bundle-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "x.sig")
    for (name, trust) in [
      ("p256.sig", ModelSignature.Trust.publicKey(pem: try text("p256.pub.pem"))),
      ("certificate.sig", .certificates(pem: try text("root.pem"))),
      (
        "keyless.sig",
        .keyless(
          trustedRoot: try text("trusted_root.json"), identity: "signer@example.com",
          issuer: "issuer.example.com/oidc/id")
      ),
    ] {
      let whole = try Data(contentsOf: URL(filePath: path(name)))
      for cut in stride(from: 0, to: whole.count, by: 61) {
        try whole.prefix(cut).write(to: file)
        let result = try ModelSignature.check(path: path("model"), signature: file.path(), trust: trust)
        #expect(!isValid(result.outcome))
      }
      var random = SystemRandomNumberGenerator()
      for position in stride(from: 0, to: whole.count, by: 37) {
        var changed = whole
        changed[position] = UInt8.random(in: 0...255, using: &random)
        try changed.write(to: file)
        let check = try ModelSignature.check(path: path("model"), signature: file.path(), trust: trust)
        // Bytes that carry no meaning (media type parameters, key names of unread fields) may change; what is signed
        // is then still what it was.
        if isValid(check.outcome) { #expect(check.files == 3) }
      }
    }
  }

  @Test func verdictsSpeakOfSignatures() throws {
    let scanner = SecurityScanner()
    let key = ModelSignature.Trust.publicKey(pem: try text("p256.pub.pem"))
    #expect(try scanner.signatureVerdict(path: path("single.bin"))?.findings.first?.severity == .low)
    #expect(try scanner.signatureVerdict(path: Fixture.path("malicious/core/good/plain.onnx")) == nil)
    let unsigned = try #require(try scanner.signatureVerdict(path: path("model")))
    #expect(unsigned.verdict == .safe && unsigned.findings.map(\.rule) == ["REP002"])
    let required = SignaturePolicy(trust: key, isRequired: true)
    #expect(try scanner.signatureVerdict(path: path("model"), policy: required)?.verdict == .unsafe)
    #expect(try scanner.signatureVerdict(path: path("signed"), policy: required)?.verdict == .safe)
    let anybody = SignaturePolicy(isRequired: true)
    #expect(try scanner.signatureVerdict(path: path("signed"), policy: anybody)?.verdict == .incomplete)
    try withCopy { folder in
      try ModelSignature.sign(path: folder, privateKey: text("p256.key.pem"))
      try Data("x".utf8).write(to: URL(filePath: "\(folder)/config.json"))
      let verdict = try #require(
        try scanner.signatureVerdict(path: folder, policy: SignaturePolicy(trust: key)))
      #expect(verdict.verdict == .unsafe)
      #expect(verdict.findings.first?.severity == .high)
      #expect(verdict.findings.first?.evidence.contains("config.json") == true)
    }
  }
}
