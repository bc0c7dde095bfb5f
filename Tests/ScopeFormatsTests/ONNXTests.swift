import Foundation
import ScopeBytes
import ScopeFormats
import ScopeGraph
import TestSupport
import Testing

/// Fixtures are written by the onnx package (`Tests/Fixtures/make_onnx.py`).
@Suite struct ONNXTests {
  static func bytes(_ name: String) throws -> ByteSlice {
    try ByteSlice(mappingFile: Fixture.path("onnx/\(name)"))
  }

  @Test(arguments: [
    "types.onnx", "subgraphs.onnx", "functions.onnx", "external.onnx", "opset7.onnx", "opset11.onnx",
    "opset13.onnx",
    "opset17.onnx", "opset24.onnx",
  ])
  func unchangedModelIsWrittenAsTheSameBytes(name: String) throws {
    let original = try Self.bytes(name)
    let written = try ONNXWriter.bytes(try ONNXReader.read(original))
    #expect(written.array == original.array)
  }

  @Test func everyElementTypeIsRead() throws {
    let model = try ONNXReader.read(try Self.bytes("types.onnx"))
    let expected = try JSONDecoder().decode(
      [String: [Double]].self, from: Data(contentsOf: URL(filePath: Fixture.path("onnx/types.json"))))
    #expect(model.graph.initializers.count == 36)
    for (name, values) in expected {
      let tensor = try #require(model.graph.initializers[name], "\(name)")
      #expect(try tensor.floats() == values.map { Float($0) }, "\(name)")
    }
    #expect(model.graph.initializers["empty"]?.dimensions == [0, 4])
    guard case .strings(let strings)? = model.graph.initializers["typed_string"]?.storage else {
      Issue.record("strings expected")
      return
    }
    #expect(strings.map(\.utf8String) == ["a", "bc"])
    #expect(model.metadata["author"] == "neural-scope")
    #expect(model.opset == 21)
    #expect(model.graph.inputs[0].shape == Shape([.symbolic("batch"), .known(3), .unknown]))
  }

  @Test func subgraphsAndAttributesAreRead() throws {
    let model = try ONNXReader.read(try Self.bytes("subgraphs.onnx"))
    let conditional = model.graph.nodes[0]
    #expect(conditional.subgraphs.count == 2)
    guard case .graph(let taken)? = conditional.attributes["then_branch"] else {
      Issue.record("a graph expected")
      return
    }
    #expect(taken.nodes[0].subgraphs.count == 2)
    #expect(taken.captures == ["c", "x", "w"])
    let custom = model.graph.nodes[1]
    #expect(custom.domain == "example.org")
    #expect(custom.inputs == ["y", "", "x"])
    #expect(custom.float("f") == 1.5)
    #expect(custom.int("i") == -7)
    #expect(custom.string("s") == "text")
    #expect(custom.floats("fs") == [1, 2.5])
    #expect(custom.ints("ints") == [1, -2, 3])
    #expect(try custom.tensor("t")?.floats() == [0, 1, 2])
  }

  @Test func functionsKeepTheirAttributeReferences() throws {
    let model = try ONNXReader.read(try Self.bytes("functions.onnx"))
    let function = try #require(model.functions.first)
    #expect(function.attributes == ["alpha"])
    guard case .reference(let name, _)? = function.nodes[0].attributes["value_float"] else {
      Issue.record("a reference expected")
      return
    }
    #expect(name == "alpha")
  }

  @Test func externalDataIsReadFromTheModelsFolderOnly() throws {
    let folder = Fixture.path("onnx")
    let model = try ONNXReader.read(try Self.bytes("external.onnx"), directory: folder)
    #expect(try model.graph.initializers["w"]?.floats() == (0..<12).map(Float.init))
    for name in ["escape.onnx", "absolute.onnx"] {
      let error = #expect(throws: ScopeError.self) {
        try ONNXReader.read(try Self.bytes(name), directory: folder)
      }
      #expect(error?.code == .malformed)
      #expect(error?.description.contains("tensor 'w'") == true)
    }
    let link = FileManager.default.temporaryDirectory.appending(path: "neural-scope-link-\(UUID())")
    try FileManager.default.createDirectory(at: link, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: link) }
    try FileManager.default.createSymbolicLink(
      atPath: link.appending(path: "external.bin").path(), withDestinationPath: "\(folder)/external.bin")
    #expect(throws: ScopeError.self) {
      try ONNXReader.read(try Self.bytes("external.onnx"), directory: link.path())
    }
  }

  @Test func aModelWithExternalDataIsWrittenWithItsDataInside() throws {
    let model = try ONNXReader.read(try Self.bytes("external.onnx"), directory: Fixture.path("onnx"))
    let again = try ONNXReader.read(try ONNXWriter.bytes(model))
    #expect(try again.graph.initializers["w"]?.floats() == (0..<12).map(Float.init))
  }

  @Test func changedTensorsAreWritten() throws {
    var model = try ONNXReader.read(try Self.bytes("opset17.onnx"))
    model.graph.initializers["w"] = .floats([Float](repeating: 2, count: 108), [4, 3, 3, 3])
    model.opsets[""] = 18
    let again = try ONNXReader.read(try ONNXWriter.bytes(model))
    #expect(try again.graph.initializers["w"]?.floats().allSatisfy { $0 == 2 } == true)
    #expect(again.opset == 18)
  }

  // MARK: hostile input

  @Test(arguments: ["types.onnx", "subgraphs.onnx", "functions.onnx", "opset17.onnx"])
  func everyTruncationIsAnErrorOrAModel(name: String) throws {
    let whole = try Self.bytes(name)
    for length in 0..<whole.count {
      do throws(ScopeError) {
        _ = try ONNXReader.read(whole.prefix(length))
      } catch {
        #expect([.truncated, .malformed, .limitExceeded].contains(error.code))
      }
    }
  }

  @Test(arguments: ["types.onnx", "subgraphs.onnx", "functions.onnx"])
  func everyFlippedByteIsAnErrorOrAModel(name: String) throws {
    let whole = try Self.bytes(name).array
    for index in whole.indices {
      for mask in [0x01, 0x80, 0xFF] as [UInt8] {
        var bytes = whole
        bytes[index] ^= mask
        if let model = try? ONNXReader.read(ByteSlice(bytes)) { _ = try? ONNXWriter.bytes(model) }
      }
    }
  }

  @Test func lengthsThatLieAreRefusedBeforeAllocation() {
    let version: [UInt8] = [0x08, 0x08]
    let huge: [UInt8] = [0x3A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]
    #expect(throws: ScopeError.self) { try ONNXReader.read(ByteSlice(version + huge)) }
    let overlong: [UInt8] = [0x3A] + [UInt8](repeating: 0xFF, count: 11)
    #expect(throws: ScopeError.self) { try ONNXReader.read(ByteSlice(version + overlong)) }
  }

  @Test func shapesWhoseProductOverflowsAreRefused() {
    // TensorProto: dims 2^62 twice, float32, raw data of four bytes.
    let size: [UInt8] = [0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40]
    let tensor: [UInt8] = size + size + [0x10, 0x01, 0x42, 0x01, 0x77, 0x4A, 0x04, 0, 0, 0, 0]
    let graph: [UInt8] = [0x2A, UInt8(tensor.count)] + tensor
    let model: [UInt8] = [0x08, 0x08, 0x3A, UInt8(graph.count)] + graph
    let error = #expect(throws: ScopeError.self) { try ONNXReader.read(ByteSlice(model)) }
    #expect(error?.code == .limitExceeded)
    #expect(error?.place?.contains("tensor 'w'") == true)
  }

  @Test func deeplyNestedSubgraphsAreRefused() {
    func field(_ tag: UInt8, _ payload: [UInt8]) -> [UInt8] {
      var length = payload.count
      var varint: [UInt8] = []
      repeat {
        varint.append(UInt8(length & 0x7F) | (length > 0x7F ? 0x80 : 0))
        length >>= 7
      } while length > 0
      return [tag] + varint + payload
    }
    var graph: [UInt8] = []
    for _ in 0..<3000 { graph = field(0x0A, field(0x2A, field(0x32, graph) + [0xA0, 0x01, 0x05])) }
    let error = #expect(throws: ScopeError.self) {
      try ONNXReader.read(ByteSlice([0x08, 0x08] + field(0x3A, graph)))
    }
    #expect(error?.code == .limitExceeded)
  }
}
