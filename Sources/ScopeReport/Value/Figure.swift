import ScopeStatistics

/// A measured or counted value together with what is needed to read it.
///
/// Every number of a report that could be misread without its unit is a `Figure`; in JSON it is an object whose
/// `value` is the number. Fractions are fractions (0.884), never percent.
public struct Figure: Codable, Sendable, Hashable {
  /// Units used in reports; JSON holds the raw text.
  public enum Unit: String, Codable, Sendable, Hashable {
    case bytes
    /// A share between 0 and 1.
    case fraction
    /// A quotient of two like quantities (a speedup).
    case ratio
    case milliseconds
    case seconds
    case imagesPerSecond = "images/s"
    case multiplyAccumulates = "MAC"
    case floatingPointOperations = "FLOP"
    case gigaflopsPerSecond = "GFLOP/s"
    case gigabytesPerSecond = "GB/s"
    /// An amount in the currency of a price that the user gave.
    case currency
    /// A plain count (parameters, layers, nodes).
    case count
    /// 0 to 100.
    case score
  }

  /// The range in which the true value lies with the given confidence.
  public struct Interval: Codable, Sendable, Hashable {
    public var low: Double
    public var high: Double
    /// Confidence level, usually 0.95.
    public var level: Double
    /// How the interval was computed (`Wilson`, `bootstrap of medians`).
    public var method: String?

    public init(low: Double, high: Double, level: Double = 0.95, method: String? = nil) {
      self.low = low
      self.high = high
      self.level = level
      self.method = method
    }
  }

  public var value: Double
  public var unit: Unit
  public var interval: Interval?
  /// Interquartile range of the samples behind the value, in the value's unit.
  public var spread: Double?
  /// Number of samples (runs, images) the value rests on.
  public var samples: Int?
  /// How it was obtained: data, threads, batch, convention.
  public var conditions: String?
  /// What the value means; written by ``Report/narrated()``.
  public var interpretation: String?

  public init(
    _ value: Double, _ unit: Unit, interval: Interval? = nil, spread: Double? = nil, samples: Int? = nil,
    conditions: String? = nil
  ) {
    self.value = value
    self.unit = unit
    self.interval = interval
    self.spread = spread
    self.samples = samples
    self.conditions = conditions
  }

  public static func count(_ value: Int, conditions: String? = nil) -> Figure {
    Figure(Double(value), .count, conditions: conditions)
  }

  public static func bytes(_ value: Int, conditions: String? = nil) -> Figure {
    Figure(Double(value), .bytes, conditions: conditions)
  }

  public static func macs(_ value: Int, conditions: String? = nil) -> Figure {
    Figure(Double(value), .multiplyAccumulates, conditions: conditions)
  }

  public static func milliseconds(
    _ value: Double, interval: Interval? = nil, spread: Double? = nil, samples: Int? = nil,
    conditions: String? = nil
  ) -> Figure {
    Figure(value, .milliseconds, interval: interval, spread: spread, samples: samples, conditions: conditions)
  }

  public static func fraction(
    _ value: Double, interval: Interval? = nil, samples: Int? = nil, conditions: String? = nil
  ) -> Figure {
    Figure(value, .fraction, interval: interval, samples: samples, conditions: conditions)
  }

  public static func ratio(
    _ value: Double, interval: Interval? = nil, samples: Int? = nil, conditions: String? = nil
  ) -> Figure {
    Figure(value, .ratio, interval: interval, samples: samples, conditions: conditions)
  }

  /// A share of `total` with its 95% Wilson score interval (Wilson 1927), which stays inside [0, 1] and is
  /// usable for small counts.
  ///
  /// - Returns: nil when `total` is not positive.
  public static func proportion(_ successes: Int, of total: Int, conditions: String? = nil) -> Figure? {
    guard total > 0, successes >= 0, successes <= total else { return nil }
    let share = Proportion(successes: successes, trials: total)
    return Figure(
      share.value, .fraction,
      interval: Interval(low: share.interval.lowerBound, high: share.interval.upperBound, method: "Wilson"),
      samples: total, conditions: conditions)
  }
}
