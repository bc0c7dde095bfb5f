import OrderedCollections
import ScopeBytes
import ScopeGraph
import ScopeOptimization
import ScopeRuntime
import ScopeStatistics
import TestSupport
import Testing

/// Fine-tuning of the classifier of stripes after its weights were disturbed.
@Suite(.serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
struct DistillationTests {
  private let engine: Engine
  private let teacher: Model
  private let context: OptimizationContext

  init() throws {
    engine = try Engine.load(path: OnnxRuntimeLibrary.path)
    var folded = try Stripes.model()
    _ = try PassRunner.run(PassRegistry.exact, on: &folded)
    teacher = folded
    let samples = try Stripes.samples()
    context = OptimizationContext(
      samples: samples, calibration: Array(0..<min(samples.count, 64)), engine: engine, threads: 1, seed: 3)
  }

  /// The teacher with noise on every matrix and kernel.
  private func disturbed(_ amount: Float = 0.6) throws -> Model {
    var model = teacher
    var numbers = Numbers()
    for (name, tensor) in model.graph.initializers where tensor.dimensions.count > 1 {
      let values = try tensor.floats()
      let scale = values.reduce(0) { max($0, abs($1)) } * amount
      let noise = numbers.take(values.count)
      model.graph.initializers[name] = .floats(
        zip(values, noise).map { $0 + scale * $1 }, tensor.dimensions)
    }
    return model
  }

  private func recipe(epochs: Int = 20) -> DistillationRecipe {
    var recipe = DistillationRecipe()
    recipe.epochs = epochs
    recipe.batchSize = 16
    recipe.flips = false
    recipe.learningRate = 3e-3
    return recipe
  }

  private func weights(_ model: Model) throws -> [Float] {
    try model.graph.initializers.values.filter { $0.dataType == .float32 }.flatMap { tensor in
      try tensor.floats()
    }
  }

  @Test(arguments: [
    (DistillationRecipe.Loss.divergence(temperature: 3), DistillationRecipe.Method.adam(), Float(3e-3)),
    (.squaredError, .adam(), 3e-3), (.divergence(temperature: 2), .momentum(0.9), 2e-3),
  ])
  func lossFallsAndAgreementRises(
    loss: DistillationRecipe.Loss, method: DistillationRecipe.Method, rate: Float
  ) throws {
    let student = try disturbed()
    var recipe = recipe()
    (recipe.loss, recipe.method, recipe.learningRate) = (loss, method, rate)
    let result = try Distillation.finetune(
      student: student, teacher: .model(teacher), recipe: recipe, context: context)
    #expect(result.isImproved)
    #expect(result.lossAfter < 0.5 * result.lossBefore)
    #expect(result.agreementAfter > result.agreementBefore)
    #expect(!result.limitedByTime)
    #expect(result.trainingSamples + result.heldOutSamples == context.calibration.count)
    #expect(result.steps == result.trainingSamples / 16 * 20)
    // Images that neither trained nor judged.
    let reference = try Stripes.predictions(teacher)
    func agreement(_ model: Model) throws -> Int {
      zip(try Stripes.predictions(model), reference).dropFirst(64).count { $0 == $1 }
    }
    #expect(try agreement(result.model) > agreement(student))
  }

  @Test func onlyTheWeightsChange() throws {
    let student = try disturbed()
    let result = try Distillation.finetune(
      student: student, teacher: .model(teacher), recipe: recipe(epochs: 3), context: context)
    #expect(result.model.graph.nodes.count == student.graph.nodes.count)
    #expect(result.model.graph.initializers.keys == student.graph.initializers.keys)
    #expect(result.model.graph.inputs.map(\.name) == student.graph.inputs.map(\.name))
    for (name, tensor) in student.graph.initializers {
      let now = try #require(result.model.graph.initializers[name])
      #expect(now.dimensions == tensor.dimensions && now.dataType == tensor.dataType)
    }
    #expect(try weights(result.model) != weights(student))
  }

  @Test func equalSeedsGiveEqualWeights() throws {
    let student = try disturbed()
    var contexts = [context, context, context]
    contexts[2].seed = 4
    let results = try contexts.map { context in
      try Distillation.finetune(
        student: student, teacher: .model(teacher), recipe: recipe(epochs: 3), context: context)
    }
    #expect(try weights(results[0].model) == weights(results[1].model))
    #expect(results[0].curve == results[1].curve)
    #expect(try weights(results[0].model) != weights(results[2].model))
  }

  @Test func neverReturnsSomethingWorse() throws {
    var recipe = recipe(epochs: 2)
    recipe.method = .momentum(0)
    recipe.learningRate = 1e6
    let student = try disturbed()
    let result = try Distillation.finetune(
      student: student, teacher: .model(teacher), recipe: recipe, context: context)
    #expect(!result.isImproved)
    #expect(result.lossAfter == result.lossBefore)
    #expect(try weights(result.model) == weights(student))
    // The teacher itself has nothing to learn.
    let same = try Distillation.finetune(
      student: teacher, teacher: .model(teacher), recipe: self.recipe(epochs: 1), context: context)
    #expect(same.lossBefore < 1e-6 && same.lossAfter <= same.lossBefore && same.agreementAfter == 1)
  }

  @Test func keepsTheTimeBudget() throws {
    var recipe = recipe(epochs: 1_000_000)
    recipe.timeBudget = .milliseconds(700)
    let result = try Distillation.finetune(
      student: try disturbed(), teacher: .model(teacher), recipe: recipe, context: context)
    #expect(result.limitedByTime)
    #expect(result.steps > 10)
    #expect(result.duration < .milliseconds(2000))
    #expect(result.lossAfter < result.lossBefore)
    var late = context
    late.deadline = .now
    let none = try Distillation.finetune(
      student: try disturbed(), teacher: .model(teacher), recipe: self.recipe(), context: late)
    #expect(none.steps == 0 && none.limitedByTime && !none.isImproved)
  }

  @Test func learnsFromLogitsAlone() throws {
    let session = try Session(engine: engine, model: teacher)
    let runner = try ModelRunner(session: session, output: teacher.graph.outputs[0].name)
    let logits = try runner.logits(context.samples, context.calibration).values
    let result = try Distillation.finetune(
      student: try disturbed(), teacher: .logits(logits), recipe: recipe(), context: context)
    #expect(result.lossAfter < 0.5 * result.lossBefore)
    for wrong in [[], Array(logits.dropLast()), Array(logits.prefix(context.calibration.count * 2))] {
      let error = #expect(throws: ScopeError.self) {
        try Distillation.finetune(
          student: teacher, teacher: .logits(wrong), recipe: recipe(), context: context)
      }
      #expect(error?.code == .invalidArgument)
    }
  }

  @Test func zerosStayZerosWhenAsked() throws {
    var student = try disturbed()
    for (name, tensor) in student.graph.initializers where tensor.dimensions.count > 1 {
      let values = try tensor.floats().enumerated().map { $0.offset % 3 == 0 ? 0 : $0.element }
      student.graph.initializers[name] = .floats(values, tensor.dimensions)
    }
    func zeros(_ keepsZeros: Bool) throws -> (before: Int, after: Int) {
      var recipe = recipe(epochs: 2)
      recipe.keepsZeros = keepsZeros
      let result = try Distillation.finetune(
        student: student, teacher: .model(teacher), recipe: recipe, context: context)
      #expect(result.isImproved)
      func count(_ model: Model) throws -> Int {
        try model.graph.initializers.values.filter { $0.dimensions.count > 1 && $0.dataType == .float32 }
          .reduce(0) { sum, tensor in sum + (try tensor.floats().count { $0 == 0 }) }
      }
      return (try count(student), try count(result.model))
    }
    let kept = try zeros(true)
    #expect(kept.before > 0 && kept.before == kept.after)
    let free = try zeros(false)
    #expect(free.after < free.before / 2)
  }

  @Test func featuresAreMatched() throws {
    let feature = try #require(teacher.graph.nodes.first { $0.opType == "Relu" || $0.opType == "Clip" })
      .outputs[0]
    var recipe = recipe()
    recipe.features = [feature]
    let result = try Distillation.finetune(
      student: try disturbed(), teacher: .model(teacher), recipe: recipe, context: context)
    #expect(result.lossAfter < 0.5 * result.lossBefore)
    recipe.features = ["nowhere"]
    #expect(throws: ScopeError.self) {
      try Distillation.finetune(
        student: teacher, teacher: .model(teacher), recipe: recipe, context: context)
    }
  }

  @Test func refusesAnOperatorWithoutAGradient() throws {
    // Mod behind the first weights: nothing in front of it can learn.
    var student = try disturbed()
    let last = try #require(student.graph.nodes.indices.last)
    let value = student.graph.nodes[last].inputs[0]
    student.graph.initializers["modulus"] = .floats([1000], [])
    student.graph.nodes[last].inputs[0] = "wrapped"
    student.graph.nodes.insert(
      Node(
        "Mod", name: "wrap", inputs: [value, "modulus"], outputs: ["wrapped"], attributes: ["fmod": .int(1)]),
      at: last)
    let error = #expect(throws: ScopeError.self) {
      try Distillation.finetune(
        student: student, teacher: .model(teacher), recipe: recipe(), context: context)
    }
    #expect(error?.code == .unsupported)
    #expect(error?.place?.contains("wrap") == true)
    #expect(error?.message.contains("Mod") == true)
  }

  @Test func refusesIntegerWeights() throws {
    var graph = Graph(name: "quantized")
    graph.inputs = [ValueInfo(name: "x", dataType: .float32, shape: [1, 3, 16, 16])]
    graph.outputs = [ValueInfo(name: "y", dataType: .float32, shape: nil)]
    graph.initializers["q"] = .int8s([1, 2, 3, 4, 5, 6, 7, 8, 9], [3, 3, 1, 1])
    graph.initializers["s"] = .floats([0.5], [])
    graph.nodes = [
      Node("DequantizeLinear", inputs: ["q", "s"], outputs: ["w"]),
      Node("Conv", inputs: ["x", "w"], outputs: ["c"]),
      Node("GlobalAveragePool", inputs: ["c"], outputs: ["p"]),
      Node("Flatten", inputs: ["p"], outputs: ["y"]),
    ]
    let error = #expect(throws: ScopeError.self) {
      try Distillation.finetune(
        student: Model(graph: graph), teacher: .model(teacher), recipe: recipe(), context: context)
    }
    #expect(error?.code == .unsupported)
    #expect(error?.found?.contains("integers behind DequantizeLinear") == true)
  }

  @Test func refusesRecipesOutOfRange() throws {
    let changes: [(inout DistillationRecipe) -> Void] = [
      { $0.learningRate = 0 }, { $0.learningRate = .nan }, { $0.batchSize = 0 }, { $0.epochs = 0 },
      { $0.heldOut = 0 }, { $0.heldOut = 1 }, { $0.heldOut = .nan }, { $0.mixing = 2 }, { $0.shift = -1 },
      { $0.method = .momentum(1) }, { $0.method = .adam(epsilon: 0) },
      { $0.loss = .divergence(temperature: 0) }, { $0.parameters = ["nothing"] }, { $0.parameters = [] },
      { $0.featureWeight = .infinity },
    ]
    for change in changes {
      var recipe = recipe()
      change(&recipe)
      let error = #expect(throws: ScopeError.self) {
        try Distillation.finetune(
          student: teacher, teacher: .model(teacher), recipe: recipe, context: context)
      }
      #expect(error?.code == .invalidArgument)
    }
    var few = context
    few.calibration = [0, 1, 2]
    let error = #expect(throws: ScopeError.self) {
      try Distillation.finetune(
        student: teacher, teacher: .model(teacher), recipe: recipe(), context: few)
    }
    #expect(error?.code == .invalidData)
  }
}
