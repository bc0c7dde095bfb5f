import ScopeBytes
import ScopeGraph

/// The loss on the logits and its gradient with respect to them.
package struct LossSeed {
  /// d(sum of losses)/d(logits).
  package var gradient: String
  /// Loss per image [N]; nil for weighted sums.
  package var loss: String?
  /// The logits as [N, classes].
  package var logits: String
  package var labels: ValueInfo
  /// Targets and choice of loss, int64 [N] each; only for ``LossKind/attack``.
  package var attackInputs: (targets: ValueInfo, choice: ValueInfo)?
  package var classCount: Int?

  package init(
    gradient: String, loss: String?, logits: String, labels: ValueInfo,
    attackInputs: (targets: ValueInfo, choice: ValueInfo)? = nil, classCount: Int?
  ) {
    self.gradient = gradient
    self.loss = loss
    self.logits = logits
    self.labels = labels
    self.attackInputs = attackInputs
    self.classCount = classCount
  }

  /// The value before a Softmax, LogSoftmax or Identity that ends the graph over the class axis.
  static func beforeSoftmax(_ output: String, in graph: Graph) -> String {
    let producers = graph.producers
    var value = output
    while let index = producers[value] {
      let node = graph.nodes[index]
      guard ["Softmax", "LogSoftmax", "Identity"].contains(node.opType), node.domain.isEmpty,
        node.opType == "Identity" || [-1, 1].contains(node.int("axis") ?? -1), let input = node.input(0),
        producers[input] != nil
      else { return value }
      value = input
    }
    return value
  }

  static func build(
    _ kind: LossKind, logits value: String, temperature: Float = 1, in context: GradientContext
  ) throws(ScopeError) -> LossSeed {
    let shape = context.shape(value)
    switch kind {
    case .divergence: return try divergence(value, temperature, context)
    case .squaredError:
      let error = try SquaredError(of: value, in: context)
      return LossSeed(
        gradient: error.gradient, loss: context.emit("Identity", [error.loss]), logits: value,
        labels: error.target, classCount: nil)
    case .crossEntropy, .margin, .weightedSum, .attack: break
    }
    if kind == .weightedSum {
      let name = context.fresh("weights")
      return LossSeed(
        gradient: context.emit("Identity", [name]), loss: nil, logits: value,
        labels: ValueInfo(name: name, dataType: context.dataType(value), shape: shape), classCount: nil)
    }
    guard let shape, shape.rank >= 2, let classes = shape.dimensions[1].value, classes > 1,
      shape.dimensions.dropFirst(2).allSatisfy({ $0 == .known(1) })
    else {
      throw ScopeError(
        .unsupported, "the output '\(value)' is not a list of class scores per image",
        expected: "shape [batch, classes]", found: shape?.description ?? "an unknown shape",
        remedy: "Attacks need a classifier; name the logits output if the model has several")
    }
    var logits = shape.rank == 2 ? value : context.emit("Reshape", [value, context.integers([-1, classes])])
    let type = context.dataType(value)
    if type != .float32 {
      logits = context.emit("Cast", [logits], ["to": .int(Int(DataType.float32.rawValue))])
    }
    let labels = ValueInfo(
      name: context.fresh("labels"), dataType: .int64, shape: Shape([shape.dimensions[0]]))
    let ends = context.constant(.floats([0, 1], [2]))
    let oneHot = context.emit(
      "OneHot", [labels.name, context.constant(.int64s([classes], []), as: .int64), ends], ["axis": .int(-1)])
    var (gradient, loss): (String, String)
    var attackInputs: (targets: ValueInfo, choice: ValueInfo)?
    switch kind {
    case .margin: (gradient, loss) = margin(logits, oneHot, classes, context)
    case .attack:
      let perImage = Shape([shape.dimensions[0]])
      let targets = ValueInfo(name: context.fresh("targets"), dataType: .int64, shape: perImage)
      let choice = ValueInfo(name: context.fresh("choice"), dataType: .int64, shape: perImage)
      let depth = context.constant(.int64s([classes], []), as: .int64)
      let target = context.emit("OneHot", [targets.name, depth, ends], ["axis": .int(-1)])
      attackInputs = (targets, choice)
      (gradient, loss) = AttackSeeds(
        context: context, logits: logits, classes: classes, label: oneHot, target: target,
        labels: labels.name, choice: choice.name
      ).build()
    default: (gradient, loss) = crossEntropy(logits, oneHot, context)
    }
    if type != .float32 { gradient = context.emit("Cast", [gradient], ["to": .int(Int(type.rawValue))]) }
    if shape.rank != 2 { gradient = context.reshape(gradient, like: value) }
    loss = context.emit("Identity", [loss])
    return LossSeed(
      gradient: gradient, loss: loss, logits: logits, labels: labels, attackInputs: attackInputs,
      classCount: classes)
  }

  /// softmax(logits) - onehot, and -log softmax of the label.
  private static func crossEntropy(
    _ logits: String, _ oneHot: String, _ context: GradientContext
  ) -> (gradient: String, loss: String) {
    let logarithms = context.emit("LogSoftmax", [logits], ["axis": .int(-1)])
    let gradient = context.subtract(context.emit("Exp", [logarithms]), oneHot)
    let picked = context.sum(context.multiply(logarithms, oneHot), axes: [1], keepDimensions: false)
    return (gradient, context.emit("Neg", [picked]))
  }

  /// Largest other logit minus the label's, and the indicator difference.
  private static func margin(
    _ logits: String, _ oneHot: String, _ classes: Int, _ context: GradientContext
  ) -> (gradient: String, loss: String) {
    let hidden = context.subtract(logits, context.multiply(oneHot, context.constant(.floats([1e30], []))))
    let best = context.emit("ArgMax", [hidden], ["axis": .int(1), "keepdims": .int(0)])
    let ends = context.constant(.floats([0, 1], [2]))
    let rival = context.emit(
      "OneHot", [best, context.constant(.int64s([classes], []), as: .int64), ends], ["axis": .int(-1)])
    let gradient = context.subtract(rival, oneHot)
    let loss = context.sum(context.multiply(logits, gradient), axes: [1], keepDimensions: false)
    return (gradient, loss)
  }
}
