import ScopeBytes
import ScopeGraph
import ScopeRuntime

/// Large layers replaced by two thin ones, and single weights set to zero.
struct CompressionStrategy: SearchStrategy {
  let technique: OptimizationTechnique

  init(_ technique: OptimizationTechnique) { self.technique = technique }

  func run(_ bench: inout Workbench, until share: Double) throws(ScopeError) {
    let algebra: LinearAlgebra
    do throws(ScopeError) { algebra = try LinearAlgebra.load(threads: bench.request.threads) } catch {
      bench.notes.append("\(technique.rawValue) was not tried: \(error)")
      return
    }
    let context = bench.context(until: share)
    let source = bench.folding.model
    if technique == .lowRank {
      for energy in [0.99, 0.97, 0.95, 0.9] where bench.isBefore(share) {
        try factorize(LowRankRecipe(energy: energy), source, context, algebra, &bench)
      }
    } else {
      for pattern in [SparsityRecipe.Pattern.unstructured(0.5), .unstructured(0.7), .twoOfFour]
      where bench.isBefore(share) {
        try sparsify(
          SparsityRecipe(pattern: pattern, importance: .activation), source, context, algebra, &bench)
      }
    }
  }

  private func factorize(
    _ recipe: LowRankRecipe, _ source: Model, _ context: OptimizationContext, _ algebra: LinearAlgebra,
    _ bench: inout Workbench
  ) throws(ScopeError) {
    let percent = Int((recipe.energy * 100).rounded())
    bench.request.progress("Factorising layers", bench.spent)
    let variant = Variant(
      name: "low-rank \(percent)%", technique: .lowRank,
      steps: [
        "Large layers replaced by two thin ones that keep \(percent)% of the variance of each output (singular value decomposition weighted by the calibration inputs)"
      ], kernels: "low-rank \(percent)")
    let finetunes = bench.request.finetune
    _ = try bench.propose(variant) { () throws(ScopeError) in
      var model = source
      let result = try LowRank.factorize(&model, recipe: recipe, context: context, algebra: algebra)
      guard !result.layers.isEmpty else {
        throw ScopeError(
          .unsupported, "no layer is cheaper in two at this share of the variance",
          found: result.declined.prefix(3).joined(separator: "; "))
      }
      if finetunes {
        model = try Distillation.finetune(student: model, teacher: .model(source), context: context).model
      }
      return model
    }
  }

  private func sparsify(
    _ recipe: SparsityRecipe, _ source: Model, _ context: OptimizationContext, _ algebra: LinearAlgebra,
    _ bench: inout Workbench
  ) throws(ScopeError) {
    let name =
      switch recipe.pattern {
      case .unstructured(let share): "sparse \(Int((share * 100).rounded()))%"
      case .twoOfFour: "sparse 2:4"
      }
    bench.request.progress("Setting weights to zero", bench.spent)
    var sizes: (written: Int, deflated: Int, before: Int)?
    let variant = Variant(
      name: name, technique: .sparsity,
      steps: ["\(name): weights of least |w| times input magnitude set to zero (Wanda)"], kernels: "float")
    let index = try bench.propose(variant) { () throws(ScopeError) in
      var model = source
      let result = try Sparsity.apply(&model, recipe: recipe, context: context, algebra: algebra)
      sizes = (result.writtenBytes, result.deflatedBytes, result.deflatedBytesBefore)
      return model
    }
    guard index != nil, let sizes else { return }
    bench.notes.append(
      "\(name): \(sizes.deflated) bytes compressed (zlib, level 9), \(sizes.before) before, \(sizes.written) uncompressed. \(SparsityResult.note)"
    )
  }
}
