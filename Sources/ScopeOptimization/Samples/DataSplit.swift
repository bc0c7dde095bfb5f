import ScopeBytes
import ScopeData
import ScopeStatistics

/// Which images calibrate and which judge; no image does both.
public struct DataSplit: Sendable, Hashable {
  /// Indices of the calibration images.
  public var calibration: [Int]
  /// Indices of the evaluation images, in an order in which every beginning is spread over the classes.
  public var evaluation: [Int]

  /// Calibration images wanted even when that is more than the share.
  static let fewestCalibrationImages = 8

  init(calibration: [Int], evaluation: [Int]) {
    self.calibration = calibration
    self.evaluation = evaluation
  }

  /// Orders the images by class and takes every `stride`-th for calibration, so that the classes are represented alike.
  /// Deterministic for equal arguments.
  ///
  /// - Parameters:
  ///   - stride: 5 holds out a fifth.
  ///   - limit: most calibration images; the share beyond it evaluates.
  /// - Throws: `invalidData` below two images.
  public init(labels: [Int], stride: Int = 5, limit: Int = 200, seed: UInt64 = 0) throws(ScopeError) {
    guard labels.count >= 2 else {
      throw ScopeError(
        .invalidData, "quantization needs images to calibrate on and others to judge by",
        expected: "at least 2 images",
        found: "\(labels.count)", remedy: "Give more images")
    }
    guard stride >= 2, limit >= 1 else {
      throw ScopeError(
        .invalidArgument, "the calibration share must leave images on both sides",
        expected: "stride >= 2, limit >= 1",
        found: "stride \(stride), limit \(limit)")
    }
    let byClass = labels.indices.sorted { (labels[$0], $0) < (labels[$1], $1) }
    // Activation ranges need a few images: small data gives up to half of itself.
    let heldOut = max(1, labels.count / stride, min(Self.fewestCalibrationImages, labels.count / 2))
    let count = min(heldOut, limit)
    // Evenly spaced positions in class order.
    var isCalibration = [Bool](repeating: false, count: labels.count)
    for number in 0..<count { isCalibration[(2 * number + 1) * labels.count / (2 * count)] = true }
    calibration = byClass.indices.filter { isCalibration[$0] }.map { byClass[$0] }
    evaluation = byClass.indices.filter { !isCalibration[$0] }.map { byClass[$0] }
    var generator = SplitMix64(seed: seed)
    evaluation.shuffle(using: &generator)
  }
}
