import ScopeBytes
import ScopeGraph
import ScopeRuntime
import ScopeStatistics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Applies the exact passes and proves on real samples that they were exact.
public struct ExactFolding: Sendable {
  /// The folded model.
  public var model: Model
  public var passes: [PassRecord]
  /// Largest difference of the scores on the verification images, relative to the largest score of the image.
  public var difference: Double
  /// Passes that were left out because the scores moved, with the difference seen.
  public var leftOut: [String] = []

  /// Differences up to this are rounding.
  public static let tolerance = 1e-5

  /// - Parameter indices: images to verify on.
  /// - Throws: what the passes or the engine throw.
  public static func run(
    _ original: Model, samples: SampleSet, indices: [Int], engine: Engine, threads: Int = 0
  ) throws(ScopeError) -> ExactFolding {
    let check = try EquivalenceCheck(
      original, samples: samples, indices: indices, engine: engine, threads: threads)
    var model = original
    let records = try PassRunner.run(PassRegistry.exact, on: &model)
    let difference = try check.difference(model)
    if difference <= tolerance { return ExactFolding(model: model, passes: records, difference: difference) }

    // Something moved the scores: apply the passes one by one and leave out those that do.
    var result = ExactFolding(model: original, passes: [], difference: 0)
    for pass in PassRegistry.exact {
      var attempt = result.model
      let applied = try PassRunner.run([pass], on: &attempt)
      guard !applied.isEmpty else { continue }
      let difference = try check.difference(attempt)
      guard difference <= tolerance else {
        result.leftOut.append("\(pass.name): relative difference \(difference)")
        continue
      }
      result.model = attempt
      result.passes += applied
      result.difference = difference
    }
    return result
  }
}

/// Compares the scores of rewritten models with those of the original on the same images.
public struct EquivalenceCheck {
  private let reference: Logits
  private let samples: SampleSet
  private let indices: [Int]
  private let engine: Engine
  private let options: SessionOptions

  /// Runs the original once.
  ///
  /// - Throws: `unsupported` when the first output is not float32 scores; engine failures.
  public init(
    _ original: Model, samples: SampleSet, indices: [Int], engine: Engine, threads: Int = 0
  ) throws(ScopeError) {
    self.samples = samples
    self.indices = indices
    self.engine = engine
    options = SessionOptions(threads: threads)
    guard let output = original.graph.outputs.first?.name else {
      throw ScopeError(.invalidGraph, "the model has no output")
    }
    let session = try Session(engine: engine, model: original, options: options)
    reference = try ModelRunner(session: session, output: output).logits(samples, indices)
  }

  /// Largest |a - b| over the scores of an image divided by its largest |a|, the worst image counts; infinite when a
  /// score is not a number.
  public func difference(_ model: Model) throws(ScopeError) -> Double {
    let session = try Session(engine: engine, model: model, options: options)
    let output = model.graph.outputs.first?.name ?? ""
    let scores = try ModelRunner(session: session, output: output).logits(samples, indices)
    return ScoreComparison.largestRelativeDifference(reference, scores)
  }
}

/// Distances between two sets of scores of the same images.
package enum ScoreComparison {
  static func largestRelativeDifference(_ reference: Logits, _ other: Logits) -> Double {
    guard reference.values.count == other.values.count else { return .infinity }
    var worst = 0.0
    for image in 0..<reference.count {
      var largest = Float(0)
      var difference = Float(0)
      for (a, b) in zip(reference.row(image), other.row(image)) {
        guard a.isFinite, b.isFinite else { return .infinity }
        largest = max(largest, abs(a))
        difference = max(difference, abs(a - b))
      }
      if difference > 0 { worst = max(worst, Double(difference / max(largest, .leastNormalMagnitude))) }
    }
    return worst
  }

  /// 10 log10(signal / noise), the signal being the scores less their mean per image, which softmax and argmax ignore.
  package static func sqnr(_ reference: Logits, _ other: Logits) -> Double {
    guard reference.values.count == other.values.count, reference.classes > 0 else { return -.infinity }
    var signal = 0.0
    var noise = 0.0
    for image in 0..<reference.count {
      let a = reference.row(image).map(Double.init)
      let b = other.row(image).map(Double.init)
      let meanA = a.reduce(0, +) / Double(a.count)
      let meanB = b.reduce(0, +) / Double(b.count)
      for (x, y) in zip(a, b) {
        signal += (x - meanA) * (x - meanA)
        noise += ((x - meanA) - (y - meanB)) * ((x - meanA) - (y - meanB))
      }
    }
    guard noise.isFinite, signal.isFinite else { return -.infinity }
    return noise > 0 ? min(10 * log10(signal / noise), 300) : 300
  }

  static func agreement(_ reference: Logits, _ other: Logits) -> Proportion {
    let pairs = zip(reference.predictions, other.predictions)
    return Proportion(successes: pairs.filter { $0 == $1 }.count, trials: min(reference.count, other.count))
  }
}
