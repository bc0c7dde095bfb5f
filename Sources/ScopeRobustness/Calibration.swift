import Glibc
import ScopeBytes
import ScopeData

/// Whether a classifier's confidence means what it says.
public struct Calibration: Sendable, Hashable, Codable {
  /// Images of one range of confidence.
  public struct Bin: Sendable, Hashable, Codable {
    /// Range of the largest softmax probability.
    public var low: Double
    public var high: Double
    public var count: Int
    public var meanConfidence: Double
    public var accuracy: Double
  }

  public var imageCount: Int
  /// Bins of equal width that hold images.
  public var bins: [Bin]
  /// Expected calibration error: mean |confidence - accuracy| over the bins, weighted by their images (Guo et al. 2017,
  /// arXiv:1706.04599, equation 3, 15 bins).
  public var expectedError: Double
  /// Mean confidence minus accuracy: positive is overconfident.
  public var overconfidence: Double
  /// Negative log-likelihood per image.
  public var logLoss: Double
  /// The temperature that minimises the log loss on half of the images (ibid., section 4.2), and the expected error with
  /// it on the other half, beside that half's error without; nil below ``leastImages``.
  public var temperature: Double?
  public var errorBefore: Double?
  public var errorAfter: Double?

  private static let binCount = 15
  /// Images below which a temperature fitted on one half says nothing about the other.
  public static let leastImages = 100

  /// - Parameters:
  ///   - scores: logits [N, classes].
  ///   - labels: [N].
  public init(scores: [Float], labels: [Int]) {
    let classes = labels.isEmpty ? 0 : scores.count / labels.count
    let rows = labels.indices.map { scores[$0 * classes..<($0 + 1) * classes].map(Double.init) }
    imageCount = labels.count
    let all = Self.confidences(rows, labels, temperature: 1)
    bins = Self.bins(all)
    expectedError = Self.expectedError(bins, count: labels.count)
    let count = Double(max(labels.count, 1))
    overconfidence =
      all.reduce(0) { $0 + $1.confidence } / count - Double(all.count { $0.isRight }) / count
    logLoss = Self.logLoss(rows, labels, temperature: 1)
    guard labels.count >= Self.leastImages else { return }
    // Every other image, so that sorted folders split evenly.
    let (fit, judge) = (
      labels.indices.filter { $0.isMultiple(of: 2) }, labels.indices.filter { !$0.isMultiple(of: 2) }
    )
    let best = Self.fitted(fit.map { rows[$0] }, fit.map { labels[$0] })
    let (others, otherLabels) = (judge.map { rows[$0] }, judge.map { labels[$0] })
    temperature = best
    errorBefore = Self.expectedError(
      Self.bins(Self.confidences(others, otherLabels, temperature: 1)), count: judge.count)
    errorAfter = Self.expectedError(
      Self.bins(Self.confidences(others, otherLabels, temperature: best)), count: judge.count)
  }

  private static func confidences(
    _ rows: [[Double]], _ labels: [Int], temperature: Double
  ) -> [(confidence: Double, isRight: Bool)] {
    zip(rows, labels).map { row, label in
      var best = 0
      for index in row.indices where row[index] > row[best] { best = index }
      let sum = row.reduce(0) { $0 + exp(($1 - row[best]) / temperature) }
      return (1 / sum, best == label)
    }
  }

  private static func bins(_ all: [(confidence: Double, isRight: Bool)]) -> [Bin] {
    (0..<binCount).compactMap { index in
      let (low, high) = (Double(index) / Double(binCount), Double(index + 1) / Double(binCount))
      let own = all.filter {
        $0.confidence > low && $0.confidence <= high || index == 0 && $0.confidence == 0
      }
      guard !own.isEmpty else { return nil }
      return Bin(
        low: low, high: high, count: own.count,
        meanConfidence: own.reduce(0) { $0 + $1.confidence } / Double(own.count),
        accuracy: Double(own.count { $0.isRight }) / Double(own.count))
    }
  }

  private static func expectedError(_ bins: [Bin], count: Int) -> Double {
    bins.reduce(0) { $0 + Double($1.count) * abs($1.meanConfidence - $1.accuracy) } / Double(max(count, 1))
  }

  private static func logLoss(_ rows: [[Double]], _ labels: [Int], temperature: Double) -> Double {
    let total = zip(rows, labels).reduce(0.0) { sum, image in
      let (row, label) = image
      let largest = row.max() ?? 0
      let norm = log(row.reduce(0) { $0 + exp(($1 - largest) / temperature) })
      return sum + norm - (row[label] - largest) / temperature
    }
    return total / Double(max(rows.count, 1))
  }

  /// Golden-section search over log T; the loss is convex in 1/T.
  private static func fitted(_ rows: [[Double]], _ labels: [Int]) -> Double {
    let ratio = (5.0.squareRoot() - 1) / 2
    var (low, high) = (log(0.05), log(20.0))
    for _ in 0..<60 {
      let (left, right) = (high - ratio * (high - low), low + ratio * (high - low))
      if logLoss(rows, labels, temperature: exp(left)) < logLoss(rows, labels, temperature: exp(right)) {
        high = right
      } else {
        low = left
      }
    }
    return exp((low + high) / 2)
  }
}
