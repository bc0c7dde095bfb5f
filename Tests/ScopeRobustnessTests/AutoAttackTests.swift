import ScopeBytes
import ScopeData
import ScopeGraph
import ScopeRobustness
import ScopeRuntime
import TestSupport
import Testing

/// Against torchattacks' APGD, FAB, Square and AutoAttack on the small classifier; see make_robustness.py.
@Suite(.serialized, .enabled(if: engine != nil, "needs ONNX Runtime: run scripts/bootstrap"))
struct AutoAttackTests {
  private func evaluate(
    _ attacks: [AttackSpecification], batchSize: Int = 5
  ) throws -> RobustnessResult {
    let fixture = RobustnessEvaluatorTests()
    var options = RobustnessOptions()
    options.threads = 1
    options.batchSize = batchSize
    return try RobustnessEvaluator(engine: try #require(engine), options: options).evaluate(
      try fixture.model(), normalization: RobustnessEvaluatorTests.normalization,
      images: try fixture.images(),
      attacks: attacks)
  }

  /// Name and budget of each line `name epsilon correct` that torchattacks left.
  private func references() throws -> [(kind: AttackKind, epsilon: Epsilon, correct: Int)] {
    let text = try #require(try ByteSlice(mappingFile: Fixture.path("robustness/ensemble.txt")).utf8String)
    return try text.split(separator: "\n").map { line in
      let words = line.split(separator: " ").map(String.init)
      return (
        try AttackKind(parsing: words[0]), try Epsilon(parsing: words[1], limit: 100),
        try #require(Int(words[2]))
      )
    }
  }

  /// Random starts and candidates differ, so a borderline image may: one of twelve.
  @Test func leavesAsManyAsTorchattacks() throws {
    let references = try references()
    #expect(references.count >= 20)
    #expect(Set(references.map(\.correct)).count >= 4, "the budgets tell attacks apart")
    var differences = 0
    for reference in references {
      let result = try evaluate([AttackSpecification(reference.kind, epsilon: reference.epsilon)])
      let found = result.attacks[0].robustAccuracy.correct
      differences += abs(found - reference.correct)
      #expect(
        abs(found - reference.correct) <= 1,
        "\(reference.kind.name) \(reference.epsilon.text): \(found), torchattacks \(reference.correct)")
      #expect(result.attacks[0].foundBy.map(\.fooled).reduce(0, +) == result.attacks[0].fooled)
    }
    #expect(differences <= references.count / 5)
  }

  @Test func doNotDependOnTheBatch() throws {
    for kind in AttackKind.all where kind.algorithm.isStreamed {
      let epsilon = Epsilon(value: kind.norm == .linf ? 0.01 : kind.norm == .l2 ? 0.1 : 0.5, text: "x")
      let attack = AttackSpecification(kind, epsilon: epsilon, steps: 20, queries: 200)
      let (one, all) = (try evaluate([attack], batchSize: 1), try evaluate([attack], batchSize: 12))
      #expect(one.attacks[0].robustAccuracy == all.attacks[0].robustAccuracy, "\(kind.name)")
      #expect(one.attacks[0].foundBy == all.attacks[0].foundBy, "\(kind.name)")
      #expect(all.attacks[0].meanLinf <= (kind.norm == .linf ? 0.010001 : 1), "\(kind.name)")
    }
  }

  @Test func theEnsembleIsAtLeastAsStrongAsItsParts() throws {
    let epsilon = Epsilon(value: 0.01, text: "0.01")
    let kinds: [AttackAlgorithm] = [.autoAttack, .apgdCrossEntropy, .apgdTargeted, .fab, .square]
    let result = try evaluate(kinds.map { AttackSpecification(AttackKind($0), epsilon: epsilon) })
    let counts = result.attacks.map(\.robustAccuracy.correct)
    #expect(counts[0] == counts.min())
    #expect(result.worstCase[0].robustAccuracy.correct == counts[0])
  }
}
