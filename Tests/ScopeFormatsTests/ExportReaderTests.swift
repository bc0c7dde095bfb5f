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

  /// What is left may hold a whole archive of its own (the sample inputs), but never the program.
  @Test func noTruncationReadsAsTheProgram() throws {
    let bytes = try ByteSlice(mappingFile: Fixture.path("programs/encoder.pt2"))
    var errors = 0
    for count in stride(from: 1, to: bytes.count, by: 997) {
      do throws(ScopeError) {
        let file = try ModelReader.read(bytes.prefix(count), path: "cut.pt2")
        if case .program = file.content { Issue.record("\(count) bytes read as the program") }
      } catch {
        errors += 1
      }
    }
    #expect(errors > 20)
  }

  /// The program's JSON with bytes changed in place: an error or another program, never a trap.
  @Test func damagedProgramsAreErrors() throws {
    let bytes = try ByteSlice(mappingFile: Fixture.path("programs/mixed.pt2")).array
    let start = try #require(ByteSlice(bytes).firstIndex(of: Array("{\"graph_module\"".utf8)))
    var changed = 0
    for (number, position) in stride(from: start, to: min(start + 60_000, bytes.count), by: 211).enumerated()
    {
      var damaged = bytes
      damaged[position] = Array("9-\"[{0".utf8)[number % 6]
      do throws(ScopeError) {
        _ = try ModelReader.read(ByteSlice(damaged), path: "damaged.pt2")
      } catch {
        changed += 1
      }
    }
    #expect(changed > 50)
  }

  @Test func anotherSchemaVersionIsNamed() throws {
    var bytes = try ByteSlice(mappingFile: Fixture.path("programs/encoder.pt2")).array
    let field = Array("\"schema_version\": {\"major\": 8".utf8)
    let position = try #require(ByteSlice(bytes).firstIndex(of: field))
    bytes[position + field.count - 1] = 0x39
    let error = #expect(throws: ScopeError.self) { try ModelReader.read(ByteSlice(bytes), path: "new.pt2") }
    #expect(error?.code == .unsupported)
    #expect(error?.expected == "major version 8")
    #expect(error?.found?.hasPrefix("9") == true)
  }
}
