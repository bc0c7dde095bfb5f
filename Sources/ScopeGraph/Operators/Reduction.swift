import ScopeBytes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Reductions along axes. The axes are an attribute up to opset 12 (ReduceSum) or 17 (the others), then an input.
enum ReductionOperators {
  static let definitions: [OperatorDefinition] = [
    "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum",
    "ReduceLogSumExp", "ReduceSumSquare",
  ].map {
    OperatorDefinition($0, infer: infer, cost: OperatorDefinition.perInputElement(1, .reduction), fold: fold)
  }

  /// Reduced axes; nil when they are given by a value that is not constant. Empty with `noop_with_empty_axes`.
  private static func axes(_ context: OperatorContext, rank: Int) throws(ScopeError) -> [Int]? {
    let all = Array(0..<rank)
    switch context.list(attribute: "axes", input: 1) {
    case .unknown: return nil
    case .absent: return context.node.int("noop_with_empty_axes") == 1 ? [] : all
    case .known(let values):
      if values.isEmpty { return context.node.int("noop_with_empty_axes") == 1 ? [] : all }
      var result: [Int] = []
      for value in values { result.append(try context.axis(value, rank: rank)) }
      return result
    }
  }

  @Sendable static func infer(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let type = context.dataType(0)
    guard let input = context.shape(0) else { return [ValueType(type)] }
    let keeps = context.node.int("keepdims") != 0
    guard let axes = try axes(context, rank: input.rank) else {
      return [ValueType(type, keeps ? Shape(input.dimensions.map { _ in .unknown }) : nil)]
    }
    let reduced = Set(axes)
    var output: [Dimension] = []
    for (axis, dimension) in input.dimensions.enumerated() {
      if !reduced.contains(axis) { output.append(dimension) } else if keeps { output.append(.known(1)) }
    }
    var result = ValueType(type, Shape(output))
    // The number of elements, as computed from a shape.
    if input.rank == 1, axes == [0], let elements = context.input(0).partialElements,
      let first = elements.first
    {
      let rest = elements.dropFirst()
      switch context.node.opType {
      case "ReduceProd": result.partialElements = [.product(elements)]
      case "ReduceSum": result.partialElements = [rest.reduce(first) { .sum($0, $1) }]
      case "ReduceMax":
        result.partialElements = [rest.reduce(first) { SizeExpression.extreme($0, $1, isMaximum: true) }]
      case "ReduceMin":
        result.partialElements = [rest.reduce(first) { SizeExpression.extreme($0, $1, isMaximum: false) }]
      default: break
      }
    }
    return [result]
  }

  @Sendable static func fold(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    let sizes = try context.outputSizes(infer)[0]
    let input = try context.array(0)
    guard let axes = try axes(context, rank: input.dimensions.count) else {
      throw ScopeError(.unsupported, "the axes are not constant", place: OperatorContext.place(context.node))
    }
    if axes.isEmpty { return [try context.constant(0)] }
    let reduced = Set(axes)
    let kept = input.dimensions.enumerated().map { reduced.contains($0.offset) ? 1 : $0.element }
    let groups = TensorLayout.positions(
      input.dimensions, strides: Broadcasting.strides(kept, to: input.dimensions))
    let outputCount = kept.reduce(1, *)
    let perGroup = axes.reduce(1) { $0 * input.dimensions[$1] }
    var values = [[Double]](repeating: [], count: outputCount)
    let source = input.asFloats
    for (position, group) in groups.enumerated() { values[group].append(source[position]) }
    let operation = context.node.opType
    guard perGroup > 0 || operation == "ReduceSum" else {
      throw ScopeError(
        .unsupported, "a reduction of nothing is not evaluated", place: OperatorContext.place(context.node))
    }
    let results = values.map { reduce($0, operation) }
    switch input.values {
    case .floats: return [try NumericArray(input.dataType, sizes, .floats(results)).tensor()]
    case .integers:
      guard results.allSatisfy({ abs($0) < 0x1p53 }) else {
        throw ScopeError(
          .unsupported, "the integers are too large to be reduced here",
          place: OperatorContext.place(context.node))
      }
      return [
        try NumericArray(input.dataType, sizes, .integers(results.map { Int64($0.rounded(.towardZero)) }))
          .tensor()
      ]
    }
  }

  private static func reduce(_ values: [Double], _ operation: String) -> Double {
    switch operation {
    case "ReduceMean": values.reduce(0, +) / Double(values.count)
    case "ReduceSum": values.reduce(0, +)
    case "ReduceMax": values.reduce(-.infinity) { $0.isNaN || $1.isNaN ? .nan : max($0, $1) }
    case "ReduceMin": values.reduce(.infinity) { $0.isNaN || $1.isNaN ? .nan : min($0, $1) }
    case "ReduceProd": values.reduce(1, *)
    case "ReduceL1": values.reduce(0) { $0 + abs($1) }
    case "ReduceL2": values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    case "ReduceLogSum": log(values.reduce(0, +))
    case "ReduceSumSquare": values.reduce(0) { $0 + $1 * $1 }
    default: logSumExp(values)
    }
  }

  private static func logSumExp(_ values: [Double]) -> Double {
    let largest = values.reduce(-.infinity, max)
    guard largest.isFinite else { return largest }
    return largest + log(values.reduce(0) { $0 + exp($1 - largest) })
  }
}
