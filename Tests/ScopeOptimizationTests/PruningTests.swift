import ScopeBytes
import ScopeGraph
import ScopeOptimization
import ScopeRuntime
import TestSupport
import Testing

/// Pruning the trained classifier of stripes without training it again.
@Suite(.serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
struct PruningTests {
  let engine: Engine
  let model: Model

  init() throws {
    engine = try Engine.load(path: OnnxRuntimeLibrary.path)
    var model = try Stripes.model()
    _ = try PassRunner.run(PassRegistry.exact, on: &model)
    self.model = model
  }

  private func context() throws -> OptimizationContext { try Stripes.context(engine: engine) }

  private func recipe(
    _ importance: PruningRecipe.Importance = .reconstruction,
    _ reconstruction: PruningRecipe.Reconstruction = .leastSquares, alignment: Int = 2
  ) -> PruningRecipe {
    var recipe = PruningRecipe()
    recipe.importance = importance
    recipe.reconstruction = reconstruction
    recipe.cost = .macs
    recipe.scope = .all
    recipe.alignment = alignment
    return recipe
  }

  /// Half of the channels of every group that may be pruned.
  private func half(_ study: PruningStudy) -> PruningPlan {
    study.plan(
      counts: Dictionary(uniqueKeysWithValues: study.prunable.map { ($0.id, $0.channels.count / 2) }))
  }

  /// Mean squared difference of the scores on all images, relative to the original's mean square.
  private func error(_ pruned: Model) throws -> Double {
    let images = try Stripes.images()
    let feed = HostArray(
      images.normalizedValues(Array(0..<images.count), Stripes.normalization), [images.count, 3, 16, 16])
    func scores(_ model: Model) throws -> [Float] {
      let session = try Session(engine: engine, model: model, options: SessionOptions(threads: 1))
      return try session.run([session.inputs[0].name: feed])[session.outputs[0].name]?.floats ?? []
    }
    let (a, b) = (try scores(model), try scores(pruned))
    #expect(a.count == b.count)
    let noise = zip(a, b).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
    return noise / a.reduce(0.0) { $0 + Double($1 * $1) }
  }

  @Test func leastSquaresBeatsPlainRemoval() throws {
    let context = try context()
    let study = try PruningStudy(model, recipe: recipe(), context: context)
    var plan = half(study)
    let fitted = try StructuredPruner.prune(model, plan, context: context)
    plan.recipe.reconstruction = .none
    let plain = try StructuredPruner.prune(model, plan, context: context)
    #expect(try error(fitted.model) < 0.5 * (try error(plain.model)))
    let reconstruction = try #require(fitted.reconstructionError)
    #expect(reconstruction >= 0 && reconstruction < 1)
    #expect(plain.reconstructionError == nil)
    #expect(try #require(fitted.macsAfter) < #require(fitted.macsBefore))
    #expect(fitted.groups.allSatisfy { $0.after == $0.before / 2 })
  }

  @Test(arguments: PruningRecipe.Importance.allCases)
  func everyImportanceGivesAModelThatRuns(importance: PruningRecipe.Importance) throws {
    let context = try context()
    let study = try PruningStudy(model, recipe: recipe(importance), context: context)
    let pruned = try StructuredPruner.prune(model, half(study), context: context)
    #expect(try error(pruned.model) < 1)
  }

  @Test func reconstructionChoosesBetterThanTheSmallestErrorOfMagnitude() throws {
    let context = try context()
    func plain(_ importance: PruningRecipe.Importance) throws -> Double {
      let study = try PruningStudy(model, recipe: recipe(importance, .leastSquares), context: context)
      return try error(try StructuredPruner.prune(model, half(study), context: context).model)
    }
    #expect(try plain(.reconstruction) <= (try plain(.magnitudeL2)) * 1.05)
  }

  @Test func countsAreAlignedAndRisingPlansSaveMore() throws {
    let context = try context()
    let study = try PruningStudy(model, recipe: recipe(alignment: 4), context: context)
    let plans = study.plans(savings: [0.1, 0.3, 0.5])
    #expect(!plans.isEmpty)
    var last = 0.0
    for plan in plans {
      #expect(plan.expectedSaving > last)
      last = plan.expectedSaving
      for kept in plan.kept.values { #expect(kept.count % 4 == 0 && kept == kept.sorted()) }
      let pruned = try StructuredPruner.prune(model, plan, context: context)
      let share = 1 - Double(try #require(pruned.macsAfter)) / Double(try #require(pruned.macsBefore))
      #expect(share > 0)
    }
  }

  @Test func theSameTwice() throws {
    let context = try context()
    let plans = try StructuredPruner.plan(model, recipe: recipe(), context: context, savings: [0.3])
    #expect(plans == (try StructuredPruner.plan(model, recipe: recipe(), context: context, savings: [0.3])))
    let first = try StructuredPruner.prune(model, try #require(plans.first), context: context)
    let second = try StructuredPruner.prune(model, try #require(plans.first), context: context)
    #expect(try Stripes.bytes(first.model) == (try Stripes.bytes(second.model)))
    #expect(try error(first.model) == (try error(second.model)))
  }

  @Test func fewerChannelsThanOneBlockAreRefused() throws {
    let context = try context()
    do {
      _ = try PruningStudy(model, recipe: recipe(alignment: 4096), context: context)
      Issue.record("no refusal")
    } catch {
      #expect(error.code == .unsupported)
      #expect(error.found?.contains("no more than one aligned block") == true)
    }
  }

  @Test func fewerSamplesThanWeightsStayFinite() throws {
    var context = try context()
    context.calibration = Array(context.calibration.prefix(1))
    let study = try PruningStudy(model, recipe: recipe(), context: context)
    let pruned = try StructuredPruner.prune(model, half(study), context: context)
    #expect(try error(pruned.model).isFinite)
  }

  @Test func deadChannelsCostNothing() throws {
    var dead = model
    for (name, tensor) in model.graph.initializers where tensor.dimensions.count == 4 {
      dead.graph.initializers[name] = .floats(
        [Float](repeating: 0, count: tensor.elementCount), tensor.dimensions)
    }
    let context = try context()
    let study = try PruningStudy(dead, recipe: recipe(), context: context)
    let pruned = try StructuredPruner.prune(dead, half(study), context: context)
    for tensor in pruned.model.graph.initializers.values where tensor.dataType == .float32 {
      #expect(try tensor.floats().allSatisfy(\.isFinite))
    }
  }

  @Test func aPlanOfAnotherModelIsRefused() throws {
    let context = try context()
    let plan = PruningPlan(recipe: recipe(), kept: [999: [0]])
    #expect(throws: ScopeError.self) { try StructuredPruner.prune(model, plan, context: context) }
    let study = try PruningStudy(model, recipe: recipe(), context: context)
    let empty = PruningPlan(recipe: recipe(), kept: [study.prunable[0].id: []])
    #expect(throws: ScopeError.self) { try StructuredPruner.prune(model, empty, context: context) }
  }

  @Test func whenTheTimeIsOverLayersStayAsTheyAre() throws {
    var context = try context()
    let study = try PruningStudy(model, recipe: recipe(), context: context)
    context.deadline = .now
    let pruned = try StructuredPruner.prune(model, half(study), context: context)
    #expect(pruned.reconstructionError == nil)
    #expect(pruned.declined.contains { $0.contains("the time was over") })
  }
}
