import ScopeBytes

/// What happens when a check does not hold.
public enum PolicyLevel: String, Sendable, Hashable, Codable, CaseIterable {
  /// The check is not made, and nothing is measured for it.
  case off
  /// It is shown and changes no exit code.
  case warn
  case error

  init(_ node: YAMLNode) throws(ScopeError) {
    // `off` and a few other words are truth values in YAML 1.1; here they are text.
    guard let text = node.text, let level = PolicyLevel(rawValue: text) else {
      throw node.problem(
        "this level is not known", expected: Self.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self = level
  }
}

/// A limit on one figure: absolute, relative to a baseline, or both.
public struct Budget: Sendable, Hashable {
  public enum Metric: String, Sendable, Hashable, Codable, CaseIterable {
    case size
    case parameters
    case macs
    case latencyP50 = "latency-p50"
    case latencyP95 = "latency-p95"
    case throughput
    case peakMemory = "peak-memory"
    case accuracy
    case accuracyDrop = "accuracy-drop"
    case robustAccuracy = "robust-accuracy"
    case robustnessScore = "robustness-score"
    case calibrationError = "calibration-error"

    /// Whether larger is better: the limit is then a least value.
    public var isFloor: Bool {
      [.throughput, .accuracy, .robustAccuracy, .robustnessScore].contains(self)
    }

    public var dimension: Dimension {
      switch self {
      case .size, .peakMemory: .bytes
      case .parameters, .macs: .count
      case .latencyP50, .latencyP95: .milliseconds
      case .throughput: .rate
      case .accuracy, .accuracyDrop, .robustAccuracy, .calibrationError: .share
      case .robustnessScore: .score
      }
    }

    /// The key of the absolute limit.
    public var absoluteKey: String { isFloor ? "min" : "max" }

    /// The key of the limit relative to the baseline; nil where the figure is a difference already.
    public var relativeKey: String? {
      self == .accuracyDrop ? nil : isFloor ? "max-decrease" : "max-increase"
    }

    /// Every key that a budget of this metric may have.
    public var keys: [String] {
      [absoluteKey] + [relativeKey].compactMap { $0 }
        + (self == .robustAccuracy ? ["epsilon"] : []) + ["level"]
    }
  }

  /// How limits of a figure are written.
  public enum Dimension: Sendable, Hashable {
    case bytes, count, milliseconds, rate, share, score

    /// Factors to the base unit (bytes, units, milliseconds, images/s, fraction, points of the score).
    var units: [(name: String, factor: Double)] {
      switch self {
      case .bytes:
        [
          ("B", 1), ("bytes", 1), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("KiB", 1024), ("MiB", 1_048_576),
          ("GiB", 1_073_741_824),
        ]
      case .count: [("", 1), ("k", 1e3), ("K", 1e3), ("M", 1e6), ("G", 1e9), ("B", 1e9), ("T", 1e12)]
      case .milliseconds: [("us", 1e-3), ("ms", 1), ("s", 1e3)]
      case .rate: [("/s", 1), ("images/s", 1)]
      case .share: [("%", 0.01), ("points", 0.01), ("point", 0.01), ("", 1)]
      case .score: [("", 1)]
      }
    }

    var example: String {
      switch self {
      case .bytes: "a size such as 12 MB or 8 MiB"
      case .count: "a count such as 270000 or 4.6 M"
      case .milliseconds: "a time such as 15 ms"
      case .rate: "a rate such as 40/s"
      case .share: "a share such as 80% or 0.8"
      case .score: "a score from 0 to 100"
      }
    }

    var relativeExample: String {
      switch self {
      case .share: "points such as 1 point or 0.5 points"
      case .score: "points of the score such as 5"
      default: "a share of the baseline such as 5%"
      }
    }
  }

  public var metric: Metric
  public var level: PolicyLevel
  /// In the base unit of the metric's dimension.
  public var absolute: Double?
  /// A share of the baseline (0.05), or, of shares and scores, a difference in the base unit.
  public var relative: Double?
  /// Linf radius of `robust-accuracy` as written; nil takes the report's own.
  public var epsilon: String?
  /// Where it stands in the policy.
  public var place: YAMLNode.Place

  public init(
    _ metric: Metric, level: PolicyLevel = .error, absolute: Double? = nil, relative: Double? = nil,
    epsilon: String? = nil, place: YAMLNode.Place = .init(line: 1, column: 1)
  ) {
    self.metric = metric
    self.level = level
    self.absolute = absolute
    self.relative = relative
    self.epsilon = epsilon
    self.place = place
  }

  init(_ metric: Metric, _ node: YAMLNode) throws(ScopeError) {
    self.init(metric, place: node.place)
    // `size: off` turns a budget off without losing it in a comment.
    if node.text == PolicyLevel.off.rawValue {
      level = .off
      return
    }
    let fields = try PolicyFields(node, known: metric.keys, of: "the budget \(metric.rawValue)")
    if let node = fields["level"] { level = try PolicyLevel(node) }
    if let node = fields[metric.absoluteKey] {
      absolute = try Self.quantity(
        node, units: metric.dimension.units, example: metric.dimension.example)
      let top: Double? = metric.dimension == .share ? 1 : metric.dimension == .score ? 100 : nil
      if let top, let value = absolute, value > top {
        throw node.problem("the limit is beyond what can be", expected: metric.dimension.example)
      }
    }
    if let key = metric.relativeKey, let node = fields[key] {
      let units: [(name: String, factor: Double)] =
        switch metric.dimension {
        case .share: [("points", 0.01), ("point", 0.01)]
        case .score: [("", 1), ("points", 1), ("point", 1)]
        default: [("%", 0.01)]
        }
      relative = try Self.quantity(node, units: units, example: metric.dimension.relativeExample)
    }
    if let node = fields["epsilon"] {
      let text = try node.requiredText("epsilon")
      guard let radius = Self.radius(text), radius > 0, radius <= 1 else {
        throw node.problem("this is no radius", expected: "a radius in the [0, 1] pixel range such as 2/255")
      }
      epsilon = text
    }
    guard absolute != nil || relative != nil || level == .off else {
      let keys = [metric.absoluteKey] + [metric.relativeKey].compactMap { $0 }
      throw node.problem(
        "the budget \(metric.rawValue) has no limit", expected: keys.joined(separator: " or "))
    }
  }

  /// `2/255` or `0.01`; nil for anything else.
  public static func radius(_ text: String) -> Double? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard let first = parts.first.flatMap({ Double($0) }), first.isFinite else { return nil }
    if parts.count == 1 { return first }
    guard parts.count == 2, let second = Double(parts[1]), second.isFinite, second > 0 else { return nil }
    return first / second
  }

  /// A number with a unit: `12 MB`, `5%`.
  private static func quantity(
    _ node: YAMLNode, units: [(name: String, factor: Double)], example: String
  ) throws(ScopeError) -> Double {
    let text = try node.requiredText("the limit")
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == "." || $0 == "_" || $0 == ",") }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }
    // 1,5 could be either number; nobody should have to guess which.
    guard !digits.contains(","), let value = Double(digits.filter { $0 != "_" }),
      let factor = units.first(where: { $0.name == unit })?.factor, (value * factor).isFinite
    else { throw node.problem("this limit is not understood", expected: example) }
    return value * factor
  }
}
