import OrderedCollections
import ScopeBytes
import ScopeFormats
import ScopeGraph

/// How far the weights of one model are from those of another.
public struct WeightDifference: Sendable {
  /// Two tensors that belong together. Types are those stored; quantized numbers are compared as what they stand for.
  public struct Change: Sendable, Hashable {
    public var name: String
    public var shape: [Int]
    public var typeBefore: DataType
    public var typeAfter: DataType
    /// Euclidean length of the difference.
    public var differenceNorm: Double
    /// Euclidean length of the tensor before.
    public var norm: Double
    public var largestDifference: Double

    /// Nil where the tensor before is zero.
    public var relative: Double? { norm > 0 ? differenceNorm / norm : nil }
  }

  /// A tensor that has no partner, or one of another shape.
  public struct Unmatched: Sendable, Hashable {
    public var name: String
    public var shape: [Int]
    public var bytes: Int
  }

  public struct Reshaped: Sendable, Hashable {
    public var name: String
    public var before: [Int]
    public var after: [Int]
  }

  /// Largest relative difference first.
  public var changed: [Change] = []
  public var unchanged = 0
  public var reshaped: [Reshaped] = []
  public var added: [Unmatched] = []
  public var removed: [Unmatched] = []
  /// Tensors whose numbers could not be read, with the reason.
  public var unread: [String] = []

  /// Two sets of named tensors (checkpoints). Numbers of the same bytes are not read.
  public init(_ before: OrderedDictionary<String, Tensor>, _ after: OrderedDictionary<String, Tensor>) {
    for (name, tensor) in before {
      if let other = after[name] {
        compare(name, StoredWeights.Weight(name, tensor), StoredWeights.Weight(name, other))
      } else {
        removed.append(Unmatched(name: name, shape: tensor.dimensions, bytes: tensor.byteCount))
      }
    }
    for (name, tensor) in after where before[name] == nil {
      added.append(Unmatched(name: name, shape: tensor.dimensions, bytes: tensor.byteCount))
    }
    sort()
  }

  /// The weights of corresponding nodes of two graphs, whatever they are called: quantized ones are compared by the
  /// numbers they stand for. Weights of nodes without a partner are listed by name.
  public init(_ before: Graph, _ after: Graph, pairs: [(before: Int, after: Int)]) {
    let left = StoredWeights(before)
    let right = StoredWeights(after)
    var seenBefore: Set<String> = []
    var seenAfter: Set<String> = []
    for (from, to) in pairs {
      for index in GraphRoles.weightInputs(before.nodes[from]) + Self.further(before.nodes[from]) {
        guard let name = before.nodes[from].input(index), let first = left.weight(name),
          seenBefore.insert(name).inserted
        else { continue }
        seenBefore.formUnion(first.sources)
        guard let otherName = after.nodes[to].input(index), let second = right.weight(otherName) else {
          removed.append(Unmatched(name: name, shape: first.dimensions, bytes: first.bytes))
          continue
        }
        seenAfter.insert(otherName)
        seenAfter.formUnion(second.sources)
        compare(first.sources.first ?? name, first, second)
      }
    }
    for (name, weight) in left.initializers
    where !seenBefore.contains(name) && weight.dataType.isFloatingPoint {
      if let other = after.initializers[name], !seenAfter.contains(name) {
        seenAfter.insert(name)
        compare(name, StoredWeights.Weight(name, weight), StoredWeights.Weight(name, other))
      } else {
        removed.append(Unmatched(name: name, shape: weight.dimensions, bytes: weight.byteCount))
      }
    }
    for (name, weight) in right.initializers
    where !seenAfter.contains(name) && weight.dataType.isFloatingPoint {
      added.append(Unmatched(name: name, shape: weight.dimensions, bytes: weight.byteCount))
    }
    sort()
  }

  /// Weights of operators whose inputs ``GraphRoles/weightInputs(_:)`` does not list as such.
  private static func further(_ node: Node) -> [Int] {
    switch node.opType {
    case "BatchNormalization": [1, 2, 3, 4]
    case "LayerNormalization", "InstanceNormalization", "GroupNormalization", "PRelu": [1, 2]
    case "Gather", "Add", "Mul", "Sub", "Div": [0, 1]
    default: []
    }
  }

  private mutating func sort() {
    changed.sort { ($0.relative ?? .infinity, $1.name) > ($1.relative ?? .infinity, $0.name) }
  }

  private mutating func compare(_ name: String, _ before: StoredWeights.Weight, _ after: StoredWeights.Weight)
  {
    guard before.dimensions == after.dimensions else {
      reshaped.append(Reshaped(name: name, before: before.dimensions, after: after.dimensions))
      return
    }
    do throws(ScopeError) {
      let (a, b) = (try before.read(), try after.read())
      if before.type == after.type, a.dataType == b.dataType, try Self.sameBytes(a, b) {
        unchanged += 1
        return
      }
      let (x, y) = (try a.floats(), try b.floats())
      var (square, length, largest) = (0.0, 0.0, 0.0)
      for (left, right) in zip(x, y) {
        let difference = Double(right) - Double(left)
        square += difference * difference
        length += Double(left) * Double(left)
        largest = max(largest, abs(difference))
      }
      if square == 0, before.type == after.type {
        unchanged += 1
        return
      }
      changed.append(
        Change(
          name: name, shape: before.dimensions, typeBefore: before.type, typeAfter: after.type,
          differenceNorm: square.squareRoot(), norm: length.squareRoot(), largestDifference: largest))
    } catch {
      unread.append("\(name): \(error.message)")
    }
  }

  private static func sameBytes(_ a: Tensor, _ b: Tensor) throws(ScopeError) -> Bool {
    let (left, right) = (try a.packedBytes(), try b.packedBytes())
    guard left.count == right.count else { return false }
    return left.withUnsafeBytes { first in
      right.withUnsafeBytes { second in first.elementsEqual(second) }
    }
  }
}

/// Finds the numbers behind a weight: an initializer, or one that was quantized or renamed.
private struct StoredWeights {
  struct Weight {
    var dimensions: [Int]
    /// As stored.
    var type: DataType
    var bytes: Int
    /// Initializers that it is computed from, the weight itself first.
    var sources: [String]
    /// The numbers it stands for.
    var read: () throws(ScopeError) -> Tensor

    init(_ name: String, _ tensor: Tensor) {
      self.init(stored: tensor, sources: [name]) { tensor }
    }

    init(stored: Tensor, sources: [String], read: @escaping () throws(ScopeError) -> Tensor) {
      dimensions = stored.dimensions
      type = stored.dataType
      bytes = stored.byteCount
      self.sources = sources
      self.read = read
    }
  }

  let initializers: OrderedDictionary<String, Tensor>
  private let graph: Graph
  private let producers: [String: Int]

  init(_ graph: Graph) {
    self.graph = graph
    var initializers = graph.initializers
    for node in graph.nodes where node.isStandard("Constant") {
      if let name = node.outputs.first, let tensor = node.tensor("value") { initializers[name] = tensor }
    }
    self.initializers = initializers
    producers = graph.producers
  }

  func weight(_ name: String, depth: Int = 0) -> Weight? {
    if let tensor = initializers[name] {
      return Weight(name, tensor)
    }
    guard depth < 8, let index = producers[name] else { return nil }
    let node = graph.nodes[index]
    if node.opType == "Identity", let source = node.input(0) { return weight(source, depth: depth + 1) }
    guard node.opType == "DequantizeLinear", let source = node.input(0), let stored = initializers[source],
      let scaleName = node.input(1), let scale = initializers[scaleName]
    else { return nil }
    let zero = node.input(2).flatMap { initializers[$0] }
    let inputs = [stored, scale] + (zero.map { [$0] } ?? [])
    let sources = [source, scaleName] + (node.input(2).map { [$0] } ?? [])
    return Weight(stored: stored, sources: sources) {
      () throws(ScopeError) -> Tensor in
      guard let fold = OperatorRegistry.definition(of: node)?.fold,
        let value = try fold(
          OperatorContext(node: node, opset: 21, inputs: inputs.map { ValueType(constant: $0) })
        ).first
      else {
        throw ScopeError(.unsupported, "the quantized weight could not be read", place: source)
      }
      return value
    }
  }
}
