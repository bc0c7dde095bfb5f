import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Everything that can be said about a model without running it.
public struct StructureAnalysis: Sendable {
  /// One node with its arithmetic.
  public struct NodeCost: Sendable {
    public var index: Int
    public var name: String
    public var opType: String
    /// Nil when the operator or a shape it depends on is not known.
    public var cost: OperatorCost?
    /// Why there is no cost.
    public var reason: String?
  }

  /// A sum that says how much of the graph it covers.
  public struct CountedOperations: Sendable {
    /// Multiply-accumulates of convolutions, matrix products, recurrent layers and attention.
    public var macs: Int
    /// Additions of biases inside those nodes.
    public var biasAdditions: Int
    /// Other arithmetic (normalisation, pooling, activations, elementwise), in operations; never part of `macs`.
    public var otherOperations: Int
    public var nodesCounted: Int
    public var nodesNotCounted: Int
    /// What is not multiply-accumulates, biases included, by kind.
    public var work: [WorkKind: Amount] = [:]

    /// Operations of one kind and the nodes that do them.
    public struct Amount: Sendable, Hashable {
      public var operations = 0
      public var nodes = 0
    }

    public init(macs: Int, biasAdditions: Int, otherOperations: Int, nodesCounted: Int, nodesNotCounted: Int)
    {
      self.macs = macs
      self.biasAdditions = biasAdditions
      self.otherOperations = otherOperations
      self.nodesCounted = nodesCounted
      self.nodesNotCounted = nodesNotCounted
    }

    public var isComplete: Bool { nodesNotCounted == 0 }
    /// Two per multiply-accumulate plus everything else.
    public var floatingPointOperations: Int { 2 &* macs &+ biasAdditions &+ otherOperations }
  }

  /// The graph that the figures are about: the model's, functions unfolded.
  public var graph: Graph
  public var parameters: ParameterSummary
  public var layers: LayerTable
  public var weightLayers: [WeightLayer]
  /// All nodes of the main graph.
  public var nodeCount: Int
  /// Nodes that do something at run time: neither constants nor renamings.
  public var computeNodeCount: Int
  /// Node count by operator (with its domain when not the default one), most frequent first.
  public var nodesByOperator: OrderedDictionary<String, Int>
  public var operations: CountedOperations
  public var nodeCosts: [NodeCost]
  /// Nodes that the totals leave out.
  public var nodesNotCounted: [NodeCost] { nodeCosts.filter { $0.cost == nil } }
  /// The multiply-accumulates as a function of the sizes that the model leaves open; nil when it leaves none open or
  /// when a node is not counted.
  public var macsFormula: MACsFormula?
  /// Sizes that must be given before every figure is a number.
  public var openSizes: [OpenSizes.Size]
  /// The flags that would give them, as an example (`--shape input_ids=1x128`); nil when none is open.
  public var openSizesExample: String?
  /// Bytes of all stored parameters and constants that are used.
  public var weightBytes: Int { parameters.bytes + parameters.constantBytes }
  public var activations: ActivationMemory
  /// Inputs a caller feeds, with the shapes the figures hold for.
  public var inputs: [ValueInfo]
  public var outputs: [ValueInfo]
  /// Sizes that were assumed because the model leaves them open (`batch of input = 1`).
  public var assumptions: [String]
  public var irVersion: Int
  public var opsets: OrderedDictionary<String, Int64>
  public var producer: String
  /// Operators without known facts, with their node count.
  public var unknownOperators: OrderedDictionary<String, Int>
  public var problems: [InferenceProblem]
  /// Nil when the operators fit no family.
  public var architecture: ArchitectureGuess?
  /// Types and shapes of every value.
  public var types: InferredTypes

  /// Analyses a graph; a batch size that is left open is taken as 1.
  ///
  /// - Parameter bindings: shapes for graph inputs that leave sizes open.
  /// - Throws: `invalidGraph` when the graph is not well formed.
  public static func analyze(
    model: Model, bindings: [String: Shape] = [:]
  ) throws(ScopeError) -> StructureAnalysis {
    try GraphValidation.check(model)
    // Layers inside functions are layers of the model.
    let model = try FunctionInlining.inline(model)
    let graph = model.graph
    let sizes = OpenSizes(graph, given: bindings)
    let types = ShapeInference.infer(model, bindings: sizes.assumed)
    let roles = GraphRoles(graph)
    // What depends on constants alone is not computed at every inference.
    let isConstant = graph.nodes.map { node in
      !node.outputs.isEmpty && node.outputs.allSatisfy { $0.isEmpty || roles.constants.contains($0) }
    }
    let nodeCosts = graph.nodes.enumerated().map { index, node in
      let cost = isConstant[index] ? OperatorCost.none : types.costs[index]
      return NodeCost(
        index: index, name: node.name, opType: node.opType, cost: cost,
        reason: cost == nil ? sizes.reason(types.symbolicCosts[index]) ?? types.notCounted[index] : nil)
    }
    var total = CountedOperations(
      macs: 0, biasAdditions: 0, otherOperations: 0, nodesCounted: 0, nodesNotCounted: 0)
    for node in nodeCosts { total.add(node.cost) }
    let layers = WeightLayer.find(graph, roles: roles, types: types)
    func typed(_ infos: [ValueInfo]) -> [ValueInfo] {
      infos.map { info in
        var info = info
        info.dataType = info.dataType ?? types.dataType(info.name)
        info.shape = types.shape(info.name) ?? info.shape
        return info
      }
    }
    let version = model.producerVersion.isEmpty ? "" : " \(model.producerVersion)"
    let parameters = ParameterSummary(graph, roles: roles)
    return StructureAnalysis(
      graph: graph, parameters: parameters,
      layers: LayerTable(
        graph, roles: roles, types: types, costs: nodeCosts.map(\.cost), parameters: parameters),
      weightLayers: layers, nodeCount: graph.nodes.count,
      computeNodeCount: graph.nodes.count { node in
        !node.isStandard("Identity")
          && !node.outputs.allSatisfy { $0.isEmpty || roles.constants.contains($0) }
      },
      nodesByOperator: count(graph.nodes.map(operatorName)), operations: total, nodeCosts: nodeCosts,
      macsFormula: MACsFormula(model, sizes: sizes, isConstant: isConstant, total: total),
      openSizes: sizes.remaining, openSizesExample: sizes.example(),
      activations: ActivationMemory(graph, types: types, roles: roles), inputs: typed(graph.requiredInputs),
      outputs: typed(graph.outputs), assumptions: sizes.assumptions,
      irVersion: Int(clamping: model.irVersion),
      opsets: model.opsets, producer: model.producerName + version,
      unknownOperators: count(types.problems.filter { $0.kind == .unknownOperator }.map(\.opType)),
      problems: types.problems,
      architecture: ArchitectureGuess(graph, roles: roles, layers: layers, types: types),
      types: types)
  }

  static func operatorName(_ node: Node) -> String {
    node.domain.isEmpty || node.domain == "ai.onnx" ? node.opType : "\(node.domain)::\(node.opType)"
  }

  private static func count(_ names: [String]) -> OrderedDictionary<String, Int> {
    var counts: [String: Int] = [:]
    for name in names { counts[name, default: 0] += 1 }
    return OrderedDictionary(
      uniqueKeysWithValues: counts.sorted { ($0.value, $1.key) > ($1.value, $0.key) }.map {
        ($0.key, $0.value)
      })
  }
}

extension StructureAnalysis.CountedOperations {
  mutating func add(_ cost: OperatorCost?) {
    guard let cost else {
      nodesNotCounted += 1
      return
    }
    let (newMACs, overflow) = macs.addingReportingOverflow(cost.macs)
    let (bias, overflow2) = biasAdditions.addingReportingOverflow(cost.biasAdditions)
    let (other, overflow3) = otherOperations.addingReportingOverflow(cost.otherOperations)
    guard !overflow, !overflow2, !overflow3 else {
      nodesNotCounted += 1
      return
    }
    (macs, biasAdditions, otherOperations) = (newMACs, bias, other)
    nodesCounted += 1
    for (kind, operations) in cost.work where operations != 0 {
      // Within the sums above, which did not overflow.
      work[kind, default: Amount()].operations &+= operations
      work[kind, default: Amount()].nodes += 1
    }
  }
}
