import ScopeBytes
import ScopeFormats
import ScopeRuntime
import TestSupport
import Testing

/// Small traced and scripted programs, and what PyTorch computes from them (`Tests/Fixtures/make_torchscript.py`).
@Suite(.serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
struct TorchScriptProgramTests {
  @Test(arguments: ["cnn_traced", "cnn_scripted", "encoder_traced", "encoder_scripted"])
  func computesWhatPyTorchComputes(name: String) throws {
    let difference = try ProgramCheck.difference(
      Fixture.path("programs/\(name).pt"), golden: Fixture.path("programs/\(name).safetensors"),
      engine: try Engine.load(path: OnnxRuntimeLibrary.path))
    #expect(difference < 1e-5)
  }
}
