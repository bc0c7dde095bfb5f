import ScopeBytes

extension Workbench {
  /// Most variants on the same kernels that are evaluated: they take the same time, so only accuracy tells them apart.
  private static let perKernels = 2

  /// Evaluates the most promising variants on the evaluation samples, best objective first, while time is left.
  mutating func verifyPromising(until share: Double) throws(ScopeError) {
    try timeQuickly(kernelRepresentatives())
    let ordered = trials.indices.filter { !trials[$0].isOut }.sorted { promise($0) > promise($1) }
    var perKernels: [String: Int] = [:]
    var verified = trials.filter { $0.comparison != nil }.count
    for index in ordered {
      let kernels = trials[index].variant.kernels
      guard perKernels[kernels, default: 0] < Self.perKernels else {
        reject(
          index, "lower signal-to-noise ratio on the calibration samples than a variant on the same kernels")
        continue
      }
      perKernels[kernels, default: 0] += 1
      if trials[index].comparison == nil {
        // The first is always proven, whatever the time.
        guard verified == 0 || spent + verificationShare(index) <= share else {
          reject(index, "not evaluated: the time budget was spent on more promising variants")
          continue
        }
        request.progress("Evaluating candidates", spent)
        try verify(index)
      }
      verified += 1
    }
  }

  /// One variant of each kernel text that was not timed yet; the others take its time.
  private func kernelRepresentatives() -> [Int] {
    var seen = Set(trials.filter { $0.quickSpeed != nil }.map(\.variant.kernels))
    return trials.indices.filter { !trials[$0].isOut && seen.insert(trials[$0].variant.kernels).inserted }
  }

  /// Speed from a variant on the same kernels.
  func quickRatio(_ index: Int) -> Double {
    if let own = trials[index].quickSpeed { return own.ratio }
    let kernels = trials[index].variant.kernels
    return trials.first { $0.variant.kernels == kernels && $0.quickSpeed != nil }?.quickSpeed?.ratio ?? 1
  }

  /// What the objective would gain, were the accuracy kept; agreement on the filter samples weighs it down, precision
  /// decides between equals.
  private func promise(_ index: Int) -> Double {
    let trial = trials[index]
    let size = Double(request.originalBytes) / Double(max(trial.size, 1))
    let speed = quickRatio(index)
    let gain =
      switch request.objective {
      case .latency: speed
      case .size: size
      case .balanced: speed * size
      }
    let agreement = trial.filterAgreement.trials > 0 ? trial.filterAgreement.value : 0
    // A tenth of the predictions changed is far beyond any budget: last in the queue.
    let penalty = max(0, 1 - 8 * max(0, 1 - agreement - 0.03))
    return gain * penalty + trial.sqnr * 1e-4
  }

  /// Whether a proven variant of a technique keeps the accuracy budget.
  func hasAdmissible(_ technique: OptimizationTechnique) -> Bool {
    trials.indices.contains { trials[$0].variant.technique == technique && keepsBudget($0) }
  }

  /// Whether a variant is proven to keep the accuracy budget.
  func keepsBudget(_ index: Int) -> Bool {
    guard !trials[index].isOut, let comparison = trials[index].comparison else { return false }
    return comparison.lost - comparison.gained <= allowedLosses(comparison.images)
  }
}
