import ScopeBytes
import ScopeGraph

/// What the reductions share: which axes, and spreading a gradient back over them.
enum Reduction {
  /// The reduced axes, counted from the front, from the input (newer opsets) or the attribute.
  static func axes(_ application: Application, in context: GradientContext) throws(ScopeError) -> [Int] {
    let node = application.node
    let rank = try context.shape(node.inputs[0], for: application).rank
    var listed = node.ints("axes")
    if let name = node.input(1) {
      guard let values = try context.constants.integers(name) else {
        throw application.unsupported("its axes are computed while running")
      }
      listed = values
    }
    guard let listed, !listed.isEmpty else {
      return node.int("noop_with_empty_axes") == 1 ? [] : Array(0..<rank)
    }
    var result: [Int] = []
    for axis in listed { result.append(try context.axis(axis, rank: rank, for: application)) }
    return result.sorted()
  }

  /// `value`, an output of the reduction, with the reduced axes back as axes of size one.
  static func restored(
    _ value: String, _ application: Application, axes: [Int], in context: GradientContext
  ) -> String {
    if axes.isEmpty || (application.node.int("keepdims") ?? 1) == 1 { return value }
    return context.emit("Unsqueeze", [value, context.integers(axes)])
  }

  /// The gradient to every element equal to `output` (kept dimensions), shared between equals.
  static func spreadToExtremes(
    _ gradient: String, input: String, output: String, axes: [Int], in context: GradientContext
  ) -> String {
    let type = Int(context.dataType(input).rawValue)
    let winners = context.emit("Cast", [context.emit("Equal", [input, output])], ["to": .int(type)])
    let share = context.divide(gradient, context.sum(winners, axes: axes, keepDimensions: true))
    return context.multiply(winners, share)
  }
}

/// `ReduceSum`: the gradient repeated over the reduced axes.
enum ReduceSumRule: GradientRule {
  static let operators = ["ReduceSum"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let axes = try Reduction.axes(application, in: context)
    let gradient = Reduction.restored(application.gradient, application, axes: axes, in: context)
    return application.first(context.expand(gradient, like: application.node.inputs[0]))
  }
}

/// `ReduceMean`: as ReduceSum, divided by the number of elements averaged.
enum ReduceMeanRule: GradientRule {
  static let operators = ["ReduceMean"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let input = application.node.inputs[0]
    let axes = try Reduction.axes(application, in: context)
    let shape = try context.shape(input, for: application)
    var count = 1
    for axis in axes {
      guard let size = shape.dimensions[axis].value else {
        throw application.unsupported(
          "the size of axis \(axis) is not known before running", found: shape.description)
      }
      count *= size
    }
    let gradient = Reduction.restored(application.gradient, application, axes: axes, in: context)
    let scaled = context.multiply(gradient, context.scalar(1 / Float(max(count, 1)), like: input))
    return application.first(context.expand(scaled, like: input))
  }
}

/// `ReduceMax`, `ReduceMin`: the gradient to the extreme elements; equal ones share it, as in PyTorch's `amax`.
enum ReduceExtremeRule: GradientRule {
  static let operators = ["ReduceMax", "ReduceMin"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let axes = try Reduction.axes(application, in: context)
    guard !axes.isEmpty else { return application.first(application.gradient) }
    return application.first(
      Reduction.spreadToExtremes(
        Reduction.restored(application.gradient, application, axes: axes, in: context),
        input: application.node.inputs[0],
        output: Reduction.restored(application.node.outputs[0], application, axes: axes, in: context),
        axes: axes,
        in: context))
  }
}
