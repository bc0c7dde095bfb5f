import ScopeBytes

/// Strided cuts. Starts, ends and axes are attributes up to opset 9, inputs from 10 on.
enum SliceOperators {
  static let definitions: [OperatorDefinition] = [OperatorDefinition("Slice", infer: infer, fold: fold)]

  /// One axis of a slice with everything resolved.
  private struct Cut {
    var axis: Int
    var start: Int
    var step: Int
    var count: Int
  }

  private struct Request {
    var axis: Int
    var start: Dimension
    var end: Dimension
    var step: Int
  }

  /// The requested cuts; nil when the axes or steps are not known.
  private static func requests(_ context: OperatorContext, rank: Int) throws(ScopeError) -> [Request]? {
    let starts: [Dimension]
    let ends: [Dimension]
    if let first = context.node.ints("starts"), let last = context.node.ints("ends") {
      starts = first.map(Dimension.known)
      ends = last.map(Dimension.known)
    } else {
      guard let count = context.shape(1)?.elementCount ?? context.shape(2)?.elementCount, count <= 64 else {
        return nil
      }
      let unknown = [Dimension](repeating: .unknown, count: count)
      starts = context.elements(1) ?? unknown
      ends = context.elements(2) ?? unknown
    }
    let axes: [Int]
    switch context.list(attribute: "axes", input: 3) {
    case .known(let values): axes = values
    case .absent: axes = Array(starts.indices)
    case .unknown: return nil
    }
    var steps = [Int](repeating: 1, count: starts.count)
    if context.has(4) {
      guard let values = context.integers(4) else { return nil }
      steps = values
    }
    guard starts.count == ends.count, axes.count == starts.count, steps.count == starts.count else {
      throw context.invalid("starts, ends, axes and steps differ in length")
    }
    var result: [Request] = []
    for index in starts.indices {
      guard steps[index] != 0, steps[index] != .min else {
        throw context.invalid("a step is not possible", found: "\(steps[index])")
      }
      result.append(
        Request(
          axis: try context.axis(axes[index], rank: rank), start: starts[index], end: ends[index],
          step: steps[index]))
    }
    return result
  }

  private static func resolve(_ request: Request, size: Int) -> Cut? {
    guard let start = request.start.value, let end = request.end.value else { return nil }
    let step = request.step
    func clamp(_ position: Int, _ low: Int, _ high: Int) -> Int {
      min(max(position < 0 ? position + size : position, low), high)
    }
    if step > 0 {
      let first = clamp(start, 0, size)
      let last = clamp(end, 0, size)
      return Cut(
        axis: request.axis, start: first, step: step, count: last > first ? (last - first - 1) / step + 1 : 0)
    }
    let first = clamp(start, 0, max(size - 1, 0))
    // An end before the beginning, -size - 1 or smaller, includes the first element.
    let last = end < 0 && end + size < 0 ? -1 : clamp(end, -1, size - 1)
    return Cut(
      axis: request.axis, start: first, step: step,
      count: size > 0 && first > last ? (first - last - 1) / -step + 1 : 0)
  }

  /// Size of a cut whose limits or dimension are open. A limit computed from open sizes is taken to lie within the
  /// tensor, as it does in every model that runs.
  private static func symbolicSize(_ request: Request, _ dimension: Dimension) -> Dimension {
    guard dimension != .unknown, request.start != .unknown, request.end != .unknown else { return .unknown }
    if request.step < 0 {
      let isEverything =
        [.known(-1), .difference(dimension, .known(1))].contains(request.start)
        || (request.start.value ?? 0) >= 1 << 30
      return isEverything && (request.end.value ?? 0) <= -(1 << 30)
        ? .roundedUp(dimension, by: -request.step) : .unknown
    }
    let start = position(request.start, dimension)
    let end: Dimension
    switch request.end {
    case .known(let value) where value >= 1 << 30: end = dimension
    case .known(let value) where value > 1 && dimension.value == nil:
      end = SizeExpression.extreme(dimension, .known(value), isMaximum: false)
    default: end = position(request.end, dimension)
    }
    let size = Dimension.difference(end, start)
    if let number = size.value, number <= 0 { return .known(0) }
    return .roundedUp(size, by: request.step)
  }

  /// A limit counted from the front: negative numbers, and negated sizes, count from the back.
  private static func position(_ limit: Dimension, _ dimension: Dimension) -> Dimension {
    switch limit {
    case .known(let value): value < 0 ? .sum(dimension, limit) : limit
    case .symbolic:
      if let count = limit.count, count.constant <= 0, count.terms.allSatisfy({ $0.coefficient < 0 }) {
        .sum(dimension, limit)
      } else {
        limit
      }
    case .unknown: limit
    }
  }

  @Sendable static func infer(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0) else { return [ValueType(context.dataType(0))] }
    guard let requests = try requests(context, rank: input.rank) else {
      return [ValueType(context.dataType(0), Shape(input.dimensions.map { _ in .unknown }))]
    }
    var output = input.dimensions
    var partial: [Dimension]?
    for request in requests {
      if let size = input.dimensions[request.axis].value {
        let cut = resolve(request, size: size)
        output[request.axis] = cut.map { .known($0.count) } ?? symbolicSize(request, .known(size))
        if input.rank == 1, let cut, let elements = context.input(0).partialElements, elements.count == size {
          partial = (0..<cut.count).map { elements[cut.start + $0 * cut.step] }
        }
      } else {
        output[request.axis] = symbolicSize(request, input.dimensions[request.axis])
      }
    }
    var result = ValueType(context.dataType(0), Shape(output))
    result.partialElements = partial
    return [result]
  }

  @Sendable static func fold(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    let input = try context.constant(0)
    guard let requests = try requests(context, rank: input.dimensions.count) else {
      throw ScopeError(.unsupported, "the slice is not constant", place: OperatorContext.place(context.node))
    }
    let own = TensorLayout.strides(input.dimensions)
    var dimensions = input.dimensions
    var strides = own
    var offset = 0
    for request in requests {
      guard let cut = resolve(request, size: input.dimensions[request.axis]) else {
        throw ScopeError(
          .unsupported, "the slice is not constant", place: OperatorContext.place(context.node))
      }
      dimensions[cut.axis] = cut.count
      strides[cut.axis] = own[cut.axis] * (cut.count > 1 ? cut.step : 1)
      offset += cut.start * own[cut.axis]
    }
    return [try TensorLayout.view(input, dimensions, offset: offset, strides: strides)]
  }
}
