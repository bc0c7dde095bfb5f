import ScopeBytes
import ScopeGraph
import ScopeRuntime

/// Rewrites that need no calibrated ranges: dynamic INT8, weights of 8 or 4 bits, weights stored in 16 bits.
struct WeightRewriteStrategy: SearchStrategy {
  let technique: OptimizationTechnique

  init(_ technique: OptimizationTechnique) { self.technique = technique }

  /// A rewrite with its words.
  private struct Rewrite {
    var name: String
    var steps: [String]
    var kernels: String
    var canSaturate = false
    var apply: (inout Model, OptimizationContext) throws(ScopeError) -> Void
  }

  func run(_ bench: inout Workbench, until share: Double) throws(ScopeError) {
    let context = bench.context(until: share)
    // Where it was asked for by name it is tried whatever the processor.
    let computesInHalf =
      Machine.current.hasHalfArithmetic || bench.request.techniques?.contains(.float16) == true
    let hasData = bench.request.samples.isReal
    let isSmoothable =
      hasData && technique == .dynamic && Reparametrization.smoothed.suits(bench.folding.model)
    let all = rewrites(hasData: hasData, isSmoothable: isSmoothable, computesInHalf: computesInHalf)
    for rewrite in all where bench.isBefore(share) {
      bench.request.progress("Trying \(rewrite.name)", bench.spent)
      let variant = Variant(
        name: rewrite.name, technique: technique, steps: rewrite.steps, kernels: rewrite.kernels,
        canSaturate: rewrite.canSaturate)
      let source = bench.folding.model
      _ = try bench.propose(variant) { () throws(ScopeError) in
        var copy = source
        try rewrite.apply(&copy, context)
        return copy
      }
    }
  }

  private func rewrites(hasData: Bool, isSmoothable: Bool, computesInHalf: Bool) -> [Rewrite] {
    switch technique {
    case .dynamic:
      let recipes = [
        DynamicRecipe(), DynamicRecipe(weightRange: .pairBounded), DynamicRecipe(perChannel: false),
        DynamicRecipe(weights: .uint8, perChannel: false),
      ]
      func rewrite(_ recipe: DynamicRecipe, _ form: Reparametrization?) -> Rewrite {
        Rewrite(
          name: (form?.prefix ?? "") + recipe.name, steps: (form.map { [$0.step] } ?? []) + recipe.techniques,
          kernels: (form?.prefix ?? "")
            + "dynamic \(recipe.weights.rawValue) \(recipe.perChannel ? "per-channel" : "per-tensor")",
          canSaturate: recipe.canSaturate
        ) { (model, context) throws(ScopeError) in
          if let form, try !form.apply(&model, context) {
            throw ScopeError(.unsupported, "the model has no place for \(form.words)")
          }
          _ = try DynamicQuantizer.quantize(&model, recipe: recipe)
        }
      }
      return recipes.map { rewrite($0, nil) } + (isSmoothable ? [rewrite(recipes[0], .smoothed)] : [])
    case .weights:
      var recipes = [
        WeightOnlyRecipe(bits: 8, blockSize: 128, isSymmetric: true),
        WeightOnlyRecipe(bits: 4, blockSize: 32),
        WeightOnlyRecipe(bits: 4, blockSize: 128),
      ]
      if hasData { recipes.insert(WeightOnlyRecipe(bits: 4, blockSize: 32, rounding: .hessian), at: 2) }
      return recipes.map { recipe in
        Rewrite(
          name: recipe.name, steps: recipe.techniques,
          kernels: "weight-only \(recipe.bits) \(recipe.blockSize) \(recipe.isSymmetric)"
        ) { (model, context) throws(ScopeError) in
          _ = try WeightOnlyQuantizer.quantize(
            &model, recipe: recipe, context: recipe.rounding == .hessian ? context : nil)
        }
      } + [storage(StorageRecipe(format: .int8)), storage(StorageRecipe(format: .float8e4m3))]
    case .float16:
      var rewrites = [storage(StorageRecipe(format: .float16)), storage(StorageRecipe(format: .bfloat16))]
      if computesInHalf {
        let recipe = HalfGraphRecipe()
        rewrites.append(
          Rewrite(name: recipe.name, steps: recipe.techniques, kernels: "float16 graph") {
            (model, _) throws(ScopeError) in _ = try HalfGraphConverter.convert(&model, recipe: recipe)
          })
      }
      return rewrites
    case .int8, .pruning, .lowRank, .sparsity: return []
    }
  }

  private func storage(_ recipe: StorageRecipe) -> Rewrite {
    // Widened when the engine loads the model: the kernels are those of the float model.
    Rewrite(name: recipe.name, steps: recipe.techniques, kernels: "float") { (model, _) throws(ScopeError) in
      _ = try WeightStorage.store(&model, recipe: recipe)
    }
  }
}
