import Foundation
import ScopeArchitectures
import ScopeBytes
import ScopeData
import ScopeFormats
import ScopeGraph
import ScopeOptimization
import ScopeRuntime
import TestSupport
import Testing

/// What each way of rounding gives on a published checkpoint: run with `NEURAL_SCOPE_ROUNDING=resnet56` (or `resnet20`,
/// `efficientnet-lite0`) and, optionally, `NEURAL_SCOPE_ROUNDING_ONLY` with a part of the recipe names.
@Suite(
  .serialized,
  .enabled(
    if: ProcessInfo.processInfo.environment["NEURAL_SCOPE_ROUNDING"] != nil, "prints a table on demand"))
struct RoundingEvidence {
  @Test func table() throws {
    let environment = ProcessInfo.processInfo.environment
    let name = environment["NEURAL_SCOPE_ROUNDING"] ?? ""
    let subject = try PublishedModel.load(name, limit: name.hasPrefix("efficientnet-") ? 1000 : 2000)
    let engine = try Engine.load(path: OnnxRuntimeLibrary.path)
    let split = try DataSplit(labels: subject.samples.labels ?? [])
    var model = subject.model
    _ = try PassRunner.run(PassRegistry.exact, on: &model)
    var equalized = model
    let pairs = try CrossLayerEqualization.run(&equalized)
    let context = OptimizationContext(
      samples: subject.samples, calibration: split.calibration, engine: engine)
    func logits(_ model: Model) throws -> Logits {
      let session = try Session(engine: engine, model: model)
      return try ModelRunner(session: session, output: model.graph.outputs[0].name)
        .logits(subject.samples, split.evaluation)
    }
    let reference = try logits(model)
    let labels = split.evaluation.map { subject.samples.labels?[$0] ?? 0 }
    func percent(_ a: [Int], _ b: [Int]) -> Double {
      100 * Double(zip(a, b).filter { $0 == $1 }.count) / Double(max(a.count, 1))
    }
    print("FP32 accuracy \(percent(reference.predictions, labels)), \(pairs) equalized pairs")
    print("agreement, accuracy, SQNR dB, seconds: recipe")
    for (isPerChannel, range) in [
      (true, WeightRange.full), (true, .reduced), (true, .reducedExceptDepthwise), (true, .pairBounded),
      (false, .full),
    ] {
      for (rounding, corrected, isEqualized) in [
        (WeightRounding.nearest, false, false), (.nearest, true, false), (.hessian, false, false),
        (.hessian, true, false), (.adaptive, false, false), (.adaptive, true, false),
        (.nearest, true, true), (.adaptive, true, true),
      ] {
        let recipe = QuantizationRecipe(
          perChannel: isPerChannel, weightRange: range, biasCorrection: corrected, rounding: rounding)
        let source = isEqualized ? equalized : model
        let name = recipe.name + (isEqualized ? " +CLE" : "")
        if let only = environment["NEURAL_SCOPE_ROUNDING_ONLY"], !name.contains(only) { continue }
        if isEqualized, pairs == 0 { continue }
        let start = ContinuousClock.now
        let quantized = try Quantizer.quantize(source, recipe: recipe, context: context)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let found = try logits(quantized)
        print(
          String(
            format: "%7.2f %7.2f %6.2f %6.1f  %@", percent(found.predictions, reference.predictions),
            percent(found.predictions, labels), ScoreComparison.sqnr(reference, found), seconds, name))
      }
    }
  }
}
