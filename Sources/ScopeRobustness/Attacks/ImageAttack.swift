import ScopeData
import ScopeGradients

/// What an attack wants to know at its current point.
package enum AttackQuery: Sendable, Hashable {
  /// The logits alone: a forward pass.
  case logits
  /// The logits, a loss and its gradient with respect to the pixels. `target` is read by targeted losses.
  case gradient(AttackLoss, target: Int)
}

/// What the model says at a point.
package struct AttackAnswer: Sendable {
  /// [classes].
  package var logits: ArraySlice<Float>
  /// Of the loss asked for; 0 for a forward pass.
  package var loss: Float
  /// d(loss)/d(pixels); empty for a forward pass.
  package var gradient: ArraySlice<Float>

  /// The class with the largest logit; the first of equal ones.
  package var prediction: Int { AttackAnswer.largest(logits) }

  package static func largest(_ logits: ArraySlice<Float>) -> Int {
    var best = logits.startIndex
    for index in logits.indices where logits[index] > logits[best] { best = index }
    return best - logits.startIndex
  }

  /// z_y - max over the other z: not positive when misclassified.
  package func margin(_ label: Int) -> Float {
    var rival = -Float.infinity
    for (index, value) in logits.enumerated() where index != label { rival = max(rival, value) }
    return logits[logits.startIndex + label] - rival
  }
}

/// An attack on one image as a machine that asks and is answered, so that images at different steps share batches and
/// an image that is done makes room for the next.
package protocol ImageAttack: Sendable {
  /// Where the model is asked, [C, H, W] in [0, 1].
  var point: [Float] { get }
  var query: AttackQuery { get }
  /// Takes the answer at ``point`` and moves on.
  ///
  /// - Returns: true when the attack has ended.
  mutating func receive(_ answer: AttackAnswer) -> Bool
  /// A misclassified point within the budget, when one was found.
  var adversarial: [Float]? { get }
}

/// The image an attack works on.
package struct AttackedImage: Sendable {
  /// [C, H, W] in [0, 1].
  package var pixels: [Float]
  package var channels: Int
  package var height: Int
  package var width: Int
  package var label: Int
  /// The model's logits without attack.
  package var cleanLogits: [Float]
  /// Seeds the attack's randomness, together with its seed: the image's position among all.
  package var position: Int

  package init(
    pixels: [Float], channels: Int, height: Int, width: Int, label: Int, cleanLogits: [Float], position: Int
  ) {
    self.pixels = pixels
    self.channels = channels
    self.height = height
    self.width = width
    self.label = label
    self.cleanLogits = cleanLogits
    self.position = position
  }

  /// Classes other than the label from the largest clean logit to the smallest; equal ones by their number.
  package var rivals: [Int] {
    cleanLogits.indices.filter { $0 != label }.sorted {
      cleanLogits[$0] != cleanLogits[$1] ? cleanLogits[$0] > cleanLogits[$1] : $0 < $1
    }
  }
}

extension AttackedImage {
  /// Image `index` of a set whose logits without attack are `scores` [images, classes].
  init(_ index: Int, of images: LabeledImages, scores: [Float]) {
    let classes = scores.count / max(images.count, 1)
    self.init(
      pixels: images.pixelValues(index..<index + 1), channels: images.channels, height: images.height,
      width: images.width, label: images.labels[index],
      cleanLogits: Array(scores[index * classes..<(index + 1) * classes]), position: index)
  }
}
