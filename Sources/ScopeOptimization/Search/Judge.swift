import ScopeBytes
import ScopeData
import ScopeGraph
import ScopeRuntime

/// Compares variants with the original's predictions on the evaluation images.
struct Judge {
  let images: LabeledImages
  let normalization: Normalization
  let indices: [Int]
  let labels: [Int]
  /// The original's.
  let predictions: [Int]

  func compare(_ runner: ClassifierRunner) throws(ScopeError) -> PairedComparison {
    let scores = try runner.logits(images, normalization, indices)
    return PairedComparison(original: predictions, candidate: scores.predictions, labels: labels)
  }

  /// The original with itself.
  var identity: PairedComparison {
    PairedComparison(original: predictions, candidate: predictions, labels: labels)
  }
}
