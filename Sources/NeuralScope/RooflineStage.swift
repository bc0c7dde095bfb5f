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
    var roofs = try MachineRoofs.measure(engine: measurement.engine, threads: measurement.threads)
    var arithmetic =
      "fastest of \(roofs.productRuns) float32 matrix products in the engine (\(roofs.productSize) x \(roofs.productSize) x \(roofs.productSize)), \(roofs.threads) threads"
    // A roof is the fastest that was seen: on a machine that was busy meanwhile, a kernel may have been faster.
    if let fastest = profile.map(fastestKernel), fastest > roofs.gigaflopsPerSecond {
      arithmetic +=
        ", reached only \(Int(roofs.gigaflopsPerSecond.rounded())) GFLOP/s; the roof is the model's own fastest kernel"
      roofs.gigaflopsPerSecond = fastest
    }
    analysis.roofline = Report.Roofline(
      peakCompute: Figure(
        roofs.gigaflopsPerSecond, .gigaflopsPerSecond, samples: roofs.productRuns,
        conditions: arithmetic
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

  /// GFLOP/s of the fastest kernel that runs long enough to be timed (20 microseconds); 0 without one.
  private static func fastestKernel(_ profile: ProfileStage.Outcome) -> Double {
    zip(profile.summary.kernels, profile.costs).compactMap { timed, cost in
      guard let cost, timed.medianMicroseconds >= 20 else { return nil }
      return Double(cost.operations) / timed.medianMicroseconds / 1e3
    }.max() ?? 0
  }
}
