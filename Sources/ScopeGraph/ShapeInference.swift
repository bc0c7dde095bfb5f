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

  /// The size when the open sizes it depends on are given; otherwise the same.
  public static func size(_ dimension: Dimension, at sizes: [String: Int]) -> Dimension {
    SizeExpression.substituted(dimension, sizes)
  }

  /// The open sizes that a dimension is computed from.
  public static func openSizes(_ dimension: Dimension) -> Set<String> {
    Set((dimension.count?.names ?? []).flatMap { SizeExpression.openSizes($0) })
  }
}

struct InferenceEngine {
  let model: Model
  private var functions: [String: FunctionDefinition] = [:]
  var problems: [InferenceProblem] = []
  /// Why a node of the main graph has no cost, by its index; the first reason found.
  private var reasons: [Int: String] = [:]
  /// Innermost last; a function body starts a stack of its own.
  var scopes: [[String: ValueType]] = [[:]]
  private var declared: [String: ValueInfo] = [:]
  private var outerNode: Int?
  var depth = 0
  /// Elements that may still be computed by constant propagation.
  private var foldBudget = 1 << 24
  /// Node visits left, so that functions that call each other cannot multiply without end.
  private var visits: Int

  static let maximumDepth = 32
  /// Sizes beyond this are taken as unknown, so that sums of a few sizes cannot overflow.
  private static let maximumSize = 1 << 48
  private static let maximumProblems = 10_000

  init(_ model: Model) {
    self.model = model
    visits = 100_000 + 4 * model.graph.nodes.count
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
    var sizes: [String: Int] = [:]
    for input in graph.inputs {
      guard let bound = bindings[input.name], let shape = input.shape else { continue }
      contradicts = contradicts || bound.rank != shape.rank
      for (own, given) in zip(shape.dimensions, bound.dimensions) {
        switch own {
        case .symbolic(let name):
          symbols[name] = given
          if let size = given.value { sizes[name] = size }
        case .known: contradicts = contradicts || own != given
        case .unknown: break
        }
      }
    }
    // Declared intermediate shapes hold only for inputs that fit the declaration.
    for info in graph.valueInfo + graph.outputs {
      var info = info
      info.shape = contradicts ? nil : info.shape.map { Self.substitute(symbols, sizes, in: $0) }
      declared[info.name] = info
    }
    for input in graph.inputs where graph.initializers[input.name] == nil {
      let shape = bindings[input.name] ?? input.shape.map { Self.substitute(symbols, sizes, in: $0) }
      var type = ValueType(input.dataType, shape.map(Self.sanitized))
      // Sequences, maps and optional values: what they hold is not followed.
      if input.opaqueType != nil, input.dataType == nil, shape == nil {
        type.container = .sequence([], isLengthKnown: false)
      }
      scopes[0][input.name] = type
    }
    seed(graph)
    let imported = model.opsets
    let costs = run(graph.nodes, opsets: { imported[$0].map { Int(clamping: $0) } })
    return InferredTypes(
      values: scopes[0], symbolicCosts: costs, notCounted: reasons.filter { costs[$0.key] == nil },
      problems: problems)
  }

  private static func substitute(
    _ symbols: [String: Dimension], _ sizes: [String: Int], in shape: Shape
  ) -> Shape {
    if symbols.isEmpty { return sanitized(shape) }
    return sanitized(
      Shape(
        shape.dimensions.map { dimension in
          guard case .symbolic(let name) = dimension else { return dimension }
          return symbols[name] ?? SizeExpression.substituted(dimension, sizes)
        }))
  }

  /// Exporters write -1 or 0-length names for sizes they do not know.
  static func sanitized(_ shape: Shape) -> Shape {
    Shape(
      shape.dimensions.map { dimension in
        switch dimension {
        case .known(let size): size < 0 || size > maximumSize ? .unknown : dimension
        case .symbolic(let name): name.isEmpty ? .unknown : dimension
        case .unknown: dimension
        }
      })
  }

  mutating func seed(_ graph: Graph) {
    for (name, tensor) in graph.initializers { scopes[scopes.count - 1][name] = ValueType(constant: tensor) }
  }

  func lookup(_ name: String) -> ValueType? {
    for scope in scopes.reversed() {
      if let value = scope[name] { return value }
    }
    return nil
  }

  mutating func report(_ kind: InferenceProblem.Kind, _ node: Node, _ index: Int, _ message: String) {
    notCounted(index, message)
    guard problems.count < Self.maximumProblems else { return }
    let type =
      node.domain.isEmpty || node.domain == "ai.onnx" ? node.opType : "\(node.domain)::\(node.opType)"
    problems.append(
      InferenceProblem(
        kind: kind, nodeIndex: outerNode ?? index, nodeName: node.name, opType: type, message: message))
  }

  /// Says why the cost of a node (or of the node of the main graph that holds it) is not known.
  mutating func notCounted(_ index: Int, _ reason: String) {
    let main = outerNode ?? index
    if reasons[main] == nil { reasons[main] = reason }
  }

  /// Why each node of the main graph visited so far has no cost; taken back when a body is looked at again.
  var reasonsSoFar: [Int: String] {
    get { reasons }
    set { reasons = newValue }
  }

  mutating func run(_ nodes: [Node], opsets: (String) -> Int?) -> [SymbolicCost?] {
    var costs: [SymbolicCost?] = []
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

  private mutating func visit(_ node: Node, _ index: Int, _ opsets: (String) -> Int?) -> SymbolicCost? {
    let isMain = outerNode == nil
    if isMain { outerNode = index }
    defer { if isMain { outerNode = nil } }
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
    var cost: SymbolicCost?
    var isInvalid = false
    if let function = functions[Self.key(node.domain, node.opType, node.overload)] {
      (outputs, cost) = call(function, context)
    } else {
      do throws(ScopeError) {
        try OperatorSignatures.check(node)
        if OperatorRegistry.isControlFlow(node) {
          (outputs, cost) = control(context, opsets)
        } else if let definition = OperatorRegistry.definition(of: node) {
          outputs = try definition.inferOutputs(context)
          propagateConstants(definition, context, &outputs)
          clean(&outputs)
          cost = definition.cost(context, outputs)
        } else {
          report(.unknownOperator, node, index, "no facts are known about this operator")
        }
      } catch {
        isInvalid = true
        outputs = []
        cost = nil
        let expected = error.expected.map { "expected \($0)" }
        let details = [expected, error.found.map { "found \($0)" }].compactMap { $0 }.joined(separator: ", ")
        report(.invalid, node, index, error.message + (details.isEmpty ? "" : " (\(details))"))
      }
    }
    assign(node, index, inputs, outputs, isInvalid: isInvalid)
    if cost == nil { notCounted(index, missingShape(node, inputs, outputs)) }
    return cost
  }

  /// Which shape a cost is missing.
  private func missingShape(_ node: Node, _ inputs: [ValueType?], _ outputs: [ValueType]) -> String {
    for (name, value) in zip(node.inputs, inputs) {
      guard let value, value.container == nil, value.shape?.dimensions.contains(.unknown) ?? true else {
        continue
      }
      return "the shape of its input \(name) is not known before the model runs"
    }
    for (name, value) in zip(node.outputs, outputs) where value.container == nil {
      guard value.shape?.dimensions.contains(.unknown) ?? true else { continue }
      return "the shape of its output \(name) is not known before the model runs"
    }
    return "its work depends on the data, or is too large to be counted"
  }

  private func clean(_ outputs: inout [ValueType]) {
    for index in outputs.indices {
      guard let shape = outputs[index].shape else { continue }
      outputs[index].shape = Self.sanitized(shape)
      // A shape of which every element turned out to be known is a constant like any other.
      if outputs[index].constant == nil, outputs[index].partialElements != nil,
        let values = outputs[index].integers,
        let sizes = shape.sizes, shape.elementCount == values.count, let type = outputs[index].dataType,
        let tensor = try? NumericArray(
          type, sizes,
          type.isFloatingPoint ? .floats(values.map { Double($0) }) : .integers(values.map { Int64($0) })
        ).tensor()
      {
        outputs[index] = ValueType(constant: tensor)
      }
    }
  }

  /// Stores the outputs, completed by what the model declares about them.
  private mutating func assign(
    _ node: Node, _ index: Int, _ inputs: [ValueType?], _ outputs: [ValueType], isInvalid: Bool
  ) {
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
      isUnresolved =
        isUnresolved || (value.container == nil && value.shape?.dimensions.contains(.unknown) ?? true)
      scopes[scopes.count - 1][name] = value
    }
    let inputsAreResolved = inputs.allSatisfy {
      $0.map { $0.container != nil || !($0.shape?.dimensions.contains(.unknown) ?? true) } ?? true
    }
    let isReported = problems.last.map { $0.nodeIndex == index && $0.nodeName == node.name } ?? false
    if isUnresolved, inputsAreResolved, !isInvalid, !(scopes.count == 1 && depth == 0 && isReported) {
      let reason = reasons[outerNode ?? index]
      report(.unresolved, node, index, "the output's size is not known before the model runs")
      // An output of unknown size is no reason for an unknown cost.
      reasons[outerNode ?? index] = reason
    }
  }

  private static func differ(_ left: Dimension, _ right: Dimension) -> Bool {
    if let a = left.value, let b = right.value { a != b } else { false }
  }

  /// Evaluates the node when all inputs are small constants.
  private mutating func propagateConstants(
    _ definition: OperatorDefinition, _ context: OperatorContext, _ outputs: inout [ValueType]
  ) {
    guard let fold = definition.fold, let first = outputs.first, first.constant == nil else { return }
    if context.inputs.contains(where: { $0 != nil && $0?.constant == nil }) { return }
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
}
