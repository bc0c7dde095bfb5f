import Foundation
import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeOptimization
import ScopeRuntime
import TestSupport
import Testing

/// Low-rank layers and sparse weights against `make_compression.py`.
@Suite(
  .serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"),
  .enabled(if: (try? LinearAlgebra.load()) != nil, "needs OpenBLAS (scripts/bootstrap)"))
struct CompressionTests {
  private struct Golden: Decodable {
    struct Product: Decodable {
      var rank: Int
      var energy: Double
      var product: [Double]
      var bias: [Double]?
    }
    var inputs, weight, bias: [Float]
    var energy: Double
    var multiple: Int
    var centered, plain: Product
    var weightsOnly: [Double]
    var magnitude, wanda, twoOfFour, twoOfFourWanda: [Float]
  }

  private let golden: Golden
  private let algebra: LinearAlgebra
  private let engine: Engine

  init() throws {
    let url = URL(filePath: Fixture.path("optimization/compression.json"))
    golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
    algebra = try LinearAlgebra.load(threads: 1)
    engine = try Engine.load(path: OnnxRuntimeLibrary.path)
  }

  private func context(_ values: [Float], _ dimensions: [Int]) throws -> OptimizationContext {
    let samples = try SampleSet(arrays: ["x": HostArray(values, dimensions)])
    return OptimizationContext(
      samples: samples, calibration: Array(0..<samples.count), engine: engine, threads: 1)
  }

  /// The golden layer: 24 outputs of 32 inputs.
  private func linear(gemm: Bool) throws -> Model {
    let weight = Tensor.floats(golden.weight, [24, 32])
    if gemm {
      return PassCheck.open(
        Graphs.model(
          [
            Node(
              "Gemm", name: "fc", inputs: ["x", "w", "b"], outputs: ["y"], attributes: ["transB": .int(1)])
          ],
          constants: ["w": weight, "b": .floats(golden.bias, [24])]), [.unknown, .known(32)])
    }
    var transposed: [Float] = []
    for column in 0..<32 {
      for row in 0..<24 { transposed.append(golden.weight[row * 32 + column]) }
    }
    return PassCheck.open(
      Graphs.model(
        [Node("MatMul", name: "fc", inputs: ["x", "w"], outputs: ["y"])],
        constants: ["w": .floats(transposed, [32, 24])]), [.unknown, .known(32)])
  }

  /// Largest difference of the model's outputs on `inputs` from `product x + bias`.
  private func difference(_ model: Model, _ product: [Double], _ bias: [Double]?) throws -> Double {
    let session = try Session(engine: engine, model: model, options: SessionOptions(threads: 1))
    let count = golden.inputs.count / 32
    let outputs = try session.run(["x": HostArray(golden.inputs, [count, 32])])["y"]?.floats ?? []
    #expect(outputs.count == count * 24)
    var worst = 0.0
    for row in 0..<count {
      for output in 0..<24 {
        var sum = bias?[output] ?? 0
        for input in 0..<32 { sum += product[output * 32 + input] * Double(golden.inputs[row * 32 + input]) }
        worst = max(worst, abs(sum - Double(outputs[row * 24 + output])))
      }
    }
    return worst
  }

  @Test func linearLayersAreFactorisedForTheirInputs() throws {
    let context = try context(golden.inputs, [golden.inputs.count / 32, 32])
    let recipe = LowRankRecipe(energy: golden.energy, rankMultiple: golden.multiple, minimumSaving: 0)
    for (gemm, expected) in [(true, golden.centered), (false, golden.plain)] {
      var model = try linear(gemm: gemm)
      let result = try LowRank.factorize(&model, recipe: recipe, context: context, algebra: algebra)
      #expect(PassCheck.types(model) == ["MatMul", gemm ? "Gemm" : "MatMul"])
      let layer = try #require(result.layers.first)
      #expect(layer.rank == expected.rank)
      #expect(abs(layer.energy - expected.energy) < 1e-5)
      #expect(layer.weightsAfter == expected.rank * (24 + 32))
      #expect(try difference(model, expected.product, expected.bias) < 1e-3)
    }
  }

  @Test func withoutSamplesTheWeightsAreApproximated() throws {
    var model = try linear(gemm: false)
    let recipe = LowRankRecipe(energy: 0.5, rankMultiple: 8, minimumSaving: 0)
    let result = try LowRank.factorize(&model, recipe: recipe, context: nil, algebra: algebra)
    #expect(result.layers.map(\.rank) == [8])
    #expect(try difference(model, golden.weightsOnly, nil) < 1e-4)
  }

  @Test func layersThatWouldNotGainAreLeftWithAReason() throws {
    let original = try linear(gemm: true)
    for recipe in [
      LowRankRecipe(energy: 1, rankMultiple: 4), LowRankRecipe(energy: 0.9, rankMultiple: 16),
      LowRankRecipe(energy: 0.97, rankMultiple: 4, minimumSaving: 0.9),
    ] {
      var model = original
      let result = try LowRank.factorize(&model, recipe: recipe, context: nil, algebra: algebra)
      #expect(result.layers.isEmpty && result.declined.count == 1)
      #expect(PassCheck.types(model) == ["Gemm"])
    }
    var model = original
    #expect(throws: ScopeError.self) {
      try LowRank.factorize(&model, recipe: LowRankRecipe(energy: 0), context: nil, algebra: algebra)
    }
    model.graph.initializers["w"] = .floats([Float](repeating: .nan, count: 24 * 32), [24, 32])
    let recipe = LowRankRecipe(rankMultiple: 4)
    let result = try LowRank.factorize(&model, recipe: recipe, context: nil, algebra: algebra)
    #expect(result.declined.first?.contains("not finite") == true)
  }

  /// A convolution whose kernel is a sum of four terms.
  private func convolution(_ numbers: inout Numbers, separable: Bool) -> Model {
    let (outputs, inputs) = (12, 8)
    var weight = [Float](repeating: 0, count: outputs * inputs * 9)
    for _ in 0..<4 {
      let first = numbers.take(separable ? inputs * 3 : inputs * 9)
      let second = numbers.take(separable ? outputs * 3 : outputs)
      for output in 0..<outputs {
        for input in 0..<inputs {
          for y in 0..<3 {
            for x in 0..<3 {
              let a = separable ? first[input * 3 + y] : first[input * 9 + y * 3 + x]
              let b = separable ? second[output * 3 + x] : second[output]
              weight[((output * inputs + input) * 3 + y) * 3 + x] += a * b
            }
          }
        }
      }
    }
    return Graphs.model(
      [
        Node(
          "Conv", inputs: ["x", "w", "b"], outputs: ["y"],
          attributes: ["strides": .ints([2, 1]), "pads": .ints([1, 0, 2, 1])])
      ], input: [2, 8, 9, 7],
      constants: ["w": .floats(weight, [outputs, inputs, 3, 3]), "b": numbers.tensor([outputs])])
  }

  @Test(arguments: [LowRankRecipe.KernelScheme.channels, .spatial])
  func convolutionsOfLowRankAreTakenApartExactly(scheme: LowRankRecipe.KernelScheme) throws {
    var numbers = Numbers()
    let original = convolution(&numbers, separable: scheme == .spatial)
    let recipe = LowRankRecipe(energy: 0.999_999, rankMultiple: 4, kernelScheme: scheme)
    let inputs = numbers.take(2 * 8 * 9 * 7)
    for context in [nil, try context(inputs, [2, 8, 9, 7])] {
      var model = original
      let result = try LowRank.factorize(&model, recipe: recipe, context: context, algebra: algebra)
      #expect(result.layers.map(\.rank) == [4])
      #expect(PassCheck.types(model) == ["Conv", "Conv"])
      let before = try Computed.output(original, input: [2, 8, 9, 7])
      let after = try Computed.output(model, input: [2, 8, 9, 7])
      #expect(Computed.difference(before, after) < 2e-3)
      #expect(result.layers[0].weightsAfter < result.layers[0].weightsBefore / 2)
    }
  }

  @Test func theLeastImportantWeightsBecomeZero() throws {
    let context = try context(golden.inputs, [golden.inputs.count / 32, 32])
    for (recipe, expected) in [
      (SparsityRecipe(pattern: .unstructured(0.6)), golden.magnitude),
      (SparsityRecipe(pattern: .unstructured(0.5), importance: .activation), golden.wanda),
      (SparsityRecipe(pattern: .twoOfFour), golden.twoOfFour),
      (SparsityRecipe(pattern: .twoOfFour, importance: .activation), golden.twoOfFourWanda),
    ] {
      var model = try linear(gemm: true)
      let result = try Sparsity.apply(&model, recipe: recipe, context: context, algebra: algebra)
      #expect(try model.graph.initializers["w"]?.floats() == expected)
      let zeros = expected.filter { $0 == 0 }.count
      #expect(result.layers.map(\.zeros) == [zeros])
      #expect(result.deflatedBytes < result.deflatedBytesBefore)
      let written = try ONNXWriter.serialize(model).reduce(0) { $0 + $1.count }
      #expect(result.writtenBytes == written)
      var product = try linear(gemm: false)
      _ = try Sparsity.apply(&product, recipe: recipe, context: context, algebra: algebra)
      let columns = try product.graph.initializers["w"]?.floats() ?? []
      for row in 0..<24 {
        for column in 0..<32 { #expect(columns[column * 24 + row] == expected[row * 32 + column]) }
      }
    }
  }

  @Test func twoOfFourLooksAlongTheChannels() throws {
    var numbers = Numbers()
    let weight = numbers.tensor([2, 4, 1, 3])
    var model = Graphs.model(
      [Node("Conv", inputs: ["x", "w"], outputs: ["y"])], input: [1, 4, 8, 8], constants: ["w": weight])
    let result = try Sparsity.apply(&model, recipe: SparsityRecipe(pattern: .twoOfFour), context: nil)
    #expect(result.layers.map(\.zeros) == [12])
    let values = try model.graph.initializers["w"]?.floats() ?? []
    for output in 0..<2 {
      for place in 0..<3 {
        let four = (0..<4).map { values[output * 12 + $0 * 3 + place] }
        #expect(four.filter { $0 == 0 }.count == 2)
      }
    }
  }

  @Test func sparsityNamesWhatIsNotPossible() throws {
    var model = try linear(gemm: true)
    for recipe in [SparsityRecipe(pattern: .unstructured(1)), SparsityRecipe(importance: .activation)] {
      #expect(throws: ScopeError.self) { try Sparsity.apply(&model, recipe: recipe, context: nil) }
    }
    var numbers = Numbers()
    var depthwise = Graphs.model(
      [Node("Conv", inputs: ["x", "w"], outputs: ["y"], attributes: ["group": .int(3)])],
      constants: ["w": numbers.tensor([3, 1, 3, 3])])
    let result = try Sparsity.apply(&depthwise, recipe: SparsityRecipe(), context: nil)
    #expect(result.layers.isEmpty && result.declined.count == 1 && result.sparsity == 0)
  }

  @Test func theDeflatedSizeIsThatOfAZlibStream() throws {
    let zeros = ByteSlice([UInt8](repeating: 0, count: 1 << 20))
    #expect(try Deflate.deflatedSize([zeros], level: 9) < 2048)
    var numbers = Numbers()
    let noise = ByteSlice(elements: numbers.take(1 << 16))
    let whole = try Deflate.deflatedSize([noise, zeros], level: 9)
    #expect(whole > noise.count / 2 && whole < noise.count + 2048 + noise.count / 100)
    // An empty stream has a header of 2 bytes, an empty block and a checksum of 4 bytes.
    #expect(try Deflate.deflatedSize([], level: 9) == 8)
    #expect(throws: ScopeError.self) { try Deflate.deflatedSize([noise], level: 10) }
  }
}
