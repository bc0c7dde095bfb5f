import OrderedCollections
import ScopeBytes
import ScopeGraph

/// What was added to, removed from and changed in a graph to get another one.
///
/// Nodes correspond when they have the same name or make the same value and do so once on either side; of the rest,
/// those that stand in the same order and agree in operator, attributes and number of inputs, or else in operator and
/// output shape (Myers 1986, An O(ND) difference algorithm).
public struct GraphDifference: Sendable {
  public struct NodeReference: Sendable, Hashable {
    public var index: Int
    /// Node name, or the value it makes where the node has none.
    public var name: String
    public var opType: String
  }

  public struct NodeChange: Sendable, Hashable {
    public var before: NodeReference
    public var after: NodeReference
    /// One phrase per difference (`strides [1, 1] -> [2, 2]`).
    public var changes: [String]
  }

  public var added: [NodeReference] = []
  public var removed: [NodeReference] = []
  public var changed: [NodeChange] = []
  /// Corresponding nodes by index (before, after), changed ones included.
  public var pairs: [(before: Int, after: Int)] = []
  /// Node counts by operator that differ: (before, after).
  public var operators: OrderedDictionary<String, Pair> = [:]

  public struct Pair: Sendable, Hashable {
    public var before: Int
    public var after: Int
  }

  public var isEmpty: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty }

  /// Rests longer than this are not aligned: the work grows with the product of length and difference.
  private static let longestRest = 4000

  public init(_ before: Graph, _ after: Graph, typesBefore: InferredTypes, typesAfter: InferredTypes) {
    var partner: [Int: Int] = [:]
    var taken: Set<Int> = []
    func pair(_ keyed: (Graph) -> [String: Int]) {
      let left = keyed(before)
      let right = keyed(after)
      for (key, index) in left where partner[index] == nil {
        guard let other = right[key], !taken.contains(other),
          before.nodes[index].opType == after.nodes[other].opType
        else { continue }
        partner[index] = other
        taken.insert(other)
      }
    }
    pair { Self.unique($0) { $0.name } }
    pair { Self.unique($0) { $0.outputs.first ?? "" } }
    // First with equal attributes, then whatever does the same to make the same shape.
    for loosely in [false, true] {
      let restBefore = before.nodes.indices.filter { partner[$0] == nil }
      let restAfter = after.nodes.indices.filter { !taken.contains($0) }
      guard !restBefore.isEmpty, !restAfter.isEmpty, restBefore.count <= Self.longestRest,
        restAfter.count <= Self.longestRest
      else { break }
      let left = restBefore.map { Self.signature(before.nodes[$0], typesBefore, loosely: loosely) }
      let right = restAfter.map { Self.signature(after.nodes[$0], typesAfter, loosely: loosely) }
      var removals: Set<Int> = []
      var insertions: Set<Int> = []
      for change in right.difference(from: left) {
        switch change {
        case .remove(let offset, _, _): removals.insert(offset)
        case .insert(let offset, _, _): insertions.insert(offset)
        }
      }
      let kept = restBefore.indices.filter { !removals.contains($0) }
      let met = restAfter.indices.filter { !insertions.contains($0) }
      for (from, to) in zip(kept, met) {
        partner[restBefore[from]] = restAfter[to]
        taken.insert(restAfter[to])
      }
    }
    for index in before.nodes.indices {
      let reference = Self.reference(before, index)
      guard let other = partner[index] else {
        removed.append(reference)
        continue
      }
      pairs.append((index, other))
      let changes = Self.changes(before.nodes[index], after.nodes[other], typesBefore, typesAfter)
      if !changes.isEmpty {
        changed.append(NodeChange(before: reference, after: Self.reference(after, other), changes: changes))
      }
    }
    let kept = Set(partner.values)
    added = after.nodes.indices.filter { !kept.contains($0) }.map { Self.reference(after, $0) }
    var counts: [String: Pair] = [:]
    for node in before.nodes {
      counts[StructureAnalysis.operatorName(node), default: Pair(before: 0, after: 0)].before += 1
    }
    for node in after.nodes {
      counts[StructureAnalysis.operatorName(node), default: Pair(before: 0, after: 0)].after += 1
    }
    for (name, count) in counts.sorted(by: { $0.key < $1.key }) where count.before != count.after {
      operators[name] = count
    }
  }

  private static func reference(_ graph: Graph, _ index: Int) -> NodeReference {
    let node = graph.nodes[index]
    return NodeReference(
      index: index, name: node.name.isEmpty ? node.outputs.first ?? "" : node.name,
      opType: StructureAnalysis.operatorName(node))
  }

  /// Nodes by a name that occurs once.
  private static func unique(_ graph: Graph, _ key: (Node) -> String) -> [String: Int] {
    var result: [String: Int] = [:]
    var repeated: Set<String> = []
    for (index, node) in graph.nodes.enumerated() {
      let name = key(node)
      if name.isEmpty { continue }
      if result.updateValue(index, forKey: name) != nil { repeated.insert(name) }
    }
    return result.filter { !repeated.contains($0.key) }
  }

  private static func signature(_ node: Node, _ types: InferredTypes, loosely: Bool) -> String {
    if loosely {
      // Without a known shape there is nothing to tell nodes of one operator apart.
      guard let shape = node.outputs.first.flatMap({ types.shape($0) }) else { return "\(node.outputs)" }
      return "\(StructureAnalysis.operatorName(node)) \(shape)"
    }
    let attributes = explicit(node).map { "\($0.key)=\(text($0.value))" }.sorted().joined(separator: ";")
    let shape = node.outputs.first.flatMap { types.shape($0)?.description } ?? "?"
    return "\(StructureAnalysis.operatorName(node))(\(node.inputs.count))[\(attributes)]\(shape)"
  }

  private static func changes(
    _ before: Node, _ after: Node, _ typesBefore: InferredTypes, _ typesAfter: InferredTypes
  ) -> [String] {
    var changes: [String] = []
    let (old, new) = (explicit(before), explicit(after))
    for (name, value) in old {
      let old = text(value)
      guard let other = new[name] else {
        changes.append("\(name) \(old) removed")
        continue
      }
      let changed = text(other)
      if old != changed { changes.append("\(name) \(old) → \(changed)") }
    }
    for (name, value) in new where old[name] == nil {
      changes.append("\(name) \(text(value)) added")
    }
    if before.inputs.count != after.inputs.count {
      changes.append("\(before.inputs.count) → \(after.inputs.count) inputs")
    }
    if let old = before.outputs.first.flatMap({ typesBefore[$0] }),
      let new = after.outputs.first.flatMap({ typesAfter[$0] })
    {
      if let a = old.shape, let b = new.shape, a != b { changes.append("output \(a) → \(b)") }
      if let a = old.dataType, let b = new.dataType, a != b { changes.append("output \(a.name) → \(b.name)") }
    }
    return changes
  }

  /// The attributes without those that spell out what ONNX takes for absent ones (in every operator that has them).
  private static func explicit(_ node: Node) -> OrderedDictionary<String, AttributeValue> {
    node.attributes.filter { name, value in
      switch (name, value) {
      case ("auto_pad", .string(let text)): text.utf8String != "NOTSET"
      case ("storage_order", .int(0)), ("ceil_mode", .int(0)), ("count_include_pad", .int(0)),
        ("transA", .int(0)), ("transB", .int(0)), ("group", .int(1)), ("keepdims", .int(1)),
        ("noop_with_empty_axes", .int(0)), ("allowzero", .int(0)):
        false
      case ("alpha", .float(1)), ("beta", .float(1)): node.opType != "Gemm"
      case ("dilations", .ints(let list)), ("strides", .ints(let list)): !list.allSatisfy { $0 == 1 }
      case ("pads", .ints(let list)): !list.allSatisfy { $0 == 0 }
      default: true
      }
    }
  }

  /// An attribute in short; long lists and tensors by their size and a checksum, so that a change shows.
  private static func text(_ value: AttributeValue) -> String {
    switch value {
    case .float(let number): return "\(number)"
    case .int(let number): return "\(number)"
    case .string(let bytes): return "'\((bytes.utf8String ?? "\(bytes.count) bytes").prefix(60))'"
    case .ints(let list): return list.count <= 12 ? "\(list)" : "\(list.count) integers (\(hash(list)))"
    case .floats(let list): return list.count <= 12 ? "\(list)" : "\(list.count) floats (\(hash(list)))"
    case .strings(let list): return "\(list.prefix(8).map { $0.utf8String ?? "?" })"
    case .tensor(let tensor):
      let small = tensor.elementCount <= 12 ? (try? tensor.floats()).map { "\($0)" } : nil
      let content = small ?? ((try? tensor.packedBytes().sha256.prefix(8)).map(String.init) ?? "?")
      return "\(tensor.dataType.name) \(tensor.shape) \(content)"
    case .graph(let graph): return "graph of \(graph.nodes.count) nodes"
    case .graphs(let graphs): return "\(graphs.count) graphs"
    case .tensors(let tensors): return "\(tensors.count) tensors"
    case .reference(let name, _): return "attribute \(name)"
    case .opaque(let bytes): return "\(bytes.count) bytes"
    }
  }

  private static func hash<Element: BitwiseCopyable>(_ list: [Element]) -> String {
    String(ByteSlice(elements: list).sha256.prefix(8))
  }
}
