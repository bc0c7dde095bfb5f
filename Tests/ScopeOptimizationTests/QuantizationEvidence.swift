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

/// Quantizes the models named in `NEURAL_SCOPE_QUANTIZE` (exports of the zoo, `resnet20`, `resnet56`,
/// `efficientnet-lite0`) with every coverage, prints agreement, signal-to-noise ratio and the integer nodes, and writes
/// the models into the folder `NEURAL_SCOPE_QUANTIZED`, for a profiler.
@Suite(
  .serialized,
  .enabled(
    if: ProcessInfo.processInfo.environment["NEURAL_SCOPE_QUANTIZE"] != nil, "prints a table on demand"))
struct QuantizationEvidence {
  private struct Subject {
    var model: Model
    var samples: SampleSet
    var calibration: [Int]
    var evaluation: [Int]
  }

  private static func checkpoint(_ name: String) throws -> Subject {
    let (model, samples) = try PublishedModel.load(name, limit: 1000)
    let split = try DataSplit(labels: samples.labels ?? [])
    return Subject(
      model: model, samples: samples, calibration: split.calibration, evaluation: split.evaluation)
  }

  private static func export(_ name: String) throws -> Subject {
    let folder = URL(filePath: ProcessInfo.processInfo.environment["NEURAL_SCOPE_ZOO"] ?? ".zoo")
    let model = try ONNXReader.read(
      ByteSlice(mappingFile: folder.appending(path: "\(name).onnx").path()), directory: folder.path())
    var numbers = Numbers()
    var arrays: [String: HostArray] = [:]
    let count = 12
    for input in model.graph.requiredInputs {
      let rest = (input.shape?.dimensions.dropFirst() ?? []).map { $0.value ?? 1 }
      let total = rest.reduce(count, *)
      if input.dataType == .int64 {
        let isMask = !arrays.isEmpty
        arrays[input.name] = HostArray(
          numbers.take(total).map { isMask ? 1 : Int64(abs($0) * 20_000) }, [count] + rest)
      } else {
        // Smooth over space, as photographs are.
        let noise = numbers.take(total)
        arrays[input.name] = HostArray(
          noise.indices.map { 2 * noise[$0 / 64 * 64] + 0.3 * noise[$0] }, [count] + rest)
      }
    }
    return Subject(
      model: model, samples: try SampleSet(arrays: arrays), calibration: Array(0..<6),
      evaluation: Array(6..<12))
  }

  @Test func table() throws {
    let environment = ProcessInfo.processInfo.environment
    let engine = try Engine.load(path: OnnxRuntimeLibrary.path)
    for name in (environment["NEURAL_SCOPE_QUANTIZE"] ?? "").split(separator: ",").map(String.init) {
      let isCheckpoint =
        name.hasPrefix("resnet20") || name.hasPrefix("resnet56") || name.hasPrefix("efficientnet-")
      let subject = try isCheckpoint ? Self.checkpoint(name) : Self.export(name)
      let context = OptimizationContext(
        samples: subject.samples, calibration: subject.calibration, engine: engine)
      var model = subject.model
      _ = try PassRunner.run(PassRegistry.exact, on: &model)
      func logits(_ model: Model) throws -> Logits {
        let session = try Session(engine: engine, model: model)
        return try ModelRunner(session: session, output: model.graph.outputs[0].name)
          .logits(subject.samples, subject.evaluation)
      }
      func write(_ model: Model, _ stem: String) throws -> Int {
        let bytes = try ONNXWriter.bytes(model)
        if let folder = environment["NEURAL_SCOPE_QUANTIZED"] {
          try Data(bytes.array).write(to: URL(filePath: folder).appending(path: "\(name)~\(stem).onnx"))
        }
        return bytes.count
      }
      let size = try write(model, "fp32")
      let reference = try logits(model)
      print("\(name): \(size) bytes in FP32")
      for coverage in Coverage.allCases {
        var recipe = QuantizationRecipe()
        recipe.coverage = coverage
        if let kind = environment["NEURAL_SCOPE_RANGE"] {
          recipe.range = try #require(RangeMethod(rawValue: kind))
        }
        let start = ContinuousClock.now
        let quantized = try Quantizer.quantize(model, recipe: recipe, context: context)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let found = try logits(quantized)
        let plan = QuantizationPlan(model, recipe: recipe)
        let bytes = try write(quantized, coverage.rawValue)
        let agreeing = zip(found.predictions, reference.predictions).filter { $0 == $1 }.count
        print(
          String(
            format:
              "  %-10@ %5.1f%% agree, SQNR %6.2f dB, %6.2f MB, %5.2f s, %d integer nodes of %d, %d declined",
            coverage.rawValue, 100 * Double(agreeing) / Double(reference.predictions.count),
            Self.sqnr(reference.values, found.values), Double(bytes) / 1e6, seconds, plan.integerNodes.count,
            model.graph.nodes.count, plan.declined.count))
        for reason in plan.declined.prefix(2) { print("    \(reason)") }
      }
    }
  }

  private static func sqnr(_ a: [Float], _ b: [Float]) -> Double {
    var (signal, noise) = (0.0, 0.0)
    for (x, y) in zip(a, b) {
      signal += Double(x) * Double(x)
      noise += Double(x - y) * Double(x - y)
    }
    return 10 * log10(signal / noise)
  }
}
