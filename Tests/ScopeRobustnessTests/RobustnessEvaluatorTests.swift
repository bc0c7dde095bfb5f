import Foundation
import ScopeBytes
import ScopeData
import ScopeFormats
import ScopeGraph
import ScopeRobustness
import ScopeRuntime
import TestSupport
import Testing

/// Against torchattacks on a small classifier; see Tests/Fixtures/make_robustness.py.
@Suite(.serialized, .enabled(if: engine != nil, "needs ONNX Runtime: run scripts/bootstrap"))
struct RobustnessEvaluatorTests {
  static let normalization = Normalization(mean: [0.4, 0.5, 0.6], standardDeviation: [0.2, 0.3, 0.25])
  static let attacks = [
    AttackSpecification(.fgsm, epsilon: Epsilon(1, over: 255)),
    AttackSpecification(.pgd, epsilon: Epsilon(1, over: 255)),
    AttackSpecification(.pgdL2, epsilon: Epsilon(value: 0.1, text: "0.1")),
  ]

  func bytes(_ name: String) throws -> ByteSlice {
    try ByteSlice(mappingFile: Fixture.path("robustness/\(name)"))
  }

  func model(_ name: String = "small") throws -> Model {
    try ONNXReader.read(try bytes("\(name).onnx"), directory: nil)
  }

  func images() throws -> LabeledImages {
    let labels = try #require(try bytes("labels.txt").utf8String).split(whereSeparator: \.isWhitespace)
      .compactMap { Int($0) }
    return try LabeledImages(
      channels: 3, height: 8, width: 8, pixels: .floats(try bytes("images.bin").elements(as: Float.self)),
      labels: labels,
      names: labels.indices.map { "image\($0)" })
  }

  func expectedAccuracy() throws -> [String: Int] {
    let text = try #require(try bytes("accuracy.txt").utf8String)
    return Dictionary(
      uniqueKeysWithValues: text.split(separator: "\n").compactMap { line in
        let words = line.split(separator: " ")
        return Int(words[1]).map { (String(words[0]), $0) }
      })
  }

  @Test(arguments: ["small", "small_batch1"])
  func reproducesTorchattacks(_ name: String) throws {
    var options = RobustnessOptions()
    options.threads = 1
    options.batchSize = 5
    options.sampleCount = 12
    let images = try images()
    let expected = try expectedAccuracy()
    for attack in Self.attacks {
      let result = try RobustnessEvaluator(engine: try #require(engine), options: options).evaluate(
        try model(name), normalization: Self.normalization, images: images, attacks: [attack])
      #expect(result.batchSize == 5)
      #expect(result.cleanAccuracy.correct == expected["clean"])
      #expect(result.attacks[0].robustAccuracy.correct == expected[attack.kind.name])
      #expect(result.attacks[0].gradientQueries == 12 * attack.steps)
      // The adversarial images themselves, as far as they were kept: isolated sign flips at ties are tolerated.
      let adversarial = try bytes("\(attack.kind.name).bin").elements(as: Float.self)
      #expect(!result.samples.isEmpty)
      for sample in result.samples {
        let index = try #require(Int(sample.name.dropFirst(5)))
        let reference = adversarial[index * 192..<(index + 1) * 192]
        let different = zip(sample.perturbed, reference).count { ($0 - $1).magnitude > 1e-4 }
        #expect(different <= 2, "\(attack.kind.name), image \(index)")
      }
    }
  }

  @Test func countsTheStrictFigureToo() throws {
    let images = try images()
    var options = RobustnessOptions()
    options.threads = 1
    let evaluator = RobustnessEvaluator(engine: try #require(engine), options: options)
    let all = try evaluator.evaluate(
      try model(), normalization: Self.normalization, images: images, attacks: Self.attacks)
    options.stopsWhenFooled = true
    let strict = try RobustnessEvaluator(engine: try #require(engine), options: options).evaluate(
      try model(), normalization: Self.normalization, images: images, attacks: Self.attacks)
    for (one, other) in zip(all.attacks, strict.attacks) {
      #expect(one.strictRobustAccuracy.correct <= one.robustAccuracy.correct)
      #expect(one.strictRobustAccuracy.correct == other.strictRobustAccuracy.correct)
      #expect(other.robustAccuracy == other.strictRobustAccuracy)
      #expect(other.gradientQueries <= one.gradientQueries)
      #expect(one.meanLinf <= one.specification.epsilon.value + 1e-6 || one.specification.norm == .l2)
    }
    #expect(all.worstCase.count == 2)
    #expect(all.worstCase[0].attacks == 2)
    #expect(
      all.worstCase[0].robustAccuracy.correct
        <= min(
          all.attacks[0].strictRobustAccuracy.correct, all.attacks[1].strictRobustAccuracy.correct))
    #expect(all.headlineEpsilon == Epsilon(1, over: 255))
    let score = try #require(all.score)
    let least = min(all.attacks[0].robustAccuracy.correct, all.attacks[1].robustAccuracy.correct)
    #expect(abs(score - min(100, 100 * Double(least) / Double(all.cleanAccuracy.correct))) < 1e-9)
  }

  @Test func transferToTheSameModelEqualsTheAttack() throws {
    var options = RobustnessOptions()
    options.threads = 1
    options.batchSize = 4
    let compared = try RobustnessEvaluator(engine: try #require(engine), options: options).compare(
      original: try model(), other: try model("small_batch1"), normalization: Self.normalization,
      images: try images(),
      attacks: Self.attacks)
    #expect(compared.otherFailure == nil)
    #expect(compared.otherCleanAccuracy == compared.original.cleanAccuracy)
    for result in compared.original.attacks { #expect(result.transferred == result.robustAccuracy) }
    #expect(
      compared.other?.attacks.map(\.strictRobustAccuracy)
        == compared.original.attacks.map(\.strictRobustAccuracy))
  }

  @Test func reportsProgressAndStops() throws {
    let evaluator = RobustnessEvaluator(engine: try #require(engine))
    var fractions: [Double] = []
    _ = try evaluator.evaluate(
      try model(), normalization: Self.normalization, images: try images(), attacks: Self.attacks,
      progress: { fraction, message in
        fractions.append(fraction)
        #expect(!message.isEmpty)
      })
    #expect(fractions == fractions.sorted())
    #expect(fractions.last == 1)
    #expect(fractions.count > 20)
    let error = #expect(throws: ScopeError.self) {
      try evaluator.evaluate(
        try model(), normalization: Self.normalization, images: try images(), attacks: Self.attacks,
        isCancelled: { true })
    }
    #expect(error?.code == .interrupted)
  }

  @Test func refusesLabelsOfAnotherModel() throws {
    let images = try images()
    let wrong = try LabeledImages(
      channels: 3, height: 8, width: 8, pixels: images.pixels, labels: images.labels.map { $0 + 900 },
      names: images.names)
    let error = #expect(throws: ScopeError.self) {
      try RobustnessEvaluator(engine: try #require(engine)).evaluate(
        try model(), normalization: Self.normalization, images: wrong, attacks: Self.attacks)
    }
    #expect(error?.code == .invalidData)
    #expect(error?.place?.contains("image0") == true)
  }
}

/// Whether ONNX Runtime can be loaded on this machine.
let engine: Engine? = try? Engine.load(path: OnnxRuntimeLibrary.path)
