import ScopeBytes
import ScopeData
import ScopeStatistics

/// One change for every image, learnt on half of the images and judged on the other half: what an attacker can print or
/// add without seeing the picture.
public enum SharedChange: Sendable, Hashable, Codable {
  /// Added to every pixel value, at most this far in Linf (universal perturbation, Moosavi-Dezfooli et al. 2017,
  /// arXiv:1610.08401; learnt by gradient steps as Shafahi et al. 2020, arXiv:1811.11304, section 3).
  case universal(Epsilon)
  /// A square that covers this share of the image at a random place (adversarial patch, Brown et al. 2017,
  /// arXiv:1712.09665; moved but not turned or scaled).
  case patch(share: Double)

  public var title: String {
    switch self {
    case .universal(let epsilon): "Universal perturbation \(epsilon.text)"
    case .patch(let share): "Patch over \((share * 1000).rounded() / 10)% of the image"
    }
  }
}

/// How often a shared change misleads the model on images it was not learnt on.
public struct SharedChangeResult: Sendable, Hashable {
  public var change: SharedChange
  /// Images that it was learnt on.
  public var learnt: Int
  /// Of the others, without the change, with it, and with a change of the same size that is noise.
  public var clean: MeasuredAccuracy
  public var changed: MeasuredAccuracy
  public var control: MeasuredAccuracy
  public var epochs: Int
  public var seconds: Double
}

/// Learns a ``SharedChange`` and measures it.
struct SharedAttack {
  private static let epochs = 10
  /// Step over epsilon, and over the pixel range for patches.
  private static let (universalStep, patchStep): (Float, Float) = (0.2, 0.05)

  let target: AttackTarget
  let images: LabeledImages
  let change: SharedChange
  let seed: UInt64

  private var size: Int { images.imageSize }

  /// - Parameter progress: batches done and in all.
  /// - Throws: `invalidData` with fewer than four images; `interrupted`.
  func run(
    progress: (Int, Int) -> Void, isCancelled: () -> Bool
  ) throws(ScopeError) -> SharedChangeResult {
    guard images.count >= 4 else {
      throw ScopeError(
        .invalidData, "a shared change is learnt on half of the images and judged on the other half",
        expected: "at least 4 images", found: "\(images.count)")
    }
    let clock = ContinuousClock()
    let start = clock.now
    // Alternating: images lie in class order.
    let learning = (0..<images.count).filter { $0 % 2 == 1 }
    let judging = (0..<images.count).filter { $0 % 2 == 0 }
    var generator = SplitMix64(seed: seed)
    var values = initial(&generator)
    let noise = values
    let batches = Self.epochs * ((learning.count + target.batchSize - 1) / target.batchSize)
    var done = 0
    for _ in 0..<Self.epochs {
      let order = learning.shuffled(using: &generator)
      for first in stride(from: 0, to: order.count, by: target.batchSize) {
        if isCancelled() { throw ScopeError(.interrupted, "the attack was interrupted") }
        try learn(
          &values, from: Array(order[first..<min(first + target.batchSize, order.count)]), &generator)
        done += 1
        progress(done, batches)
      }
    }
    // Places of patches are the same for the change and for the noise.
    let places = judging.map { _ in place(&generator) }
    return SharedChangeResult(
      change: change, learnt: learning.count,
      clean: try accuracy(judging) { pixels, _ in pixels },
      changed: try accuracy(judging) { applied(values, to: $0, at: places[$1]) },
      control: try accuracy(judging) { applied(noise, to: $0, at: places[$1]) },
      epochs: Self.epochs, seconds: seconds(clock.now - start))
  }

  /// Side of the patch in pixels; 0 for a universal perturbation.
  private var side: Int {
    guard case .patch(let share) = change else { return 0 }
    let area = share * Double(images.height * images.width)
    return min(max(Int(area.squareRoot().rounded()), 1), images.height, images.width)
  }

  /// Noise of the change's size: +-epsilon, or uniform in the patch.
  private func initial(_ generator: inout SplitMix64) -> [Float] {
    switch change {
    case .universal(let epsilon):
      return (0..<size).map { _ in generator.next() & 1 == 0 ? Float(epsilon.value) : -Float(epsilon.value) }
    case .patch: return (0..<images.channels * side * side).map { _ in generator.unit() }
    }
  }

  private func place(_ generator: inout SplitMix64) -> (top: Int, left: Int) {
    guard side > 0 else { return (0, 0) }
    return (
      Int.random(in: 0...images.height - side, using: &generator),
      Int.random(in: 0...images.width - side, using: &generator)
    )
  }

  private func applied(_ values: [Float], to pixels: [Float], at place: (top: Int, left: Int)) -> [Float] {
    var result = pixels
    if side == 0 {
      for index in result.indices { result[index] = min(max(pixels[index] + values[index], 0), 1) }
    } else {
      forEachPatchValue(place) { patch, image in result[image] = values[patch] }
    }
    return result
  }

  private func forEachPatchValue(_ place: (top: Int, left: Int), _ body: (_ patch: Int, _ image: Int) -> Void)
  {
    for channel in 0..<images.channels {
      for row in 0..<side {
        for column in 0..<side {
          body(
            (channel * side + row) * side + column,
            (channel * images.height + place.top + row) * images.width + place.left + column)
        }
      }
    }
  }

  /// One step along the sign of the images' summed gradient of the cross-entropy.
  private func learn(
    _ values: inout [Float], from batch: [Int], _ generator: inout SplitMix64
  ) throws(ScopeError) {
    let originals = images.pixelValues(batch)
    let places = batch.map { _ in place(&generator) }
    var pixels: [Float] = []
    pixels.reserveCapacity(originals.count)
    for position in batch.indices {
      pixels += applied(
        values, to: Array(originals[position * size..<(position + 1) * size]), at: places[position])
    }
    let found = try target.lossGradient(
      pixels, labels: batch.map { Int64(images.labels[$0]) },
      shape: [batch.count, images.channels, images.height, images.width]
    ).gradient
    var slopes = [Float](repeating: 0, count: values.count)
    for position in batch.indices {
      let start = position * size
      if side == 0 {
        for index in 0..<size { slopes[index] += found[start + index] }
      } else {
        forEachPatchValue(places[position]) { patch, image in slopes[patch] += found[start + image] }
      }
    }
    for index in values.indices {
      let sign: Float = (slopes[index] > 0 ? 1 : 0) - (slopes[index] < 0 ? 1 : 0)
      switch change {
      case .universal(let epsilon):
        let bound = Float(epsilon.value)
        values[index] = min(max(values[index] + Self.universalStep * bound * sign, -bound), bound)
      case .patch: values[index] = min(max(values[index] + Self.patchStep * sign, 0), 1)
      }
    }
  }

  /// - Parameter changed: the pixels of an image and its position among those judged.
  private func accuracy(
    _ judging: [Int], _ changed: ([Float], Int) -> [Float]
  ) throws(ScopeError) -> MeasuredAccuracy {
    var correct = 0
    for first in stride(from: 0, to: judging.count, by: target.batchSize) {
      let batch = first..<min(first + target.batchSize, judging.count)
      var pixels: [Float] = []
      for position in batch { pixels += changed(images.pixelValues([judging[position]]), position) }
      let logits = try target.logits(
        pixels, shape: [batch.count, images.channels, images.height, images.width])
      for position in batch
      where logits.prediction(position - first) == images.labels[judging[position]] { correct += 1 }
    }
    return MeasuredAccuracy(correct: correct, of: judging.count)
  }
}
