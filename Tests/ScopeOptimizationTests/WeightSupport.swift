import Foundation
import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeOptimization
import ScopeRuntime
import TestSupport

/// What `make_weights.py` computed.
struct WeightsGolden: Decodable {
  struct Packed: Decodable {
    var bits: Int
    var isSymmetric: Bool
    var inputs: Int
    var outputs: Int
    var blockSize: Int
    /// [inputs, outputs].
    var weight: [Float]
    var codes: [UInt8]
    var scales: [Float]
    var zeroPoints: [UInt8]
    /// [inputs, outputs].
    var real: [Float]
  }
  struct Floats: Decodable {
    /// Bit patterns of float32 numbers.
    var values: [UInt32]
    var float16, bfloat16, float8e4m3, float8e5m2: [UInt16]
  }
  struct Dynamic: Decodable {
    var x, weight, bias, result: [Float]
  }

  var packed: [Packed]
  var floats: Floats
  var dynamic: Dynamic

  static func load() throws -> WeightsGolden {
    let url = URL(filePath: Fixture.path("optimization/weights.json"))
    return try JSONDecoder().decode(WeightsGolden.self, from: Data(contentsOf: url))
  }
}

extension Graphs {
  /// `x` [batch, tokens, inputs] times a constant, plus a bias: a linear layer as transformers have it.
  static func linear(
    inputs: Int, outputs: Int, weight: [Float]? = nil, bias: Bool = true, opset: Int64 = 17
  ) -> Model {
    var numbers = Numbers()
    let values = weight ?? numbers.take(inputs * outputs)
    var constants: [String: Tensor] = ["w": .floats(values, [inputs, outputs])]
    if bias { constants["b"] = numbers.tensor([outputs]) }
    return model(
      [Node("MatMul", name: "linear", inputs: ["x", "w"], outputs: [bias ? "m" : "y"])]
        + (bias ? [Node("Add", inputs: ["m", "b"], outputs: ["y"])] : []),
      input: [2, 5, inputs], constants: constants, opset: opset)
  }
}

extension Computed {
  /// Outputs of a model on named inputs.
  static func run(
    _ model: Model, _ feeds: [String: HostArray], optimization: SessionOptions.Optimization = .all
  ) throws -> [String: HostArray] {
    let session = try Session(
      engine: try Engine.load(path: OnnxRuntimeLibrary.path), model: model,
      options: SessionOptions(threads: 1, optimization: optimization))
    return try session.run(feeds)
  }

  /// `y` on reproducible numbers for the input `x`.
  static func values(
    _ model: Model, input: [Int], optimization: SessionOptions.Optimization = .all
  ) throws -> [Float] {
    var numbers = Numbers()
    let feed = HostArray(numbers.take(input.reduce(1, *)), input)
    return try run(model, ["x": feed], optimization: optimization)["y"]?.floats ?? []
  }

  /// 10 log10(signal / noise).
  static func sqnr(_ reference: [Float], _ other: [Float]) -> Double {
    guard reference.count == other.count, !reference.isEmpty else { return -.infinity }
    var signal = 0.0
    var noise = 0.0
    for (a, b) in zip(reference, other) {
      signal += Double(a) * Double(a)
      noise += (Double(a) - Double(b)) * (Double(a) - Double(b))
    }
    return noise == 0 ? .infinity : noise.isFinite ? 10 * log10(signal / noise) : -.infinity
  }

  static func operators(_ model: Model) -> [String: Int] {
    model.graph.nodes.reduce(into: [:]) { $0[$1.opType, default: 0] += 1 }
  }
}
