import OrderedCollections
import ScopeBytes
import ScopeData
import ScopeFormats
import ScopeGraph
import ScopeReport
import ScopeSecurity

/// What becomes of a checkpoint's contents that safetensors cannot hold.
public struct SanitizeOptions: Sendable {
  /// Leave out what is not a tensor instead of refusing the file.
  public var dropsOthers = false
  /// Write numbers, truth values and text into the file's `__metadata__`, as JSON under their names.
  public var keepsScalars = false

  public init() {}
}

/// What `sanitize` did: what the input had, and what is in the output.
public struct SanitizeResult: Codable, Sendable, Hashable {
  public var input: String
  public var output: String
  /// The scan of the input.
  public var scan: SecurityScan
  public var tensors: Int
  /// Bytes of the output.
  public var bytes: Int
  /// Of the output, in hexadecimal.
  public var sha256: String
  /// Names that showed the same elements as an earlier one; each now has its own copy.
  public var shared: [String]
  /// Values kept in the output's metadata.
  public var keptInMetadata: [String]
  /// What was left out, with what it was.
  public var dropped: [String]
  public var notes: [String]
}

/// Converts a pickle checkpoint to safetensors. Nothing of the pickle is executed: a machine follows it and describes what
/// it would build.
enum Sanitizing {
  private static let step = 8 << 20
  private static let namesShown = 20

  static func run(
    _ input: String, to output: String, options: SanitizeOptions
  ) throws(ScopeError) -> SanitizeResult {
    let scan = try SecurityRun.run(paths: [input], options: SecurityOptions())
    let bytes = try ByteSlice(mappingFile: input)
    var contents: CheckpointContents
    do throws(ScopeError) {
      contents = try read(bytes)
    } catch {
      throw error.inFile(input)
    }
    let (metadata, dropped) = try sort(contents, file: input, options: options)
    guard !contents.tensors.isEmpty else {
      throw ScopeError(.unsupported, "the file holds no tensors", file: input)
    }
    try NeuralScope.prepare(output, like: input)
    let layout: SafetensorsWriter.Layout
    do throws(ScopeError) {
      layout = try SafetensorsWriter.layout(contents.tensors, metadata: metadata)
      try AtomicFile.write(to: output) {
        (append: (ByteSlice) throws(ScopeError) -> Void) throws(ScopeError) in
        try append(layout.header)
        for name in layout.order {
          guard let tensor = contents.tensors[name] else { continue }
          let packed = try tensor.packedBytes()
          for start in stride(from: 0, to: packed.count, by: step) {
            let chunk = packed.dropFirst(start).prefix(step)
            try append(chunk)
            chunk.releasePages()
          }
        }
      }
    } catch {
      throw error.inFile(input)
    }
    try verify(output, against: contents.tensors)
    let written = try ByteSlice(mappingFile: output)
    let hash = written.sha256
    contents.notes = contents.notes.map { "not kept: \($0)" }
    return SanitizeResult(
      input: input, output: output, scan: scan, tensors: contents.tensors.count, bytes: written.count,
      sha256: hash, shared: contents.sharedWith.map { "\($0.key) = \($0.value)" },
      keptInMetadata: metadata.keys.filter { !["format", "shared_tensors"].contains($0) }, dropped: dropped,
      notes: contents.notes)
  }

  private static func read(_ bytes: ByteSlice) throws(ScopeError) -> CheckpointContents {
    guard ZipArchive.looksLikeArchive(bytes) else { return try CheckpointContents.read(bytes) }
    let archive = try ZipArchive(bytes)
    let files = archive.members.filter { !$0.isDirectory }
    guard !files.isEmpty, files.allSatisfy({ $0.name.hasSuffix(".npy") }) else {
      return try CheckpointContents.read(bytes)
    }
    var contents = CheckpointContents()
    for member in files {
      do throws(ScopeError) {
        let array = try NumpyArray(try archive.contents(of: member))
        let name = String(member.name.dropLast(4))
        guard contents.tensors[name] == nil else {
          throw ScopeError(.malformed, "the archive has this array twice")
        }
        contents.tensors[name] = try Tensor(
          dataType: array.element.dataType, dimensions: array.dimensions,
          storage: array.dimensions.contains(0)
            ? .packed(ByteSlice([])) : .strided(array.data, strides: array.strides))
      } catch {
        throw error.at("member \"\(member.name.prefix(200))\"")
      }
    }
    return contents
  }

  /// Splits what is not a tensor into metadata and what is left out.
  ///
  /// - Throws: `unsupported` naming what would be lost, unless it may be.
  private static func sort(
    _ contents: CheckpointContents, file: String, options: SanitizeOptions
  ) throws(ScopeError) -> (metadata: OrderedDictionary<String, String>, dropped: [String]) {
    var metadata: OrderedDictionary<String, String> = ["format": "pt"]
    var dropped: [String] = []
    for other in contents.others {
      let name = other.name.isEmpty ? "(the whole file)" : other.name
      if options.keepsScalars, let json = other.json, metadata[name] == nil, name != "shared_tensors" {
        metadata[name] = json
      } else {
        dropped.append("\(name.prefix(120)): \(other.summary)")
      }
    }
    if !contents.sharedWith.isEmpty {
      let members = contents.sharedWith.map {
        JSONText.quoted($0.key) + ":" + JSONText.quoted($0.value)
      }
      metadata["shared_tensors"] = "{" + members.joined(separator: ",") + "}"
    }
    guard dropped.isEmpty || options.dropsOthers else {
      let hidden = dropped.count - namesShown
      throw ScopeError(
        .unsupported, "\(dropped.count) values that are not tensors would be lost", file: file,
        found: dropped.prefix(namesShown).joined(separator: "; ")
          + (hidden > 0 ? "; and \(hidden) more" : ""),
        remedy: options.keepsScalars
          ? "Add --drop-non-tensors to leave them out"
          : "Add --keep-scalars to write numbers and text into the metadata, --drop-non-tensors to leave the rest out"
      )
    }
    return (metadata, dropped)
  }

  /// Reads the written file and compares every tensor's type, shape and bytes with the input's.
  private static func verify(
    _ output: String, against tensors: OrderedDictionary<String, Tensor>
  ) throws(ScopeError) {
    func different(_ name: String, _ what: String) -> ScopeError {
      AtomicFile.remove(output)
      return ScopeError(
        .cannotWrite, "the written file differs from the input in \(what) and was removed", file: output,
        place: "tensor \"\(name.prefix(200))\"", remedy: "Check the disk and try again")
    }
    let written = try SafetensorsReader.read(try ByteSlice(mappingFile: output)).tensors
    guard written.count == tensors.count else { throw different("", "the number of tensors") }
    for (name, tensor) in tensors {
      guard let copy = written[name], copy.dataType == tensor.dataType, copy.dimensions == tensor.dimensions
      else {
        throw different(name, "type or shape")
      }
      let (expected, found) = (try tensor.packedBytes(), try copy.packedBytes())
      guard expected.count == found.count else { throw different(name, "size") }
      for start in stride(from: 0, to: expected.count, by: step) {
        let pieces = (expected.dropFirst(start).prefix(step), found.dropFirst(start).prefix(step))
        guard pieces.0.equals(pieces.1) else { throw different(name, "bytes") }
        pieces.0.releasePages()
        pieces.1.releasePages()
      }
    }
  }
}
