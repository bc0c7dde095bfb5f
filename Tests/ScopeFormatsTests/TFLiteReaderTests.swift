import ScopeBytes
import ScopeFormats
import Testing

@Suite struct TFLiteReaderTests {
  @Test func agreesWithLiteRT() throws {
    let description = try DescribedFacts.description("tiny.tflite")
    let facts = try #require(DescribedFacts.all["tiny.tflite"])
    #expect(description.elements(.parameter) == facts.parameters)
    #expect(description.elements(.constant) == facts.constants)
    #expect(description.arithmetic?.macs == facts.macs)
    #expect(description.arithmetic?.operatorsNotCounted == 0)
    #expect(description.inputs.map(\.name) == facts.inputs)
    #expect(description.outputs.map(\.name) == facts.outputs)
    #expect(description.operators["DEPTHWISE_CONV_2D"] == 1)
    #expect(description.metadata["min_runtime_version"] == "1.14.0")
  }

  @Test func refusesOffsetsOutsideTheFile() {
    func file(_ root: UInt32, _ rest: [UInt8]) -> ByteSlice {
      ByteSlice(withUnsafeBytes(of: root.littleEndian) { Array($0) } + Array("TFL3".utf8) + rest)
    }
    let cases = [
      file(.max, []), file(0, []), file(8, [0xFF, 0xFF, 0xFF, 0x7F]), file(8, [0, 0, 0, 0x80]),
      // A table that is its own field list.
      file(8, [0, 0, 0, 0, 4, 0, 4, 0]),
    ]
    for bytes in cases {
      #expect(failure { () throws(ScopeError) in _ = try TFLiteReader.read(bytes) } != nil)
    }
  }
}
