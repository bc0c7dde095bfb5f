import Foundation
import ScopeBytes
import ScopeGraph
import ScopeOptimization
import ScopeRuntime
import TestSupport
import Testing

private let algebra = try? LinearAlgebra.load(threads: 1)

/// Against NumPy (`make_rounding.py`) and brute force.
@Suite(.enabled(if: algebra != nil, "needs OpenBLAS (scripts/bootstrap)"))
struct RoundingTests {
  struct Case: Decodable {
    var outputs, inputs, rows, block, low, high: Int
    var actOrder: Bool
    var scales: [Float]
    var zeros: [Int]
    var codes: [Int]
    var errors, nearestErrors: [Double]

    static func load() throws -> [Case] {
      let url = URL(filePath: Fixture.path("optimization/rounding.json"))
      return try JSONDecoder().decode([Case].self, from: Data(contentsOf: url))
    }

    /// Weights [outputs, inputs] and `sum x x^T`, from the same generator as the fixture's.
    func problem() -> (weights: [Float], gram: Matrix) {
      RoundingTests.problem(outputs: outputs, inputs: inputs, rows: rows)
    }

    var grid: RoundingGrid {
      RoundingGrid(
        outputs: outputs, inputs: inputs, blockSize: block, scales: scales,
        zeroPoints: low < 0 ? nil : zeros, codes: low...high)
    }
  }

  static func problem(outputs: Int, inputs: Int, rows: Int) -> (weights: [Float], gram: Matrix) {
    var numbers = Numbers()
    let weights = numbers.take(outputs * inputs)
    var x = numbers.take(rows * inputs)
    for row in 0..<rows {
      for column in 1..<inputs { x[row * inputs + column] += 0.75 * x[row * inputs + column - 1] }
    }
    var gram = Matrix(rows: inputs, columns: inputs)
    for row in 0..<rows {
      for i in 0..<inputs {
        for j in 0..<inputs { gram[i, j] += Double(x[row * inputs + i]) * Double(x[row * inputs + j]) }
      }
    }
    return (weights, gram)
  }

  @Test func hessianCodesAreThoseOfNumPy() throws {
    let algebra = try #require(algebra)
    for wanted in try Case.load() {
      let (weights, gram) = wanted.problem()
      let found = try #require(
        HessianRounding.round(
          weights, grid: wanted.grid, gram: gram, order: wanted.actOrder ? .fallingDiagonal : .stored,
          algebra: algebra))
      let different = zip(found, wanted.codes).filter { Int($0) != $1 }.count
      // A weight that lies half way between two codes but for the last bits may fall to either side.
      #expect(different * 100 <= found.count, "\(different) of \(found.count)")
      let errors = wanted.grid.errors(found, weights, gram: gram, algebra: algebra)
      for (error, other) in zip(errors, wanted.errors) { #expect(abs(error / other - 1) < 0.02) }
      let nearest = wanted.grid.errors(wanted.grid.nearest(weights), weights, gram: gram, algebra: algebra)
      for (error, other) in zip(nearest, wanted.nearestErrors) { #expect(abs(error / other - 1) < 1e-6) }
    }
  }

  @Test func coordinateDescentEndsWhereNoSingleChangeHelps() throws {
    let algebra = try #require(algebra)
    var (total, totalBefore) = (0.0, 0.0)
    for wanted in try Case.load() {
      let (weights, gram) = wanted.problem()
      let grid = wanted.grid
      let start = wanted.codes.map { Int16($0) }
      let found = CoordinateRounding.refine(
        start, weights: weights, grid: grid, gram: gram, damping: 0, algebra: algebra)
      let errors = grid.errors(found, weights, gram: gram, algebra: algebra)
      for (error, before) in zip(errors, wanted.errors) { #expect(error <= before * (1 + 1e-12)) }
      total += errors.reduce(0, +)
      totalBefore += wanted.errors.reduce(0, +)
      for input in 0..<grid.inputs {
        for change: Int16 in [-1, 1] {
          var other = found
          for output in 0..<grid.outputs {
            let moved = found[output * grid.inputs + input] + change
            if grid.codes.contains(Int(moved)) { other[output * grid.inputs + input] = moved }
          }
          let changed = grid.errors(other, weights, gram: gram, algebra: algebra)
          for (new, old) in zip(changed, errors) { #expect(new >= old * (1 - 1e-4)) }
        }
      }
    }
    #expect(total < 0.99 * totalBefore)
  }

  /// Never worse than the nearest codes on what the Gram matrix stands for, whatever its rank.
  @Test(arguments: [1, 3, 10, 200])
  func neverWorseThanNearest(rows: Int) throws {
    let algebra = try #require(algebra)
    let (weights, gram) = Self.problem(outputs: 6, inputs: 40, rows: rows)
    let grid = RoundingGrid(
      outputs: 6, inputs: 40, scales: (0..<6).map { 0.02 * Float($0 + 1) }, codes: -7...7)
    let nearest = grid.errors(grid.nearest(weights), weights, gram: gram, algebra: algebra)
    let hessian = try #require(HessianRounding.round(weights, grid: grid, gram: gram, algebra: algebra))
    let adaptive = CoordinateRounding.refine(
      hessian, weights: weights, grid: grid, gram: gram, algebra: algebra)
    let first = grid.errors(hessian, weights, gram: gram, algebra: algebra)
    let second = grid.errors(adaptive, weights, gram: gram, algebra: algebra)
    for output in 0..<6 {
      #expect(first[output] <= nearest[output])
      #expect(second[output] <= first[output])
    }
    #expect(first.reduce(0, +) < nearest.reduce(0, +))
  }

  @Test func deadInputsAreRoundedToNearest() throws {
    let algebra = try #require(algebra)
    var (weights, gram) = Self.problem(outputs: 4, inputs: 12, rows: 50)
    for dead in [0, 5, 11] {
      for other in 0..<12 {
        gram[dead, other] = 0
        gram[other, dead] = 0
      }
    }
    weights[5] = 0.26
    let grid = RoundingGrid(outputs: 4, inputs: 12, scales: [0.25, 0.25, 0.25, 0.25], codes: -4...4)
    let nearest = grid.nearest(weights)
    let found = try #require(HessianRounding.round(weights, grid: grid, gram: gram, algebra: algebra))
    let refined = CoordinateRounding.refine(
      found, weights: weights, grid: grid, gram: gram, algebra: algebra)
    for output in 0..<4 {
      for dead in [0, 5, 11] {
        #expect(found[output * 12 + dead] == nearest[output * 12 + dead])
        #expect(refined[output * 12 + dead] == nearest[output * 12 + dead])
      }
    }
  }

  @Test func nothingIsRoundedFromNothing() throws {
    let algebra = try #require(algebra)
    let grid = RoundingGrid(outputs: 1, inputs: 3, scales: [0.1], codes: -7...7)
    let zero = Matrix(rows: 3, columns: 3)
    #expect(HessianRounding.round([0.1, 0.2, 0.3], grid: grid, gram: zero, algebra: algebra) == nil)
    var gram = Matrix(rows: 3, columns: 3, values: [1, 0, 0, 0, 1, 0, 0, 0, 1])
    #expect(HessianRounding.round([0.1, .nan, 0.3], grid: grid, gram: gram, algebra: algebra) == nil)
    #expect(HessianRounding.round([0.1, .infinity, 0.3], grid: grid, gram: gram, algebra: algebra) == nil)
    gram[1, 1] = .nan
    #expect(HessianRounding.round([0.1, 0.2, 0.3], grid: grid, gram: gram, algebra: algebra) == nil)
    // Identical inputs: singular without the damping.
    let ones = Matrix(rows: 3, columns: 3, values: [Double](repeating: 1, count: 9))
    let found = try #require(
      HessianRounding.round([0.14, 0.14, 0.14], grid: grid, gram: ones, damping: 0, algebra: algebra))
    #expect(found.reduce(0, +) == 4)
  }

  @Test(arguments: [WeightRounding.hessian, .adaptive])
  func pairsStayWithinTheirBound(rounding: WeightRounding) throws {
    let algebra = try #require(algebra)
    let (weights, gram) = Self.problem(outputs: 8, inputs: 31, rows: 80)
    // A step that the bound leaves no room for: nearest codes exceed it.
    var grid = RoundingGrid(
      outputs: 8, inputs: 31, scales: [Float](repeating: 1.0 / 100, count: 8), codes: -127...127)
    grid.partners = (0..<31).map { $0 == 30 ? -1 : $0 ^ 1 }
    func largest(_ codes: [Int16]) -> Int {
      (0..<8).flatMap { output in
        stride(from: 0, to: 30, by: 2).map {
          abs(Int(codes[output * 31 + $0]) + Int(codes[output * 31 + $0 + 1]))
        }
      }.max() ?? 0
    }
    var unbound = grid
    unbound.partners = []
    #expect(largest(unbound.nearest(weights)) > 128)
    #expect(largest(grid.nearest(weights)) <= 128)
    var found = try #require(HessianRounding.round(weights, grid: grid, gram: gram, algebra: algebra))
    if rounding == .adaptive {
      found = CoordinateRounding.refine(found, weights: weights, grid: grid, gram: gram, algebra: algebra)
    }
    #expect(largest(found) <= 128)
    #expect(largest(found) >= 120)
  }
}

@Suite(
  .serialized,
  .enabled(if: OnnxRuntimeLibrary.path != nil && algebra != nil, "needs ONNX Runtime and OpenBLAS"))
struct InputMomentsTests {
  private static func context(_ x: HostArray, seed: UInt64 = 0) throws -> OptimizationContext {
    OptimizationContext(
      samples: try SampleSet(arrays: ["x": x]), calibration: Array(0..<x.dimensions[0]),
      engine: try Engine.load(path: OnnxRuntimeLibrary.path), threads: 1, seed: seed)
  }

  /// A grouped, a depthwise and a plain convolution and a matrix product in a row.
  private static func network(_ numbers: inout Numbers) -> Model {
    Graphs.model(
      [
        Node(
          "Conv", inputs: ["x", "w1"], outputs: ["a"],
          attributes: ["group": .int(2), "pads": .ints([1, 1, 1, 1])]),
        Node(
          "Conv", inputs: ["a", "w2"], outputs: ["b"],
          attributes: ["group": .int(6), "strides": .ints([2, 2])]),
        Node("Conv", inputs: ["b", "w3"], outputs: ["c"]),
        Node("MatMul", inputs: ["c", "w4"], outputs: ["y"]),
        Node("Conv", inputs: ["b", "w5"], outputs: ["d"]),
      ],
      input: [12, 4, 9, 9],
      constants: [
        "w1": numbers.tensor([6, 2, 3, 3]), "w2": numbers.tensor([6, 1, 3, 3]),
        "w3": numbers.tensor([5, 6, 1, 1]), "w4": numbers.tensor([4, 7]), "w5": numbers.tensor([2, 6, 1, 1]),
      ])
  }

  /// `e G e^T` times the rows is the squared error of the layer's output in the engine.
  @Test func predictTheOutputErrorOfRounding() throws {
    let algebra = try #require(algebra)
    var numbers = Numbers()
    var model = Self.network(&numbers)
    let x = HostArray(numbers.take(12 * 4 * 81).map { $0 + 0.3 }, [12, 4, 9, 9])
    var limits = InputMoments.Limits()
    limits.rows = 1 << 20
    let moments = try InputMoments.collect(
      model, nodes: [0, 1, 2, 3], context: try Self.context(x), limits: limits, algebra: algebra)
    #expect(moments.declined.isEmpty)
    model.graph.outputs = ["a", "b", "c", "y"].map { ValueInfo(name: $0, dataType: .float32, shape: nil) }
    let engine = try Engine.load(path: OnnxRuntimeLibrary.path)
    let wanted = try Session(engine: engine, model: model).run(["x": x])
    for (index, name, inputName) in [(0, "a", "x"), (1, "b", "a"), (2, "c", "b"), (3, "y", "c")] {
      let node = model.graph.nodes[index]
      let tensor = try #require(model.graph.initializers[node.inputs[1]])
      let weights = try tensor.floats()
      let rounded = weights.map { ($0 * 4).rounded() / 4 }
      var single = Graphs.model(
        [node], input: [1], constants: [node.inputs[1]: .floats(rounded, tensor.dimensions)])
      single.graph.inputs = [ValueInfo(name: inputName, dataType: .float32, shape: nil)]
      single.graph.outputs = [ValueInfo(name: name, dataType: .float32, shape: nil)]
      let input = inputName == "x" ? x : try #require(wanted[inputName])
      let found = try #require(try Session(engine: engine, model: single).run([inputName: input])[name])
      let reference = try #require(wanted[name])
      let squares = zip(found.floats, reference.floats).reduce(0.0) {
        $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1)
      }
      let layer = try #require(moments.layers[index])
      let isMatrix = node.opType == "MatMul"
      let channels = isMatrix ? tensor.dimensions[1] : tensor.dimensions[0]
      var predicted = 0.0
      for channel in 0..<channels {
        let gram = layer.gram(channel / (channels / layer.groups), shrunk: false)
        let error = (0..<layer.length).map { k -> Double in
          let position = isMatrix ? k * channels + channel : channel * layer.length + k
          return Double(rounded[position]) - Double(weights[position])
        }
        for i in 0..<layer.length {
          for j in 0..<layer.length { predicted += error[i] * gram[i, j] * error[j] }
        }
      }
      #expect(abs(predicted * Double(layer.rows) / squares - 1) < 1e-3, "\(name)")
    }
  }

  @Test func areBoundedDeterministicAndShared() throws {
    let algebra = try #require(algebra)
    var numbers = Numbers()
    let model = Self.network(&numbers)
    let x = HostArray(numbers.take(12 * 4 * 81), [12, 4, 9, 9])
    var limits = InputMoments.Limits()
    limits.rows = 60
    func collect(_ limits: InputMoments.Limits, seed: UInt64 = 3) throws -> InputMoments {
      try InputMoments.collect(
        model, nodes: [0, 1, 2, 3, 4], context: try Self.context(x, seed: seed), limits: limits,
        algebra: algebra)
    }
    let first = try collect(limits)
    #expect(first.layers.count == 5)
    let rows = try #require(first.layers[0]).rows
    #expect(rows >= 60 && rows <= 72)
    let second = try collect(limits)
    // One layer per pass: the same positions, the same numbers.
    var small = limits
    small.sumBytes = 1
    let passes = try collect(small)
    // One activation and one sample per run.
    small.activationBytes = 1
    #expect(try collect(small).layers.count == 5)
    let other = try collect(limits, seed: 4)
    for index in 0...4 {
      let matrix = try #require(first.layers[index]).gram()
      #expect(second.layers[index]?.gram() == matrix)
      #expect(passes.layers[index]?.gram() == matrix)
      #expect(other.layers[index]?.gram() != matrix)
    }
    // The two convolutions that read `b` alike share moments.
    #expect(first.layers[2]?.gram() == first.layers[4]?.gram())

    var tight = limits
    tight.longestPatch = 9
    let without = try collect(tight)
    #expect(without.layers.keys.sorted() == [1, 2, 3, 4])
    #expect(without.declined.count == 1 && without.declined[0].contains("18 numbers"))
    tight.longestPatch = 100
    tight.keptBytes = 300
    let few = try collect(tight)
    #expect(few.layers.count < 5 && few.declined.count + few.layers.count == 5)
  }

  @Test func invalidInputsAndNoTimeAreTold() throws {
    let algebra = try #require(algebra)
    var numbers = Numbers()
    let model = Self.network(&numbers)
    var values = numbers.take(12 * 4 * 81)
    values[100] = .nan
    let broken = try InputMoments.collect(
      model, nodes: [0, 3], context: try Self.context(HostArray(values, [12, 4, 9, 9])), algebra: algebra)
    #expect(broken.layers.isEmpty)
    #expect(broken.declined.count == 2 && broken.declined.allSatisfy { $0.contains("NaN") })
    var late = try Self.context(HostArray(numbers.take(12 * 4 * 81), [12, 4, 9, 9]))
    late.deadline = ContinuousClock.now - .seconds(1)
    let none = try InputMoments.collect(model, nodes: [0], context: late, algebra: algebra)
    #expect(none.layers.isEmpty && none.declined.count == 1)
    late.calibration = []
    #expect(throws: ScopeError.self) {
      try InputMoments.collect(model, nodes: [0], context: late, algebra: algebra)
    }
  }

  @Test(arguments: [WeightRounding.hessian, .adaptive], [WeightRange.full, .reduced, .pairBounded])
  func quantizedModelsStayAccurateAndBounded(rounding: WeightRounding, range: WeightRange) throws {
    let engine = try Engine.load(path: OnnxRuntimeLibrary.path)
    let context = try Stripes.context(engine: engine)
    var model = try Stripes.model()
    _ = try PassRunner.run(PassRegistry.exact, on: &model)
    var recipe = QuantizationRecipe(weightRange: range, biasCorrection: true, rounding: rounding)
    let found = try Quantizer.quantize(model, recipe: recipe, context: context)
    #expect(try Stripes.accuracy(Stripes.predictions(found)) >= 0.9)
    #expect(recipe.name.hasSuffix("\(rounding.rawValue) rounding"))
    let again = try Quantizer.quantize(model, recipe: recipe, context: context)
    recipe.rounding = .nearest
    let nearest = try Quantizer.quantize(model, recipe: recipe, context: context)
    var different = 0
    for (name, tensor) in found.graph.initializers
    where tensor.dataType == .int8 && tensor.dimensions.count >= 2 {
      let codes = try tensor.ints()
      #expect(try again.graph.initializers[name]?.ints() == codes)
      let plain = try #require(nearest.graph.initializers[name]).ints()
      different += zip(codes, plain).filter { $0 != $1 }.count
      #expect(codes.allSatisfy { abs($0) <= (range == .reduced ? 64 : 127) })
      guard range == .pairBounded, tensor.dimensions.count == 4, tensor.dimensions[1] > 1 else { continue }
      let inputs = tensor.dimensions[1]
      let kernel = tensor.dimensions[2] * tensor.dimensions[3]
      for channel in 0..<tensor.dimensions[0] {
        let ordered = (0..<inputs * kernel).map {
          codes[(channel * inputs + $0 % inputs) * kernel + $0 / inputs]
        }
        for index in stride(from: 0, to: ordered.count - 1, by: 2) {
          #expect(abs(ordered[index] + ordered[index + 1]) <= 128)
        }
      }
    }
    #expect(different > 0)
  }
}
