import ScopeBytes
import ScopeData
import ScopeGradients
import ScopeGraph
import ScopeRuntime
import ScopeStatistics

/// Fine-tuning of a rewritten (pruned, factorised ...) model on unlabelled samples towards the original's outputs.
public enum Distillation {
  /// Trains the student's weights with steps that run in the engine (forward, loss, backward and update are one graph)
  /// and keeps those with the lowest loss on samples that were held out. What it returns is never worse on these than
  /// the student was.
  ///
  /// Deterministic for equal arguments and threads, as long as the time budget does not end it.
  ///
  /// - Parameters:
  ///   - student: float model; normalisations are trained by scale and bias, their statistics stay.
  ///   - teacher: the model (or its logits) to follow, with the same inputs and an output of the same size.
  /// - Throws: `unsupported` when the model has no float weights to train, or an operator on the way has no gradient (it
  ///   is named), or the weights make the loss no number from the beginning; `invalidData` for too few samples;
  ///   `invalidArgument` for a recipe out of range; engine failures.
  public static func finetune(
    student: Model, teacher: DistillationTeacher, recipe: DistillationRecipe = .init(),
    context: OptimizationContext
  ) throws(ScopeError) -> DistillationResult {
    var run = try DistillationRun(student: student, teacher: teacher, recipe: recipe, context: context)
    return try run.run()
  }
}

/// State of one fine-tuning.
struct DistillationRun {
  let student: Model
  let recipe: DistillationRecipe
  let context: OptimizationContext
  let clock = ContinuousClock()
  let start: ContinuousClock.Instant
  let graph: TrainingGraph
  let session: Session
  let teacher: TeacherRunner?
  let augmentation: Augmentation
  /// Positions in the context's calibration list.
  let training: [Int]
  let heldOut: [Int]
  /// Teacher's logits by position in the calibration list; for a teacher model, of the held-out samples only.
  var answers: [Int: ArraySlice<Float>] = [:]
  let batch: Int
  var generator: SplitMix64
  var vectors: [String: HostArray]

  init(
    student: Model, teacher: DistillationTeacher, recipe: DistillationRecipe, context: OptimizationContext
  ) throws(ScopeError) {
    start = clock.now
    self.student = student
    self.recipe = recipe
    self.context = context
    try Self.check(recipe)
    context.progress("Preparing the fine-tuning", 0)
    generator = SplitMix64(seed: context.seed)
    (training, heldOut) = try Self.split(context.calibration.count, recipe.heldOut, &generator)
    let sized = try TeacherRunner.sized(student, context)
    guard let logits = BackwardGraph.logits(of: sized.graph) else {
      throw ScopeError(.invalidGraph, "the student has no output")
    }
    let names = try Self.parameters(recipe, sized.graph, logits: logits)

    var targets: [FeatureTarget] = []
    switch teacher {
    case .model(let model):
      let sizedTeacher = try TeacherRunner.sized(model, context)
      let chosen =
        recipe.features
        ?? CommonFeatures.names(student: sized, teacher: sizedTeacher, parameters: names, logits: logits)
      targets = try Self.featureTargets(
        chosen, student: sized, teacher: try TeacherRunner(model, features: chosen, context: context), recipe,
        context, training)
      self.teacher = try TeacherRunner(model, features: targets.map(\.value), context: context)
      augmentation = Self.augmentation(recipe, context.samples)
    case .logits(let values):
      guard recipe.features?.isEmpty ?? true else {
        throw ScopeError(.invalidArgument, "features can only be matched with a teacher model")
      }
      self.teacher = nil
      augmentation = Augmentation(flips: false, shift: 0, mixing: 0)
      let count = context.calibration.count
      guard values.count >= count, values.count % count == 0, values.allSatisfy(\.isFinite) else {
        throw ScopeError(
          .invalidArgument, "the teacher's logits do not fit the calibration samples",
          expected: "the same number of finite scores for each of \(count) samples", found: "\(values.count)")
      }
      let length = values.count / count
      for sample in 0..<count { answers[sample] = values[sample * length..<(sample + 1) * length] }
    }
    graph = try TrainingGraph(
      student: sized, parameters: names, logits: logits, recipe: recipe, features: targets)
    batch = graph.batchSize(recipe, samples: training.count)
    session = try Session(engine: context.engine, model: graph.step, options: context.sessionOptions)
    vectors = [graph.parameters: HostArray(graph.initial, [graph.initial.count])]
    for state in graph.states {
      vectors[state] = HostArray(
        [Float](repeating: 0, count: graph.initial.count), [graph.initial.count])
    }
  }

  // MARK: preparation

  private static func check(_ recipe: DistillationRecipe) throws(ScopeError) {
    func require(_ condition: Bool, _ what: String, _ found: String) throws(ScopeError) {
      guard condition else {
        throw ScopeError(.invalidArgument, "the recipe is out of range", expected: what, found: found)
      }
    }
    try require(
      recipe.learningRate > 0 && recipe.learningRate.isFinite, "learning rate > 0", "\(recipe.learningRate)")
    try require(
      recipe.batchSize >= 1 && recipe.batchSize <= 1 << 16, "batch size 1 to 65536", "\(recipe.batchSize)")
    try require(recipe.epochs >= 1 && recipe.epochs <= 1 << 20, "epochs >= 1", "\(recipe.epochs)")
    try require(
      recipe.heldOut > 0 && recipe.heldOut < 1, "held-out share between 0 and 1", "\(recipe.heldOut)")
    try require(recipe.shift >= 0 && recipe.shift < 1 << 16, "shift >= 0", "\(recipe.shift)")
    try require(recipe.mixing >= 0 && recipe.mixing <= 1, "mixing 0 to 1", "\(recipe.mixing)")
    try require(
      recipe.featureWeight >= 0 && recipe.featureWeight.isFinite, "feature weight >= 0",
      "\(recipe.featureWeight)")
    switch recipe.method {
    case .momentum(let factor): try require(factor >= 0 && factor < 1, "momentum 0 to 1", "\(factor)")
    case .adam(let beta1, let beta2, let epsilon):
      try require(
        beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1 && epsilon > 0, "betas 0 to 1, epsilon > 0",
        "\(beta1), \(beta2), \(epsilon)")
    }
  }

  /// Held-out and training positions, shuffled.
  private static func split(
    _ count: Int, _ share: Double, _ generator: inout SplitMix64
  ) throws(ScopeError) -> (training: [Int], heldOut: [Int]) {
    guard count >= 4 else {
      throw ScopeError(
        .invalidData, "fine-tuning needs samples to learn from and others to judge by",
        expected: "at least 4 calibration samples", found: "\(count)", remedy: "Give more data")
    }
    let order = Array(0..<count).shuffled(using: &generator)
    let held = min(max(Int((Double(count) * share).rounded()), 1), count - 1)
    return (Array(order.dropFirst(held)), order.prefix(held).sorted())
  }

  private static func parameters(
    _ recipe: DistillationRecipe, _ graph: Graph, logits: String
  ) throws(ScopeError) -> [String] {
    if let names = recipe.parameters { return names }
    let found = TrainableParameters(graph, logits: logits)
    guard !found.names.isEmpty else {
      throw ScopeError(
        .unsupported, "the model has no float32 weights to fine-tune",
        found: found.untouched.first.map { "\($0.name): \($0.reason)" },
        remedy: "Fine-tune the float model before it is quantized")
    }
    return found.names
  }

  /// Features relative to the mean square of what the teacher gives for the first training samples. Of those nobody
  /// asked for by name, only such as the student already resembles: an equal name may be a coincidence.
  private static func featureTargets(
    _ names: [String], student: Model, teacher: TeacherRunner, _ recipe: DistillationRecipe,
    _ context: OptimizationContext, _ training: [Int]
  ) throws(ScopeError) -> [FeatureTarget] {
    guard !names.isEmpty else { return [] }
    let input = student.graph.inputs[0].name
    let sample = training.prefix(student.graph.inputs[0].shape?.dimensions.first?.value ?? 8)
    let feed = context.samples.feed(sample.map { context.calibration[$0] }, input: input)
    let wanted = try teacher.answer(feed).features
    let own =
      recipe.features == nil
      ? try TeacherRunner(student, features: names, context: context).answer(feed).features : wanted
    var targets: [FeatureTarget] = []
    for (position, name) in names.enumerated() {
      let (target, value) = (wanted[position].floats, own[position].floats)
      let power = target.reduce(0) { $0 + Double($1) * Double($1) }
      let difference = zip(target, value).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
      guard target.count == value.count, difference < power || recipe.features != nil else { continue }
      let weight = Double(recipe.featureWeight) / max(power / Double(max(target.count, 1)), 1e-12)
      guard weight.isFinite else {
        throw ScopeError(.invalidData, "the teacher's value '\(name)' is not a number")
      }
      targets.append(FeatureTarget(value: name, weight: Float(weight)))
    }
    return targets
  }

  private static func augmentation(_ recipe: DistillationRecipe, _ samples: SampleSet) -> Augmentation {
    guard case .images = samples.source else { return Augmentation(flips: false, shift: 0, mixing: 0) }
    return Augmentation(flips: recipe.flips, shift: recipe.shift, mixing: recipe.mixing)
  }
}
