import ScopeAnalysis
import ScopeBytes
import ScopeReport
import ScopeRuntime

/// The machine's roofs, and each kernel's place under them.
enum RooflineStage {
  /// - Parameter profile: nil when nothing was profiled; the roofs are still measured.
  static func run(
    _ analysis: inout Report.Analysis, _ profile: ProfileStage.Outcome?, _ measurement: Measurement
  ) throws(ScopeError) {
    measurement.progress("Measuring the machine's roofs")
    let roofs = try MachineRoofs.measure(engine: measurement.engine, threads: measurement.threads)
    analysis.roofline = Report.Roofline(
      peakCompute: Figure(
        roofs.gigaflopsPerSecond, .gigaflopsPerSecond, samples: roofs.productRuns,
        conditions:
          "fastest of \(roofs.productRuns) float32 matrix products in the engine (\(roofs.productSize) x \(roofs.productSize) x \(roofs.productSize)), \(roofs.threads) threads"
      ),
      bandwidth: Figure(
        roofs.gigabytesPerSecond, .gigabytesPerSecond, samples: roofs.triadRuns,
        conditions:
          "fastest of \(roofs.triadRuns) triads over three arrays of \(roofs.arrayBytes >> 20) MiB, \(roofs.threads) threads; data that stay in the caches move faster"
      ), threads: roofs.threads)
    guard let profile, var filled = analysis.profile else { return }
    for (position, timed) in profile.summary.kernels.enumerated()
    where filled.kernels.indices.contains(position) {
      guard let cost = profile.costs[position],
        let place = RoofPlace(cost, microseconds: timed.medianMicroseconds, roofs: roofs)
      else { continue }
      filled.kernels[position].roofShare = place.roofShare
      filled.kernels[position].bound = Report.Kernel.Bound(rawValue: place.bound.rawValue)
    }
    analysis.profile = filled
    analysis.bottlenecks = Bottlenecks.sentences(
      times: profile.summary.kernels.map(\.medianMicroseconds), costs: profile.costs,
      descriptions: profile.descriptions, roofs: roofs
    ).map { Report.Bottleneck(kernel: $0.kernel, sentence: $0.sentence) }
  }
}
