#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Bounds that hold exactly, and the normal distribution they are turned into radii with.
public enum ExactBounds {
  /// The lower end of the one-sided Clopper-Pearson interval: the largest p for which `successes` or more of `trials`
  /// have a chance of at most `risk` (Clopper & Pearson, Biometrika 26, 1934).
  public static func lowerProportion(successes: Int, trials: Int, risk: Double) -> Double {
    guard successes > 0, trials > 0, successes <= trials, risk > 0, risk < 1 else { return 0 }
    var (low, high) = (0.0, Double(successes) / Double(trials))
    for _ in 0..<200 where high - low > 1e-15 {
      let middle = (low + high) / 2
      if upperTail(successes, trials, middle) <= risk { low = middle } else { high = middle }
    }
    return low
  }

  /// P(X >= successes) of a binomial with chance p.
  static func upperTail(_ successes: Int, _ trials: Int, _ p: Double) -> Double {
    guard p > 0 else { return successes <= 0 ? 1 : 0 }
    guard p < 1 else { return 1 }
    let (logP, logQ) = (log(p), log1p(-p))
    // From all successes downwards, each term from the one before.
    var term = Double(trials) * logP
    var sum = exp(term)
    for count in stride(from: trials, to: successes, by: -1) {
      term += log(Double(count)) - log(Double(trials - count + 1)) + logQ - logP
      sum += exp(term)
    }
    return min(sum, 1)
  }

  /// The x below which a standard normal lies with chance p, by bisection of erfc; infinite at 0 and 1.
  public static func normalQuantile(_ p: Double) -> Double {
    guard p > 0 else { return -.infinity }
    guard p < 1 else { return .infinity }
    var (low, high) = (-40.0, 40.0)
    for _ in 0..<200 where high - low > 1e-13 {
      let middle = (low + high) / 2
      if 0.5 * erfc(-middle / 2.0.squareRoot()) < p { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}
