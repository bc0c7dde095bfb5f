import ScopeGraph

/// Which nodes of a model each node of the engine's optimized graph computes.
///
/// The engine fuses, renames, moves and inserts nodes, but keeps the names of values whose meaning it keeps. A node of
/// the model is therefore computed by the kernel
/// 1. that carries its name (alone or with what the engine adds: `X/MatMulAddFusion`, `fused X`, `X_nchwc`), or
/// 2. that makes its result (looking through layout changes that the engine inserted behind the kernel), or
/// 3. that makes its input, when that kernel shows that it took the node in (it names the activation, reads the node's
///    other inputs, or is a convolution before a normalisation), or
/// 4. that consumes its result, when the result no longer exists: it was fused into its consumer.
/// What remains was computed while loading (``folded``) or dropped (``removed``).
public struct KernelMapping: Sendable {
  /// A node of the optimized graph.
  public struct Kernel: Sendable, Hashable {
    /// As the engine names it.
    public var name: String
    public var opType: String
    /// Indices of the model's nodes that it computes, ascending; empty for what the engine inserted.
    public var sources: [Int] = []
    /// One of several kernels that together compute its single source (an operator that the engine takes apart).
    public var isPart = false
  }

  /// In the order of the optimized graph, which is the order of execution.
  public private(set) var kernels: [Kernel]
  /// The kernel that makes a node's result, by node index of the model; nil for folded and removed nodes.
  public private(set) var kernelOfNode: [Int?]
  /// Nodes that depend on constants or fixed shapes alone, computed once while loading.
  public private(set) var folded: [Int] = []
  /// Nodes that change nothing (Identity, Dropout) or whose result nobody reads.
  public private(set) var removed: [Int] = []

  /// - Parameters:
  ///   - model: the graph the session was made from, functions unfolded.
  ///   - optimized: the graph the engine saved.
  ///   - isKnown: whether a value of the model is known without running it.
  public init(model: Graph, optimized: Graph, isKnown: (String) -> Bool = { _ in false }) {
    var tracer = KernelTracer(model, optimized)
    tracer.assignByName()
    tracer.assignByResult()
    tracer.assignToProducers()
    tracer.assignTheRest(isKnown)
    tracer.explainParts()
    kernels = optimized.nodes.map { Kernel(name: $0.name, opType: $0.opType) }
    kernelOfNode = tracer.kernelsOf.map(\.first)
    for (node, all) in tracer.kernelsOf.enumerated() {
      for kernel in all { kernels[kernel].sources.append(node) }
    }
    for (kernel, node) in tracer.parts {
      kernels[kernel].sources = [node]
      kernels[kernel].isPart = true
    }
    folded = tracer.folded.sorted()
    removed = tracer.removed.sorted()
  }
}

/// The working state of one mapping.
private struct KernelTracer {
  let model: Graph
  let optimized: Graph
  let roles: GraphRoles
  /// Kernels by node of the model, the one that makes the result first.
  var kernelsOf: [[Int]]
  var folded: Set<Int> = []
  var removed: Set<Int> = []
  /// Node of the model by kernel, for kernels that are parts of one node.
  var parts: [Int: Int] = [:]

  private let producers: [String: Int]
  private let consumers: [String: [Int]]
  private let makers: [String: Int]
  private let readers: [String: [Int]]
  private var hasSource: [Bool]
  /// How far flows are followed; beyond it a value is read by so much that it belongs to nothing in particular.
  private static let width = 32

  /// Operators that only change how a tensor lies in memory, which the engine inserts at will.
  private static let layout: Set<String> = [
    "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Cast", "ReorderInput",
    "ReorderOutput",
  ]

  init(_ model: Graph, _ optimized: Graph) {
    self.model = model
    self.optimized = optimized
    roles = GraphRoles(model)
    kernelsOf = Array(repeating: [], count: model.nodes.count)
    producers = model.producers
    consumers = model.consumers
    makers = optimized.producers
    readers = optimized.consumers
    hasSource = Array(repeating: false, count: optimized.nodes.count)
  }

  private func isLayout(kernel: Int) -> Bool { Self.layout.contains(optimized.nodes[kernel].opType) }
  private func isLayout(node: Int) -> Bool { Self.layout.contains(model.nodes[node].opType) }

  /// Nodes whose results are the same for every input are no work of an inference.
  private func isConstant(_ node: Int) -> Bool {
    let outputs = model.nodes[node].outputs
    return !outputs.isEmpty && outputs.allSatisfy { $0.isEmpty || roles.constants.contains($0) }
  }

  private mutating func assign(_ node: Int, _ kernel: Int) {
    if !kernelsOf[node].contains(kernel) { kernelsOf[node].append(kernel) }
    hasSource[kernel] = true
  }

  // MARK: By name

  mutating func assignByName() {
    var byName: [String: Int] = [:]
    var ambiguous: Set<String> = []
    for (index, node) in model.nodes.enumerated() where !node.name.isEmpty {
      if byName.updateValue(index, forKey: node.name) != nil { ambiguous.insert(node.name) }
    }
    for name in ambiguous { byName[name] = nil }
    for (kernel, node) in optimized.nodes.enumerated()
    where !["ReorderInput", "ReorderOutput"].contains(node.opType) {
      guard let source = named(node.name, byName), !isConstant(source),
        // A layout change that carries the name of arithmetic was put beside it.
        !isLayout(kernel: kernel) || isLayout(node: source)
      else { continue }
      if node.name == model.nodes[source].name, !kernelsOf[source].isEmpty {
        kernelsOf[source].insert(kernel, at: 0)
        hasSource[kernel] = true
      } else {
        assign(source, kernel)
      }
    }
  }

  private func named(_ name: String, _ byName: [String: Int]) -> Int? {
    if let exact = byName[name] { return exact }
    for suffix in ["_nchwc", "_new_reshape", "_quant"] where name.hasSuffix(suffix) {
      let stem = String(name.dropLast(suffix.count))
      if let source = byName[stem] ?? producers[stem] { return source }
    }
    if name.hasPrefix("fused "), let source = byName[String(name.dropFirst(6))] { return source }
    var stem = Substring(name)
    for _ in 0..<2 {
      guard let slash = stem.lastIndex(of: "/") else { return nil }
      stem = stem[..<slash]
      if let source = byName[String(stem)] { return source }
    }
    return nil
  }

  // MARK: By result

  mutating func assignByResult() {
    for node in model.nodes.indices where kernelsOf[node].isEmpty && !isConstant(node) {
      for output in model.nodes[node].outputs where !output.isEmpty {
        guard let maker = makers[output] else { continue }
        assign(node, behindLayout(maker, node))
        break
      }
    }
  }

  /// The kernel that computes `node` when `kernel` makes its result: the engine may have put layout changes behind it.
  private func behindLayout(_ kernel: Int, _ node: Int) -> Int {
    guard !isLayout(node: node) else { return kernel }
    var at = kernel
    for _ in 0..<8 {
      guard isLayout(kernel: at) else { return at }
      guard let input = optimized.nodes[at].inputs.first, let maker = makers[input] else { return kernel }
      // A value of the model before the layout change is another node's result.
      if let other = producers[input], other != node { return kernel }
      at = maker
    }
    return kernel
  }

  // MARK: Fused into the kernel before

  mutating func assignToProducers() {
    for node in model.nodes.indices where kernelsOf[node].isEmpty && !isConstant(node) {
      let inputs = model.nodes[node].inputs.filter { !$0.isEmpty }
      let varying = inputs.filter { !roles.constants.contains($0) }
      for input in varying {
        // A value that still exists was not fused away.
        guard makers[input] == nil, let producer = producers[input], let kernel = kernelsOf[producer].first,
          !isLayout(kernel: kernel),
          tookIn(node, kernel, inputs: inputs, others: varying.filter { $0 != input })
        else { continue }
        assign(node, kernel)
        break
      }
    }
  }

  /// Whether `kernel`, which makes one input of `node`, shows that it computes the node as well.
  private func tookIn(_ node: Int, _ kernel: Int, inputs: [String], others: [String]) -> Bool {
    let taken = optimized.nodes[kernel]
    let opType = model.nodes[node].opType
    if others.isEmpty, taken.string("activation") == opType { return true }
    if opType == "BatchNormalization", taken.opType.contains("Conv") { return true }
    let read = reads(kernel)
    if inputs.contains(where: { roles.constants.contains($0) && read.values.contains($0) }) { return true }
    return !others.isEmpty && ["Add", "Sum", "Mul"].contains(opType)
      && others.allSatisfy { other in
        read.values.contains(other)
          || producers[other].map { source($0, throughRenamings: 8) }.map { kernelsOf[$0] }?.contains(
            where: read.kernels.contains) == true
      }
  }

  /// The node whose result a renaming carries on.
  private func source(_ node: Int, throughRenamings left: Int) -> Int {
    guard left > 0, model.nodes[node].isStandard("Identity") || model.nodes[node].isStandard("Dropout"),
      let input = model.nodes[node].input(0), let producer = producers[input]
    else { return node }
    return source(producer, throughRenamings: left - 1)
  }

  /// Values and kernels that a kernel reads, layout changes looked through.
  private func reads(_ kernel: Int) -> (values: Set<String>, kernels: Set<Int>) {
    var values: Set<String> = []
    var kernels: Set<Int> = []
    var edge = [kernel]
    for _ in 0..<4 {
      var next: [Int] = []
      for input in edge.flatMap({ optimized.nodes[$0].inputs }) where values.insert(input).inserted {
        guard let maker = makers[input] else { continue }
        kernels.insert(maker)
        if isLayout(kernel: maker) { next.append(maker) }
      }
      edge = next
    }
    return (values, kernels)
  }

  // MARK: What was fused, folded or removed

  mutating func assignTheRest(_ isKnown: (String) -> Bool) {
    let outputs = Set(model.outputs.map(\.name))
    let originals = originalsOfRepeats()
    /// Kernels that a node's result flows into, by node.
    var flows = Array(repeating: [Int](), count: model.nodes.count)
    for index in model.nodes.indices.reversed() {
      let node = model.nodes[index]
      guard !isConstant(index) else { continue }
      guard kernelsOf[index].isEmpty else {
        flows[index] = Array(kernelsOf[index].prefix(Self.width))
        continue
      }
      let made = node.outputs.filter { !$0.isEmpty }
      let next = Set(made.flatMap { consumers[$0] ?? [] })
      let isFolded =
        made.allSatisfy { isKnown($0) || optimized.initializers[$0] != nil }
        || (!next.isEmpty && next.allSatisfy { folded.contains($0) || isConstant($0) })
      if isFolded, !made.contains(where: outputs.contains) || made.allSatisfy(isKnown) {
        folded.insert(index)
        continue
      }
      let flow = Array(Set(next.flatMap { flows[$0] }).sorted().prefix(Self.width))
      flows[index] = flow
      if node.isStandard("Identity") || node.isStandard("Dropout") {
        removed.insert(index)
      } else if let original = originals[index], let kernel = kernelsOf[original].first {
        assign(index, kernel)
      } else if let kernel = sameOperator(index, flow) ?? flow.first {
        assign(index, kernel)
        flows[index] = [kernel]
      } else {
        removed.insert(index)
      }
    }
  }

  /// A kernel of the node's own operator that nothing is assigned to yet and that lies beside the kernels around the
  /// node: the engine moved it there.
  private func sameOperator(_ node: Int, _ flow: [Int]) -> Int? {
    guard isLayout(node: node) else { return nil }
    let before = model.nodes[node].inputs.compactMap { producers[$0] }.flatMap { kernelsOf[$0] }
    var candidates: Set<Int> = []
    for kernel in flow + before {
      candidates.formUnion(neighbours(kernel))
    }
    return candidates.filter { optimized.nodes[$0].opType == model.nodes[node].opType }.min()
  }

  /// Kernels without sources that are joined to `kernel` by kernels without sources.
  private func neighbours(_ kernel: Int) -> Set<Int> {
    var found: Set<Int> = []
    var edge = [kernel]
    for _ in 0..<4 {
      var next: [Int] = []
      for at in edge {
        let node = optimized.nodes[at]
        let around =
          node.inputs.compactMap { makers[$0] }
          + node.outputs.flatMap { (readers[$0] ?? []).prefix(Self.width) }
        for other in around where !hasSource[other] && found.insert(other).inserted { next.append(other) }
      }
      edge = next
      if edge.isEmpty || found.count > Self.width { break }
    }
    return found
  }

  /// Nodes that repeat an earlier one (same operator, attributes and values): the engine computes them once.
  private func originalsOfRepeats() -> [Int: Int] {
    var first: [String: Int] = [:]
    var same: [String: String] = [:]
    var result: [Int: Int] = [:]
    for (index, node) in model.nodes.enumerated() where node.subgraphs.isEmpty && !node.inputs.isEmpty {
      var key = "\(node.domain)\u{1}\(node.opType)\u{1}\(node.outputs.count)"
      for input in node.inputs { key += "\u{1}\(same[input] ?? input)" }
      var isComparable = true
      for (name, value) in node.attributes.sorted(by: { $0.key < $1.key }) {
        switch value {
        case .float(let number): key += "\u{2}\(name)=f\(number.bitPattern)"
        case .int(let number): key += "\u{2}\(name)=i\(number)"
        case .ints(let numbers): key += "\u{2}\(name)=\(numbers)"
        case .floats(let numbers): key += "\u{2}\(name)=f\(numbers.map(\.bitPattern))"
        case .string(let bytes): key += "\u{2}\(name)=s\(bytes.array)"
        default: isComparable = false
        }
      }
      guard isComparable else { continue }
      if let original = first[key] {
        result[index] = original
        for (copy, value) in zip(node.outputs, model.nodes[original].outputs) { same[copy] = value }
      } else {
        first[key] = index
      }
    }
    return result
  }

  // MARK: Operators taken apart

  /// Arithmetic that no node accounts for is part of the operator whose result it flows into: the engine replaces
  /// operators without a kernel of their own by others.
  mutating func explainParts() {
    for kernel in optimized.nodes.indices.reversed() where !hasSource[kernel] && !isLayout(kernel: kernel) {
      var edge = [kernel]
      var seen: Set<Int> = [kernel]
      search: for _ in 0..<8 {
        var next: [Int] = []
        for at in edge {
          for reader in optimized.nodes[at].outputs.flatMap({ readers[$0] ?? [] })
          where seen.insert(reader).inserted {
            if let node = parts[reader] ?? source(reader) {
              parts[kernel] = node
              break search
            }
            next.append(reader)
          }
        }
        if next.isEmpty || seen.count > Self.width { break }
        edge = next
      }
    }
  }

  /// The node whose result a kernel makes.
  private func source(_ kernel: Int) -> Int? {
    guard hasSource[kernel] else { return nil }
    for output in optimized.nodes[kernel].outputs {
      if let node = producers[output], kernelsOf[node].contains(kernel) { return node }
    }
    return nil
  }
}
