import ScopeBytes
import ScopeGraph

extension LossSeed {
  /// With p = softmax(teacher / T), q = softmax(logits / T): loss T^2 sum p (log p - log q), gradient T (q - p).
  static func divergence(
    _ value: String, _ temperature: Float, _ context: GradientContext
  ) throws(ScopeError) -> LossSeed {
    guard temperature > 0, temperature.isFinite else {
      throw ScopeError(
        .invalidArgument, "the temperature must be positive", expected: "> 0", found: "\(temperature)")
    }
    guard let shape = context.shape(value), shape.rank >= 2, let classes = shape.dimensions[1].value,
      classes > 1, shape.dimensions.dropFirst(2).allSatisfy({ $0 == .known(1) }),
      context.dataType(value) == .float32
    else {
      throw ScopeError(
        .unsupported, "the output '\(value)' is not a list of float32 class scores per image",
        expected: "shape [batch, classes]", found: context.shape(value)?.description ?? "an unknown shape",
        remedy: "Distil with the squared error instead, which takes any output")
    }
    let teacher = ValueInfo(name: context.fresh("teacher"), dataType: .float32, shape: shape)
    var (logits, target) = (value, teacher.name)
    if shape.rank > 2 {
      let flat = context.integers([-1, classes])
      logits = context.emit("Reshape", [value, flat])
      target = context.emit("Reshape", [teacher.name, flat])
    }
    func softened(_ scores: String) -> String {
      let scaled = context.multiply(scores, context.scalar(1 / temperature, like: value))
      return context.emit("LogSoftmax", [scaled], ["axis": .int(-1)])
    }
    let (logQ, logP) = (softened(logits), softened(target))
    let p = context.emit("Exp", [logP])
    let difference = context.subtract(context.emit("Exp", [logQ]), p)
    var gradient = context.multiply(difference, context.scalar(temperature, like: value))
    let perClass = context.multiply(p, context.subtract(logP, logQ))
    let scale = context.scalar(temperature * temperature, like: value)
    let loss = context.multiply(context.sum(perClass, axes: [1], keepDimensions: false), scale)
    if shape.rank > 2 { gradient = context.reshape(gradient, like: value) }
    return LossSeed(gradient: gradient, loss: loss, logits: logits, labels: teacher, classCount: classes)
  }
}

/// The mean squared difference of a value from a target fed by the caller, and its gradient.
struct SquaredError {
  /// Mean over a sample's elements [N].
  var loss: String
  /// d(sum of losses)/d(value).
  var gradient: String
  var target: ValueInfo

  init(of value: String, in context: GradientContext) throws(ScopeError) {
    guard let shape = context.shape(value), shape.rank >= 1, context.dataType(value) == .float32,
      let count = Shape(Array(shape.dimensions.dropFirst())).elementCount, count > 0
    else {
      throw ScopeError(
        .unsupported, "the squared error of '\(value)' needs float32 numbers and a known size per sample",
        found: context.shape(value)?.description ?? "an unknown shape",
        remedy: "Export the model with fixed sizes except the batch")
    }
    target = ValueInfo(name: context.fresh("target"), dataType: .float32, shape: shape)
    let difference = context.subtract(value, target.name)
    let squares = context.multiply(difference, difference)
    let total =
      shape.rank == 1
      ? squares : context.sum(squares, axes: Array(1..<shape.rank), keepDimensions: false)
    loss = context.multiply(total, context.scalar(1 / Float(count), like: value))
    gradient = context.multiply(difference, context.scalar(2 / Float(count), like: value))
  }
}
