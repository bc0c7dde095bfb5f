import ScopeBytes
import ScopeData
import ScopeFormats
import ScopeGraph
import ScopeHardening
import ScopeRobustness
import ScopeRuntime
import ScopeStatistics
import TestSupport
import Testing

/// On a small network and images whose classes are tints: what is fragile there can be made harder.
@Suite(.serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
struct HardeningTests {
  private static let normalization = Normalization(
    mean: [0.4, 0.5, 0.6], standardDeviation: [0.2, 0.3, 0.25])

  private func model() throws -> Model {
    try ONNXReader.read(try ByteSlice(mappingFile: Fixture.path("robustness/small.onnx")))
  }

  /// Images labelled by the model itself, so that it is right on all of them.
  private func images(_ count: Int) throws -> LabeledImages {
    var generator = SplitMix64(seed: 11)
    var pixels: [Float] = []
    for _ in 0..<count {
      let tint = (0..<3).map { _ in generator.unit() }
      for channel in 0..<3 {
        for _ in 0..<64 { pixels.append(min(max(0.7 * tint[channel] + 0.3 * generator.unit(), 0), 1)) }
      }
    }
    func labelled(_ labels: [Int]) throws -> LabeledImages {
      try LabeledImages(
        channels: 3, height: 8, width: 8, pixels: .floats(pixels), labels: labels,
        names: (0..<count).map { "\($0)" })
    }
    let unlabelled = try labelled([Int](repeating: 0, count: count))
    var options = RobustnessOptions()
    options.threads = 1
    let target = try AttackTarget(
      engine: try Engine.load(path: OnnxRuntimeLibrary.path), model: try model(),
      normalization: Self.normalization, images: unlabelled, withGradient: false, options: options)
    let logits = try target.logits(pixels, shape: [count, 3, 8, 8]).values
    return try labelled(
      (0..<count).map { AttackAnswer.largest(logits[$0 * 4..<($0 + 1) * 4]) })
  }

  private func request(_ count: Int = 160) throws -> HardeningRequest {
    var request = HardeningRequest(
      model: try model(), normalization: Self.normalization, images: try images(count),
      engine: try Engine.load(path: OnnxRuntimeLibrary.path), epsilon: Epsilon(6, over: 255))
    request.threads = 1
    request.rounds = 6
    request.learningRate = 5e-3
    request.maxAccuracyDrop = 0.2
    return request
  }

  @Test(arguments: HardeningMethod.allCases) func moreImagesWithstand(_ method: HardeningMethod) throws {
    var request = try request()
    request.method = method
    let result = try AdversarialTraining.run(request)
    let (before, after) = (result.rounds[0], result.rounds[result.keptRound])
    #expect(before.clean.correct == before.clean.count)
    #expect(before.robust.correct < before.clean.correct)
    #expect(result.keptRound > 0 && after.robust.correct > before.robust.correct, "\(result.rounds)")
    #expect(after.clean.value >= before.clean.value - request.maxAccuracyDrop - 1e-9)
    #expect(result.parameters > 0 && result.trainingImages + result.choosingImages == 160)
    #expect(result.model.metadata["neural_scope.hardened"]?.contains("6/255") == true)
    // Equal arguments, equal weights.
    let again = try AdversarialTraining.run(request)
    #expect(again.rounds == result.rounds)
  }

  @Test func theLastLayerAloneLeavesTheOthers() throws {
    var request = try request()
    request.layers = .last
    let result = try AdversarialTraining.run(request)
    #expect(result.parameters == 4 * 8 + 4)
    for name in ["w0", "w1"] {
      let (before, after) = (request.model.graph.initializers[name], result.model.graph.initializers[name])
      #expect(try before?.floats() == after?.floats())
    }
  }

  @Test func badRequestsAreNamed() throws {
    var few = try request(10)
    few.rounds = 1
    let tooFew = #expect(throws: ScopeError.self) { try AdversarialTraining.run(few) }
    #expect(tooFew?.code == .invalidData)
    var wrong = try request(40)
    wrong.rounds = 0
    let outOfRange = #expect(throws: ScopeError.self) { try AdversarialTraining.run(wrong) }
    #expect(outOfRange?.code == .invalidArgument)
    #expect(throws: ScopeError.self) { try InputDefence.list("bits=9") }
    #expect(try InputDefence.list("bits=5, smooth") == [.bitDepth(5), .smoothing])
  }

  /// Rounded pixels give what rounded images give; smoothing keeps a flat image.
  @Test func defencesActOnPixels() throws {
    let model = try model()
    let images = try images(24)
    let engine = try Engine.load(path: OnnxRuntimeLibrary.path)
    var options = RobustnessOptions()
    options.threads = 1
    func logits(_ model: Model, _ pixels: [Float]) throws -> [Float] {
      try AttackTarget(
        engine: engine, model: model, normalization: Self.normalization, images: images, withGradient: true,
        options: options
      ).logits(pixels, shape: [24, 3, 8, 8]).values
    }
    let pixels = images.pixelValues(0..<24)
    let defended = try InputDefence.bitDepth(3).apply(to: model, normalization: Self.normalization)
    let rounded = pixels.map { ($0 * 7).rounded(.toNearestOrEven) / 7 }
    let (found, wanted) = (try logits(defended, pixels), try logits(model, rounded))
    #expect(zip(found, wanted).allSatisfy { abs($0 - $1) < 1e-3 })
    #expect(try logits(model, pixels) != found)
    let smooth = try InputDefence.smoothing.apply(to: model, normalization: Self.normalization)
    #expect(try logits(smooth, pixels) != logits(model, pixels))
  }
}
