import Foundation
import ScopeArchitectures
import ScopeBytes
import ScopeData
import ScopeFormats
import ScopeRuntime
import TestSupport
import Testing

/// ONNX Runtime, or nil when this machine has none.
private let engine = try? Engine.load()

/// PyTorch's logits of a trained checkpoint for photographs (`checkpoint-logits.json`).
struct CheckpointLogits: Decodable, CustomStringConvertible {
  let variant: String
  /// Paths inside the folder of sample data.
  let checkpoint: String
  let images: [String]
  /// [image][class].
  let logits: [[Float]]

  var description: String { checkpoint }

  static func all() throws -> [CheckpointLogits] {
    try JSONDecoder().decode(
      [CheckpointLogits].self,
      from: Data(contentsOf: URL(filePath: Fixture.path("architectures/checkpoint-logits.json"))))
  }
}

@Suite(
  "Trained checkpoints on photographs", .serialized,
  .enabled(if: engine != nil, "needs ONNX Runtime (set NEURAL_SCOPE_ONNXRUNTIME)"),
  .enabled(if: SharedData.path("models/resnet20-12fca82f.th") != nil, "\(SharedData.reason)"))
struct CheckpointTests {
  @Test(arguments: try CheckpointLogits.all())
  func logits(golden: CheckpointLogits) throws {
    let path = try #require(SharedData.path(golden.checkpoint))
    guard case .weights(let state) = try ModelReader.read(path: path).content else {
      Issue.record("\(path) is not read as weights")
      return
    }
    let found = try #require(ArchitectureRegistry.recognise(state))
    #expect(found.variant == golden.variant)
    #expect(found.classCount == 10)
    let model = try found.build(state)
    let session = try Session(engine: try #require(engine), model: model)
    let side = found.inputSize[1]
    var batch: [Float] = []
    for name in golden.images {
      let image = try ImageDecoder.decode(ByteSlice(mappingFile: try #require(SharedData.path(name))))
      #expect(image.width == side && image.height == side)
      for channel in 0..<3 {
        for pixel in 0..<side * side {
          let value = Float(image.rgb[pixel * 3 + channel]) / 255
          batch.append(
            (value - found.preprocessing.mean[channel]) / found.preprocessing.standardDeviation[channel])
        }
      }
    }
    let outputs = try session.run(["input": HostArray(batch, [golden.images.count, 3, side, side])])
    let values = try #require(outputs["logits"]).floats
    let expected = golden.logits.flatMap { $0 }
    #expect(values.count == expected.count)
    let largest = try #require(expected.map(abs).max())
    for (value, wanted) in zip(values, expected) { #expect(abs(value - wanted) < 1e-4 * largest) }
  }
}
