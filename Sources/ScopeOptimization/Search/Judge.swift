import ScopeBytes
import ScopeGraph
import ScopeRuntime

/// Compares variants with the original's predictions on the evaluation samples.
struct Judge {
  let samples: SampleSet
  let indices: [Int]
  let labels: [Int]
  /// The original's.
  let predictions: [Int]

  func compare(_ runner: ModelRunner) throws(ScopeError) -> PairedComparison {
    let scores = try runner.logits(samples, indices)
    return PairedComparison(original: predictions, candidate: scores.predictions, labels: labels)
  }

  /// The original with itself.
  var identity: PairedComparison {
    PairedComparison(original: predictions, candidate: predictions, labels: labels)
  }
}
