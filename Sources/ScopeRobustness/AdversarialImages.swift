import ScopeBytes
import ScopeData

/// Adversarial images of a model, for training on them.
package enum AdversarialImages {
  /// Each image after the attack: PGD's last point, whether it misleads or not.
  ///
  /// - Parameters:
  ///   - attack: FGSM or PGD.
  ///   - afterStep: called between gradient steps; throws to stop.
  /// - Returns: [N, C, H, W] in [0, 1].
  /// - Throws: `invalidArgument` for other attacks; engine failures.
  package static func make(
    _ images: LabeledImages, attack: AttackSpecification, target: AttackTarget,
    afterStep: () throws(ScopeError) -> Void
  ) throws(ScopeError) -> [Float] {
    guard !attack.kind.algorithm.isStreamed, attack.randomStart else {
      throw ScopeError(
        .invalidArgument, "training images are made by PGD from a random start", found: attack.summary)
    }
    var values: [Float] = []
    values.reserveCapacity(images.count * images.imageSize)
    for first in stride(from: 0, to: images.count, by: target.batchSize) {
      let indices = first..<min(first + target.batchSize, images.count)
      let batch = AttackBatch(
        firstImage: first, originals: images.pixelValues(indices),
        labels: indices.map { Int64(images.labels[$0]) },
        shape: [indices.count, images.channels, images.height, images.width], cleanGradient: [],
        cleanLogits: Logits([], count: 0))
      values += try AttackRunner.run(
        attack, on: batch, target: target, leaveWhenFooled: false,
        skipping: [Bool](repeating: false, count: indices.count), afterStep: afterStep
      ).images
    }
    return values
  }
}
