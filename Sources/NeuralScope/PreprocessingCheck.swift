import ScopeBytes
import ScopeData
import ScopeGraph
import ScopeOptimization
import ScopeRuntime
import ScopeStatistics

/// Notices wrong preprocessing before hours go into optimizing a model on inputs it was not trained for.
enum PreprocessingCheck {
  /// Images that are looked at, spread over the data.
  private static let imageCount = 100
  /// Accuracy above which nothing is suspected.
  private static let goodAccuracy = 0.95
  /// Chance of such a difference between equally good settings, below which another preset counts as better.
  private static let significance = 0.001

  /// - Throws: `invalidData` when the model's accuracy is near chance, or clearly lower than with the constants of
  ///   another preset, naming both figures.
  static func run(
    _ model: Model, data: PreparedData, engine: Engine, threads: Int
  ) throws(ScopeError) {
    let images = data.images
    let count = min(images.count, imageCount)
    let indices = (0..<count).map { $0 * images.count / count }
    let labels = indices.map { images.labels[$0] }
    let session = try Session(engine: engine, model: model, options: SessionOptions(threads: threads))
    let runner = try ModelRunner(session: session, output: model.graph.outputs.first?.name ?? "")
    func predictions(_ normalization: Normalization) throws(ScopeError) -> (values: [Int], classes: Int) {
      let scores = try runner.logits(
        SampleSet(images: images, normalization: normalization), indices)
      return (scores.predictions, scores.count > 0 ? scores.values.count / scores.count : 0)
    }
    let (own, classes) = try predictions(data.normalization)
    guard own.count == count, classes > 1 else { return }
    let correct = zip(own, labels).count { $0 == $1 }
    let accuracy = Proportion(successes: correct, trials: count)
    guard accuracy.value < goodAccuracy else { return }
    var best: (preset: Preprocessing, comparison: PairedComparison)?
    for preset in Preprocessing.presets where preset.normalization != data.normalization {
      guard preset.normalization.mean.count == data.normalization.mean.count else { continue }
      let other = try predictions(preset.normalization).values
      let comparison = PairedComparison(original: own, candidate: other, labels: labels)
      if comparison.candidateCorrect > best?.comparison.candidateCorrect ?? correct {
        best = (preset, comparison)
      }
    }
    if let best, best.comparison.pValue < significance {
      throw ScopeError(
        .invalidData, "the preprocessing looks wrong", place: data.preprocessingSource,
        expected: "the constants the model was trained with",
        found:
          "\(percent(correct, count)) of \(count) images right; \(percent(best.comparison.candidateCorrect, count)) with the constants of --preset \(best.preset.name)",
        remedy:
          "Give --preset \(best.preset.name) or --mean and --std, or judge by agreement with the original: --judge agreement"
      )
    }
    if accuracy.interval.lowerBound <= 1 / Double(classes), count >= 20 {
      throw ScopeError(
        .invalidData, "the model is no better than chance on this data", place: data.preprocessingSource,
        expected: "clearly more than 1 of \(classes) right",
        found: "\(correct) of \(count) images right",
        remedy:
          "Check the preprocessing (--preset, --mean, --std) and the class order of the labels; for a model that was not trained, judge by agreement with the original: --judge agreement"
      )
    }
  }

  private static func percent(_ successes: Int, _ trials: Int) -> String {
    "\(Int((100 * Double(successes) / Double(trials)).rounded()))%"
  }
}
