import ScopeReport

/// What serving the model takes, from the measured throughput; no prices are built in.
enum DeploymentEstimate {
  /// Of the point with the most images per second; without several points, of the latency measurement.
  static func fill(_ analysis: inout Report.Analysis, pricePerHour: Double?) {
    let best = analysis.throughput.max { $0.imagesPerSecond.value < $1.imagesPerSecond.value }
    let point: (rate: Figure, batch: Int, threads: Int)
    if let best {
      point = (best.imagesPerSecond, best.batch, best.threads)
    } else if let latency = analysis.latency, let rate = latency.imagesPerSecond {
      point = (rate, latency.batch, latency.threads)
    } else {
      return
    }
    guard point.rate.value > 0, point.rate.value.isFinite, point.threads > 0 else { return }
    let source =
      best == nil ? "from the latency measurement" : "best of \(analysis.throughput.count) measured points"
    let conditions = "\(source): batch \(point.batch), \(point.threads) threads"
    func scaled(_ factor: Double) -> Figure.Interval? {
      point.rate.interval.map {
        Figure.Interval(low: $0.low * factor, high: $0.high * factor, level: $0.level, method: $0.method)
      }
    }
    let perCore = 1 / Double(point.threads)
    var deployment = Report.Deployment(
      imagesPerSecondPerCore: Figure(
        point.rate.value * perCore, .imagesPerSecond, interval: scaled(perCore), conditions: conditions),
      batch: point.batch, threads: point.threads)
    if let pricePerHour, pricePerHour.isFinite, pricePerHour >= 0 {
      deployment.pricePerHour = pricePerHour
      deployment.costPerMillion = Figure(
        pricePerHour / (point.rate.value * 3600) * 1e6, .currency,
        conditions: "\(pricePerHour) an hour for a machine like this one, always busy; \(conditions)")
    }
    analysis.deployment = deployment
  }
}
