import Foundation
import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeOptimization
import ScopeRuntime
import TestSupport
import Testing

/// Writes an exported model by every recipe that needs no data, for `check_weights.py` to check and time:
/// `NEURAL_SCOPE_WRITE_WEIGHTS=/tmp/weights NEURAL_SCOPE_WEIGHTS_MODEL=bert_base_128.onnx swift test --filter WriteWeight`.
@Suite struct WriteWeightModelsTests {
  private static let environment = ProcessInfo.processInfo.environment

  private typealias Rewrite = (inout Model) throws -> WeightRewrite

  private static var recipes: [(String, Rewrite)] {
    var list: [(String, Rewrite)] = []
    func dynamic(_ recipe: DynamicRecipe) {
      list.append((recipe.name, { try DynamicQuantizer.quantize(&$0, recipe: recipe) }))
    }
    func packed(_ recipe: WeightOnlyRecipe) {
      list.append((recipe.name, { try WeightOnlyQuantizer.quantize(&$0, recipe: recipe) }))
    }
    func stored(_ recipe: StorageRecipe) {
      list.append((recipe.name, { try WeightStorage.store(&$0, recipe: recipe) }))
    }
    dynamic(DynamicRecipe())
    dynamic(DynamicRecipe(perChannel: false))
    dynamic(DynamicRecipe(weightRange: .pairBounded))
    dynamic(DynamicRecipe(weightRange: .reduced))
    dynamic(DynamicRecipe(weights: .uint8))
    dynamic(DynamicRecipe(convolutions: true))
    packed(WeightOnlyRecipe(bits: 8, blockSize: 32, rounding: .nearest))
    packed(WeightOnlyRecipe(bits: 8, blockSize: 128, isSymmetric: true, rounding: .nearest))
    packed(WeightOnlyRecipe(bits: 4, blockSize: 16))
    packed(WeightOnlyRecipe(bits: 4, blockSize: 32, rounding: .nearest))
    packed(WeightOnlyRecipe(bits: 4, blockSize: 32))
    packed(WeightOnlyRecipe(bits: 4, blockSize: 32, isSymmetric: true))
    packed(WeightOnlyRecipe(bits: 4, blockSize: 32, accuracyLevel: 0))
    packed(WeightOnlyRecipe(bits: 4, blockSize: 128))
    packed(WeightOnlyRecipe(bits: 4, blockSize: 32, embeddings: .blocks))
    for format in StorageRecipe.Format.allCases { stored(StorageRecipe(format: format)) }
    stored(StorageRecipe(format: .int8, form: .dequantizeLinear))
    stored(StorageRecipe(format: .int4, blockSize: 32))
    list.append(
      ("float16 graph", { try HalfGraphConverter.convert(&$0, recipe: HalfGraphRecipe()) }))
    return list
  }

  @Test(.enabled(if: environment["NEURAL_SCOPE_WRITE_WEIGHTS"] != nil))
  func write() throws {
    let folder = Self.environment["NEURAL_SCOPE_WRITE_WEIGHTS"] ?? "/tmp/weights"
    let path = try #require(Self.environment["NEURAL_SCOPE_WEIGHTS_MODEL"])
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    guard case .graph(var model) = try ModelReader.read(path: path).content else {
      throw ScopeError(.unsupported, "no graph in the file")
    }
    _ = try PassRunner.run(PassRegistry.exact, on: &model)
    try AtomicFile.write(try ONNXWriter.serialize(model), to: "\(folder)/folded.onnx")
    var log = ""
    for (name, rewrite) in Self.recipes {
      var copy = model
      let start = ContinuousClock.now
      do {
        let report = try rewrite(&copy)
        let time = ContinuousClock.now - start
        let file = name.replacingOccurrences(of: " ", with: "_")
        try AtomicFile.write(try ONNXWriter.serialize(copy), to: "\(folder)/\(file).onnx")
        let reasons = Dictionary(grouping: report.declined, by: \.reason).map {
          "\($0.value.count) x \($0.key)"
        }
        log +=
          "\(name): \(report.rewritten.count) rewritten in \(time); \(reasons.sorted().joined(separator: "; "))\n"
      } catch { log += "\(name): \(error)\n" }
    }
    if let count = Self.environment["NEURAL_SCOPE_WEIGHTS_SAMPLES"].flatMap({ Int($0) }) {
      let context = try Self.randomContext(model, count: count)
      for rounding in [BlockRounding.leastSquares, .hessian] {
        var copy = model
        let recipe = WeightOnlyRecipe(accuracyLevel: 0, rounding: rounding)
        let start = ContinuousClock.now
        _ = try WeightOnlyQuantizer.quantize(&copy, recipe: recipe, context: context)
        log += "\(recipe.name): \(ContinuousClock.now - start)\n"
        let file = recipe.name.replacingOccurrences(of: " ", with: "_")
        try AtomicFile.write(try ONNXWriter.serialize(copy), to: "\(folder)/\(file).onnx")
      }
    }
    try log.write(toFile: "\(folder)/log.txt", atomically: true, encoding: .utf8)
  }

  /// Random numbers and, for the first input of integers, random tokens below 1000; ones for the others.
  private static func randomContext(_ model: Model, count: Int) throws -> OptimizationContext {
    var numbers = Numbers()
    var arrays: [String: HostArray] = [:]
    for (index, input) in model.graph.requiredInputs.enumerated() {
      let sample = input.shape?.dimensions.dropFirst().map { $0.value ?? 8 } ?? []
      let values = numbers.take(count * sample.reduce(1, *))
      arrays[input.name] =
        input.dataType == .int64
        ? HostArray(values.map { index == 0 ? Int64(($0 + 1) * 499) : 1 }, [count] + sample)
        : HostArray(values.map { $0 * 1.7 }, [count] + sample)
    }
    return OptimizationContext(
      samples: try SampleSet(arrays: arrays), calibration: Array(0..<count),
      engine: try Engine.load(path: OnnxRuntimeLibrary.path))
  }
}
