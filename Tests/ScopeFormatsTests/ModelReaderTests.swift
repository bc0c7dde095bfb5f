import Foundation
import ScopeBytes
import ScopeFormats
import ScopeGraph
import TestSupport
import Testing

/// What PyTorch, safetensors and NumPy say about the committed files (`Tests/Fixtures/make_formats.py`).
struct CheckpointFacts: Decodable, Sendable {
  struct TensorFacts: Decodable, Sendable {
    let name, dtype: String
    let shape: [Int]
    let values: [Double]
  }

  let tensors: [TensorFacts]
  let format: String
  let unordered: Bool?
  let shared: [String: String]?
  let wrapper: [String]?
  let prefix: String?
  let other: [String]?
  let moduleClass: String?
  let buffers: [String]?

  static let all: [String: CheckpointFacts] = {
    let data = FileManager.default.contents(atPath: Fixture.path("formats/checkpoints.json")) ?? Data()
    return (try? JSONDecoder().decode([String: CheckpointFacts].self, from: data)) ?? [:]
  }()
}

func failure(_ body: () throws(ScopeError) -> Void) -> ScopeError? {
  do throws(ScopeError) {
    try body()
    return nil
  } catch {
    return error
  }
}

/// Writes bytes to a temporary file for the time of `body`.
func withFile<R>(_ bytes: [UInt8], named name: String = "model.bin", _ body: (String) throws -> R) throws -> R
{
  let folder = FileManager.default.temporaryDirectory.appending(path: "scope-formats-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  let path = folder.appending(path: name).path()
  try Data(bytes).write(to: URL(filePath: path))
  return try body(path)
}

@Suite struct ModelReaderTests {
  @Test func hasFixtures() { #expect(CheckpointFacts.all.count >= 18) }

  @Test(arguments: CheckpointFacts.all.keys.sorted()) func agreesWithTheWriter(_ name: String) throws {
    let facts = try #require(CheckpointFacts.all[name])
    let path = Fixture.path("formats/\(name)")
    let file = try ModelReader.read(path: path)
    #expect(file.format.rawValue == facts.format)
    #expect(file.path == path)
    let weights: StateDict
    switch file.content {
    case .weights(let state), .program(let state, _): weights = state
    default:
      Issue.record("no weights")
      return
    }
    let names = facts.tensors.map(\.name)
    if facts.unordered == true || facts.format == "torchscript" {
      #expect(weights.tensors.keys.sorted() == names.sorted())
    } else {
      #expect(Array(weights.tensors.keys) == names)
    }
    for expected in facts.tensors {
      let tensor = try #require(weights.tensors[expected.name])
      #expect(tensor.dataType.name == expected.dtype)
      #expect(tensor.dimensions == expected.shape)
      if tensor.dataType.isFloatingPoint {
        #expect(try tensor.floats() == expected.values.map { Float($0) }, "\(expected.name)")
      } else {
        #expect(try tensor.int64s() == expected.values.map { Int64($0) }, "\(expected.name)")
      }
    }
    if facts.format != "torchscript" { #expect(weights.sharedWith == facts.shared ?? [:]) }
    #expect(weights.wrapper == facts.wrapper ?? [])
    #expect(weights.removedPrefix == facts.prefix ?? "")
    #expect(weights.moduleClass == facts.moduleClass)
    #expect(weights.buffers == Set(facts.buffers ?? []))
    if let other = facts.other {
      #expect(weights.otherEntries.map { String($0.prefix(while: { $0 != " " })) } == other)
    }
  }

  @Test func keepsViewsInTheFile() throws {
    for name in ["state.pt", "state_legacy.pt"] {
      let file = try ModelReader.read(path: Fixture.path("formats/\(name)"))
      guard case .weights(let weights) = file.content else { return }
      guard case .strided(let bytes, let strides)? = weights.tensors["transposed"]?.storage,
        case .packed(let grid)? = weights.tensors["grid"]?.storage
      else {
        Issue.record("not views")
        return
      }
      #expect(strides == [1, 4])
      #expect(bytes.offset == grid.offset)
      #expect(bytes.offset > 0 && bytes.endOffset <= file.bytes.count)
    }
  }

  @Test func countsShards() throws {
    let file = try ModelReader.read(path: Fixture.path("formats/sharded/model.safetensors.index.json"))
    let folder = URL(filePath: Fixture.path("formats/sharded"))
    let sizes = try FileManager.default.contentsOfDirectory(
      at: folder, includingPropertiesForKeys: [.fileSizeKey]
    )
    .map { try $0.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0 }
    #expect(file.byteCount == sizes.reduce(0, +))
  }

  @Test func countsExternalData() throws {
    let file = try ModelReader.read(path: Fixture.path("formats/external/model.onnx"))
    #expect(file.format == .onnx)
    #expect(file.byteCount == file.bytes.count + 64)
  }

  @Test func readsShardsOfPyTorch() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "scope-shards-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (source, name) in [("nested.pt", "one.bin"), ("wrapped_legacy.pt", "two.bin")] {
      try FileManager.default.copyItem(
        at: URL(filePath: Fixture.path("formats/\(source)")), to: folder.appending(path: name))
    }
    let index = folder.appending(path: "pytorch_model.bin.index.json")
    try Data("{\"weight_map\": {\"conv.bias\": \"two.bin\", \"conv.weight\": \"one.bin\"}}".utf8).write(
      to: index)
    let file = try ModelReader.read(path: index.path())
    #expect(file.format == .pyTorchSharded)
    guard case .weights(let weights) = file.content else { return }
    #expect(Array(weights.tensors.keys) == ["conv.bias", "conv.weight"])
    #expect(weights.tensors["conv.weight"]?.dimensions == [2, 1, 3, 3])
    try Data("{\"weight_map\": {\"conv.gone\": \"two.bin\"}}".utf8).write(to: index)
    let error = failure { () throws(ScopeError) in _ = try ModelReader.read(path: index.path()) }
    #expect(error?.code == .malformed && error?.place?.contains("conv.gone") == true)
    #expect(error?.file?.hasSuffix("two.bin") == true)
  }

  /// Protocols 0 and 1 have no signature and are recognised by following them.
  @Test(arguments: 0...5) func recognisesPickles(protocol version: Int) throws {
    let bytes = try ByteSlice(mappingFile: Fixture.path("formats/protocol\(version).pkl"))
    #expect(FileKind.sniff(bytes) == .pickle)
    let error = failure { () throws(ScopeError) in _ = try ModelReader.read(bytes, path: "x") }
    #expect(error?.code == .unsupported && error?.message.contains("no tensors") == true)
  }

  @Test func readsMetadata() throws {
    let file = try ModelReader.read(path: Fixture.path("formats/state.safetensors"))
    guard case .weights(let weights) = file.content else { return }
    #expect(weights.metadata["title"] == "hé")
  }

  @Test func saysWhatItIsNot() throws {
    let cases: [(bytes: [UInt8], code: ScopeError.Code, text: String)] = [
      ([], .truncated, "empty"),
      (
        Array("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n".utf8), .unsupported,
        "Git LFS"
      ),
      (Array("  <!DOCTYPE html><html><body>404</body></html>".utf8), .unsupported, "web page"),
      (Array("Hello. This is a readme, not a model.\n".utf8), .unsupported, "text file"),
      (Array("{\"a\": 1}".utf8), .unsupported, "no index"),
      (Array("GGUF".utf8) + [3, 0, 0, 0], .truncated, "number of tensors"),
      ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A, 0], .truncated, "superblock"),
      ([UInt8](repeating: 0xAB, count: 1000), .malformed, "no known"),
      ([0x50, 0x4B, 3, 4] + [UInt8](repeating: 0, count: 100), .truncated, "end-of-central-directory"),
    ]
    for (bytes, code, text) in cases {
      try withFile(bytes) { path in
        let error = failure { () throws(ScopeError) in _ = try ModelReader.read(path: path) }
        #expect(error?.code == code, "\(text): \(error?.description ?? "none")")
        #expect(error?.message.contains(text) == true, "\(error?.description ?? "none")")
        #expect(error?.file == path)
      }
    }
    let missing = failure { () throws(ScopeError) in _ = try ModelReader.read(path: "/nowhere/model.pt") }
    #expect(missing?.code == .notFound)
    let folder = failure { () throws(ScopeError) in _ = try ModelReader.read(path: Fixture.path("formats")) }
    #expect(folder?.code == .unreadable)
    let npz = failure { () throws(ScopeError) in
      _ = try ModelReader.read(path: Fixture.path("formats/arrays.npz"))
    }
    #expect(npz?.code == .unsupported && npz?.message.contains(".npz") == true)
    let empty = failure { () throws(ScopeError) in
      _ = try ModelReader.read(path: Fixture.path("formats/no_tensors.pt"))
    }
    #expect(empty?.code == .unsupported && empty?.message.contains("no tensors") == true)
    #expect(empty?.found?.contains("epoch") == true)
    let zip = failure { () throws(ScopeError) in
      _ = try ModelReader.read(path: Fixture.path("formats/mixed.zip"))
    }
    #expect(zip?.code == .unsupported && zip?.found?.contains("stored.txt") == true)
  }

  @Test func ignoresTheName() throws {
    let bytes = try ByteSlice(mappingFile: Fixture.path("formats/state.pt")).array
    let format = try withFile(bytes, named: "model.onnx") { try ModelReader.read(path: $0).format }
    #expect(format == .pyTorchZip)
  }

  /// Files cut at every length, and every byte with one bit flipped: parse or throw, never trap. Of the larger
  /// files every seventh place is tried.
  @Test(arguments: CheckpointFacts.all.keys.sorted()) func survivesDamage(_ name: String) throws {
    let bytes = try ByteSlice(mappingFile: Fixture.path("formats/\(name)")).array
    let path = Fixture.path("formats/\(name)")
    func touch(_ bytes: [UInt8]) -> Bool {
      do {
        guard case .weights(let weights) = try ModelReader.read(ByteSlice(bytes), path: path).content else {
          return true
        }
        for tensor in weights.tensors.values { _ = try tensor.packedBytes() }
        return true
      } catch { return false }
    }
    let step = bytes.count < 2500 ? 1 : 7
    var parsed = 0
    for length in stride(from: 0, to: bytes.count, by: step) where touch(Array(bytes[..<length])) {
      parsed += 1
    }
    #expect(parsed == 0)
    var flipped = bytes
    for position in stride(from: 0, to: bytes.count, by: step) {
      let bit = UInt8(1) << UInt8(truncatingIfNeeded: position * 5 % 8)
      flipped[position] ^= bit
      _ = touch(flipped)
      flipped[position] ^= bit
    }
  }
}
