import ScopeBytes

/// How an operator's first output relates to its inputs in memory.
public enum MemoryBehavior: Sendable, Hashable {
  /// The output needs memory of its own.
  case allocates
  /// The output is the first input's memory under another shape.
  case view
  /// The output may overwrite an input of the same size that is not needed any more.
  case inPlace
}

/// A node with what is known of its inputs: the argument of the operator facts.
public struct OperatorContext: Sendable {
  public let node: Node
  /// Version of the operator set of the node's domain.
  public let opset: Int
  /// One per input; nil where an optional input is omitted.
  public let inputs: [ValueType?]

  public init(node: Node, opset: Int, inputs: [ValueType?]) {
    self.node = node
    self.opset = opset
    self.inputs = inputs
  }

  /// Whether input `index` is given.
  public func has(_ index: Int) -> Bool { index < inputs.count && inputs[index] != nil }
  public func input(_ index: Int) -> ValueType {
    index < inputs.count ? inputs[index] ?? ValueType() : ValueType()
  }
  public func shape(_ index: Int) -> Shape? { input(index).shape }
  public func dataType(_ index: Int) -> DataType? { input(index).dataType }
  /// Elements of an integer input as far as known.
  public func elements(_ index: Int) -> [Dimension]? { input(index).integerElements }
  /// Elements of an integer input when all are known.
  public func integers(_ index: Int) -> [Int]? { input(index).integers }

  /// The list given as attribute (older opsets) or as input (newer ones). `.absent` when neither is given,
  /// `.unknown` when the input is not constant.
  func list(attribute: String, input index: Int) -> IntegerList {
    if let values = node.ints(attribute) { return .known(values) }
    if let value = node.int(attribute) { return .known([value]) }
    guard has(index) else { return .absent }
    return integers(index).map(IntegerList.known) ?? .unknown
  }

  /// A graph error at this node.
  func invalid(_ message: String, expected: String? = nil, found: String? = nil) -> ScopeError {
    ScopeError(.invalidGraph, message, place: Self.place(node), expected: expected, found: found)
  }

  /// An axis counted from the front.
  ///
  /// - Throws: `invalidGraph` outside `[-rank, rank)`.
  func axis(_ axis: Int, rank: Int) throws(ScopeError) -> Int {
    guard axis >= -rank, axis < rank else {
      throw invalid("the axis is outside the tensor", expected: "-\(rank) ..< \(rank)", found: "\(axis)")
    }
    return axis < 0 ? axis + rank : axis
  }

  static func place(_ node: Node) -> String {
    let name = node.name.isEmpty ? node.outputs.first { !$0.isEmpty } ?? "" : node.name
    return name.isEmpty ? "node of type \(node.opType)" : "node \(name) (\(node.opType))"
  }
}

/// An integer list that may be an attribute or a run-time input.
enum IntegerList {
  case absent
  case unknown
  case known([Int])
}

/// The facts about one operator.
public struct OperatorDefinition: Sendable {
  public typealias Inference = @Sendable (OperatorContext) throws(ScopeError) -> [ValueType]
  public typealias Cost = @Sendable (OperatorContext, [ValueType]) -> SymbolicCost?
  public typealias Fold = @Sendable (OperatorContext) throws(ScopeError) -> [Tensor]

  public let name: String
  /// Empty for the ONNX default domain.
  public let domain: String
  public let memory: MemoryBehavior
  /// Types of the outputs, in the node's order (may be fewer or more than the node has).
  public let inferOutputs: Inference
  /// Arithmetic, given the context and the inferred outputs; nil when a shape it depends on is not known.
  public let cost: Cost
  /// The outputs computed from constant inputs; nil for operators that are not evaluated here.
  public let fold: Fold?

  public init(
    _ name: String, domain: String = "", memory: MemoryBehavior = .allocates, infer: @escaping Inference,
    cost: @escaping Cost = OperatorDefinition.free, fold: Fold? = nil
  ) {
    self.name = name
    self.domain = domain
    self.memory = memory
    self.inferOutputs = infer
    self.cost = cost
    self.fold = fold
  }

  /// Operators that only move data.
  public static let free: Cost = { _, _ in SymbolicCost.none }

  /// Work that depends on the data, or has no agreed number of operations.
  static let notCounted: Cost = { _, _ in nil }

  /// `operations` of a kind per element of the first output.
  static func perOutputElement(_ operations: Int, _ kind: WorkKind) -> Cost {
    { _, outputs in
      counted(outputs.first?.shape?.symbolicCount, SymbolicCount(operations)).map { SymbolicCost(kind, $0) }
    }
  }

  /// `operations` of a kind per element of the first input.
  static func perInputElement(_ operations: Int, _ kind: WorkKind) -> Cost {
    { context, _ in
      counted(context.shape(0)?.symbolicCount, SymbolicCount(operations)).map { SymbolicCost(kind, $0) }
    }
  }

  /// First output like the first input, along whose `axis` the operator works.
  static let sameAlongAxis: Inference = { (context) throws(ScopeError) in
    if let axis = context.node.int("axis"), let rank = context.shape(0)?.rank, rank > 0 {
      _ = try context.axis(axis, rank: rank)
    }
    return [ValueType(context.dataType(0), context.shape(0))]
  }

  /// First output like the first input.
  static let sameAsFirstInput: Inference = { (context) throws(ScopeError) in
    [ValueType(context.dataType(0), context.shape(0))]
  }
}
