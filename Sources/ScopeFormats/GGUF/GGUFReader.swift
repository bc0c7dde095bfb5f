import OrderedCollections
import ScopeBytes

/// Reads the structure of GGUF files, versions 1 to 3 (ggml-org/ggml `docs/gguf.md`): header, metadata, tensor table.
/// The tensors' numbers are not touched.
public enum GGUFReader {
  /// Dimensions of a tensor (`GGML_MAX_DIMS`).
  private static let dimensionLimit = 4
  private static let tensorLimit = 1_000_000
  private static let nameLimit = 1024

  public static func looksLikeGGUF(_ bytes: ByteSlice) -> Bool { bytes.starts(with: Array("GGUF".utf8)) }

  /// - Throws: `truncated`, `malformed`, `limitExceeded` naming the tensor or key; `unsupported` for big-endian files
  ///   and versions from 4.
  public static func read(_ bytes: ByteSlice) throws(ScopeError) -> ModelDescription {
    var reader = ByteReader(bytes)
    try reader.skip(4, what: "GGUF signature")
    let version: UInt32 = try reader.integer(what: "GGUF version")
    guard (1...3).contains(version) else {
      let isSwapped = (1...3).contains(version.byteSwapped)
      throw ScopeError(
        .unsupported,
        isSwapped ? "the GGUF file was written for big-endian machines" : "the GGUF version is not known",
        place: "byte 4", expected: isSwapped ? "little-endian numbers" : "version 1 to 3",
        found: isSwapped ? nil : "\(version)", remedy: "Convert the file with llama.cpp's gguf tools")
    }
    let layout = GGUFLayout(isWide: version > 1)
    let tensorCount = try layout.count(&reader, what: "number of tensors")
    let pairCount = try layout.count(&reader, what: "number of metadata pairs")
    try layout.check(pairCount, each: layout.lengthBytes + 5, reader, what: "metadata")
    try layout.check(tensorCount, each: 2 * layout.lengthBytes + 8, reader, what: "tensor table")
    guard tensorCount <= tensorLimit else {
      throw ScopeError(
        .limitExceeded, "the file has too many tensors", expected: "at most \(tensorLimit)",
        found: "\(tensorCount)")
    }
    let metadata = try GGUFMetadata(&reader, count: pairCount, layout: layout)
    var entries: [Entry] = []
    entries.reserveCapacity(tensorCount)
    var names = Set<String>()
    for _ in 0..<tensorCount {
      let entry = try Entry(&reader, layout: layout)
      guard names.insert(entry.tensor.name).inserted else {
        throw ScopeError(
          .malformed, "two tensors have one name", place: "tensor \"\(entry.tensor.name.prefix(200))\"")
      }
      entries.append(entry)
    }
    try checkData(entries, after: reader.position, in: bytes, alignment: try alignment(metadata))
    return describe(version: Int(version), metadata, entries.map(\.tensor))
  }

  /// One line of the tensor table.
  private struct Entry {
    let tensor: ModelDescription.Tensor
    /// From the beginning of the data section.
    let offset: Int

    init(_ reader: inout ByteReader, layout: GGUFLayout) throws(ScopeError) {
      let start = reader.fileOffset
      let raw = try layout.text(&reader, limit: GGUFReader.nameLimit, what: "name of a tensor")
      guard let name = raw.utf8String, !name.isEmpty else {
        throw ScopeError(.malformed, "the name of a tensor is no text", place: "byte \(start)")
      }
      do throws(ScopeError) {
        let rank: UInt32 = try reader.integer(what: "number of dimensions")
        guard rank <= UInt32(GGUFReader.dimensionLimit) else {
          throw ScopeError(
            .malformed, "the tensor has too many dimensions",
            expected: "at most \(GGUFReader.dimensionLimit)",
            found: "\(rank)")
        }
        var sizes: [Int] = []
        for _ in 0..<rank { sizes.append(try layout.count(&reader, what: "size of a tensor")) }
        let code: UInt32 = try reader.integer(what: "type of a tensor")
        offset = try Self.offset(&reader)
        guard let type = GGMLType.byCode[code] else {
          let isRemoved = GGMLType.removed.contains(code)
          throw ScopeError(
            .unsupported,
            isRemoved ? "the tensor has a type that ggml has removed" : "the tensor's type is not known",
            found: "type \(code)",
            remedy: isRemoved
              ? "Convert the model again with a current llama.cpp" : "Use a newer neural-scope")
        }
        let elements = try checkedProduct(sizes, what: "tensor shape")
        // The first size is the innermost; blocks lie along it.
        guard (sizes.first ?? 1) % type.blockElements == 0 else {
          throw ScopeError(
            .malformed, "the rows of the tensor are not whole blocks",
            expected: "a multiple of \(type.blockElements)",
            found: "\(sizes[0])")
        }
        let bytes = try checkedProduct([elements / type.blockElements, type.blockBytes], what: "tensor size")
        let isTable = name.hasPrefix("rope_f")
        tensor = ModelDescription.Tensor(
          name: name, type: type.name, dimensions: sizes.reversed(), elements: elements, bytes: bytes,
          role: isTable ? .constant : .parameter)
      } catch {
        throw error.at("tensor \"\(name.prefix(200))\"")
      }
    }

    private static func offset(_ reader: inout ByteReader) throws(ScopeError) -> Int {
      let value: UInt64 = try reader.integer(what: "offset of a tensor")
      guard let offset = Int(exactly: value) else {
        throw ScopeError(.limitExceeded, "the tensor's offset is not possible", found: "\(value)")
      }
      return offset
    }
  }

  private static func alignment(_ metadata: GGUFMetadata) throws(ScopeError) -> Int {
    guard let value = metadata.integer("general.alignment") else { return 32 }
    guard value >= 1, value <= 1 << 20, value & (value - 1) == 0 else {
      throw ScopeError(
        .malformed, "the alignment is not possible", place: "metadata \"general.alignment\"",
        expected: "a power of two", found: "\(value)")
    }
    return value
  }

  /// - Throws: `truncated` when a tensor lies beyond the file, `malformed` when two overlap.
  private static func checkData(
    _ entries: [Entry], after position: Int, in bytes: ByteSlice, alignment: Int
  ) throws(ScopeError) {
    let start = (position + alignment - 1) / alignment * alignment
    let available = max(0, bytes.count - start)
    var previous: Entry?
    for entry in entries.sorted(by: { ($0.offset, $0.tensor.bytes) < ($1.offset, $1.tensor.bytes) }) {
      let place = "tensor \"\(entry.tensor.name.prefix(200))\""
      guard entry.offset % alignment == 0 else {
        throw ScopeError(
          .malformed, "the tensor's data is not aligned", place: place,
          expected: "a multiple of \(alignment)",
          found: "\(entry.offset)")
      }
      guard entry.tensor.bytes <= available, entry.offset <= available - entry.tensor.bytes else {
        throw ScopeError(
          .truncated, "the tensor's data reaches beyond the end of the file", place: place,
          expected: "\(entry.tensor.bytes) bytes at \(entry.offset) of the data",
          found: "\(available) bytes of data",
          remedy: "The file is truncated or its header lies; fetch it again")
      }
      if let previous, entry.offset < previous.offset + previous.tensor.bytes, entry.tensor.bytes > 0 {
        throw ScopeError(
          .malformed, "two tensors overlap", place: place,
          found: "\"\(previous.tensor.name.prefix(200))\" ends at \(previous.offset + previous.tensor.bytes)")
      }
      previous = entry
    }
  }

  private static func describe(
    version: Int, _ metadata: GGUFMetadata, _ tensors: [ModelDescription.Tensor]
  ) -> ModelDescription {
    var result = ModelDescription(
      notExecutable:
        "GGUF models are described here, not executed: run them with llama.cpp, or analyse the original "
        + "Hugging Face model or an ONNX export of it.")
    result.tensors = tensors
    result.metadata = metadata.lines
    result.architecture = metadata.text("general.architecture")
    var parts = ["GGUF version \(version)", "\(tensors.count) tensors"]
    if let code = metadata.integer("general.file_type"), let name = GGMLType.fileTypes[code] {
      parts.append("mostly \(name)")
    }
    if let name = metadata.text("general.name") { parts.append("named \"\(name)\"") }
    result.detail = parts.joined(separator: ", ")
    let elements = tensors.reduce(0.0) { $0 + Double($1.elements) }
    let bytes = tensors.reduce(0.0) { $0 + Double($1.bytes) }
    if elements > 0 {
      let bits = (8 * bytes / elements * 100).rounded() / 100
      result.notes.append("\(bits) bits per weight, scales included")
    }
    if let count = metadata.integer("split.count"), count > 1 {
      let number = (metadata.integer("split.no") ?? 0) &+ 1
      result.notes.append(
        "this is part \(number) of \(count): the tensors are those of this part alone; merge the parts with "
          + "llama-gguf-split --merge for the whole model")
    }
    if metadata.values["tokenizer.chat_template"] != nil {
      result.notes.append("the file holds a chat template (Jinja): it is code for whoever renders it")
    }
    do throws(ScopeError) {
      result.decoder = try GGUFDecoder(metadata).decoder()
    } catch {
      result.notes.append("no figures of the key-value cache: \(error.description)")
    }
    return result
  }
}
