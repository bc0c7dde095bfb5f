import ScopeBytes
import ScopeData
import ScopeStatistics
import Synchronization

/// What one change does to the predictions of a model, and of a second one on the same changed images.
public struct ChangeResult: Sendable, Hashable {
  public var change: ImageChange
  /// Correct predictions on the changed images.
  public var accuracy: MeasuredAccuracy
  /// Predictions that are those of the unchanged image.
  public var stable: MeasuredAccuracy
  /// Expected calibration error on the changed images.
  public var calibrationError: Double
  public var otherAccuracy: MeasuredAccuracy?
  public var otherStable: MeasuredAccuracy?
  public var otherCalibrationError: Double?
  /// The second model against the first on the changed images; nil without one.
  public var paired: PairedComparison?
}

/// Runs models on changed images: every change on every image, the same change for both models.
package struct ChangeStudy {
  package let target: AttackTarget
  package let second: AttackTarget?
  package let images: LabeledImages
  package let seed: UInt64
  package let threads: Int

  package init(
    target: AttackTarget, second: AttackTarget?, images: LabeledImages, seed: UInt64, threads: Int
  ) {
    self.target = target
    self.second = second
    self.images = images
    self.seed = seed
    self.threads = threads
  }

  /// - Parameter progress: changes done and in all, with the name of the one at work.
  /// - Throws: `interrupted`; engine failures.
  package func run(
    _ changes: [ImageChange], progress: (_ done: Double, _ title: String) -> Void, isCancelled: () -> Bool
  ) throws(ScopeError) -> [ChangeResult] {
    guard images.count > 0 else { throw ScopeError(.invalidData, "there are no images to change") }
    let all = Array(0..<images.count)
    let clean = try scores(target, all)
    let otherClean = try second.map { (second) throws(ScopeError) in
      try scores(second, all)
    }
    var results: [ChangeResult] = []
    for (position, change) in changes.enumerated() {
      var values: [Float] = []
      var otherValues: [Float] = []
      for first in stride(from: 0, to: images.count, by: target.batchSize) {
        if isCancelled() { throw ScopeError(.interrupted, "the measurement was interrupted") }
        let share = Double(first) / Double(images.count)
        progress((Double(position) + share) / Double(changes.count), change.title)
        let batch = Array(first..<min(first + target.batchSize, images.count))
        let pixels = try changed(batch, by: change)
        values += try logits(target, pixels, batch.count)
        if let second { otherValues += try logits(second, pixels, batch.count) }
      }
      results.append(result(change, values, clean, otherValues, otherClean))
    }
    progress(1, "done")
    return results
  }

  private func result(
    _ change: ImageChange, _ values: [Float], _ clean: [Float], _ other: [Float], _ otherClean: [Float]?
  ) -> ChangeResult {
    let (found, before) = (predictions(values), predictions(clean))
    var result = ChangeResult(
      change: change, accuracy: agreement(found, images.labels), stable: agreement(found, before),
      calibrationError: Calibration(scores: values, labels: images.labels).expectedError)
    guard let otherClean else { return result }
    let otherFound = predictions(other)
    result.otherAccuracy = agreement(otherFound, images.labels)
    result.otherStable = agreement(otherFound, predictions(otherClean))
    result.otherCalibrationError = Calibration(scores: other, labels: images.labels).expectedError
    result.paired = PairedComparison(original: found, candidate: otherFound, labels: images.labels)
    return result
  }

  // MARK: Images

  /// Changed by several threads; each image's randomness depends on the seed, the change and its position alone.
  private func changed(_ batch: [Int], by change: ImageChange) throws(ScopeError) -> [Float] {
    let size = images.imageSize
    let pixels = images.pixelValues(batch)
    let shape = (channels: images.channels, height: images.height, width: images.width)
    let stream = seed &+ Fingerprint.of(change.title)
    let done = Mutex<[Int: Result<[Float], ScopeError>]>([:])
    ParallelLoop.run(count: batch.count, threads: threads > 0 ? threads : ParallelLoop.processors) {
      position in
      var generator = SplitMix64(seed: stream, stream: UInt64(batch[position]))
      let picture = Picture(
        values: Array(pixels[position * size..<(position + 1) * size]), channels: shape.channels,
        height: shape.height, width: shape.width)
      let outcome: Result<[Float], ScopeError>
      do throws(ScopeError) {
        outcome = .success(try change.apply(picture, &generator).values)
      } catch { outcome = .failure(error) }
      done.withLock { $0[position] = outcome }
    }
    let results = done.withLock { $0 }
    var values: [Float] = []
    values.reserveCapacity(pixels.count)
    for position in batch.indices {
      guard let outcome = results[position] else { continue }
      values += try outcome.get()
    }
    return values
  }

  // MARK: Scores

  private func scores(
    _ target: AttackTarget, _ indices: [Int], _ prepare: ([Float]) -> [Float] = { $0 }
  ) throws(ScopeError) -> [Float] {
    var values: [Float] = []
    for first in stride(from: 0, to: indices.count, by: target.batchSize) {
      let batch = Array(indices[first..<min(first + target.batchSize, indices.count)])
      values += try logits(target, prepare(images.pixelValues(batch)), batch.count)
    }
    return values
  }

  private func logits(_ target: AttackTarget, _ pixels: [Float], _ count: Int) throws(ScopeError) -> [Float] {
    // The second model may take fewer at a time.
    var values: [Float] = []
    let size = images.imageSize
    for first in stride(from: 0, to: count, by: target.batchSize) {
      let end = min(first + target.batchSize, count)
      values += try target.logits(
        Array(pixels[first * size..<end * size]),
        shape: [end - first, images.channels, images.height, images.width]
      ).values
    }
    return values
  }

  private func predictions(_ values: [Float]) -> [Int] {
    let classes = values.count / images.count
    return (0..<images.count).map { AttackAnswer.largest(values[$0 * classes..<($0 + 1) * classes]) }
  }

  private func agreement(_ found: [Int], _ wanted: [Int]) -> MeasuredAccuracy {
    MeasuredAccuracy(correct: zip(found, wanted).count { $0 == $1 }, of: found.count)
  }
}

/// A number that is the same on every run and machine, unlike `Hasher`'s.
private enum Fingerprint {
  /// FNV-1a.
  static func of(_ text: String) -> UInt64 {
    text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
  }
}

extension ChangeStudy {
  /// Images that are made up and asked about.
  private static let mostUnknowns = 500

  /// What the model says of images that show nothing it knows.
  ///
  /// - Throws: `interrupted`; engine failures.
  package func unknowns(isCancelled: () -> Bool) throws(ScopeError) -> [UnknownResult] {
    let count = min(images.count, Self.mostUnknowns)
    let indices = (0..<count).map { $0 * images.count / count }
    let known = confidences(try scores(target, indices), count)
    var results: [UnknownResult] = []
    for kind in UnknownKind.allCases {
      if isCancelled() { throw ScopeError(.interrupted, "the measurement was interrupted") }
      var generator = SplitMix64(seed: seed &+ Fingerprint.of(kind.rawValue))
      let values = try scores(target, indices) { pixels in
        kind.images(
          like: pixels, channels: images.channels, height: images.height, width: images.width, &generator)
      }
      let found = confidences(values, count)
      results.append(
        UnknownResult(
          kind: kind, images: count, meanConfidence: found.reduce(0, +) / Double(max(count, 1)),
          knownConfidence: known.reduce(0, +) / Double(max(count, 1)),
          confident: MeasuredAccuracy(correct: found.count { $0 > UnknownResult.confidence }, of: count),
          separation: RankStatistics.areaUnderROC(positives: known, negatives: found)))
    }
    return results
  }

  /// The largest softmax probability of each image.
  private func confidences(_ values: [Float], _ count: Int) -> [Double] {
    let logits = Logits(values, count: count)
    return (0..<count).map { logits.probability($0, of: logits.prediction($0)) }
  }
}
