import ScopeBytes

/// Computes the element type and shape of every value, without running the model.
///
/// Small integer tensors (shapes under construction) are followed as values, so that exported `Shape -> Gather ->
/// Concat -> Reshape` chains resolve; symbolic dimensions stay symbolic (`12*batch`). The work does not depend on the
/// size of the weights.
public enum ShapeInference {
  /// - Parameter bindings: shapes to use for graph inputs instead of the declared ones, for example with the batch size
  ///   filled in.
  public static func infer(_ model: Model, bindings: [String: Shape] = [:]) -> InferredTypes {
    var engine = InferenceEngine(model)
    return engine.infer(bindings: bindings)
  }
}

struct InferenceEngine {
  let model: Model
  private var functions: [String: FunctionDefinition] = [:]
  private var problems: [InferenceProblem] = []
  /// Innermost last; a function body starts a stack of its own.
  private var scopes: [[String: ValueType]] = [[:]]
  private var declared: [String: ValueInfo] = [:]
  private var outerNode: Int?
  private var depth = 0
  /// Elements that may still be computed by constant propagation.
  private var foldBudget = 1 << 24
  /// Node visits left, so that functions that call each other cannot multiply without end.
  private var visits: Int

  private static let maximumDepth = 32
  /// Sizes beyond this are taken as unknown, so that sums of a few sizes cannot overflow.
  private static let maximumSize = 1 << 48
  private static let maximumProblems = 10_000

  init(_ model: Model) {
    self.model = model
    visits = 1_000_000 + 4 * model.graph.nodes.count
    for function in model.functions {
      functions[Self.key(function.domain, function.name, function.overload)] = function
    }
  }

  private static func key(_ domain: String, _ name: String, _ overload: String) -> String {
    "\(domain == "ai.onnx" ? "" : domain)::\(name)::\(overload)"
  }

  mutating func infer(bindings: [String: Shape]) -> InferredTypes {
    let graph = model.graph
    var contradicts = false
    var symbols: [String: Dimension] = [:]
    for input in graph.inputs {
      guard let bound = bindings[input.name], let shape = input.shape else { continue }
      contradicts = contradicts || bound.rank != shape.rank
      for (own, given) in zip(shape.dimensions, bound.dimensions) {
        switch own {
        case .symbolic(let name): symbols[name] = given
        case .known: contradicts = contradicts || own != given
        case .unknown: break
        }
      }
    }
    // Declared intermediate shapes hold only for inputs that fit the declaration.
    for info in graph.valueInfo + graph.outputs {
      var info = info
      info.shape = contradicts ? nil : info.shape.map { Self.substitute(symbols, in: $0) }
      declared[info.name] = info
    }
    for input in graph.inputs where graph.initializers[input.name] == nil {
      let shape = bindings[input.name] ?? input.shape.map { Self.substitute(symbols, in: $0) }
      scopes[0][input.name] = ValueType(input.dataType, shape.map(Self.sanitized))
    }
    seed(graph)
    let imported = model.opsets
    let costs = run(graph.nodes, opsets: { imported[$0].map { Int(clamping: $0) } })
    return InferredTypes(values: scopes[0], costs: costs, problems: problems)
  }

  private static func substitute(_ symbols: [String: Dimension], in shape: Shape) -> Shape {
    if symbols.isEmpty { return sanitized(shape) }
    return sanitized(
      Shape(
        shape.dimensions.map { dimension in
          if case .symbolic(let name) = dimension { symbols[name] ?? dimension } else { dimension }
        }))
  }

  /// Exporters write -1 or 0-length names for sizes they do not know.
  private static func sanitized(_ shape: Shape) -> Shape {
    Shape(
      shape.dimensions.map { dimension in
        switch dimension {
        case .known(let size): size < 0 || size > maximumSize ? .unknown : dimension
        case .symbolic(let name): name.isEmpty ? .unknown : dimension
        case .unknown: dimension
        }
      })
  }

  private mutating func seed(_ graph: Graph) {
    for (name, tensor) in graph.initializers { scopes[scopes.count - 1][name] = ValueType(constant: tensor) }
  }

  private func lookup(_ name: String) -> ValueType? {
    for scope in scopes.reversed() {
      if let value = scope[name] { return value }
    }
    return nil
  }

  private mutating func report(_ kind: InferenceProblem.Kind, _ node: Node, _ index: Int, _ message: String) {
    guard problems.count < Self.maximumProblems else { return }
    let type =
      node.domain.isEmpty || node.domain == "ai.onnx" ? node.opType : "\(node.domain)::\(node.opType)"
    problems.append(
      InferenceProblem(
        kind: kind, nodeIndex: outerNode ?? index, nodeName: node.name, opType: type, message: message))
  }

  private mutating func run(_ nodes: [Node], opsets: (String) -> Int?) -> [OperatorCost?] {
    var costs: [OperatorCost?] = []
    costs.reserveCapacity(nodes.count)
    for (index, node) in nodes.enumerated() {
      visits -= 1
      guard visits > 0 else {
        if visits == 0 {
          report(.unresolved, node, index, "the functions call each other too often to be followed")
        }
        costs.append(nil)
        continue
      }
      costs.append(visit(node, index, opsets))
    }
    return costs
  }

  private mutating func visit(_ node: Node, _ index: Int, _ opsets: (String) -> Int?) -> OperatorCost? {
    var inputs: [ValueType?] = []
    inputs.reserveCapacity(node.inputs.count)
    for name in node.inputs {
      if name.isEmpty {
        inputs.append(nil)
      } else {
        let value = lookup(name)
        if value == nil { report(.invalid, node, index, "the input \(name) is not defined before this node") }
        inputs.append(value ?? ValueType())
      }
    }
    let opset = opsets(node.domain) ?? (node.domain == "ai.onnx" ? opsets("") : nil) ?? opsets("ai.onnx") ?? 1
    let context = OperatorContext(node: node, opset: opset, inputs: inputs)
    var outputs: [ValueType] = []
    var cost: OperatorCost?
    let isMain = outerNode == nil
    if isMain { outerNode = index }
    if let function = functions[Self.key(node.domain, node.opType, node.overload)] {
      (outputs, cost) = call(function, context)
    } else if node.isStandard("If") || node.isStandard("Loop") || node.isStandard("Scan") {
      (outputs, cost) = control(context, opsets)
    } else if let definition = OperatorRegistry.definition(of: node) {
      do throws(ScopeError) {
        outputs = try definition.inferOutputs(context)
        propagateConstants(definition, context, &outputs)
        clean(&outputs)
        cost = definition.cost(context, outputs)
      } catch {
        report(.invalid, node, index, error.message + (error.found.map { " (found \($0))" } ?? ""))
      }
    } else {
      report(.unknownOperator, node, index, "no facts are known about this operator")
    }
    if isMain { outerNode = nil }
    assign(node, index, inputs, outputs)
    return cost
  }

  private func clean(_ outputs: inout [ValueType]) {
    for index in outputs.indices {
      if let shape = outputs[index].shape { outputs[index].shape = Self.sanitized(shape) }
    }
  }

  /// Stores the outputs, completed by what the model declares about them.
  private mutating func assign(_ node: Node, _ index: Int, _ inputs: [ValueType?], _ outputs: [ValueType]) {
    var isUnresolved = false
    for (position, name) in node.outputs.enumerated() where !name.isEmpty {
      var value = position < outputs.count ? outputs[position] : ValueType()
      if scopes.count == 1, depth == 0, let info = declared[name] {
        value.dataType = value.dataType ?? info.dataType
        if let shape = info.shape {
          if let own = value.shape {
            if own.rank != shape.rank || zip(own.dimensions, shape.dimensions).contains(where: Self.differ) {
              report(
                .invalid, node, index,
                "the declared shape \(shape) of \(name) contradicts the inferred \(own)")
            } else if own.sizes == nil {
              value.shape = Shape(zip(own.dimensions, shape.dimensions).map { Dimension.merged($0, $1) })
            }
          } else {
            value.shape = shape
          }
        }
      }
      isUnresolved = isUnresolved || value.shape?.dimensions.contains(.unknown) ?? true
      scopes[scopes.count - 1][name] = value
    }
    let inputsAreResolved = inputs.allSatisfy {
      $0.map { !($0.shape?.dimensions.contains(.unknown) ?? true) } ?? true
    }
    if isUnresolved, inputsAreResolved, problems.last?.nodeIndex != index {
      report(.unresolved, node, index, "the output's size is not known before the model runs")
    }
  }

  private static func differ(_ left: Dimension, _ right: Dimension) -> Bool {
    if let a = left.value, let b = right.value { a != b } else { false }
  }

  /// Evaluates the node when all inputs are small constants.
  private mutating func propagateConstants(
    _ definition: OperatorDefinition, _ context: OperatorContext, _ outputs: inout [ValueType]
  ) {
    guard let fold = definition.fold, outputs.first?.constant == nil else { return }
    var work = 0
    for input in context.inputs {
      guard let input else { continue }
      guard let constant = input.constant, constant.elementCount <= ValueType.maximumElements else { return }
      work += constant.elementCount
    }
    for output in outputs {
      guard let count = output.shape?.elementCount, count <= ValueType.maximumElements else { return }
      work += count
    }
    guard work <= foldBudget else { return }
    foldBudget -= work
    // What cannot be evaluated stays unknown; a shape that depends on it is reported where it is needed.
    guard let tensors = try? fold(context) else { return }
    for (index, tensor) in tensors.enumerated() where index < outputs.count {
      outputs[index] = ValueType(constant: tensor)
    }
  }

  // MARK: Functions and control flow

  private func sum(_ costs: [OperatorCost?]) -> OperatorCost? {
    var total = OperatorCost.none
    for cost in costs {
      guard let cost, let next = total.adding(cost) else { return nil }
      total = next
    }
    return total
  }

  private mutating func call(
    _ function: FunctionDefinition, _ context: OperatorContext
  ) -> ([ValueType], OperatorCost?) {
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
  ) -> ([ValueType], OperatorCost?) {
    depth += 1
    scopes.append([:])
    defer {
      depth -= 1
      scopes.removeLast()
    }
    for (position, info) in graph.inputs.enumerated() {
      var value = position < inputs.count ? inputs[position] : ValueType()
      value.dataType = value.dataType ?? info.dataType
      value.shape = value.shape ?? info.shape.map(Self.sanitized)
      scopes[scopes.count - 1][info.name] = value
    }
    seed(graph)
    let costs = run(graph.nodes, opsets: opsets)
    let outputs = graph.outputs.map { info in
      var value = lookup(info.name) ?? ValueType()
      value.dataType = value.dataType ?? info.dataType
      value.shape = value.shape ?? info.shape.map(Self.sanitized)
      return value
    }
    return (outputs, sum(costs))
  }

  private mutating func control(_ context: OperatorContext, _ opsets: (String) -> Int?) -> (
    [ValueType], OperatorCost?
  ) {
    guard depth < Self.maximumDepth else {
      report(.unresolved, context.node, 0, "subgraphs are nested too deeply to be followed")
      return ([], nil)
    }
    switch context.node.opType {
    case "If": return branch(context, opsets)
    case "Loop": return loop(context, opsets)
    default: return scan(context, opsets)
    }
  }

  private func subgraph(_ node: Node, _ attribute: String) -> Graph? {
    if case .graph(let graph)? = node.attributes[attribute] { graph } else { nil }
  }

  private mutating func branch(_ context: OperatorContext, _ opsets: (String) -> Int?) -> (
    [ValueType], OperatorCost?
  ) {
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
    return (zip(left, right).map { Self.common($0, $1) }, leftCost == rightCost ? leftCost : nil)
  }

  private static func common(_ left: ValueType, _ right: ValueType) -> ValueType {
    var shape: Shape?
    if let a = left.shape, let b = right.shape, a.rank == b.rank {
      shape = Shape(zip(a.dimensions, b.dimensions).map { Dimension.common($0, $1) })
    }
    return ValueType(left.dataType == right.dataType ? left.dataType : nil, shape)
  }

  private mutating func loop(_ context: OperatorContext, _ opsets: (String) -> Int?) -> (
    [ValueType], OperatorCost?
  ) {
    guard let body = subgraph(context.node, "body") else {
      report(.invalid, context.node, 0, "the body is missing")
      return ([], nil)
    }
    let carried = max(context.inputs.count - 2, 0)
    var state = (0..<carried).map { ValueType(context.dataType($0 + 2), context.shape($0 + 2)) }
    let counters = [ValueType(.int64, []), ValueType(.bool, [])]
    var (outputs, cost) = runSubgraph(body, inputs: counters + state, opsets)
    // A carried value may change its size from one iteration to the next.
    let next = Array(outputs.dropFirst().prefix(carried))
    let stable = zip(state, next).map { Self.common($0, $1) }
    if stable.count == carried, zip(stable, state).contains(where: { $0.shape != $1.shape }) {
      state = stable
      (outputs, cost) = runSubgraph(body, inputs: counters + state, opsets)
    }
    var result = Array(zip(state, outputs.dropFirst()).map { Self.common($0, $1) })
    let trips = context.integers(0)?.first
    for output in outputs.dropFirst(1 + carried) {
      result.append(ValueType(output.dataType, output.shape.map { Shape([.unknown] + $0.dimensions) }))
    }
    // Whether the loop stops early is known only when nothing but the trip count ends it.
    if cost == OperatorCost.none { return (result, cost) }
    guard let trips, trips >= 0, !context.has(1), outputs.first?.integers?.first == 1 else {
      return (result, nil)
    }
    return (result, cost?.times(trips))
  }

  /// Scan: state inputs first, then scanned inputs, cut along axis 0 unless `scan_input_axes` says otherwise.
  private mutating func scan(_ context: OperatorContext, _ opsets: (String) -> Int?) -> (
    [ValueType], OperatorCost?
  ) {
    guard let body = subgraph(context.node, "body"), let scanned = context.node.int("num_scan_inputs"),
      scanned > 0,
      scanned <= context.inputs.count, context.node.ints("scan_input_axes")?.allSatisfy({ $0 == 0 }) ?? true,
      context.node.ints("scan_output_axes")?.allSatisfy({ $0 == 0 }) ?? true
    else {
      report(.unresolved, context.node, 0, "this form of Scan is not followed")
      return ([], nil)
    }
    let states = context.inputs.count - scanned
    var length = Dimension.unknown
    let inputs = context.inputs.indices.map { index -> ValueType in
      var value = ValueType(context.dataType(index), context.shape(index))
      if index >= states, let shape = value.shape, let first = shape.dimensions.first {
        length = Dimension.merged(length, first)
        value.shape = Shape(Array(shape.dimensions.dropFirst()))
      }
      return value
    }
    let (outputs, cost) = runSubgraph(body, inputs: inputs, opsets)
    let result = outputs.enumerated().map { index, output in
      index < states
        ? output : ValueType(output.dataType, output.shape.map { Shape([length] + $0.dimensions) })
    }
    if cost == OperatorCost.none { return (result, cost) }
    return (result, length.value.flatMap { cost?.times($0) })
  }
}
