import OrderedCollections
import ScopeBytes
import ScopeFormats
import ScopeGraph
import TestSupport
import Testing

@Suite struct SafetensorsWriterTests {
  private func file(_ tensors: OrderedDictionary<String, Tensor>, _ layout: SafetensorsWriter.Layout) throws
    -> ByteSlice
  {
    var bytes = layout.header.array
    for name in layout.order { bytes += try #require(tensors[name]).packedBytes().array }
    return ByteSlice(bytes)
  }

  @Test func whatIsWrittenIsRead() throws {
    let tensors: OrderedDictionary<String, Tensor> = [
      "a \"quoted\" \\ name\n": .uint8s([1, 2, 3], [3]), "scalar": .floats([2.5], []),
      "empty": .floats([], [0, 4]),
      "long": .int64s([1, -2]),
    ]
    let layout = try SafetensorsWriter.layout(tensors, metadata: ["format": "pt", "k\u{1}": "v\"é"])
    let bytes = try file(tensors, layout)
    #expect(bytes.count == layout.byteCount && layout.header.count % 8 == 0)
    #expect(layout.order.first == "long")
    let read = try SafetensorsReader.read(bytes)
    #expect(read.metadata == ["format": "pt", "k\u{1}": "v\"é"])
    #expect(Set(read.tensors.keys) == Set(tensors.keys))
    for (name, tensor) in tensors {
      let copy = try #require(read.tensors[name])
      #expect(copy.dimensions == tensor.dimensions && copy.dataType == tensor.dataType)
      #expect(try copy.packedBytes().equals(tensor.packedBytes()))
    }
  }

  @Test func whatTheFormatCannotHoldIsRefused() throws {
    let complex = try Tensor(
      dataType: .complex128, dimensions: [1], storage: .packed(ByteSlice([UInt8](repeating: 0, count: 16))))
    #expect(throws: ScopeError.self) { try SafetensorsWriter.layout(["c": complex], metadata: [:]) }
    #expect(throws: ScopeError.self) {
      try SafetensorsWriter.layout(["__metadata__": .int64s([1])], metadata: [:])
    }
  }

  @Test func checkpointsKeepEveryName() throws {
    let bytes = try ByteSlice(mappingFile: Fixture.path("sanitize/checkpoint.pt"))
    let contents = try CheckpointContents.read(bytes)
    #expect(
      contents.tensors.keys.contains("state_dict.weight") && contents.tensors.keys.contains("ema.1.deep"))
    #expect(contents.sharedWith == ["state_dict.tied": "state_dict.weight"])
    #expect(contents.others.contains { $0.name == "epoch" && $0.json == "3" })
    #expect(contents.others.contains { $0.name == "best" && $0.json == "null" })
    for length in stride(from: 0, to: bytes.count, by: 37) {
      _ = try? CheckpointContents.read(bytes.prefix(length))
    }
  }
}
