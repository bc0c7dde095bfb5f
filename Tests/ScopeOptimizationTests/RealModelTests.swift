import Foundation
import ScopeBytes
import ScopeData
import ScopeFormats
import ScopeGraph
import ScopeOptimization
import ScopeRuntime
import Testing

/// Whole searches on real checkpoints; only where `NEURAL_SCOPE_OPTIMIZE_MODELS` names a folder with `efflite0.onnx`,
/// `imagenet.u8`, `imagenet.labels` and so on.
@Suite(.serialized)
struct RealModelTests {
  static let folder = ProcessInfo.processInfo.environment["NEURAL_SCOPE_OPTIMIZE_MODELS"]

  @Test(
    .enabled(if: folder != nil && TestEngine.isAvailable, "needs exported models"),
    arguments: (ProcessInfo.processInfo.environment["NEURAL_SCOPE_OPTIMIZE_CASES"] ?? "").split(separator: ",").map(String.init))
  func search(_ name: String) throws {
    let folder = try #require(Self.folder)
    let engine = try #require(TestEngine.engine)
    let parts = name.split(separator: ":").map(String.init)
    let isImageNet = parts[0].hasPrefix("eff")
    let path = "\(folder)/\(parts[0]).onnx"
    let bytes = try ByteSlice(mappingFile: path)
    let model = try ONNXReader.read(bytes, directory: folder)
    let data = isImageNet ? "imagenet" : "cifar"
    let size = isImageNet ? 224 : 32
    let pixels = try ByteSlice(mappingFile: "\(folder)/\(data).u8").array
    let labels = try ByteSlice(mappingFile: "\(folder)/\(data).labels").elements(as: Int32.self).map { Int($0) }
    var images = try LabeledImages(
      channels: 3, height: size, width: size, pixels: .bytes(pixels), labels: labels, names: labels.map { "\($0)" })
    if parts.count > 1, let limit = Int(parts[1]) {
      images = try images.subset((0..<limit).map { $0 * images.count / limit })
    }
    let normalization =
      isImageNet
      ? Normalization(mean: [127 / 255, 127 / 255, 127 / 255], standardDeviation: [128 / 255, 128 / 255, 128 / 255])
      : Normalization(mean: [0.485, 0.456, 0.406], standardDeviation: [0.229, 0.224, 0.225])
    var request = OptimizationRequest(
      model: model, originalBytes: bytes.count, images: images, normalization: normalization, engine: engine)
    let start = ContinuousClock.now
    request.progress = { stage, share in print("  \(ContinuousClock.now - start) \(stage) \(share)") }
    let result = try Optimizer.run(request)
    print("== \(name): \(result.originalBytes) -> \(result.optimizedBytes) (\(Double(result.optimizedBytes) / Double(result.originalBytes)))")
    print("accuracy \(result.originalAccuracy) -> \(result.optimizedAccuracy) on \(result.evaluationImages), agreement \(result.agreement.value)")
    print("speedup \(result.speedup) \(result.originalLatency.medianMilliseconds) -> \(result.optimizedLatency.medianMilliseconds)")
    print("folding difference \(result.foldingDifference), nodes \(model.graph.nodes.count) -> \(result.foldedModel.graph.nodes.count), elapsed \(result.elapsed)")
    for technique in result.techniques { print("  * \(technique)") }
    for candidate in result.candidates {
      print(
        "  - \(candidate.name) | \(candidate.bytes) B | SQNR \(candidate.calibrationSQNR ?? .nan) agree \(candidate.calibrationAgreement?.value ?? .nan) | acc \(candidate.accuracy ?? .nan) agree \(candidate.agreement?.value ?? .nan) | \(candidate.latency?.medianMilliseconds ?? .nan) ms x\(candidate.speedup?.ratio ?? .nan) | \(candidate.verdict): \(candidate.reason)")
    }
    for note in result.notes { print("  ! \(note)") }
    try AtomicFile.write(try ONNXWriter.serialize(result.model), to: "\(folder)/\(parts[0])-int8.onnx")
    try AtomicFile.write(try ONNXWriter.serialize(result.foldedModel), to: "\(folder)/\(parts[0])-folded.onnx")
    #expect(result.optimizedBytes < result.originalBytes)
  }
}
