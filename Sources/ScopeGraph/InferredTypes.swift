/// Something shape inference could not follow, at one node.
public struct InferenceProblem: Sendable, Hashable {
  public enum Kind: String, Sendable, Hashable {
    /// No facts about the operator are known.
    case unknownOperator
    /// The node contradicts its operator's definition or the declared types.
    case invalid
    /// The output's size depends on data, or on something that is not followed.
    case unresolved
  }

  public var kind: Kind
  /// Index in the main graph's nodes (of the node that holds the subgraph or calls the function, for inner nodes).
  public var nodeIndex: Int
  public var nodeName: String
  /// With its domain when that is not the default one.
  public var opType: String
  public var message: String
}

/// What shape inference found.
public struct InferredTypes: Sendable {
  /// By value name, initializers and graph inputs included; values inside subgraphs and functions are not listed.
  public internal(set) var values: [String: ValueType]
  /// Per node of the main graph, with open sizes kept; nil where the operator or a needed shape is not known. A node
  /// that holds subgraphs or calls a function has the cost of what it runs.
  public internal(set) var symbolicCosts: [SymbolicCost?]
  /// The same in numbers; nil also where a cost depends on a size that is open.
  public internal(set) var costs: [OperatorCost?]
  /// Why a node of the main graph has no cost, by its index.
  public internal(set) var notCounted: [Int: String]
  public internal(set) var problems: [InferenceProblem]

  init(
    values: [String: ValueType], symbolicCosts: [SymbolicCost?], notCounted: [Int: String],
    problems: [InferenceProblem]
  ) {
    self.values = values
    self.symbolicCosts = symbolicCosts
    costs = symbolicCosts.map { $0?.numbers }
    self.notCounted = notCounted
    self.problems = problems
  }

  public subscript(name: String) -> ValueType? { values[name] }
  /// Nil when the rank is not known.
  public func shape(_ name: String) -> Shape? { values[name]?.shape }
  public func dataType(_ name: String) -> DataType? { values[name]?.dataType }
  /// The value when it does not depend on the inputs: an initializer, or a small tensor computed from constants.
  public func constant(_ name: String) -> Tensor? { values[name]?.constant }

  /// Sum over the nodes whose cost is known, and the number of nodes whose cost is not.
  public var totalCost: (counted: OperatorCost, nodesNotCounted: Int) {
    var total = OperatorCost.none
    var missing = 0
    for cost in costs {
      if let cost, let sum = total.adding(cost) { total = sum } else { missing += 1 }
    }
    return (total, missing)
  }
}
