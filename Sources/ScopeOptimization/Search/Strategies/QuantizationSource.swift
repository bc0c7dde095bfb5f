import ScopeBytes
import ScopeGraph

/// A float model with all that static quantization needs to know of it.
struct QuantizationSource {
  /// Before the names of its variants: empty for the original, such as `pruned 70% + ` for others.
  let prefix: String
  /// Whether the prefix means other kernels, not only other numbers.
  let changesKernels: Bool
  /// What was done before, in words.
  let steps: [String]
  let model: Model
  let plan: QuantizationPlan
  private(set) var calibration: Calibration

  /// Raises the operator set, plans and calibrates.
  ///
  /// - Throws: `unsupported` when nothing can run in integers.
  init(
    _ folded: Model, prefix: String = "", changesKernels: Bool = true, steps: [String] = [],
    context: OptimizationContext
  ) throws(ScopeError) {
    var model = folded
    try OpsetRaise.raise(&model, to: 13)
    _ = IntegerBatchNorm.run(&model)
    // One pass for every coverage that the search may try.
    let plans = Coverage.allCases.map {
      QuantizationPlan(model.graph, opset: model.opset, coverage: $0)
    }
    plan = QuantizationPlan(model, recipe: QuantizationRecipe())
    guard !plan.layers.isEmpty else {
      throw ScopeError(
        .unsupported,
        "no convolution or matrix product with constant float32 weights was found, so nothing can run in INT8",
        found: plan.declined.isEmpty ? nil : plan.declined.prefix(5).joined(separator: "; "))
    }
    calibration = try Calibration.run(model, plans: plans, context: context)
    self.model = model
    self.prefix = prefix
    self.changesKernels = changesKernels
    self.steps = steps + (DynamicQuantizer.hasEmbeddings(model.graph) ? [DynamicQuantizer.embeddingStep] : [])
  }

  func emit(_ recipe: QuantizationRecipe) throws(ScopeError) -> Model {
    let isUsual = recipe.floatLayers.isEmpty && recipe.coverage == plan.coverage
    let plan = isUsual ? plan : QuantizationPlan(model, recipe: recipe)
    guard !plan.layers.isEmpty else {
      throw ScopeError(.unsupported, "no layer is left to run in integers")
    }
    return try QDQEmitter.emit(model, plan: plan, calibration: calibration, recipe: recipe)
  }

  /// Whether two coverages choose different nodes.
  func differs(_ a: Coverage, from b: Coverage) -> Bool {
    let first = QuantizationPlan(model.graph, opset: model.opset, coverage: a)
    let second = QuantizationPlan(model.graph, opset: model.opset, coverage: b)
    return first.integerNodes != second.integerNodes || first.quantizedValues != second.quantizedValues
  }

  /// Collects the second moments of the layers' inputs, which rounding other than to the nearest code needs.
  ///
  /// - Returns: nil when they are there, otherwise why they cannot be had.
  mutating func collectMoments(_ context: OptimizationContext) throws(ScopeError) -> String? {
    guard calibration.moments == nil else { return nil }
    do throws(ScopeError) {
      calibration.moments = try InputMoments.collect(
        model, nodes: plan.layers.keys.sorted(), context: context)
      return nil
    } catch {
      guard error.isVariantsFault || error.code == .engineUnavailable else { throw error }
      return error.description
    }
  }

  func name(_ recipe: QuantizationRecipe) -> String { prefix + recipe.name }

  /// Proposes the model quantized by `recipe`.
  ///
  /// - Returns: index of the trial; nil when it could not be built or run.
  func propose(_ recipe: QuantizationRecipe, _ bench: inout Workbench) throws(ScopeError) -> Int? {
    let variant = Variant(
      name: name(recipe), technique: .int8, steps: steps + recipe.techniques,
      kernels: (changesKernels ? prefix : "") + recipe.kernels, canSaturate: recipe.canSaturate)
    return try bench.propose(variant) { () throws(ScopeError) in try emit(recipe) }
  }

  /// The layers that are quantized when none stays in float, in the graph's order.
  var layers: [(name: String, opType: String, parameters: Int)] {
    plan.layers.sorted { $0.key < $1.key }.map { index, layer in
      (model.graph.nodes[index].outputs[0], model.graph.nodes[index].opType, layer.weight.count)
    }
  }
}
