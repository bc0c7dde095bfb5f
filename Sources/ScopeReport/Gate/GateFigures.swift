import ScopePolicy
import ScopeStatistics

extension Budget.Metric {
  package var title: String {
    switch self {
    case .size: "File size"
    case .parameters: "Parameters"
    case .macs: "MACs"
    case .latencyP50: "Latency p50"
    case .latencyP95: "Latency p95"
    case .throughput: "Throughput"
    case .peakMemory: "Peak memory"
    case .accuracy: "Accuracy"
    case .accuracyDrop: "Accuracy drop"
    case .robustAccuracy: "Robust accuracy"
    case .robustnessScore: "Robustness score"
    case .calibrationError: "Calibration error"
    }
  }

  package var unit: Figure.Unit {
    switch self {
    case .size, .peakMemory: .bytes
    case .parameters: .count
    case .macs: .multiplyAccumulates
    case .latencyP50, .latencyP95: .milliseconds
    case .throughput: .imagesPerSecond
    case .accuracy, .accuracyDrop, .robustAccuracy, .calibrationError: .fraction
    case .robustnessScore: .score
    }
  }

  /// Whether the figure depends on the machine, so that those of unlike machines say nothing about each other.
  package var dependsOnMachine: Bool { [.latencyP50, .latencyP95, .throughput].contains(self) }

  /// What one more sample is.
  package var sampleName: String { dependsOnMachine ? "run" : "image" }

  /// JSON paths of a report below which the reason of a missing figure is listed, most telling first.
  var paths: [String] {
    switch self {
    case .size: ["model"]
    case .parameters: ["analysis.parameters"]
    case .macs: ["analysis.macs"]
    case .latencyP50, .throughput: ["analysis.latency"]
    case .latencyP95: ["analysis.latency.p95Milliseconds", "analysis.latency"]
    case .peakMemory: ["analysis.peakActivationBytes"]
    case .accuracy, .calibrationError: ["evaluation", "robustness"]
    case .accuracyDrop: ["optimization.accuracy", "optimization"]
    case .robustAccuracy, .robustnessScore: ["robustness"]
    }
  }

  var measuredBy: String {
    switch self {
    case .size, .parameters, .macs, .peakMemory: "neural-scope validate MODEL --policy FILE"
    case .latencyP50, .latencyP95, .throughput:
      "neural-scope validate MODEL --policy FILE where ONNX Runtime is installed"
    default: "neural-scope validate MODEL --policy FILE --data DIR with labelled images"
    }
  }
}

extension Report {
  /// The figure that a budget is about; nil when this report does not have it.
  package func figure(for budget: Budget) -> Figure? {
    switch budget.metric {
    case .size: return .bytes(model.bytes, conditions: "all shards and external data")
    case .parameters: return analysis?.parameters
    case .macs: return analysis?.macsComplete == false ? nil : analysis?.macs
    case .latencyP50: return analysis?.latency?.p50Milliseconds
    case .latencyP95: return analysis?.latency?.p95Milliseconds
    case .throughput: return throughputFigure
    case .peakMemory:
      guard let weights = analysis?.weightBytes, let activations = analysis?.peakActivationBytes else {
        return nil
      }
      return Figure(
        weights.value + activations.value, .bytes, conditions: "weights and peak activations, batch 1")
    case .accuracy: return accuracyFigure
    case .accuracyDrop: return optimization?.accuracyDrop
    case .robustAccuracy: return robustAccuracyFigure(epsilon: budget.epsilon.flatMap(Budget.radius))
    case .robustnessScore: return scoreFigure
    case .calibrationError:
      return (evaluation?.calibration ?? robustness?.calibration)?.expectedError
    }
  }

  package var accuracyFigure: Figure? {
    evaluation?.accuracy ?? robustness?.cleanAccuracy ?? optimization?.originalAccuracy
  }

  /// Images per second is the batch over the median time, so that the median's interval is its interval.
  private var throughputFigure: Figure? {
    guard let latency = analysis?.latency, var figure = latency.imagesPerSecond else { return nil }
    let median = latency.p50Milliseconds
    if let interval = median.interval, interval.low > 0, interval.high > 0 {
      figure.interval = Figure.Interval(
        low: figure.value * median.value / interval.high, high: figure.value * median.value / interval.low,
        level: interval.level, method: "of the median time")
      figure.samples = median.samples
    }
    return figure
  }

  /// Share of images right when clean and under every attack of the radius; without a radius, at the headline's.
  private func robustAccuracyFigure(epsilon: Double?) -> Figure? {
    guard let robustness else { return nil }
    guard let radius = epsilon ?? robustness.headlineEpsilon else { return nil }
    let norm = epsilon == nil ? robustness.headlineNorm ?? "Linf" : "Linf"
    func isThis(_ other: String, _ value: Double) -> Bool { other == norm && abs(value - radius) < 1e-9 }
    let rows =
      robustness.worstCase.filter { isThis($0.norm, $0.epsilon) }.map(\.robustAccuracy)
      + robustness.attacks.filter { isThis($0.norm, $0.epsilon) }.map(\.robustAccuracy)
    return rows.min { $0.value < $1.value }
  }

  /// The score is 100 x the share of the images right when clean that stay right: that share's interval is its own.
  private var scoreFigure: Figure? {
    guard let robustness, var score = robustness.score, score.interval == nil,
      let images = robustness.cleanAccuracy.samples ?? robustness.images
    else { return robustness?.score }
    let right = Int((robustness.cleanAccuracy.value * Double(images)).rounded())
    guard right > 0, score.value >= 0, score.value <= 100 else { return score }
    let bounds = Proportion.wilsonInterval(share: score.value / 100, trials: right)
    score.interval = Figure.Interval(
      low: 100 * bounds.lowerBound, high: 100 * bounds.upperBound,
      method: "Wilson, of the images right when clean")
    score.samples = right
    return score
  }
}
