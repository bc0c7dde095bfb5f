import ScopeBytes
import ScopeGraph

/// `Concat`: each operand's part of the gradient.
enum ConcatRule: GradientRule {
  static let operators = ["Concat"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let node = application.node
    let rank = try context.shape(node.outputs[0], for: application).rank
    let axis = try context.axis(node.int("axis") ?? 1, rank: rank, for: application)
    var lengths: [Int] = []
    for input in node.inputs {
      let shape = try context.shape(input, for: application)
      guard axis < shape.rank, let length = shape.dimensions[axis].value else {
        throw application.unsupported("the size of '\(input)' along axis \(axis) is not known before running")
      }
      lengths.append(length)
    }
    if application.wanted.allSatisfy({ $0 }), lengths.count > 1 {
      return context.emit(
        "Split", [application.gradient, context.integers(lengths)], outputs: lengths.count,
        ["axis": .int(axis)])
    }
    var start = 0
    var results: [String?] = []
    for (index, length) in lengths.enumerated() {
      results.append(
        application.isWanted(index)
          ? context.slice(application.gradient, starts: [start], lengths: [length], axes: [axis]) : nil)
      start += length
    }
    return results
  }
}

/// `Split`: the parts' gradients side by side, zeros for parts the loss does not use.
enum SplitRule: GradientRule {
  static let operators = ["Split"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let node = application.node
    let parts = zip(node.outputs, application.outputGradients).map { output, gradient in
      gradient ?? context.zeros(like: output)
    }
    return application.first(context.emit("Concat", parts, ["axis": .int(node.int("axis") ?? 0)]))
  }
}

/// `Slice` with constant bounds: the gradient in its place, zeros elsewhere.
enum SliceRule: GradientRule {
  static let operators = ["Slice"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let node = application.node
    let shape = try context.shape(node.inputs[0], for: application)
    func list(_ input: Int) throws(ScopeError) -> [Int]? {
      guard let name = node.input(input) else { return nil }
      guard let values = try context.constants.integers(name) else {
        throw application.unsupported("its bounds are computed while running")
      }
      return values
    }
    guard let starts = try list(1), let ends = try list(2) else {
      throw application.unsupported("it has no bounds")
    }
    let axes = try list(3) ?? Array(starts.indices)
    let steps = try list(4) ?? Array(repeating: 1, count: starts.count)
    guard ends.count == starts.count, axes.count == starts.count, steps.count == starts.count else {
      throw application.unsupported("its bounds contradict each other")
    }
    var before = [Int](repeating: 0, count: shape.rank)
    var after = before
    var gradient = application.gradient
    // Ascending, so that the axes after the current one still have the output's sizes.
    for index in axes.indices.sorted(by: { axes[$0] < axes[$1] }) {
      let axis = try context.axis(axes[index], rank: shape.rank, for: application)
      guard let size = shape.dimensions[axis].value else {
        if starts[index] == 0, ends[index] >= Int(Int32.max), steps[index] == 1 { continue }
        throw application.unsupported("the size of axis \(axis) is not known before running")
      }
      let step = steps[index]
      guard step > 0 else { throw application.unsupported("it reverses axis \(axis)") }
      let start = min(max(starts[index] < 0 ? starts[index] + size : starts[index], 0), size)
      let end = min(max(ends[index] < 0 ? ends[index] + size : ends[index], start), size)
      var length = end - start
      if step > 1 {
        length = (length + step - 1) / step
        gradient = try spaced(gradient, axis, step, length, application, context)
        length = length * step
      }
      before[axis] = start
      after[axis] = size - start - length
    }
    // A step can leave zeros beyond the end; a negative padding crops them.
    guard before.contains(where: { $0 != 0 }) || after.contains(where: { $0 != 0 }) else {
      return application.first(gradient)
    }
    return application.first(context.emit("Pad", [gradient, context.integers(before + after)]))
  }

  /// Every element followed by `step - 1` zeros along `axis`.
  private static func spaced(
    _ gradient: String, _ axis: Int, _ step: Int, _ length: Int, _ application: Application,
    _ context: GradientContext
  ) throws(ScopeError) -> String {
    let opened = context.emit("Unsqueeze", [gradient, context.integers([axis + 1])])
    let rank = try context.shape(application.node.inputs[0], for: application).rank + 1
    var pads = [Int](repeating: 0, count: 2 * rank)
    pads[rank + axis + 1] = step - 1
    let padded = context.emit("Pad", [opened, context.integers(pads)])
    // 0 copies a size; the two axes become one.
    var sizes = [Int](repeating: 0, count: rank - 1)
    sizes[axis] = length * step
    for later in (axis + 1)..<max(rank - 1, axis + 1) {
      // After the merged axis, Reshape's 0 would copy the wrong position: state the size.
      let output = try context.shape(application.node.outputs[0], for: application).dimensions
      guard let size = output[later].value else {
        throw application.unsupported("a stepped slice needs every later size before running")
      }
      sizes[later] = size
    }
    return context.emit("Reshape", [padded, context.integers(sizes)])
  }
}

/// `Pad` in constant mode: the gradient of what is not padding.
enum PadRule: GradientRule {
  static let operators = ["Pad"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    try application.requireOnlyFirstInput()
    let node = application.node
    guard (node.string("mode") ?? "constant") == "constant" else {
      throw application.unsupported("padding mode '\(node.string("mode") ?? "")' is not constant")
    }
    let shape = try context.shape(node.inputs[0], for: application)
    guard let name = node.input(1), let pads = try context.constants.integers(name) else {
      throw application.unsupported("its sizes are computed while running")
    }
    var axes = Array(0..<shape.rank)
    if let name = node.input(3) {
      guard let listed = try context.constants.integers(name) else {
        throw application.unsupported("its axes are computed while running")
      }
      axes = []
      for axis in listed { axes.append(try context.axis(axis, rank: shape.rank, for: application)) }
    }
    guard pads.count == 2 * axes.count else { throw application.unsupported("its sizes do not fit its axes") }
    // The opposite padding: negative sizes crop, sizes that cropped are filled with zeros.
    var opposite = [Int](repeating: 0, count: 2 * shape.rank)
    for (index, axis) in axes.enumerated() {
      opposite[axis] = -pads[index]
      opposite[shape.rank + axis] = -pads[axes.count + index]
    }
    return application.first(context.emit("Pad", [application.gradient, context.integers(opposite)]))
  }
}

/// `Gather`: with constant indices that are one element or consecutive the gradient in its place, otherwise every
/// slice's gradient added where it came from.
enum GatherRule: GradientRule {
  static let operators = ["Gather"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    try application.requireOnlyFirstInput()
    let node = application.node
    let shape = try context.shape(node.inputs[0], for: application)
    let axis = try context.axis(node.int("axis") ?? 0, rank: shape.rank, for: application)
    guard let size = shape.dimensions[axis].value else {
      throw application.unsupported("the size of axis \(axis) is not known before running")
    }
    guard let tensor = try context.constants.tensor(node.inputs[1]), tensor.dimensions.count <= 1 else {
      return application.first(try scattered(application, axis: axis, shape: shape, in: context))
    }
    let indices = try tensor.ints().map { $0 < 0 ? $0 + size : $0 }
    guard let start = indices.first, indices.allSatisfy({ $0 >= 0 && $0 < size }),
      indices == Array(start..<start + indices.count)
    else { return application.first(try scattered(application, axis: axis, shape: shape, in: context)) }
    var gradient = application.gradient
    if tensor.dimensions.isEmpty {
      gradient = context.emit("Unsqueeze", [gradient, context.integers([axis])])
    }
    var pads = [Int](repeating: 0, count: 2 * shape.rank)
    pads[axis] = start
    pads[shape.rank + axis] = size - start - indices.count
    return application.first(context.emit("Pad", [gradient, context.integers(pads)]))
  }

  /// The gradient, its index axes merged into one, added to zeros at the indices along `axis`.
  private static func scattered(
    _ application: Application, axis: Int, shape: Shape, in context: GradientContext
  ) throws(ScopeError) -> String {
    let indices = application.node.inputs[1]
    // Reshape's 0 copies a size in front of the axis; the sizes behind it move and must be stated.
    var sizes = [Int](repeating: 0, count: axis) + [-1]
    for dimension in shape.dimensions.dropFirst(axis + 1) {
      guard let size = dimension.value else {
        throw application.unsupported(
          "a size behind axis \(axis) is not known before running", found: shape.description)
      }
      sizes.append(size)
    }
    let gradient = context.emit("Reshape", [application.gradient, context.integers(sizes)])
    var column = [Int](repeating: 1, count: shape.rank)
    column[axis] = -1
    let places = context.expand(
      context.emit("Reshape", [indices, context.integers(column)]), like: gradient)
    return context.emit(
      "ScatterElements", [context.zeros(like: application.node.inputs[0]), places, gradient],
      ["axis": .int(axis), "reduction": .text("add")])
  }
}
