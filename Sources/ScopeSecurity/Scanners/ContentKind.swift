import ScopeBytes
import ScopeFormats

/// What bytes are, decided by content alone.
enum ContentKind: Sendable, Equatable {
  case zip
  case numpy
  case safetensors
  case onnx
  case pickle
  case tar
  case hdf5
  case gguf
  case tflite
  /// One compressed stream; the codec decides what decompresses it.
  case compressed(Codec)
  /// An archive of many members that is neither ZIP nor tar.
  case sevenZip
  case executable(String)
  /// Recognised, not examined.
  case unsupported(String)
  case text
  case empty
  case unknown

  init(_ bytes: ByteSlice) {
    self = Self.sniff(bytes)
  }

  /// Compression formats recognised by their first bytes.
  typealias Codec = CompressionCodec

  private static let magics: [([UInt8], ContentKind)] = [
    ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], .hdf5), (Array("GGUF".utf8), .gguf),
    (Array("ggml".utf8), .unsupported("GGML")), (Array("lmgg".utf8), .unsupported("GGML")),
    ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], .sevenZip), (Array("Rar!".utf8), .unsupported("RAR archive")),
    (Array("PAR1".utf8), .unsupported("Parquet")),
  ]

  private static func sniff(_ bytes: ByteSlice) -> ContentKind {
    guard !bytes.isEmpty else { return .empty }
    if ZipArchive.looksLikeArchive(bytes) { return .zip }
    if bytes.starts(with: [0x93] + Array("NUMPY".utf8)) { return .numpy }
    if let kind = ARC009.kind(of: bytes.prefix(4096)) { return .executable(kind) }
    for (magic, kind) in magics where bytes.starts(with: magic) { return kind }
    if let codec = CompressionCodec(magic: bytes) { return .compressed(codec) }
    if bytes.count > 8, bytes.dropFirst(4).starts(with: Array("TFL3".utf8)) {
      return .tflite
    }
    if bytes.dropFirst(257).starts(with: Array("ustar".utf8)) || TarReader.looksLikeHeader(bytes) {
      return .tar
    }
    if SafetensorsSubject.looksLike(bytes) { return .safetensors }
    if isPickle(bytes) { return .pickle }
    if let codec = CompressionCodec(trying: bytes) { return .compressed(codec) }
    if ONNXReader.looksLikeModel(bytes) { return .onnx }
    // An archive behind something else: readers of ZIP start from the end.
    if hasEndRecord(bytes), (try? ZipArchive(bytes)) != nil { return .zip }
    if isText(bytes.prefix(4096)) { return .text }
    if bytes[0] == 0x80, bytes.count > 1, bytes[1] <= 5 { return .pickle }
    return .unknown
  }

  /// Whether the bytes behave like a pickle: PROTO and opcodes, or, without PROTO, a stream that reaches STOP or
  /// imports something.
  static func isPickle(_ bytes: ByteSlice) -> Bool {
    guard bytes.count >= 2 else { return false }
    if bytes[0] == 0x80, bytes[1] <= 5 {
      let start = PickleMachine.run(bytes.prefix(1 << 16), limits: PickleLimits(opcodes: 64))
      return start.opcodeCount > 3 || start.result != nil || !start.events.isEmpty
    }
    let run = PickleMachine.run(bytes, limits: PickleLimits(opcodes: 100_000))
    if run.events.contains(where: { if case .call = $0.kind { true } else { false } }) { return true }
    if run.problem == nil {
      return run.opcodeCount >= 2 && (run.opcodeCount > 4 || run.endOffset == bytes.count)
    }
    let names = run.events.contains { event in
      if case .global(let id) = event.kind, let global = run.global(id) {
        return global.module.utf8.allSatisfy { $0 == 0x2E || $0 == 0x5F || isAlphanumeric($0) }
          && !global.module.isEmpty
          && global.name.utf8.allSatisfy { $0 == 0x2E || $0 == 0x5F || isAlphanumeric($0) }
          && !global.name.isEmpty
          && (!isText(bytes.prefix(4096)) || isKnown("\(global.module).\(global.name)"))
      }
      return false
    }
    return names || run.opcodeCount > 32 && !isText(bytes.prefix(256))
  }

  /// A list of words that begins with "c" looks like an import in protocol 0: `cat`, `dog`.
  private static func isKnown(_ path: String) -> Bool {
    if StandardLibrary.contains(String(path.prefix { $0 != "." })) { return true }
    return CallableCatalogue.judge(path) != .unknown
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }

  static func hasEndRecord(_ bytes: ByteSlice) -> Bool {
    bytes.count >= 22
      && bytes.firstIndex(of: [0x50, 0x4B, 5, 6], from: max(0, bytes.count - 22 - 65535)) != nil
  }

  static func isText(_ bytes: ByteSlice) -> Bool {
    guard !bytes.isEmpty else { return true }
    var odd = 0
    for byte in bytes.array where byte < 0x20 && byte != 9 && byte != 10 && byte != 13 { odd += 1 }
    // A prefix may cut a character; allow for it.
    let decodes =
      bytes.utf8String != nil || (1...3).contains { bytes.prefix(bytes.count - $0).utf8String != nil }
    return odd == 0 && decodes
  }
}
