import Glibc
import ScopeBytes

func exponential(_ x: Double) -> Double { exp(x) }

/// A batch under attack.
package struct AttackBatch {
  /// Position of the first image among all.
  package var firstImage: Int
  /// [n, C, H, W] in [0, 1].
  package var originals: [Float]
  package var labels: [Int64]
  /// [n, C, H, W].
  package var shape: [Int]
  /// The gradient at the clean images with the logits of that pass, shared by all attacks that start there.
  package var cleanGradient: [Float]
  package var cleanLogits: Logits

  package var imageSize: Int { shape.dropFirst().reduce(1, *) }
}

/// What an attack made of a batch.
package struct AttackOutcome {
  package var images: [Float]
  /// Per image, whether some point before the last was misclassified.
  package var misledOnTheWay: [Bool]
  package var gradientQueries: Int
}

/// Runs FGSM or PGD on one batch.
package enum AttackRunner {
  /// - Parameters:
  ///   - leaveWhenFooled: images that are misclassified leave the batch and stay as they are.
  ///   - skipping: per image, whether it is left alone from the start.
  ///   - afterStep: called after each gradient step; throws to stop.
  package static func run(
    _ specification: AttackSpecification, on batch: AttackBatch, target: AttackTarget, leaveWhenFooled: Bool,
    skipping: [Bool], afterStep: () throws(ScopeError) -> Void
  ) throws(ScopeError) -> AttackOutcome {
    let size = batch.imageSize
    let epsilon = Float(specification.epsilon.value)
    let stepSize = Float(specification.stepSize)
    var outcome = AttackOutcome(
      images: batch.originals, misledOnTheWay: Array(repeating: false, count: batch.labels.count),
      gradientQueries: 0)
    if specification.randomStart {
      Perturbation.randomStart(
        &outcome.images, norm: specification.norm, epsilon: epsilon, size: size, seed: specification.seed,
        firstImage: batch.firstImage)
    }
    // The images still attacked, gathered into arrays of their own when some have left.
    var active = batch.labels.indices.filter { !skipping[$0] }
    var (images, originals, labels) = (outcome.images, batch.originals, batch.labels)
    var cleanGradient = batch.cleanGradient
    if active.count < labels.count {
      images = gather(images, active, size)
      originals = gather(originals, active, size)
      cleanGradient = gather(cleanGradient, active, size)
      labels = active.map { batch.labels[$0] }
      // Left alone means unchanged, without the random start.
      let moved = outcome.images
      outcome.images = batch.originals
      store(gather(moved, active, size), of: active, size: size, into: &outcome.images)
    }
    guard !active.isEmpty else { return outcome }
    for step in 0..<specification.steps {
      let isCleanPoint = step == 0 && !specification.randomStart
      var gradient = cleanGradient
      var logits = batch.cleanLogits
      if !isCleanPoint {
        (gradient, logits) = try target.lossGradient(
          images, labels: labels, shape: [active.count] + batch.shape.dropFirst())
      }
      outcome.gradientQueries += active.count
      var remaining: [Int] = []
      for position in active.indices {
        // The clean prediction is judged by the deployed model, not here.
        let misled = !isCleanPoint && logits.prediction(position) != Int(labels[position])
        if misled { outcome.misledOnTheWay[active[position]] = true }
        if !misled || !leaveWhenFooled { remaining.append(position) }
      }
      if remaining.count < active.count {
        store(images, of: active, size: size, into: &outcome.images)
        gradient = gather(gradient, remaining, size)
        images = gather(images, remaining, size)
        originals = gather(originals, remaining, size)
        labels = remaining.map { labels[$0] }
        active = remaining.map { active[$0] }
        if active.isEmpty { break }
      }
      switch specification.norm {
      case .linf:
        Perturbation.stepSign(
          &images, gradient: gradient, originals: originals, stepSize: stepSize, epsilon: epsilon)
      case .l2, .l1:
        Perturbation.stepNormalized(
          &images, gradient: gradient, originals: originals, stepSize: stepSize, epsilon: epsilon, size: size,
          normFloor: Float(specification.gradientNormFloor))
      }
      try afterStep()
    }
    store(images, of: active, size: size, into: &outcome.images)
    return outcome
  }

  private static func gather(_ values: [Float], _ positions: [Int], _ size: Int) -> [Float] {
    var result: [Float] = []
    result.reserveCapacity(positions.count * size)
    for position in positions { result.append(contentsOf: values[position * size..<(position + 1) * size]) }
    return result
  }

  private static func store(_ images: [Float], of active: [Int], size: Int, into all: inout [Float]) {
    if active.count * size == all.count {
      all = images
      return
    }
    for (position, image) in active.enumerated() {
      all.replaceSubrange(
        image * size..<(image + 1) * size, with: images[position * size..<(position + 1) * size])
    }
  }
}
