import ScopeBytes
import ScopeFormats

/// The signed statement: which files a model has and what their digests are.
///
/// An in-toto statement v1 with predicate type `https://model_signing/signature/v1.0` (OMS 1.0).
struct SignatureManifest {
  static let predicateType = "https://model_signing/signature/v1.0"

  struct Resource: Sendable, Hashable {
    /// Path relative to the model.
    var path: String
    /// Bytes covered; nil for the whole file.
    var range: Range<Int>?
    /// SHA-256, lower-case hexadecimal.
    var digest: String
  }

  let resources: [Resource]
  let modelName: String
  let ignored: [String]
  let followsLinks: Bool
  private let isSharded: Bool

  /// Resources by file.
  var files: [String: [Resource]] { Dictionary(grouping: resources, by: \.path) }

  /// Reads every file of a model.
  ///
  /// - Parameter signature: a file inside the model that is not part of it.
  /// - Throws: `notFound`, `unreadable`, `invalidData` for symbolic links and special files.
  init(of model: String, leavingOut signature: String) throws(ScopeError) {
    var ignored = SignedFiles.versionControl
    if SignedFiles.isFolder(model), let inside = SignedFiles.relative(signature, to: model) {
      ignored.append(inside)
    }
    let found = try SignedFiles(of: model, ignoring: Set(ignored), followsLinks: false)
    if let odd = found.irregular.first {
      throw ScopeError(
        .invalidData, "'\(odd)' is a symbolic link or no regular file, which cannot be signed", file: model,
        remedy: "Replace links by the files they lead to")
    }
    var resources: [Resource] = []
    for file in found.files {
      resources.append(Resource(path: file.name, digest: try ByteSlice(mappingFile: file.path).sha256))
    }
    self.resources = resources
    self.ignored = ignored
    followsLinks = false
    isSharded = false
    modelName = SignedFiles.name(of: model)
  }

  /// Reads a signed statement.
  ///
  /// - Throws: `malformed`; `unsupported` for predicate types, hash functions and serialisations of other versions.
  init(statement: ByteSlice) throws(ScopeError) {
    let json = try JSONScanner.parse(statement).0
    guard json["_type"]?.text == "https://in-toto.io/Statement/v1" else {
      throw ScopeError(.unsupported, "the signed payload is not an in-toto statement v1")
    }
    guard json["predicateType"]?.text == Self.predicateType else {
      throw ScopeError(
        .unsupported, "the statement's predicate is of another kind", expected: Self.predicateType,
        found: PickleAnalysis.printable(String((json["predicateType"]?.text ?? "none").prefix(100))))
    }
    guard let predicate = json["predicate"], let form = predicate["serialization"],
      let list = predicate["resources"]?.array, let subjects = json["subject"]?.array, subjects.count == 1,
      let root = subjects[0]["digest"]?["sha256"]?.text
    else { throw ScopeError(.malformed, "the statement lacks its subject, serialization or resources") }
    let method = form["method"]?.text
    guard form["hash_type"]?.text == "sha256", method == "files" || method == "shards" else {
      throw ScopeError(
        .unsupported, "the signature uses another digest or serialization than SHA-256 of files or shards",
        found: "\(form["hash_type"]?.text ?? "none") of \(method ?? "none")")
    }
    var resources: [Resource] = []
    var digests: [UInt8] = []
    var seen: Set<String> = []
    for entry in list {
      guard let name = entry["name"]?.text, let digest = entry["digest"]?.text?.lowercased(),
        let bytes = Self.bytes(hexadecimal: digest), bytes.count == 32,
        let algorithm = entry["algorithm"]?.text,
        algorithm == "sha256" || algorithm.hasPrefix("sha256-sharded-"),
        seen.insert(name).inserted
      else { throw ScopeError(.malformed, "a resource of the statement is incomplete or listed twice") }
      resources.append(try Self.resource(name, digest: digest, isShard: method == "shards"))
      digests += bytes
    }
    guard ByteSlice(digests).sha256 == root.lowercased() else {
      throw ScopeError(
        .malformed, "the statement contradicts itself: its digest is not that of its resources")
    }
    self.resources = resources
    isSharded = method == "shards"
    modelName = subjects[0]["name"]?.text ?? ""
    ignored = (form["ignore_paths"]?.array ?? []).compactMap(\.text)
    if case .bool(true)? = form["allow_symlinks"] { followsLinks = true } else { followsLinks = false }
  }

  private static func resource(_ name: String, digest: String, isShard: Bool) throws(ScopeError) -> Resource {
    var path = name
    var range: Range<Int>?
    if isShard {
      let parts = name.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 3, let start = Int(parts[1]), let end = Int(parts[2]), start >= 0, start <= end
      else {
        throw ScopeError(
          .malformed, "a shard is not named FILE:START:END", found: PickleAnalysis.printable(name))
      }
      path = String(parts[0])
      range = start..<end
    }
    guard path == "." || ExternalLocation.escape(path) == nil else {
      throw ScopeError(.malformed, "a resource lies outside the model", found: PickleAnalysis.printable(path))
    }
    return Resource(path: path, range: range, digest: digest)
  }

  /// What is not as signed, one line per file, by name.
  func differences(from model: String, signature: String) throws(ScopeError) -> [String] {
    var ignored = Set(self.ignored + SignedFiles.versionControl)
    if let inside = SignedFiles.relative(signature, to: model) { ignored.insert(inside) }
    let found = try SignedFiles(of: model, ignoring: ignored, followsLinks: followsLinks)
    let signed = files
    var differences = found.irregular.map {
      "'\(PickleAnalysis.printable($0))' is a symbolic link or no regular file"
    }
    var present: Set<String> = []
    for file in found.files {
      present.insert(file.name)
      let shown = PickleAnalysis.printable(file.name == "." ? SignedFiles.name(of: model) : file.name)
      guard let wanted = signed[file.name] else {
        // A manifest of shards does not list files without bytes.
        if isSharded, (try ByteSlice(mappingFile: file.path)).isEmpty { continue }
        differences.append("'\(shown)' is not among the signed files")
        continue
      }
      let bytes = try ByteSlice(mappingFile: file.path)
      if let problem = Self.problem(bytes, wanted) { differences.append("'\(shown)' \(problem)") }
    }
    for name in signed.keys.sorted() where !present.contains(name) {
      differences.append("'\(PickleAnalysis.printable(name))' was signed and is missing")
    }
    return differences
  }

  private static func problem(_ bytes: ByteSlice, _ wanted: [Resource]) -> String? {
    var position = 0
    for resource in wanted.sorted(by: { ($0.range?.lowerBound ?? 0) < ($1.range?.lowerBound ?? 0) }) {
      let range = resource.range ?? 0..<bytes.count
      guard range.lowerBound == position, range.upperBound <= bytes.count else {
        return "has \(bytes.count) bytes, which the signed shards do not cover"
      }
      let part = bytes.dropFirst(range.lowerBound).prefix(range.count)
      let digest = part.sha256
      if digest != resource.digest {
        return
          "differs from what was signed: SHA-256 \(digest.prefix(16))... instead of \(resource.digest.prefix(16))..."
      }
      position = range.upperBound
    }
    return position == bytes.count ? nil : "has bytes after the signed ones"
  }

  /// The statement as JSON, as the reference implementation writes it.
  var statement: [UInt8] {
    let digests = resources.flatMap { Self.bytes(hexadecimal: $0.digest) ?? [] }
    let entries = resources.map {
      "{\"name\":\(JSONText.quoted($0.path)),\"algorithm\":\"sha256\",\"digest\":\"\($0.digest)\"}"
    }
    let text =
      "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"name\":\(JSONText.quoted(modelName)),"
      + "\"digest\":{\"sha256\":\"\(ByteSlice(digests).sha256)\"}}],"
      + "\"predicateType\":\"\(Self.predicateType)\",\"predicate\":{\"serialization\":{\"method\":\"files\","
      + "\"hash_type\":\"sha256\",\"allow_symlinks\":false,\"ignore_paths\":["
      + ignored.map(JSONText.quoted).joined(separator: ",") + "]},\"resources\":["
      + entries.joined(separator: ",") + "]}}"
    return Array(text.utf8)
  }

  static func bytes(hexadecimal text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let byte = UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16) else {
        return nil
      }
      bytes.append(byte)
    }
    return bytes
  }
}
