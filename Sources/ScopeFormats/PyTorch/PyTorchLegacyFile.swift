import ScopeBytes
import ScopeGraph

/// The format `torch.save` wrote before 1.6: five pickles (magic number, version, system facts, the object, the
/// storage keys) and then the storages, each an element count and its bytes.
struct PyTorchLegacyFile {
  /// The pickle of the saved object.
  let run: PickleRun
  private let storages: [String: ByteSlice]

  /// 0x1950a86a20f9469cfc6c, little-endian.
  private static let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
  private static let magicDigits = "119547037146038801333356"

  /// Whether the bytes begin with the pickled magic number.
  static func looksLikeLegacy(_ bytes: ByteSlice) -> Bool {
    isMagic(PickleMachine.run(bytes.prefix(64), limits: PickleLimits(opcodes: 8)))
  }

  private static func isMagic(_ run: PickleRun) -> Bool {
    guard let result = run.result, case .bigInt(let number) = run.value(result) else { return false }
    switch number {
    case .twosComplement(let bytes): return bytes.array == magic
    case .text(let text): return text.utf8String == magicDigits
    }
  }

  init(_ bytes: ByteSlice) throws(ScopeError) {
    let header = PickleMachine.run(bytes, limits: PickleLimits(opcodes: 8))
    guard Self.isMagic(header) else {
      throw ScopeError(
        .malformed, "this is not a PyTorch file of the legacy format", place: "byte \(bytes.offset)")
    }
    let version = try Self.completed(bytes, after: header, "format version")
    guard let number = version.result.flatMap({ version.integer($0) }), number == 1001 else {
      throw ScopeError(
        .unsupported, "this version of PyTorch's legacy format is not known",
        place: "byte \(bytes.offset + version.startOffset)",
        expected: "1001")
    }
    let system = try Self.completed(bytes, after: version, "system facts")
    if let result = system.result, case .dict(let pairs) = system.value(result) {
      for pair in pairs where system.text(pair.key) == "little_endian" && system.integer(pair.value) == 0 {
        throw PyTorchReader.bigEndian
      }
    }
    run = try Self.completed(bytes, after: system, "saved object")
    let keys = try Self.completed(bytes, after: run, "storage keys")
    guard let result = keys.result, let list = keys.elements(result) else {
      throw ScopeError(
        .malformed, "the list of storages is missing", place: "byte \(bytes.offset + keys.startOffset)")
    }
    storages = try Self.locate(list, in: keys, described: run, bytes, at: keys.endOffset)
  }

  private static func completed(
    _ bytes: ByteSlice, after previous: PickleRun, _ what: String
  ) throws(ScopeError) -> PickleRun {
    let run = PickleMachine.run(bytes, at: previous.endOffset)
    if let problem = run.problem { throw problem.at(what) }
    return run
  }

  /// The bytes of every storage, in the order of the key list.
  private static func locate(
    _ list: [PickleID], in keys: PickleRun, described run: PickleRun, _ bytes: ByteSlice, at start: Int
  ) throws(ScopeError) -> [String: ByteSlice] {
    var widths: [String: Int] = [:]
    for event in run.events {
      guard case .persistentID(let id) = event.kind, let reference = StorageReference(id, in: run),
        let type = reference.type
      else { continue }
      switch type {
      case .typed(let type): widths[reference.key] = type.bitWidth / 8
      case .untyped: if widths[reference.key] == nil { widths[reference.key] = 1 }
      }
    }
    var found: [String: ByteSlice] = [:]
    var position = start
    for id in list {
      guard let key = StorageReference.key(id, in: keys) else {
        throw ScopeError(.malformed, "a storage key is neither text nor a number")
      }
      guard let width = widths[key] else {
        throw ScopeError(
          .malformed, "a storage in the list is not used by any tensor", place: "storage \"\(key)\"")
      }
      do throws(ScopeError) {
        let count: Int64 = try bytes.integer(at: position, what: "storage size")
        let length = try checkedProduct([Int(count), width], what: "storage size")
        found[key] = try bytes.slice(at: position + 8, count: length, what: "storage")
        position += 8 + length
      } catch {
        throw error.at("storage \"\(key)\"")
      }
    }
    return found
  }

  func storage(_ key: String) throws(ScopeError) -> ByteSlice {
    guard let bytes = storages[key] else {
      throw ScopeError(.malformed, "a tensor's storage is not in the file", place: "storage \"\(key)\"")
    }
    return bytes
  }
}
