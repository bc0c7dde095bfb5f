import ScopeBytes
import ScopeGraph

/// A loss that an attack increases, chosen per image in a model built for ``LossKind/attack``.
///
/// z are the logits, y the label, t the target class, z1 >= z2 >= ... the sorted logits.
public enum AttackLoss: Int64, Sendable, Codable, CaseIterable {
  /// -log softmax(z)[y].
  case crossEntropy = 0
  /// max over i != y of z_i, minus z_y: positive where the prediction is wrong (Carlini & Wagner 2017,
  /// arXiv:1608.04644, equation f6 negated, without its floor).
  case margin = 1
  /// -(z_y - max over i != y of z_i) / (z1 - z3 + 1e-12), the difference of logits ratio (Croce & Hein 2020,
  /// arXiv:2003.01690, equation 6). Needs three classes.
  case logitsRatio = 2
  /// -(z_y - z_t) / (z1 - (z3 + z4) / 2 + 1e-12) (ibid., equation 7). Needs four classes.
  case targetedLogitsRatio = 3
  /// z_t - z_y, the distance to the decision boundary between two classes.
  case logitDifference = 4
  /// log softmax(z)[t]: the target's cross-entropy, negated.
  case targetedCrossEntropy = 5

  /// Classes a model needs for it.
  public var leastClasses: Int {
    switch self {
    case .logitsRatio: 3
    case .targetedLogitsRatio: 4
    default: 2
    }
  }
}

/// Builds the losses of ``AttackLoss`` and their gradients with respect to the logits, selected per image.
struct AttackSeeds {
  let context: GradientContext
  /// [N, classes], float32.
  let logits: String
  let classes: Int
  /// One-hot labels and targets [N, classes].
  let label: String
  let target: String
  /// int64 [N].
  let labels: String
  let choice: String

  /// The loss [N] and d(loss)/d(logits) [N, classes] of the choice of each image.
  func build() -> (gradient: String, loss: String) {
    var (gradient, loss) = crossEntropy(label, sign: -1)
    for (kind, seed) in others {
      let isChosen = context.emit(
        "Equal", [choice, context.constant(.int64s([Int(kind.rawValue)], [1]), as: .int64)])
      loss = context.emit("Where", [isChosen, seed.loss, loss])
      let row = context.emit("Unsqueeze", [isChosen, context.integers([1])])
      gradient = context.emit("Where", [row, seed.gradient, gradient])
    }
    return (gradient, loss)
  }

  private var others: [(AttackLoss, (gradient: String, loss: String))] {
    var seeds: [(AttackLoss, (gradient: String, loss: String))] = [
      (.logitDifference, linear(context.subtract(target, label))),
      (.targetedCrossEntropy, crossEntropy(target, sign: 1)),
    ]
    let sorted = Sorted(self, count: min(classes, 4))
    let rival = sorted.rival(of: self)
    seeds.append((.margin, linear(context.subtract(rival, label))))
    if classes >= 3 {
      seeds.append(
        (.logitsRatio, ratio(context.subtract(rival, label), over: [(0, 1), (2, -1)], sorted)))
    }
    if classes >= 4 {
      seeds.append(
        (
          .targetedLogitsRatio,
          ratio(context.subtract(target, label), over: [(0, 1), (2, -0.5), (3, -0.5)], sorted)
        ))
    }
    return seeds
  }

  /// sign * log softmax at the one-hot class, and its gradient sign * (onehot - softmax).
  private func crossEntropy(_ oneHot: String, sign: Float) -> (gradient: String, loss: String) {
    let logarithms = context.emit("LogSoftmax", [logits], ["axis": .int(-1)])
    let softmax = context.emit("Exp", [logarithms])
    let gradient = sign > 0 ? context.subtract(oneHot, softmax) : context.subtract(softmax, oneHot)
    let picked = context.sum(context.multiply(logarithms, oneHot), axes: [1], keepDimensions: false)
    return (gradient, sign > 0 ? picked : context.emit("Neg", [picked]))
  }

  /// sum(direction * logits), whose gradient is the direction.
  private func linear(_ direction: String) -> (gradient: String, loss: String) {
    (direction, context.sum(context.multiply(logits, direction), axes: [1], keepDimensions: false))
  }

  /// numerator / (sum of the weighted sorted logits + 1e-12), and its gradient by the quotient rule.
  private func ratio(
    _ direction: String, over terms: [(position: Int, weight: Float)], _ sorted: Sorted
  ) -> (gradient: String, loss: String) {
    var parts: [String] = []
    for term in terms {
      let oneHot = sorted.oneHots[term.position]
      parts.append(
        term.weight == 1 ? oneHot : context.multiply(oneHot, context.constant(.floats([term.weight], []))))
    }
    var below = parts[0]
    for part in parts.dropFirst() { below = context.add(below, part) }
    let numerator = context.sum(context.multiply(logits, direction), axes: [1], keepDimensions: true)
    let denominator = context.add(
      context.sum(context.multiply(logits, below), axes: [1], keepDimensions: true),
      context.constant(.floats([1e-12], [])))
    let loss = context.divide(numerator, denominator)
    let gradient = context.divide(
      context.subtract(direction, context.multiply(below, loss)), denominator)
    return (gradient, context.emit("Squeeze", [loss, context.integers([1])]))
  }

  /// One-hot rows of the classes with the largest logits.
  private struct Sorted {
    /// By rank: [N, classes] each.
    var oneHots: [String] = []
    private let leader: String

    init(_ seeds: AttackSeeds, count: Int) {
      let context = seeds.context
      let top = context.emit(
        "TopK", [seeds.logits, context.integers([count])], outputs: 2, ["axis": .int(1), "sorted": .int(1)])
      let ends = context.constant(.floats([0, 1], [2]))
      let depth = context.constant(.int64s([seeds.classes], []), as: .int64)
      for rank in 0..<count {
        let index = context.emit(
          "Gather", [top[1], context.constant(.int64s([rank], []), as: .int64)], ["axis": .int(1)])
        oneHots.append(context.emit("OneHot", [index, depth, ends], ["axis": .int(-1)]))
      }
      let first = context.emit(
        "Gather", [top[1], context.constant(.int64s([0], []), as: .int64)], ["axis": .int(1)])
      leader = context.emit("Equal", [first, seeds.labels])
    }

    /// The best class other than the label.
    func rival(of seeds: AttackSeeds) -> String {
      let isRight = seeds.context.emit("Unsqueeze", [leader, seeds.context.integers([1])])
      return seeds.context.emit("Where", [isRight, oneHots[1], oneHots[0]])
    }
  }
}
