import ScopeBytes
import ScopeRuntime
import ScopeStatistics

/// What a variant is, before anything is known of it.
struct Variant: Sendable, Hashable, Codable {
  /// Such as `u8s8 per-channel pair-bounded bias-corrected`; unique in a search.
  var name: String
  var technique: OptimizationTechnique?
  /// In words, in the order applied, after the exact passes.
  var steps: [String]
  /// Variants with one text run the same kernels on the same shapes: they differ in numbers only and take the same time.
  var kernels: String
  /// Whether x86 processors without VNNI, which add pairs of u8 x s8 products in 16 bits, may saturate.
  var canSaturate = false
  /// Whether it computes what the original does up to rounding.
  var isExact = false
}

/// A variant that was built, with what was measured of it so far.
struct Trial: Sendable {
  let variant: Variant
  /// The serialised model; kept in the work folder where there is one. Empty once the variant is out, unless its slowness
  /// is still to be explained.
  var bytes: ByteSlice
  /// Of the serialised model.
  let size: Int
  /// Of the scores on the filter samples, decibel.
  var sqnr: Double
  var filterAgreement: Proportion
  /// Against the original, from a short interleaved measurement.
  var quickSpeed: SpeedRatio?
  /// On the evaluation samples.
  var comparison: PairedComparison?
  /// From the last, long interleaved measurement.
  var latency: LatencySummary?
  var speedup: SpeedRatio?
  /// In OpenVINO against the original in ONNX Runtime.
  var openVINOSpeedup: SpeedRatio?
  var verdict = OptimizationCandidate.Verdict.admissible
  /// Why it is out, or why it was chosen.
  var reason = ""

  init(variant: Variant, bytes: ByteSlice, sqnr: Double, filterAgreement: Proportion) {
    self.variant = variant
    self.bytes = bytes
    size = bytes.count
    self.sqnr = sqnr
    self.filterAgreement = filterAgreement
  }

  /// Whether a short measurement found it slower than the original.
  var isSlow: Bool { quickSpeed.map { $0.interval.upperBound < 1 } ?? false }
  var isOut: Bool { verdict == .rejected }
  /// In the engine that runs it fastest.
  var bestSpeed: Double { max(speedup?.ratio ?? 0, openVINOSpeedup?.ratio ?? 0) }

  mutating func reject(_ reason: String) {
    verdict = .rejected
    self.reason = reason
    if !isSlow { bytes = ByteSlice([]) }
  }
}
