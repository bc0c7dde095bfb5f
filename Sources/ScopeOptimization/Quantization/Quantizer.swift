import ScopeBytes
import ScopeGraph

/// Quantizes a model by one recipe, without a search.
public enum Quantizer {
  /// Calibrates on the given samples and writes the model in QDQ form.
  ///
  /// - Parameters:
  ///   - model: a float32 model, best with batch normalisation folded (``ExactFolding``).
  ///   - context: the calibration samples and the engine.
  /// - Throws: `unsupported` when nothing can run in integers or the operator set cannot be raised to 13; `invalidData`
  ///   when the model computes NaN or infinity; engine failures.
  public static func quantize(
    _ model: Model, recipe: QuantizationRecipe, context: OptimizationContext
  ) throws(ScopeError) -> Model {
    var raised = model
    try OpsetRaise.raise(&raised, to: 13)
    _ = IntegerBatchNorm.run(&raised)
    let plan = QuantizationPlan(raised, recipe: recipe)
    guard !plan.layers.isEmpty else {
      throw ScopeError(
        .unsupported, "no layer can run in INT8",
        expected: "convolutions or matrix products with constant float32 weights",
        found: plan.declined.isEmpty ? "none" : plan.declined.joined(separator: "; "))
    }
    var calibration = try Calibration.run(raised, plans: [plan], context: context)
    if recipe.rounding != .nearest {
      calibration.moments = try InputMoments.collect(
        raised, nodes: plan.layers.keys.sorted(), context: context)
    }
    return try QDQEmitter.emit(raised, plan: plan, calibration: calibration, recipe: recipe)
  }
}
