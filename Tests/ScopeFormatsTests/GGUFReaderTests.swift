import ScopeBytes
import ScopeFormats
import Testing

@Suite struct GGUFReaderTests {
  @Test func agreesWithTheGGUFPackage() throws {
    let description = try DescribedFacts.description("tiny.gguf")
    let facts = try #require(DescribedFacts.all["tiny.gguf"]?.tensors)
    #expect(description.tensors.map(\.name) == facts.map(\.name))
    for (tensor, expected) in zip(description.tensors, facts) {
      #expect(tensor.type == expected.type)
      #expect(tensor.dimensions == expected.shape)
      #expect(tensor.elements == expected.elements && tensor.bytes == expected.bytes, "\(tensor.name)")
    }
    #expect(description.metadata["tokenizer.ggml.tokens"] == "array of 32")
    let decoder = try #require(description.decoder)
    // 2 layers, 2 key-value heads of 256 / 8 elements, keys and values.
    #expect(decoder.cacheElementsPerToken == 2 * 2 * 2 * 32)
    #expect(decoder.contextLength == 128 && decoder.vocabularySize == 32)
  }

  private struct Writer {
    var bytes = Array("GGUF".utf8)
    mutating func add<T: FixedWidthInteger>(_ value: T) {
      withUnsafeBytes(of: value.littleEndian) { bytes += Array($0) }
    }
    mutating func add(_ text: String) {
      add(UInt64(text.utf8.count))
      bytes += Array(text.utf8)
    }
  }

  private func file(tensors: UInt64, pairs: UInt64, _ rest: (inout Writer) -> Void = { _ in }) -> ByteSlice {
    var writer = Writer()
    writer.add(UInt32(3))
    writer.add(tensors)
    writer.add(pairs)
    rest(&writer)
    return ByteSlice(writer.bytes)
  }

  private func tensor(_ writer: inout Writer, _ name: String, _ sizes: [UInt64], type: UInt32, offset: UInt64)
  {
    writer.add(name)
    writer.add(UInt32(sizes.count))
    for size in sizes { writer.add(size) }
    writer.add(type)
    writer.add(offset)
  }

  @Test func refusesHostileHeaders() {
    let cases: [(ByteSlice, ScopeError.Code, String)] = [
      (file(tensors: .max, pairs: 0), .limitExceeded, "tensors beyond 2^63"),
      (file(tensors: 1 << 40, pairs: 0), .truncated, "many tensors"),
      (file(tensors: 0, pairs: 1 << 40), .truncated, "many pairs"),
      (
        file(tensors: 0, pairs: 1) {
          $0.add("a")
          $0.add(UInt32(9))
          $0.add(UInt32(8))
          $0.add(UInt64(1 << 50))
        }, .truncated, "long array of texts"
      ),
      (
        file(tensors: 0, pairs: 1) {
          $0.add("a")
          for _ in 0..<100 {
            $0.add(UInt32(9))
            $0.add(UInt64(1) << 32 | 9)
          }
          $0.bytes += [UInt8](repeating: 9, count: 400)
        }, .truncated, "nested arrays"
      ),
      (
        file(tensors: 0, pairs: 1) {
          $0.add("a")
          $0.add(UInt32(13))
          $0.bytes += [UInt8](repeating: 0, count: 16)
        }, .malformed, "unknown value type"
      ),
      (
        file(tensors: 1, pairs: 0) { tensor(&$0, "t", [1 << 40, 1 << 40], type: 0, offset: 0) },
        .limitExceeded,
        "shape beyond 2^63"
      ),
      (file(tensors: 1, pairs: 0) { tensor(&$0, "t", [4], type: 0, offset: 0) }, .truncated, "no data"),
      (file(tensors: 1, pairs: 0) { tensor(&$0, "t", [4], type: 0, offset: .max) }, .limitExceeded, "offset"),
      (file(tensors: 1, pairs: 0) { tensor(&$0, "t", [33], type: 2, offset: 0) }, .malformed, "half a block"),
      (
        file(tensors: 1, pairs: 0) { tensor(&$0, "t", [32], type: 4, offset: 0) }, .unsupported,
        "removed type"
      ),
      (
        file(tensors: 2, pairs: 0) {
          tensor(&$0, "t", [4], type: 0, offset: 0)
          tensor(&$0, "t", [4], type: 0, offset: 32)
        }, .malformed, "one name twice"
      ),
      (
        file(tensors: 2, pairs: 0) {
          tensor(&$0, "a", [16], type: 0, offset: 0)
          tensor(&$0, "b", [16], type: 0, offset: 32)
          $0.bytes += [UInt8](repeating: 0, count: 256)
        }, .malformed, "overlap"
      ),
    ]
    for (bytes, code, what) in cases {
      let error = failure { () throws(ScopeError) in _ = try GGUFReader.read(bytes) }
      #expect(error?.code == code, "\(what): \(error?.description ?? "none")")
    }
  }
}
