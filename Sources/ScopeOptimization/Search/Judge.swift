import ScopeBytes
import ScopeGraph
import ScopeRuntime
import ScopeStatistics

/// Compares variants with the original's predictions on the evaluation samples.
struct Judge {
  let samples: SampleSet
  let indices: [Int]
  /// Per prediction; the original's own predictions where agreement judges.
  let labels: [Int]
  /// The original's.
  let predictions: [Int]
  /// Whether ``labels`` are the data's.
  let isLabelled: Bool

  func compare(_ runner: ModelRunner) throws(ScopeError) -> PairedComparison {
    let scores = try runner.logits(samples, indices)
    guard scores.predictions.count == labels.count else {
      throw ScopeError(
        .unsupported, "the variant's output has another shape than the original's", found: runner.output)
    }
    return PairedComparison(original: predictions, candidate: scores.predictions, labels: labels)
  }
}
