import ScopeBytes

/// One way to make a model smaller or faster: proposes variants to the workbench, cheap ones first, and stops when its
/// share of the time is over.
protocol SearchStrategy {
  var technique: OptimizationTechnique { get }

  /// - Parameter share: of the time budget, when to stop.
  mutating func run(_ bench: inout Workbench, until share: Double) throws(ScopeError)
}
