import ScopeBytes
import ScopeGraph

/// Operators that only rename elements: the gradient back in the input's shape.
enum ReshapeRule: GradientRule {
  static let operators = ["Reshape", "Flatten", "Squeeze", "Unsqueeze"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    application.first(context.reshape(application.gradient, like: application.node.inputs[0]))
  }
}

/// `Transpose`: the inverse permutation.
enum TransposeRule: GradientRule {
  static let operators = ["Transpose"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let node = application.node
    var attributes: [Int] = []
    if let order = node.ints("perm") {
      guard Set(order) == Set(order.indices) else {
        throw application.unsupported("its permutation is not one", found: "\(order)")
      }
      attributes = Array(repeating: 0, count: order.count)
      for (target, source) in order.enumerated() { attributes[source] = target }
    }
    return application.first(
      context.emit(
        "Transpose", [application.gradient], attributes.isEmpty ? [:] : ["perm": .ints(attributes)]))
  }
}

/// `Expand`: summed over the repeated axes.
enum ExpandRule: GradientRule {
  static let operators = ["Expand"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let node = application.node
    return application.first(
      try context.unbroadcast(
        application.gradient, from: node.outputs[0], to: node.inputs[0], for: application))
  }
}

/// `Identity`, `Dropout` in inference form, `Cast` between real types: passed on.
enum IdentityRule: GradientRule {
  static let operators = ["Identity", "Dropout", "Cast"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let node = application.node
    if node.opType == "Dropout", let mode = node.input(2) {
      guard let training = try context.constants.integers(mode), training == [0] else {
        throw application.unsupported(
          "it may be in training form", remedy: "Export the model in evaluation mode (model.eval())")
      }
    }
    let (from, to) = (context.dataType(node.inputs[0]), context.dataType(node.outputs[0]))
    if from == to || node.opType != "Cast" { return application.first(application.gradient) }
    guard from.isFloatingPoint, to.isFloatingPoint else {
      throw application.unsupported("it converts \(from.name) to \(to.name), which is flat almost everywhere")
    }
    return application.first(context.emit("Cast", [application.gradient], ["to": .int(Int(from.rawValue))]))
  }
}

/// `DepthToSpace` and `SpaceToDepth` undo each other.
enum SpaceDepthRule: GradientRule {
  static let operators = ["DepthToSpace", "SpaceToDepth"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let node = application.node
    guard let size = node.int("blocksize"), size > 0 else {
      throw application.unsupported("it has no block size")
    }
    if node.opType == "SpaceToDepth" {
      return application.first(
        context.emit("DepthToSpace", [application.gradient], ["blocksize": .int(size), "mode": .text("DCR")]))
    }
    guard node.string("mode") == "CRD" else {
      return application.first(
        context.emit("SpaceToDepth", [application.gradient], ["blocksize": .int(size)]))
    }
    // [N, C, H b, W b] to [N, C, H, b, W, b] to [N, C, b, b, H, W].
    let output = try context.shape(node.outputs[0], for: application).dimensions
    guard output.count == 4, let channels = output[1].value, let height = output[2].value,
      let width = output[3].value
    else { throw application.unsupported("its shape is not known before running") }
    let split = context.emit(
      "Reshape",
      [application.gradient, context.integers([-1, channels, height / size, size, width / size, size])])
    let ordered = context.emit("Transpose", [split], ["perm": .ints([0, 1, 3, 5, 2, 4])])
    return application.first(context.reshape(ordered, like: node.inputs[0]))
  }
}
