import Foundation
import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeRuntime
import TestSupport
import Testing

private let engine = try? Engine.load()

@Suite(
  "Exported programs compute PyTorch's outputs", .serialized,
  .enabled(if: engine != nil, "needs ONNX Runtime (set NEURAL_SCOPE_ONNXRUNTIME)"))
struct ExportedProgramTests {
  @Test(arguments: ["mixed", "mixed_core", "mixed_dyn", "encoder", "encoder_core", "encoder_dyn"])
  func equalsPyTorch(name: String) throws {
    let golden = name.prefix { $0 != "_" }
    let difference = try ProgramCheck.difference(
      program: Fixture.path("programs/\(name).pt2"), golden: Fixture.path("programs/\(golden).safetensors"))
    #expect(difference < 1e-4)
  }
}

@Suite("Reading torch.export archives")
struct ExportReaderTests {
  @Test func namesParametersBuffersAndModules() throws {
    let file = try ModelReader.read(path: Fixture.path("programs/mixed.pt2"))
    #expect(file.format == .torchExport)
    guard case .program(let state, .graph(let model)) = file.content else {
      Issue.record("no graph")
      return
    }
    #expect(state.tensors["conv.weight"]?.dimensions == [6, 3, 3, 3])
    #expect(state.buffers == ["norm.running_mean", "norm.running_var", "norm.num_batches_tracked"])
    #expect(model.graph.nodes.first?.name == "conv")
    #expect(model.graph.initializers["conv.weight"] != nil)
  }

  @Test func anOpenBatchStaysOpen() throws {
    let model = try ProgramCheck.model(Fixture.path("programs/encoder_dyn.pt2"))
    #expect(model.graph.inputs.first?.shape?.description == "Nx6")
    #expect(model.graph.outputs.first?.shape?.description == "Nx3")
  }

  @Test func everyTruncationIsAnError() throws {
    let bytes = try ByteSlice(mappingFile: Fixture.path("programs/encoder.pt2"))
    for count in stride(from: 1, to: bytes.count, by: 997) {
      #expect(throws: ScopeError.self) { try ModelReader.read(bytes.prefix(count), path: "cut.pt2") }
    }
  }
}
