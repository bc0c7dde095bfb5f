import OrderedCollections
import ScopeFormats
import ScopeGraph

/// Stored tensors in the terms in which the weights of any format are summed up.
public struct WeightInventory: Sendable {
  struct Entry: Sendable {
    let name: String
    let type: String
    let dimensions: [Int]
    /// Parameters; for packed weights those of the layer, not the stored words.
    let elements: Int
    let bytes: Int
    let isParameter: Bool
  }

  /// Tensors below one module path.
  public struct Module: Sendable, Hashable {
    /// Components separated by dots; empty for the whole model.
    public var path: String
    public var tensors = 0
    public var parameters = 0
    public var bytes = 0
  }

  /// Elements and bytes of one element type.
  public struct TypeTotal: Sendable, Hashable {
    public var type: String
    public var tensors = 0
    public var elements = 0
    public var bytes = 0
  }

  private let entries: [Entry]
  /// Elements of parameters, packed weights unpacked.
  public let parameters: Int
  /// Elements that are no parameters.
  public let constants: Int
  /// Whether some weights are packed words of a quantizer.
  public let isPacked: Bool

  /// - Parameter bits: bits per weight that a quantizer's configuration names, for packed words.
  public init(_ weights: StateDict, bits: Int? = nil) {
    var entries: [Entry] = []
    var isPacked = false
    for (name, tensor) in weights.tensors where weights.sharedWith[name] == nil {
      let unpacked = PackedWeights.elements(name, tensor, in: weights.tensors, bits: bits)
      let isWord = unpacked != nil && unpacked != tensor.elementCount
      let isCompanion = unpacked == nil && tensor.dataType.isFloatingPoint
      isPacked = isPacked || isWord
      let isParameter =
        isWord
        || (!isCompanion && unpacked != nil && !weights.buffers.contains(name)
          && (!WeightsAnalysis.isBuffer(name, tensor) || tensor.dataType == .int8))
      entries.append(
        Entry(
          name: name, type: tensor.dataType.name, dimensions: tensor.dimensions,
          elements: unpacked ?? tensor.elementCount, bytes: tensor.byteCount, isParameter: isParameter))
    }
    self.init(entries, isPacked: isPacked)
  }

  public init(_ description: ModelDescription) {
    self.init(
      description.tensors.map {
        Entry(
          name: $0.name, type: $0.type, dimensions: $0.dimensions, elements: $0.elements, bytes: $0.bytes,
          isParameter: $0.role == .parameter)
      }, isPacked: false)
  }

  private init(_ entries: [Entry], isPacked: Bool) {
    self.entries = entries
    self.isPacked = isPacked
    parameters = entries.reduce(0) { $0 + ($1.isParameter ? $1.elements : 0) }
    constants = entries.reduce(0) { $0 + ($1.isParameter ? 0 : $1.elements) }
  }

  /// Bytes of all tensors.
  public var bytes: Int { entries.reduce(0) { $0 + $1.bytes } }

  /// All tensors by element type, largest first.
  public var types: [TypeTotal] {
    var totals: [String: TypeTotal] = [:]
    for entry in entries {
      totals[entry.type, default: TypeTotal(type: entry.type)].tensors += 1
      totals[entry.type]?.elements += entry.elements
      totals[entry.type]?.bytes += entry.bytes
    }
    return totals.values.sorted { ($0.bytes, $1.type) > ($1.bytes, $0.type) }
  }

  /// Parameters below each module, parents before their children, as deep as `limit` entries allow.
  ///
  /// - Returns: the modules, and the depth at which the list was cut; nil when it is whole.
  public func modules(limit: Int = 600, depthLimit: Int = 8) -> (list: [Module], cutAt: Int?) {
    var root = Node(path: "")
    for entry in entries {
      // The last component is the tensor's own name.
      let parts = entry.name.split(separator: ".").dropLast().prefix(depthLimit)
      root.add(entry, parts[...])
    }
    var counts: [Int] = []
    root.count(into: &counts, depth: 0)
    var depth = 0
    var total = 0
    while depth < counts.count, total + counts[depth] <= limit {
      total += counts[depth]
      depth += 1
    }
    var list: [Module] = []
    root.collect(into: &list, depth: depth)
    return (list, depth < counts.count ? depth - 1 : nil)
  }

  private struct Node {
    var module: Module
    var children: OrderedDictionary<Substring, Node> = [:]

    init(path: String) { module = Module(path: path) }

    /// Recursion is as deep as the names' components that count.
    mutating func add(_ entry: Entry, _ parts: ArraySlice<Substring>) {
      module.tensors += 1
      module.bytes += entry.bytes
      if entry.isParameter { module.parameters += entry.elements }
      guard let first = parts.first else { return }
      let path = module.path.isEmpty ? String(first) : "\(module.path).\(first)"
      children[first, default: Node(path: path)].add(entry, parts.dropFirst())
    }

    func count(into counts: inout [Int], depth: Int) {
      if counts.count == depth { counts.append(0) }
      counts[depth] += 1
      for child in children.values { child.count(into: &counts, depth: depth + 1) }
    }

    func collect(into list: inout [Module], depth: Int) {
      guard depth > 0 else { return }
      list.append(module)
      for child in children.values { child.collect(into: &list, depth: depth - 1) }
    }
  }

  /// Elements that share a scale at the integer precisions.
  public static let group = 32

  /// Bytes of the parameters at other precisions, by plain arithmetic: every parameter converted for the floating-point
  /// types; for int8 and int4 tensors of two or more dimensions in groups of ``group`` along the last one with a float16
  /// scale each, vectors in float16.
  public var precisions: [TypeTotal] {
    var (vectors, matrices, groups, tensors) = (0, 0, 0, 0)
    var halves = 0
    for entry in entries where entry.isParameter {
      tensors += 1
      guard entry.dimensions.count >= 2, let last = entry.dimensions.last, last > 0 else {
        vectors += entry.elements
        continue
      }
      matrices += entry.elements
      // A packed tensor's own shape says nothing about its rows.
      let isWord = entry.dimensions.reduce(1, *) != entry.elements
      groups +=
        isWord
        ? (entry.elements + Self.group - 1) / Self.group
        : entry.elements / last * ((last + Self.group - 1) / Self.group)
      halves += (entry.elements + 1) / 2
    }
    let all = vectors + matrices
    let integer = 2 * vectors + 2 * groups
    return [
      TypeTotal(type: "float32", tensors: tensors, elements: all, bytes: 4 * all),
      TypeTotal(type: "float16", tensors: tensors, elements: all, bytes: 2 * all),
      TypeTotal(type: "bfloat16", tensors: tensors, elements: all, bytes: 2 * all),
      TypeTotal(type: "int8 (groups of 32)", tensors: tensors, elements: all, bytes: matrices + integer),
      TypeTotal(type: "int4 (groups of 32)", tensors: tensors, elements: all, bytes: halves + integer),
    ]
  }
}
