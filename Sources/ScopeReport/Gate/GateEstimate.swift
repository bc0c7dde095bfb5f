import ScopePolicy
import ScopeStatistics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A figure with its 95% interval, held against a limit.
package struct GateEstimate: Sendable, Hashable {
  package var value: Double
  /// Nil for what is counted, not sampled.
  package var interval: ClosedRange<Double>?
  /// Runs or images behind the value.
  package var samples: Int?
  /// Whether the value is a share of the samples, whose interval is Wilson's.
  package var isProportion: Bool

  /// The 97.5% point of the standard normal distribution.
  package static let z = 1.959_963_984_540_054
  /// Beyond this nobody would measure.
  private static let mostSamples = 1e8

  package init(
    _ value: Double, interval: ClosedRange<Double>? = nil, samples: Int? = nil, isProportion: Bool = false
  ) {
    self.value = value
    self.interval = interval
    self.samples = samples
    self.isProportion = isProportion
  }

  package init(_ figure: Figure) {
    let bounds = figure.interval.flatMap { $0.low <= $0.high ? $0.low...$0.high : nil }
    self.init(
      figure.value, interval: bounds, samples: figure.samples,
      isProportion: figure.unit == .fraction && figure.interval?.method == "Wilson")
  }

  /// Holds when the whole interval is on the right side of the limit, the limit included; fails when none of it is.
  package func outcome(limit: Double, isFloor: Bool) -> GateCheck.Outcome {
    guard !value.isNaN, !limit.isNaN else { return .notMeasured }
    let range = interval ?? value...value
    if isFloor { return range.lowerBound >= limit ? .pass : range.upperBound < limit ? .fail : .inconclusive }
    return range.upperBound <= limit ? .pass : range.lowerBound > limit ? .fail : .inconclusive
  }

  /// Samples to add until the interval of the same value lies on one side of the limit; nil when the value is so close
  /// to it that no sensible number would.
  ///
  /// Of a share by inverting Wilson's interval: it leaves p out exactly when |share - p| > z sqrt(p (1 - p) / n). Of
  /// anything else by the normal approximation: the half width shrinks with the root of the samples.
  package func moreSamples(limit: Double) -> Int? {
    guard let samples, samples > 0, let interval else { return nil }
    let distance = abs(value - limit)
    let needed: Double
    if isProportion, limit > 0, limit < 1 {
      needed = Self.z * Self.z * limit * (1 - limit) / (distance * distance)
    } else {
      let half = limit >= value ? interval.upperBound - value : value - interval.lowerBound
      needed = Double(samples) * (half / distance) * (half / distance)
    }
    guard needed.isFinite, needed < Self.mostSamples else { return nil }
    return max(1, Int(needed.rounded(.down)) + 1 - samples)
  }

  /// value / other - 1; the interval by the normal approximation of the logarithms, each side with the half width that
  /// faces it.
  package func relativeChange(from other: GateEstimate) -> GateEstimate? {
    guard other.value > 0, value >= 0 else { return nil }
    let ratio = value / other.value
    guard interval != nil || other.interval != nil else { return GateEstimate(ratio - 1, samples: samples) }
    guard value > 0 else { return nil }
    let (own, others) = (interval ?? value...value, other.interval ?? other.value...other.value)
    guard own.lowerBound > 0, others.lowerBound > 0 else { return nil }
    let up = hypot(log(own.upperBound / value), log(other.value / others.lowerBound))
    let down = hypot(log(value / own.lowerBound), log(others.upperBound / other.value))
    return GateEstimate(
      ratio - 1, interval: (ratio * exp(-down) - 1)...(ratio * exp(up) - 1), samples: samples)
  }

  /// value - other; the interval of two independent estimates by Newcombe's method 10, which is built from their own
  /// intervals (R. G. Newcombe, Interval estimation for the difference between independent proportions, Statistics in
  /// Medicine 17 (1998) 873-890). On the same images it is wider than needed.
  package func difference(from other: GateEstimate) -> GateEstimate {
    let difference = value - other.value
    guard interval != nil || other.interval != nil else { return GateEstimate(difference, samples: samples) }
    let (own, others) = (interval ?? value...value, other.interval ?? other.value...other.value)
    let down = hypot(value - own.lowerBound, others.upperBound - other.value)
    let up = hypot(own.upperBound - value, other.value - others.lowerBound)
    return GateEstimate(difference, interval: (difference - down)...(difference + up), samples: samples)
  }

  package func figure(_ unit: Figure.Unit, conditions: String? = nil) -> Figure {
    Figure(
      value, unit,
      interval: interval.map {
        Figure.Interval(low: $0.lowerBound, high: $0.upperBound, method: "from both intervals")
      }, samples: samples, conditions: conditions)
  }
}
