import ScopeBytes
import ScopeData
import ScopeStatistics

/// A guarantee for the model under noise: within the radius no change in L2 alters what the smoothed model answers.
///
/// Cohen et al. 2019, arXiv:1902.02918, algorithm CERTIFY: 100 noisy copies choose the class, `samples` others bound its
/// probability from below (Clopper-Pearson, risk `alpha` per image), and sigma times the normal quantile of that bound is
/// the radius. It holds for the classifier that answers by the majority under noise, not for the model alone.
public struct SmoothingSettings: Sendable, Hashable, Codable {
  /// Standard deviation of the noise in pixel units [0, 1].
  public var sigma: Double
  public var samples: Int
  /// Chance that one image's radius is wrong.
  public var alpha: Double

  public static let choosing = 100

  /// - Throws: `invalidArgument` outside 0 < sigma <= 2, 100...100,000 samples, 0 < alpha < 0.5.
  public init(sigma: Double, samples: Int = 1000, alpha: Double = 0.001) throws(ScopeError) {
    guard sigma > 0, sigma <= 2, (100...100_000).contains(samples), alpha > 0, alpha < 0.5 else {
      throw ScopeError(
        .invalidArgument, "these smoothing settings are not possible",
        expected: "sigma above 0 up to 2, 100 to 100000 samples, alpha above 0 below 0.5",
        found: "sigma \(sigma), \(samples) samples, alpha \(alpha)")
    }
    self.sigma = sigma
    self.samples = samples
    self.alpha = alpha
  }
}

/// What smoothing certifies of a set of images.
public struct SmoothingResult: Sendable, Hashable {
  public var settings: SmoothingSettings
  public var imageCount: Int
  /// Certified L2 radius of each image that the smoothed model gets right, descending.
  public var radii: [Double]
  /// Images on which it is wrong, and on which it abstains because no class has a majority for certain.
  public var wrong: Int
  public var abstained: Int
  public var seconds: Double

  /// Share of the images certified to be right within `radius`.
  public func certified(_ radius: Double) -> MeasuredAccuracy {
    MeasuredAccuracy(correct: radii.count { $0 >= radius }, of: imageCount)
  }
}

package struct RandomizedSmoothing {
  package let target: AttackTarget
  package let images: LabeledImages
  package let settings: SmoothingSettings
  package let seed: UInt64

  package init(target: AttackTarget, images: LabeledImages, settings: SmoothingSettings, seed: UInt64) {
    self.target = target
    self.images = images
    self.settings = settings
    self.seed = seed
  }

  /// - Parameter progress: images done and in all.
  /// - Throws: `interrupted`; engine failures.
  package func run(
    progress: (Int, Int) -> Void, isCancelled: () -> Bool
  ) throws(ScopeError) -> SmoothingResult {
    let clock = ContinuousClock()
    let start = clock.now
    var result = SmoothingResult(
      settings: settings, imageCount: images.count, radii: [], wrong: 0, abstained: 0, seconds: 0)
    for image in 0..<images.count {
      if isCancelled() { throw ScopeError(.interrupted, "the certification was interrupted") }
      var generator = SplitMix64(seed: seed, stream: UInt64(image))
      let pixels = images.pixelValues([image])
      let chosen = try counts(pixels, SmoothingSettings.choosing, &generator)
      let winner = chosen.indices.max { chosen[$0] < chosen[$1] } ?? 0
      let found = try counts(pixels, settings.samples, &generator)
      let bound = ExactBounds.lowerProportion(
        successes: found[winner], trials: settings.samples, risk: settings.alpha)
      if bound <= 0.5 {
        result.abstained += 1
      } else if winner == images.labels[image] {
        result.radii.append(settings.sigma * ExactBounds.normalQuantile(bound))
      } else {
        result.wrong += 1
      }
      progress(image + 1, images.count)
    }
    result.radii.sort(by: >)
    result.seconds = seconds(clock.now - start)
    return result
  }

  /// How often each class is answered under noise. The noisy pixels are not cut to [0, 1]: the proof needs the whole
  /// normal distribution.
  private func counts(
    _ pixels: [Float], _ samples: Int, _ generator: inout SplitMix64
  ) throws(ScopeError) -> [Int] {
    var counts: [Int] = []
    let sigma = Float(settings.sigma)
    for first in stride(from: 0, to: samples, by: target.batchSize) {
      let count = min(target.batchSize, samples - first)
      var noisy: [Float] = []
      noisy.reserveCapacity(count * pixels.count)
      for _ in 0..<count {
        for value in pixels { noisy.append(value + sigma * generator.normal()) }
      }
      let logits = try target.logits(
        noisy, shape: [count, images.channels, images.height, images.width])
      if counts.isEmpty { counts = [Int](repeating: 0, count: logits.classes) }
      for index in 0..<count { counts[logits.prediction(index)] += 1 }
    }
    return counts
  }
}
