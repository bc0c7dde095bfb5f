/// Sentences on throughput over batch sizes and threads, and on what serving costs.
enum ThroughputNarrative {
  static func scaling(_ analysis: Report.Analysis) -> String? {
    guard let best = ThroughputBlocks.best(analysis) else { return nil }
    func rate(_ batch: Int, _ threads: Int) -> Double? {
      analysis.throughput.first { $0.batch == batch && $0.threads == threads }?.imagesPerSecond.value
    }
    var text: [String] = []
    if let single = rate(1, best.threads), single > 0, best.batch > 1 {
      let gain = best.imagesPerSecond.value / single
      text.append(
        gain >= Thresholds.worthwhileBatching
          ? "Batching pays: batch \(best.batch) gives \(Format.ratio(gain)) the images per second of batch 1, at "
            + "\(best.medianMilliseconds.text) per run."
          : "Batching hardly pays: batch \(best.batch) gives \(Format.ratio(gain)) the images per second of batch 1."
      )
    } else if best.batch == 1, analysis.throughput.contains(where: { $0.batch > 1 }) {
      text.append("Batching does not pay: batch 1 is the fastest per image.")
    }
    let threads = Set(analysis.throughput.map(\.threads)).sorted()
    if let most = threads.last, most > 1, let one = rate(best.batch, 1), one > 0,
      let all = rate(best.batch, most)
    {
      let efficiency = all / one / Double(most)
      text.append(
        "\(most) threads give \(Format.ratio(all / one)) the rate of one"
          + (efficiency >= Thresholds.goodScaling
            ? ": it scales well over cores."
            : ": for throughput run \(most) processes of one thread instead."))
    }
    let noisy = analysis.throughput.filter {
      guard let spread = $0.medianMilliseconds.spread, $0.medianMilliseconds.value > 0 else { return false }
      return spread / $0.medianMilliseconds.value > Thresholds.noisySpread
    }
    if !noisy.isEmpty {
      text.append(
        "\(noisy.count) of \(Format.plural(analysis.throughput.count, "point")) spread by more than "
          + "\(Format.percent(Thresholds.noisySpread, 0)) of their median: repeat on a quiet machine before comparing."
      )
    }
    return text.isEmpty ? nil : text.joined(separator: " ")
  }

  static func deployment(_ analysis: Report.Analysis) -> String? {
    guard let deployment = analysis.deployment else { return nil }
    var text =
      "One core serves \(deployment.imagesPerSecondPerCore.text) when kept busy "
      + "(\(ThroughputBlocks.point(deployment.batch, deployment.threads)))"
    if let price = deployment.pricePerHour, let cost = deployment.costPerMillion {
      text +=
        "; at \(Format.significant(price)) per hour for this machine a million inferences cost \(Format.significant(cost.value)), "
        + "idle time not included."
    } else {
      text += "; a price (--price-per-hour) turns that into a cost."
    }
    return text
  }
}
