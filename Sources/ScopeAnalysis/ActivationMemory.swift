import ScopeGraph

/// Memory that intermediate results take, by liveness in graph order.
///
/// A value lives from the node that makes it to the last node that reads it; graph inputs from the start, graph
/// outputs to the end. Values that only rename or reshape another (Reshape, Flatten, Squeeze, Unsqueeze, Identity,
/// Dropout) share its memory. Weights and values computed from constants alone are not counted.
public struct ActivationMemory: Sendable {
  public struct Peak: Sendable {
    public var bytes: Int
    /// The node during which the peak is reached.
    public var nodeIndex: Int?
    public var nodeName: String
    public var opType: String
    /// The values alive at that moment, largest first, with their bytes.
    public var values: [(name: String, bytes: Int)]
  }

  /// Every output in memory of its own.
  public var naive: Peak
  /// Elementwise operators, normalisations and softmax overwrite an input of the same size that is not read again.
  public var inPlace: Peak
  /// Values whose size is not known before the model runs; they are missing from the figures.
  public var valuesNotCounted: Int
  /// Bytes alive while each node runs, elementwise operators in place, by node index.
  public var timeline: [Int]

  public init(_ graph: Graph, types: InferredTypes) {
    self.init(graph, types: types, roles: GraphRoles(graph))
  }

  init(_ graph: Graph, types: InferredTypes, roles: GraphRoles) {
    let plan = Plan(graph, types: types, roles: roles)
    naive = plan.peak(reusing: false)
    inPlace = plan.peak(reusing: true)
    timeline = plan.timeline(reusing: true)
    valuesNotCounted = plan.unknownValues
  }

  /// Lifetimes of the memory behind the values.
  private struct Plan {
    let graph: Graph
    /// Storage by value name; absent for constants.
    var storageOf: [String: Int] = [:]
    var names: [String] = []
    var bytes: [Int] = []
    /// Index of the last node that reads a storage; the node count for graph outputs.
    var lastUse: [Int] = []
    /// Storages that each node makes.
    var made: [[Int]] = []
    var inputStorages: [Int] = []
    var unknownValues = 0

    init(_ graph: Graph, types: InferredTypes, roles: GraphRoles) {
      self.graph = graph
      for input in graph.requiredInputs { inputStorages.append(add(input.name, types)) }
      for (index, node) in graph.nodes.enumerated() {
        var own: [Int] = []
        let isView = OperatorRegistry.definition(of: node)?.memory == .view
        for (position, name) in node.outputs.enumerated()
        where !name.isEmpty && !roles.constants.contains(name) {
          if position == 0, isView, let source = node.input(0), let storage = storageOf[source] {
            storageOf[name] = storage
          } else {
            let storage = add(name, types)
            lastUse[storage] = index
            own.append(storage)
          }
        }
        made.append(own)
        var read = Set(node.inputs)
        for subgraph in node.subgraphs { read.formUnion(subgraph.captures) }
        for name in read {
          if let storage = storageOf[name] { lastUse[storage] = max(lastUse[storage], index) }
        }
      }
      for output in graph.outputs {
        if let storage = storageOf[output.name] { lastUse[storage] = graph.nodes.count }
      }
    }

    private mutating func add(_ name: String, _ types: InferredTypes) -> Int {
      storageOf[name] = names.count
      names.append(name)
      let size = types[name]?.byteCount
      if size == nil { unknownValues += 1 }
      bytes.append(size ?? 0)
      lastUse.append(-1)
      return names.count - 1
    }

    /// Bytes alive during every node (all outputs made, no input freed yet) are handed to `visit` with the storages.
    private func walk(reusing: Bool, _ visit: (_ node: Int, _ bytes: Int, _ live: Set<Int>) -> Bool) {
      var live = Set(inputStorages)
      var total = inputStorages.reduce(0) { $0 &+ bytes[$1] }
      guard visit(-1, total, live) else { return }
      for (index, node) in graph.nodes.enumerated() {
        var dying = Set(
          node.inputs.compactMap { storageOf[$0] }.filter { lastUse[$0] == index && live.contains($0) })
        for captured in node.subgraphs.flatMap(\.captures) {
          if let storage = storageOf[captured], lastUse[storage] == index, live.contains(storage) {
            dying.insert(storage)
          }
        }
        let mayReuse = reusing && OperatorRegistry.definition(of: node)?.memory == .inPlace
        for (position, storage) in made[index].enumerated() {
          if mayReuse, position == 0,
            let victim = node.inputs.lazy.compactMap({ storageOf[$0] }).first(where: {
              dying.contains($0) && bytes[$0] == bytes[storage] && $0 >= inputStorages.count
            })
          {
            // The memory goes over to the output; it is not freed here.
            dying.remove(victim)
            live.remove(victim)
          } else {
            total &+= bytes[storage]
          }
          live.insert(storage)
        }
        guard visit(index, total, live) else { return }
        for storage in dying.union(made[index].filter({ lastUse[$0] == index }))
        where live.remove(storage) != nil {
          total &-= bytes[storage]
        }
      }
    }

    func timeline(reusing: Bool) -> [Int] {
      var result = [Int](repeating: 0, count: graph.nodes.count)
      walk(reusing: reusing) { node, bytes, _ in
        if node >= 0 { result[node] = bytes }
        return true
      }
      return result
    }

    func peak(reusing: Bool) -> Peak {
      var best = (bytes: -1, node: -1)
      walk(reusing: reusing) { node, bytes, _ in
        if bytes > best.bytes { best = (bytes, node) }
        return true
      }
      // A second walk to the peak, so that the set of live values is copied once only.
      var alive: Set<Int> = []
      walk(reusing: reusing) { node, _, live in
        if node == best.node { alive = live }
        return node != best.node
      }
      let node = best.node >= 0 ? graph.nodes[best.node] : nil
      return Peak(
        bytes: best.bytes, nodeIndex: node == nil ? nil : best.node, nodeName: node?.name ?? "",
        opType: node?.opType ?? "input",
        values: alive.map { (names[$0], bytes[$0]) }.sorted { ($0.1, $1.0) > ($1.1, $0.0) })
    }
  }
}
