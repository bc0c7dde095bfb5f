import ScopeBytes

/// Functions, and the operators that hold graphs: If, Loop, Scan, SequenceMap.
extension InferenceEngine {
  /// Loops of at most this many iterations are followed one by one when that tells more.
  private static let maximumUnrolledTrips = 256

  private func sum(_ costs: [SymbolicCost?]) -> SymbolicCost? {
    var total = SymbolicCost.none
    for cost in costs {
      guard let cost, let next = total.adding(cost) else { return nil }
      total = next
    }
    return total
  }

  mutating func call(
    _ function: FunctionDefinition, _ context: OperatorContext
  ) -> ([ValueType], SymbolicCost?) {
    guard depth < Self.maximumDepth else {
      report(.unresolved, context.node, 0, "functions call each other too deeply to be followed")
      return ([], nil)
    }
    depth += 1
    defer { depth -= 1 }
    let outer = scopes
    scopes = [[:]]
    for (name, value) in zip(function.inputs, context.inputs) { if let value { scopes[0][name] = value } }
    let nodes = function.nodes.map { FunctionInlining.resolved($0, call: context.node, function) }
    let model = self.model
    let costs = run(nodes, opsets: { (function.opsets[$0] ?? model.opsets[$0]).map { Int(clamping: $0) } })
    let outputs = function.outputs.map { scopes[0][$0] ?? ValueType() }
    scopes = outer
    return (outputs, sum(costs))
  }

  /// Types of a subgraph's outputs and the cost of running it once.
  private mutating func runSubgraph(
    _ graph: Graph, inputs: [ValueType], _ opsets: (String) -> Int?
  ) -> ([ValueType], SymbolicCost?) {
    depth += 1
    scopes.append([:])
    defer {
      depth -= 1
      scopes.removeLast()
    }
    for (position, info) in graph.inputs.enumerated() {
      var value = position < inputs.count ? inputs[position] : ValueType()
      if value.container == nil {
        value.dataType = value.dataType ?? info.dataType
        value.shape = value.shape ?? info.shape.map(Self.sanitized)
      }
      scopes[scopes.count - 1][info.name] = value
    }
    seed(graph)
    let costs = run(graph.nodes, opsets: opsets)
    let outputs = graph.outputs.map { info in
      var value = lookup(info.name) ?? ValueType()
      if value.container == nil {
        value.dataType = value.dataType ?? info.dataType
        value.shape = value.shape ?? info.shape.map(Self.sanitized)
      }
      return value
    }
    return (outputs, sum(costs))
  }

  mutating func control(
    _ context: OperatorContext, _ opsets: (String) -> Int?
  ) -> ([ValueType], SymbolicCost?) {
    guard depth < Self.maximumDepth else {
      report(.unresolved, context.node, 0, "subgraphs are nested too deeply to be followed")
      return ([], nil)
    }
    switch context.node.opType {
    case "If": return branch(context, opsets)
    case "Loop": return loop(context, opsets)
    case "SequenceMap": return map(context, opsets)
    default: return scan(context, opsets)
    }
  }

  private func subgraph(_ node: Node, _ attribute: String) -> Graph? {
    if case .graph(let graph)? = node.attributes[attribute] { graph } else { nil }
  }

  private mutating func branch(
    _ context: OperatorContext, _ opsets: (String) -> Int?
  ) -> ([ValueType], SymbolicCost?) {
    guard let yes = subgraph(context.node, "then_branch"), let no = subgraph(context.node, "else_branch")
    else {
      report(.invalid, context.node, 0, "a branch is missing")
      return ([], nil)
    }
    if let condition = context.integers(0)?.first {
      return runSubgraph(condition != 0 ? yes : no, inputs: [], opsets)
    }
    let (left, leftCost) = runSubgraph(yes, inputs: [], opsets)
    let (right, rightCost) = runSubgraph(no, inputs: [], opsets)
    // What a branch that is not known to be taken costs is known only when both cost the same.
    if let leftCost, let rightCost, leftCost != rightCost {
      notCounted(
        0,
        "its branches differ (\(leftCost.macs) or \(rightCost.macs) multiply-accumulates) and the condition is known only when the model runs"
      )
    }
    return (zip(left, right).map { Self.common($0, $1) }, leftCost == rightCost ? leftCost : nil)
  }

  /// What two values that stand for one another have in common.
  static func common(_ left: ValueType, _ right: ValueType) -> ValueType {
    if case .sequence(let a, let known)? = left.container,
      case .sequence(let b, let alsoKnown)? = right.container
    {
      if known, alsoKnown, a.count == b.count {
        return ValueType(.sequence(zip(a, b).map { common($0, $1) }, isLengthKnown: true))
      }
      let all = a + b
      guard let first = all.first else { return ValueType(.sequence([], isLengthKnown: false)) }
      return ValueType(.sequence([all.dropFirst().reduce(first) { common($0, $1) }], isLengthKnown: false))
    }
    var shape: Shape?
    if let a = left.shape, let b = right.shape, a.rank == b.rank {
      shape = Shape(zip(a.dimensions, b.dimensions).map { Dimension.common($0, $1) })
    }
    var result = ValueType(left.dataType == right.dataType ? left.dataType : nil, shape)
    if left.container != nil, right.container != nil { result.container = left.container }
    if shape != nil, shape == left.shape, let a = left.integerElements, a.count <= 64,
      a == right.integerElements
    {
      result.partialElements = a
    }
    return result
  }

  private mutating func loop(
    _ context: OperatorContext, _ opsets: (String) -> Int?
  ) -> ([ValueType], SymbolicCost?) {
    guard let body = subgraph(context.node, "body") else {
      report(.invalid, context.node, 0, "the body is missing")
      return ([], nil)
    }
    let carried = max(context.inputs.count - 2, 0)
    guard body.outputs.count >= carried + 1 else {
      report(.invalid, context.node, 0, "the body returns fewer values than the loop carries")
      return ([], nil)
    }
    let (problemsBefore, reasonsBefore) = (problems.count, reasonsSoFar)
    let start = (0..<carried).map { context.input($0 + 2) }
    var state = start.map { value in
      value.container == nil ? ValueType(value.dataType, value.shape) : value
    }
    let counters = [ValueType(.int64, []), ValueType(.bool, [])]
    var (outputs, cost) = runSubgraph(body, inputs: counters + state, opsets)
    // A carried value may change its size from one iteration to the next.
    let next = Array(outputs.dropFirst().prefix(carried))
    let stable = zip(state, next).map { Self.common($0, $1) }
    if zip(stable, state).contains(where: { $0.shape != $1.shape || $1.container != nil }) {
      state = stable
      (outputs, cost) = runSubgraph(body, inputs: counters + state, opsets)
    }
    var result = zip(state, outputs.dropFirst()).map { Self.common($0, $1) }
    let trips = context.has(0) ? context.elements(0)?.first : nil
    // Whether the loop stops early is known only when nothing but the trip count ends it.
    let startsTrue = !context.has(1) || context.integers(1)?.first == 1
    let runsThrough = startsTrue && (outputs.first?.integers?.first == 1 || keepsCondition(body))
    let length = runsThrough ? trips ?? .unknown : .unknown
    for output in outputs.dropFirst(1 + carried) {
      result.append(ValueType(output.dataType, output.shape.map { Shape([length] + $0.dimensions) }))
    }
    let isResolved = !result.contains {
      if case .sequence(_, let isLengthKnown)? = $0.container { return !isLengthKnown }
      return $0.container == nil && $0.shape?.dimensions.contains(.unknown) ?? true
    }
    if !isResolved || cost == nil, runsThrough, let count = trips?.value, count >= 0,
      count <= Self.maximumUnrolledTrips
    {
      problems.removeSubrange(problemsBefore...)
      reasonsSoFar = reasonsBefore
      return unroll(body, count, start, opsets)
    }
    if cost == SymbolicCost.none { return (result, cost) }
    guard runsThrough, let trips, let count = trips.count, (count.number ?? 0) >= 0 else {
      notCounted(0, "how often the loop runs is known only when the model runs")
      return (result, nil)
    }
    return (result, cost?.times(count))
  }

  /// Whether the body hands its condition on unchanged.
  private func keepsCondition(_ body: Graph) -> Bool {
    guard body.inputs.count > 1, let output = body.outputs.first?.name else { return false }
    let input = body.inputs[1].name
    if output == input { return true }
    return body.nodes.contains {
      $0.isStandard("Identity") && $0.outputs.first == output && $0.inputs.first == input
    }
  }

  /// One iteration after the other, each with the values of the last.
  private mutating func unroll(
    _ body: Graph, _ trips: Int, _ start: [ValueType], _ opsets: (String) -> Int?
  ) -> ([ValueType], SymbolicCost?) {
    var state = start
    var total: SymbolicCost? = SymbolicCost.none
    var extra: [ValueType] = []
    let truth = (try? NumericArray(.bool, [], .integers([1])).tensor()).map { ValueType(constant: $0) }
    for trip in 0..<trips {
      let counters = [ValueType(constant: .int64s([trip], [])), truth ?? ValueType(.bool, [])]
      let (outputs, cost) = runSubgraph(body, inputs: counters + state, opsets)
      if let sum = total, let cost { total = sum.adding(cost) } else { total = nil }
      state = Array(outputs.dropFirst().prefix(start.count))
      let last = Array(outputs.dropFirst(1 + start.count))
      extra = trip == 0 ? last : zip(extra, last).map { Self.common($0, $1) }
    }
    if trips == 0 { extra = body.outputs.dropFirst(1 + start.count).map { ValueType($0.dataType, $0.shape) } }
    return (
      state
        + extra.map { ValueType($0.dataType, $0.shape.map { Shape([.known(trips)] + $0.dimensions) }) },
      total
    )
  }

  /// Scan: state inputs first, then scanned inputs, cut along an axis each. Version 8 has a batch axis in front of
  /// everything and an optional list of lengths as first input.
  private mutating func scan(
    _ context: OperatorContext, _ opsets: (String) -> Int?
  ) -> ([ValueType], SymbolicCost?) {
    guard let body = subgraph(context.node, "body"), let scanned = context.node.int("num_scan_inputs"),
      scanned > 0, scanned <= context.inputs.count
    else {
      report(.invalid, context.node, 0, "a Scan needs a body and the number of scanned inputs")
      return ([], nil)
    }
    let isBatched = context.opset < 9
    var given = (0..<context.inputs.count).map { context.input($0) }
    if isBatched { given.removeFirst() }
    let states = given.count - scanned
    guard states >= 0, body.outputs.count >= states else {
      report(.invalid, context.node, 0, "the body returns fewer values than the Scan carries")
      return ([], nil)
    }
    let inputAxes = context.node.ints("scan_input_axes") ?? [Int](repeating: 0, count: scanned)
    let outputAxes = context.node.ints("scan_output_axes") ?? []
    var length = Dimension.unknown
    var batch = Dimension.unknown
    var inputs: [ValueType] = []
    for (index, value) in given.enumerated() {
      var type = ValueType(value.dataType, value.shape)
      if isBatched, let shape = type.shape, let first = shape.dimensions.first {
        batch = .merged(batch, first)
        type.shape = Shape(Array(shape.dimensions.dropFirst()))
      }
      if index >= states, var shape = type.shape, shape.rank > 0 {
        let declared = index - states < inputAxes.count ? inputAxes[index - states] : 0
        let axis = declared < 0 ? declared + shape.rank : declared
        guard axis >= 0, axis < shape.rank else {
          report(
            .invalid, context.node, 0, "an axis is outside the tensor (found axis \(declared) of \(shape))")
          return ([], nil)
        }
        length = .merged(length, shape.dimensions.remove(at: axis))
        type.shape = shape
      }
      inputs.append(type)
    }
    let (outputs, cost) = runSubgraph(body, inputs: inputs, opsets)
    let result = outputs.enumerated().map { index, output -> ValueType in
      guard var shape = output.shape else { return ValueType(output.dataType) }
      if index >= states {
        let declared = index - states < outputAxes.count ? outputAxes[index - states] : 0
        let axis = declared < 0 ? declared + shape.rank + 1 : declared
        shape.dimensions.insert(length, at: min(max(axis, 0), shape.rank))
      }
      if isBatched { shape.dimensions.insert(batch, at: 0) }
      return ValueType(output.dataType, shape)
    }
    if cost == SymbolicCost.none { return (result, cost) }
    let once = isBatched ? batch.count.flatMap { cost?.times($0) } : cost
    guard let count = length.count else {
      notCounted(0, "how many steps the Scan takes is known only when the model runs")
      return (result, nil)
    }
    return (result, once?.times(count))
  }

  /// SequenceMap: the body once per element of the first input; further inputs are sequences too, or the same tensor
  /// for every element.
  private mutating func map(
    _ context: OperatorContext, _ opsets: (String) -> Int?
  ) -> ([ValueType], SymbolicCost?) {
    guard let body = subgraph(context.node, "body"),
      case .sequence(let elements, let isKnown)? = context.input(0).container
    else {
      report(.unresolved, context.node, 0, "the sequence is not known")
      return ([], nil)
    }
    func inputs(_ index: Int) -> [ValueType] {
      context.inputs.indices.map { position in
        if case .sequence(let own, let known)? = context.input(position).container {
          return known ? (index < own.count ? own[index] : ValueType()) : own.first ?? ValueType()
        }
        return context.input(position)
      }
    }
    guard isKnown, elements.count <= Self.maximumUnrolledTrips else {
      let (outputs, _) = runSubgraph(body, inputs: inputs(0), opsets)
      notCounted(0, "how many elements the sequence has is known only when the model runs")
      return (outputs.map { ValueType(.sequence([$0], isLengthKnown: false)) }, nil)
    }
    var columns = [[ValueType]](repeating: [], count: body.outputs.count)
    var total: SymbolicCost? = SymbolicCost.none
    for index in elements.indices {
      let (outputs, cost) = runSubgraph(body, inputs: inputs(index), opsets)
      for (column, output) in outputs.enumerated() { columns[column].append(output) }
      if let sum = total, let cost { total = sum.adding(cost) } else { total = nil }
    }
    return (columns.map { ValueType(.sequence($0, isLengthKnown: true)) }, total)
  }
}
