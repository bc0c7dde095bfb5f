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

/// Reproducible numbers in [-1, 1).
struct Numbers {
  private var state: UInt64 = 0x9E37_79B9_7F4A_7C15

  mutating func take(_ count: Int) -> [Float] {
    (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) / Float(1 << 23) - 1
    }
  }

  mutating func tensor(_ dimensions: [Int], offset: Float = 0) -> Tensor {
    .floats(take(dimensions.reduce(1, *)).map { $0 + offset }, dimensions)
  }
}

enum Graphs {
  /// A model with one input `x` and one output `y`.
  static func model(
    _ nodes: [Node], input: [Int] = [2, 3, 8, 8], constants: [String: Tensor] = [:], opset: Int64 = 17
  ) -> Model {
    var graph = Graph(name: "test", nodes: nodes)
    graph.inputs = [ValueInfo(name: "x", dataType: .float32, shape: Shape(input))]
    graph.outputs = [ValueInfo(name: "y", dataType: .float32, shape: nil)]
    for (name, tensor) in constants.sorted(by: { $0.key < $1.key }) { graph.initializers[name] = tensor }
    return Model(opset: opset, graph: graph)
  }

  static func batchNorm(_ stem: String, _ channels: Int, _ numbers: inout Numbers) -> [String: Tensor] {
    [
      "\(stem)_g": numbers.tensor([channels], offset: 2), "\(stem)_b": numbers.tensor([channels]),
      "\(stem)_m": numbers.tensor([channels]), "\(stem)_v": numbers.tensor([channels], offset: 1.5),
    ]
  }
}

enum Computed {
  /// `y` of a model on reproducible input.
  static func output(_ model: Model, input: [Int] = [2, 3, 8, 8]) throws -> [Float] {
    let engine = try Engine.load(path: OnnxRuntimeLibrary.path)
    let session = try Session(
      engine: engine, model: model, options: SessionOptions(threads: 1, optimization: .none))
    var numbers = Numbers()
    let feed = HostArray(numbers.take(input.reduce(1, *)), input)
    return try session.run(["x": feed])["y"]?.floats ?? []
  }

  /// Largest difference over the largest magnitude.
  static func difference(_ a: [Float], _ b: [Float]) -> Float {
    guard a.count == b.count, !a.isEmpty else { return .infinity }
    return zip(a, b).map { abs($0 - $1) }.max()! / a.map(abs).max()!
  }
}

/// What `make_quantization.py` computed.
struct Golden: Decodable {
  struct Activation: Decodable {
    var minimum: Float
    var maximum: Float
    var type: QuantizedType
    var scale: Double
    var zeroPoint: Int
  }
  struct Codes: Decodable {
    var scales: [Double]
    var codes: [Int]
  }
  struct Weights: Decodable {
    var weight: [Float]
    var dimensions: [Int]
    var full: Codes
    var reduced: Codes
  }
  struct BatchNorm: Decodable {
    var weight, bias, gamma, beta, mean, variance: [Float]
    var foldedWeight, foldedBias: [Double]
  }
  struct BiasCorrection: Decodable {
    var weight: [Float]
    var dimensions: [Int]
    var means: [Double]
    var shift: [Double]
  }
  struct Wilson: Decodable {
    var successes: Int
    var trials: Int
    var interval: [Double]
  }

  var activations: [Activation]
  var weights: Weights
  var batchNorm: BatchNorm
  var biasCorrection: BiasCorrection
  var wilson: [Wilson]

  static func load() throws -> Golden {
    let url = URL(filePath: Fixture.path("optimization/quantization.json"))
    return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
  }
}

/// The trained classifier of stripes and its images.
enum Stripes {
  static let normalization = Normalization(mean: [0.5, 0.5, 0.5], standardDeviation: [0.5, 0.5, 0.5])

  static func model() throws -> Model {
    try ONNXReader.read(try ByteSlice(mappingFile: Fixture.path("optimization/stripes.onnx")))
  }

  static func images() throws -> LabeledImages {
    try ImageLoader.load(path: Fixture.path("optimization/stripes.npz"), preprocessing: .none).images
  }

  static func bytes(_ model: Model) throws -> Int {
    try ONNXWriter.serialize(model).reduce(0) { $0 + $1.count }
  }

  static func samples() throws -> SampleSet {
    SampleSet(images: try images(), normalization: normalization)
  }

  /// Every fifth image calibrates.
  static func context(engine: Engine) throws -> OptimizationContext {
    let samples = try samples()
    return OptimizationContext(
      samples: samples, calibration: try DataSplit(labels: samples.labels ?? []).calibration, engine: engine,
      threads: 1)
  }

  /// Predictions over all images.
  static func predictions(_ model: Model, optimization: SessionOptions.Optimization = .all) throws -> [Int] {
    let images = try images()
    let session = try Session(
      engine: try Engine.load(path: OnnxRuntimeLibrary.path), model: model,
      options: SessionOptions(threads: 1, optimization: optimization))
    let feed = HostArray(
      images.normalizedValues(Array(0..<images.count), normalization), [images.count, 3, 16, 16])
    let scores = try session.run([session.inputs[0].name: feed])[session.outputs[0].name]?.floats ?? []
    return (0..<images.count).map { image in
      let row = Array(scores[image * 3..<image * 3 + 3])
      return row.firstIndex(of: row.max()!)!
    }
  }

  static func accuracy(_ predictions: [Int]) throws -> Double {
    let labels = try images().labels
    return Double(zip(predictions, labels).filter { $0 == $1 }.count) / Double(labels.count)
  }
}

/// The published checkpoints with the images that fit them.
enum PublishedModel {
  /// - Parameter name: `efficientnet-lite0`, `resnet20` or `resnet56`.
  static func load(_ name: String, limit: Int) throws -> (model: Model, samples: SampleSet) {
    let isImageNet = name.hasPrefix("efficientnet-")
    let path =
      isImageNet
      ? SharedData.repository.appending(path: "demo/efficientnet-lite0-57934424.pth").path()
      : try #require(
        SharedData.path("models/\(name == "resnet20" ? "resnet20-12fca82f" : "resnet56-4bfd9763").th"))
    guard case .weights(let state) = try ModelReader.read(path: path).content else {
      throw ScopeError(.invalidData, "not a state dict")
    }
    let preprocessing = isImageNet ? Preprocessing.tf : .cifar
    var options = ImageLoader.Options()
    options.limit = limit
    let images = try ImageLoader.load(
      path: try #require(SharedData.path(isImageNet ? "imagenet-sample" : "cifar10-sample/test")),
      preprocessing: preprocessing, options: options
    ).images
    return (
      try #require(ArchitectureRegistry.recognise(state)).build(state),
      SampleSet(images: images, normalization: preprocessing.normalization)
    )
  }
}
