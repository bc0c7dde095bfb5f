import ScopeBytes

/// What the first bytes of a file say it is. Names never decide.
public enum FileKind: Sendable, Hashable {
  case empty
  case onnx
  /// A ZIP archive: PyTorch, NumPy or something else, which its members tell.
  case zip
  case pyTorchLegacy
  case pickle
  case safetensors
  case json
  case gguf
  case tensorFlowLite
  case hdf5
  /// A format that is recognised and not read; the text names it, the remedy says what to do.
  case foreign(name: String, remedy: String)
  case unknown

  /// Looks at the beginning of a file (and, for text, a little more). Cheap; reads no weights.
  public static func sniff(_ bytes: ByteSlice) -> FileKind {
    if bytes.isEmpty { return .empty }
    if ZipArchive.looksLikeArchive(bytes) { return .zip }
    if GGUFReader.looksLikeGGUF(bytes) { return .gguf }
    if TFLiteReader.looksLikeModel(bytes) { return .tensorFlowLite }
    if HDF5File.looksLikeHDF5(bytes) { return .hdf5 }
    if let foreign = signature(bytes) { return foreign }
    if SafetensorsReader.looksLikeSafetensors(bytes) { return .safetensors }
    if PyTorchReader.looksLikeLegacy(bytes) { return .pyTorchLegacy }
    if bytes.count > 1, bytes[0] == 0x80, bytes[1] <= 5 { return .pickle }
    if let text = text(bytes) { return text }
    if ONNXReader.looksLikeModel(bytes) { return .onnx }
    return isWholePickle(bytes) ? .pickle : .unknown
  }

  /// Pickles of protocols 0 and 1 have no signature: following one to its end tells.
  private static func isWholePickle(_ bytes: ByteSlice) -> Bool {
    let run = PickleMachine.run(bytes, limits: PickleLimits(opcodes: 1_000_000))
    return run.stopOffset != nil && run.endOffset == bytes.count && run.opcodeCount > 1
  }

  private static let again = "Give the model file itself"

  /// Files with a fixed beginning.
  private static let signatures: [(bytes: [UInt8], offset: Int, name: String, remedy: String)] = [
    (
      Array("version https://git-lfs".utf8), 0, "a Git LFS pointer, not the model",
      "Fetch the file itself with git lfs pull"
    ),
    ([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59], 0, "a NumPy array", again),
    ([0x1F, 0x8B], 0, "a gzip file", "Decompress it and give the model file"),
    (Array("BZh".utf8), 0, "a bzip2 file", "Decompress it and give the model file"),
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], 0, "an xz file", "Decompress it and give the model file"),
    ([0x28, 0xB5, 0x2F, 0xFD], 0, "a zstd file", "Decompress it and give the model file"),
    ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], 0, "a 7-Zip archive", "Unpack it and give the model file"),
    (
      Array("ustar".utf8), 257, "a tar archive",
      "Unpack it; a PyTorch checkpoint from before 0.1.10 has to be saved again with torch.save"
    ),
    ([0x7F, 0x45, 0x4C, 0x46], 0, "a program (ELF)", again),
    (Array("%PDF".utf8), 0, "a PDF document", again),
    ([0x89, 0x50, 0x4E, 0x47], 0, "a PNG image", again),
    ([0xFF, 0xD8, 0xFF], 0, "a JPEG image", again),
  ]

  private static func signature(_ bytes: ByteSlice) -> FileKind? {
    for entry in signatures where bytes.dropFirst(entry.offset).starts(with: entry.bytes) {
      return .foreign(name: entry.name, remedy: entry.remedy)
    }
    return nil
  }

  /// JSON, web pages, pickles of protocol 0 (they are text) and other text.
  private static func text(_ bytes: ByteSlice) -> FileKind? {
    let head = bytes.prefix(4096)
    var printable = 0
    for index in 0..<head.count {
      let byte = head[index]
      // Control characters other than tab, line feed, form feed and carriage return do not occur in text.
      if byte < 0x09 || byte == 0x0B || (byte > 0x0D && byte < 0x20 && byte != 0x1B) { return nil }
      if byte >= 0x20, byte < 0x7F { printable += 1 }
    }
    var start = head.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    while start < head.count, [0x20, 0x09, 0x0A, 0x0D].contains(head[start]) { start += 1 }
    let beginning = String(decoding: head.dropFirst(start).prefix(64).array, as: UTF8.self).lowercased()
    if beginning.hasPrefix("{") || beginning.hasPrefix("[") { return .json }
    if beginning.hasPrefix("<") {
      let isPage =
        beginning.hasPrefix("<!doctype html") || beginning.hasPrefix("<html") || beginning.hasPrefix("<head")
      return .foreign(
        name: isPage ? "a web page, not a model" : "an XML or HTML document, not a model",
        remedy: "The download failed or needs a login; fetch the file again")
    }
    if isWholePickle(bytes) { return .pickle }
    guard printable * 10 >= head.count * 7 else { return nil }
    return .foreign(name: "a text file", remedy: again)
  }
}
