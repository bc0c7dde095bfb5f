import ScopeBytes
import ScopeGraph

/// How far a rewrite may change what a model computes.
public enum PassSafety: String, Sendable, Hashable, Codable {
  /// The outputs stay equal up to floating-point rounding.
  case exact
  /// The outputs change; the rewrite needs a proof of accuracy on data.
  case approximate
  /// Looks and reports, never rewrites.
  case reportOnly
}

/// A rewrite of a model's main graph. A pass that cannot prove its precondition for a node leaves the node alone.
public protocol Pass: Sendable {
  /// Name in reports, such as `fold-batch-norm`.
  var name: String { get }
  /// One sentence for people: what the rewrite does.
  var summary: String { get }
  var safety: PassSafety { get }

  /// Rewrites `model` in place.
  ///
  /// - Returns: Whether anything changed.
  func run(_ model: inout Model) throws(ScopeError) -> Bool
}

/// What a pass did.
public struct PassRecord: Sendable, Hashable {
  public var name: String
  public var summary: String
  public var nodesBefore: Int
  public var nodesAfter: Int
}

/// The exact passes in the order they run; the list is repeated until nothing changes.
public enum PassRegistry {
  public static let exact: [any Pass] = [
    RemoveInitializerInputs(),
    ConstantNodesToInitializers(),
    EliminateIdentity(),
    EliminateDropout(),
    EliminateCommonSubexpressions(),
    FoldConstants(),
    EliminateCast(),
    EliminateViews(),
    EliminateNeutralOperands(),
    ShareSizes(),
    MergeGatheredSizes(),
    SimplifyReshapeShapes(),
    MergeViews(),
    MergeViewsAroundTranspose(),
    MergeConcats(),
    MergeSlices(),
    EliminateTranspose(),
    FoldPadIntoConv(),
    FoldBatchNormIntoConv(),
    FoldBatchNormBeforeConv(),
    FoldArithmeticIntoConv(),
    FoldArithmeticBeforeConv(),
    FoldIntoConvTranspose(),
    MergeScales(),
    FoldArithmeticIntoLinear(),
    FuseMatMulAdd(),
    MergeParallelConvolutions(),
    MergeConsecutiveConvolutions(),
    MeanToGlobalPool(),
    FuseHardSwish(),
    FuseGelu(),
    MergeClips(),
    DeduplicateInitializers(),
    ShareTransposedWeights(),
    EliminateDeadNodes(),
  ]
}

/// Runs passes with the graph's invariants checked around each of them.
public enum PassRunner {
  /// Rounds of the whole list; folding chains end long before, the limit only guards against two passes that undo
  /// each other.
  static let maximumRounds = 16

  /// Runs `passes` over and over until none of them modifies the model.
  ///
  /// - Returns: One record per pass that modified the model, its node counts before the first and after the last time.
  /// - Throws: `invalidGraph` naming the pass when a pass breaks an invariant; `model` is then unchanged.
  public static func run(_ passes: [any Pass], on model: inout Model) throws(ScopeError) -> [PassRecord] {
    try GraphValidation.check(model)
    var copy = model
    var records: [PassRecord] = []
    // A pass that found nothing is not asked again until another pass has modified the model.
    var version = 0
    var idleSince = [Int](repeating: -1, count: passes.count)
    for _ in 0..<maximumRounds {
      var modified = false
      for (position, pass) in passes.enumerated() where idleSince[position] != version {
        let before = copy.graph.nodes.count
        guard try runOnce(pass, on: &copy) else {
          idleSince[position] = version
          continue
        }
        modified = true
        version += 1
        if let index = records.firstIndex(where: { $0.name == pass.name }) {
          records[index].nodesAfter = copy.graph.nodes.count
        } else {
          records.append(
            PassRecord(
              name: pass.name, summary: pass.summary, nodesBefore: before, nodesAfter: copy.graph.nodes.count)
          )
        }
      }
      if !modified { break }
    }
    model = copy
    return records
  }

  /// Runs one pass once and checks that inputs, outputs and single assignment survived.
  public static func runOnce(_ pass: any Pass, on model: inout Model) throws(ScopeError) -> Bool {
    let inputs = model.graph.requiredInputs.map(\.name)
    let outputs = model.graph.outputs.map(\.name)
    do throws(ScopeError) {
      guard try pass.run(&model) else { return false }
      try GraphValidation.check(model)
      guard model.graph.requiredInputs.map(\.name) == inputs, model.graph.outputs.map(\.name) == outputs
      else {
        throw ScopeError(.invalidGraph, "the graph's inputs or outputs changed")
      }
      return true
    } catch {
      throw error.at("pass \(pass.name)")
    }
  }
}
