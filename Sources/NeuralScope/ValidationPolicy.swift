import ScopeBytes
import ScopePolicy
import ScopeReport

extension NeuralScope {
  /// A policy that this model keeps today, with headroom: the text of a commented `neural-scope.yml`.
  ///
  /// - Parameter attacks: whether robust accuracy is measured too, where there are images.
  /// - Throws: `ScopeError` when the model or the data cannot be read.
  public static func draftPolicy(
    model path: String, attacks: Bool = true, options: ValidationOptions = ValidationOptions()
  ) throws(ScopeError) -> (text: String, report: Report) {
    var policy = Policy(path: "")
    policy.budgets = [.init(.latencyP95, absolute: 0)]
    if options.run.data.path != nil {
      policy.budgets.append(.init(.accuracy, absolute: 0))
      if attacks {
        policy.budgets.append(.init(.robustAccuracy, absolute: 0, epsilon: PolicyTemplate.epsilon))
      }
    }
    let needs = ValidationNeeds(policy, baseline: nil)
    var run = options.run
    run.leastLatencySamples = 200
    if needs.attack { run.attack = needs.attack(run.attack) }
    let report = try ValidationStage.measure(path, needs: needs, options: run)
    return (PolicyTemplate.render(report), report)
  }
}
