import Foundation
import ScopeBytes
import ScopeFormats
import ScopeGradients
import ScopeGraph
import ScopeRuntime
import Testing

enum ParameterFixtures {
  static let folder = "\(GradientFixtures.folder)/parameters"

  static let names: [String] = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
    .filter { $0.hasSuffix(".onnx") }.map { String($0.dropLast(5)) }.sorted()

  static func model(_ name: String) throws -> Model { try GradientFixtures.model("parameters/\(name)") }

  static func parameters(_ model: Model) -> [String] {
    model.graph.initializers.keys.filter { $0.hasPrefix("p") }
  }

  /// Feeds for the parameters: what the model held.
  static func feeds(_ gradient: ParameterGradientModel) throws -> [String: HostArray] {
    var feeds: [String: HostArray] = [:]
    for parameter in gradient.parameters { feeds[parameter.name] = try HostArray(parameter.tensor) }
    return feeds
  }
}

/// Consecutive parts of a fixture's numbers.
struct Parts {
  private var numbers: ArraySlice<Float>

  init(_ numbers: [Float]) { self.numbers = numbers[...] }

  mutating func take(_ dimensions: [Int]) -> [Float] {
    let count = dimensions.reduce(1, *)
    defer { numbers = numbers.dropFirst(count) }
    return Array(numbers.prefix(count))
  }

  var isEmpty: Bool { numbers.isEmpty }
}

@Suite(.serialized) struct ParameterGradientTests {
  func session(_ model: Model) throws -> Session {
    try Session(engine: try #require(engine), model: model, options: .init(threads: 1))
  }

  /// Every weight gradient against PyTorch's autograd; see Tests/Fixtures/make_gradients.py.
  @Test(.enabled(if: engine != nil, engineReason), arguments: ParameterFixtures.names)
  func agreesWithAutograd(_ name: String) throws {
    let model = try ParameterFixtures.model(name)
    var parts = Parts(try GradientFixtures.numbers("parameters/\(name)"))
    let inputShape =
      [name == "chain" ? 3 : 2]
      + (model.graph.inputs[0].shape?.dimensions.dropFirst().compactMap(\.value) ?? [])
    let x = HostArray(parts.take(inputShape), inputShape)
    let output = model.graph.outputs[0].name
    let outputShape = try #require(try session(model).run(["x": x])[output]).dimensions
    let v = HostArray(parts.take(outputShape), outputShape)
    let gradient = try BackwardGraph.parameterGradients(
      of: model, parameters: ParameterFixtures.parameters(model), loss: .weightedSum)
    #expect(gradient.lossOutput == nil)
    #expect(gradient.dataInputs.map(\.name) == ["x"])
    var feeds = try ParameterFixtures.feeds(gradient)
    feeds["x"] = x
    feeds[gradient.targetInput.name] = v
    let results = try session(gradient.model).run(feeds)
    for parameter in gradient.parameters {
      let found = try #require(results[parameter.gradientOutput])
      #expect(found.dimensions == parameter.tensor.dimensions)
      let expected = parts.take(parameter.tensor.dimensions)
      #expect(relativeError(found.floats, expected) < 3e-5, "\(parameter.name)")
    }
    #expect(parts.isEmpty)
  }

  /// The losses of distillation and their gradients against PyTorch.
  @Test(
    .enabled(if: engine != nil, engineReason),
    arguments: zip(["divergence", "squared_error"], [LossKind.divergence, .squaredError]))
  func distillationLossAgreesWithAutograd(_ name: String, _ kind: LossKind) throws {
    let model = try ParameterFixtures.model("chain")
    var parts = Parts(try GradientFixtures.numbers("parameters/\(name)"))
    let x = HostArray(parts.take([3, 3, 9, 8]), [3, 3, 9, 8])
    let teacher = HostArray(parts.take([3, 4]), [3, 4])
    let losses = parts.take([3])
    for averaged in [false, true] {
      let gradient = try BackwardGraph.parameterGradients(
        of: model, parameters: ParameterFixtures.parameters(model), loss: kind, temperature: 2.5,
        averaged: averaged)
      var feeds = try ParameterFixtures.feeds(gradient)
      feeds["x"] = x
      feeds[gradient.targetInput.name] = teacher
      let results = try session(gradient.model).run(feeds)
      let loss = try #require(gradient.lossOutput.flatMap { results[$0] }).floats
      #expect(relativeError(loss, losses) < 1e-5)
      var rest = parts
      for parameter in gradient.parameters {
        let found = try #require(results[parameter.gradientOutput]).floats.map { averaged ? $0 * 3 : $0 }
        #expect(relativeError(found, rest.take(parameter.tensor.dimensions)) < 3e-5, "\(parameter.name)")
      }
      #expect(rest.isEmpty)
    }
  }

  /// Central differences of the forward model with changed initializers, the squared error of an inner value included.
  @Test(.enabled(if: engine != nil, engineReason))
  func agreesWithFiniteDifferences() throws {
    let model = try ParameterFixtures.model("chain")
    var parts = Parts(try GradientFixtures.numbers("parameters/squared_error"))
    let x = HostArray(parts.take([3, 3, 9, 8]), [3, 3, 9, 8])
    let teacher = HostArray(parts.take([3, 4]), [3, 4])
    let feature = FeatureTarget(value: "s2", weight: 3)
    let target = HostArray((0..<(3 * 6 * 5 * 4)).map { Float($0 % 7) / 7 }, [3, 6, 5, 4])
    let gradient = try BackwardGraph.parameterGradients(
      of: model, parameters: ParameterFixtures.parameters(model), loss: .squaredError, features: [feature])
    let session = try session(gradient.model)
    var feeds = try ParameterFixtures.feeds(gradient)
    feeds["x"] = x
    feeds[gradient.targetInput.name] = teacher
    feeds[gradient.featureInputs[0].name] = target
    let lossName = try #require(gradient.lossOutput)
    let results = try session.run(feeds)
    for parameter in gradient.parameters {
      let found = try #require(results[parameter.gradientOutput]).floats
      let values = try parameter.tensor.floats()
      for index in stride(from: 0, to: values.count, by: max(values.count / 4, 1)) {
        let step: Float = 1 / 256
        func loss(_ change: Float) throws -> Double {
          var changed = values
          changed[index] += change
          var feeds = feeds
          feeds[parameter.name] = HostArray(changed, parameter.tensor.dimensions)
          let values = try #require(try session.run(feeds, fetch: [lossName])[lossName]).floats
          return values.reduce(0) { $0 + Double($1) }
        }
        let difference = (try loss(step) - loss(-step)) / Double(2 * step)
        #expect(
          abs(difference - Double(found[index])) < 2e-2 * max(0.1, abs(difference)),
          "\(parameter.name) element \(index)")
      }
    }
  }

  @Test func aConstantStaysOneUnlessAsked() throws {
    let model = try ParameterFixtures.model("chain")
    let gradient = try BackwardGraph.parameterGradients(
      of: model, parameters: ["p9"], loss: .divergence)
    #expect(gradient.parameters.map(\.name) == ["p9"])
    #expect(gradient.model.graph.initializers["p0"] != nil)
    #expect(gradient.model.graph.inputs.map(\.name).contains("p9"))
    // The last layer's weight needs no gradient of a convolution.
    let forward = model.graph.nodes.count { $0.opType == "Conv" }
    #expect(gradient.model.graph.nodes.count { $0.opType == "Conv" } == forward)
  }

  @Test func refusesAnUnknownOperatorByName() throws {
    var model = try ParameterFixtures.model("chain")
    let index = try #require(model.graph.nodes.firstIndex { $0.opType == "Sigmoid" })
    model.graph.nodes[index].opType = "NotAnOperator"
    model.graph.nodes[index].name = "mystery"
    let error = #expect(throws: ScopeError.self) {
      try BackwardGraph.parameterGradients(of: model, parameters: ["p0"], loss: .weightedSum)
    }
    #expect(error?.code == .unsupported)
    #expect(error?.place?.contains("mystery") == true)
    #expect(error?.remedy?.contains("Fine-tuning") == true)
    // What comes after the operator needs no gradient through it.
    _ = try BackwardGraph.parameterGradients(of: model, parameters: ["p9"], logits: "y", loss: .weightedSum)
  }

  @Test func refusesNamesItCannotDifferentiate() throws {
    var model = try ParameterFixtures.model("chain")
    model.graph.initializers["unused"] = .floats([1], [1])
    model.graph.initializers["integers"] = .int8s([1], [1])
    for names in [["missing"], ["unused"], [], ["p0", "p0"], ["integers"], ["m"]] {
      #expect(throws: ScopeError.self) {
        try BackwardGraph.parameterGradients(of: model, parameters: names, loss: .squaredError)
      }
    }
    for temperature: Float in [0, -1, .nan, .infinity] {
      let error = #expect(throws: ScopeError.self) {
        try BackwardGraph.parameterGradients(
          of: model, parameters: ["p0"], loss: .divergence, temperature: temperature)
      }
      #expect(error?.code == .invalidArgument)
    }
    #expect(throws: ScopeError.self) {
      try BackwardGraph.parameterGradients(
        of: model, parameters: ["p9"], loss: .squaredError, features: [.init(value: "c0", weight: 1)])
    }
  }
}

@Suite struct TrainableParameterTests {
  @Test func findsWeightsAndNothingElse() throws {
    let model = try ParameterFixtures.model("chain")
    let found = TrainableParameters(model.graph)
    #expect(found.names == (0...10).map { "p\($0)" } + ["b1"])
    #expect(
      found.elementCount == found.names.reduce(0) { $0 + (model.graph.initializers[$1]?.elementCount ?? 0) })
  }

  @Test func leavesSharedIntegerAndOtherConstants() {
    var graph = Graph(name: "mixed")
    graph.inputs = [ValueInfo(name: "x", dataType: .float32, shape: [2, 4])]
    graph.outputs = [ValueInfo(name: "y", dataType: .float32, shape: nil)]
    graph.initializers["shared"] = .floats(Array(repeating: 1, count: 16), [4, 4])
    graph.initializers["q"] = .int8s(Array(repeating: 1, count: 16), [4, 4])
    graph.initializers["scale"] = .floats([0.5], [])
    graph.initializers["mask"] = .floats(Array(repeating: 0, count: 8), [2, 4])
    graph.initializers["bias"] = .floats(Array(repeating: 0, count: 4), [4])
    graph.initializers["half"] = .floats([0.5], [])
    graph.initializers["aside"] = .floats(Array(repeating: 0, count: 4), [4])
    graph.nodes = [
      Node("MatMul", inputs: ["x", "shared"], outputs: ["a"]),
      Node("MatMul", inputs: ["a", "shared"], outputs: ["b"]),
      Node("DequantizeLinear", inputs: ["q", "scale"], outputs: ["w"]),
      Node("MatMul", inputs: ["b", "w"], outputs: ["c"]),
      Node("Add", inputs: ["c", "mask"], outputs: ["d"]),
      Node("Mul", inputs: ["d", "half"], outputs: ["e"]),
      Node("Add", inputs: ["e", "bias"], outputs: ["y"]),
      Node("Add", inputs: ["x", "aside"], outputs: ["z"]),
    ]
    let found = TrainableParameters(graph)
    #expect(found.names == ["bias"])
    #expect(found.untouched.map(\.name) == ["shared", "q"])
  }
}
