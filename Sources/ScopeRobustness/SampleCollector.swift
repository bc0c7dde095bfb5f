/// Keeps a few images with their perturbed form: fooled ones of different classes first.
struct SampleCollector {
  private let limit: Int
  /// The attack whose images are kept: the strongest Linf one at the headline budget, else the last asked for.
  private let wanted: AttackSpecification?
  private var fooled: [AttackSample] = []
  private var others: [AttackSample] = []

  init(limit: Int, attacks: [AttackSpecification], headline: Epsilon?) {
    self.limit = max(limit, 0)
    let atHeadline = attacks.filter { $0.norm == .linf && $0.epsilon == headline }
    wanted = atHeadline.max { $0.steps < $1.steps } ?? attacks.last
  }

  var chosen: [AttackSample] { Array((fooled + others).prefix(limit)) }

  mutating func offer(
    _ attack: AttackSpecification, _ batch: AttackBatch, clean: Logits, perturbed: [Float], after: Logits,
    names: [String]
  ) {
    guard attack == wanted, fooled.count < limit else { return }
    let size = batch.imageSize
    for index in batch.labels.indices {
      let label = Int(batch.labels[index])
      let (before, now) = (clean.prediction(index), after.prediction(index))
      let isFooled = before == label && now != label
      let isNew = !fooled.contains(where: { $0.label == label })
      guard isFooled ? fooled.count < limit && isNew : others.count < limit else { continue }
      let range = index * size..<(index + 1) * size
      let sample = AttackSample(
        name: names[batch.firstImage + index], label: label, specification: attack, channels: batch.shape[1],
        height: batch.shape[2], width: batch.shape[3], clean: Array(batch.originals[range]),
        perturbed: Array(perturbed[range]), cleanPrediction: before, perturbedPrediction: now,
        cleanConfidence: clean.probability(index, of: before),
        perturbedConfidence: after.probability(index, of: now))
      if isFooled { fooled.append(sample) } else { others.append(sample) }
    }
  }
}
