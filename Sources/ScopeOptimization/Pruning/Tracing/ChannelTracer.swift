import ScopeBytes
import ScopeGraph

/// A constant that loses entries along one axis with the channels it belongs to.
struct ChannelSite: Sendable, Hashable {
  enum Role: Sendable, Hashable {
    /// Makes the channels: rows of a weight, entries of its bias.
    case producer
    /// Reads the channels and mixes them: columns of a weight.
    case consumer
    /// Goes with the channels: a normalisation's parameters, a depthwise weight, a constant that is added.
    case follower
  }

  var node: Int
  var input: Int
  var axis: Int
  /// Per index along `axis`.
  var atoms: [Int]
  var role: Role
}

/// A node whose attributes or shape constants change with the number of channels.
enum ChannelFixup: Sendable, Hashable {
  /// Constant shape in `input` that sizes the node's output; its entries belong to the axes from `firstAxis` on.
  case shape(node: Int, input: Int, firstAxis: Int)
  /// `group` of a convolution over the channels `atoms`, `perGroup` of them in each group.
  case group(node: Int, atoms: [Int], perGroup: Int)
  /// Sizes of the pieces of a Split along a labelled axis.
  case split(node: Int, axis: Int, sizes: [Int])
  /// Bounds `start` ..< `end` of a Slice along a labelled axis, the `number`-th that it cuts.
  case slice(node: Int, axis: Int, number: Int, start: Int, end: Int)
  /// Indices of a Gather along a labelled axis.
  case gather(node: Int, axis: Int)
}

/// Ties that a group of channels has beyond following one another.
public enum ChannelCoupling: String, Sendable, Hashable, Codable, CaseIterable {
  /// Added to the output of another layer.
  case residual
  /// Multiplied by a gate such as squeeze-and-excitation.
  case gate
  /// Queries, keys and values of an attention head.
  case attention
  /// Whole groups of a grouped convolution.
  case groupedConvolution
}

/// Follows every removable channel through a graph; see ``ChannelGroups``.
///
/// Each output channel of a layer is an atom. Operators carry the atoms on, and merge those that can only be removed
/// together. Whatever is not understood blocks the atoms that reach it, with the reason.
struct ChannelTracer {
  let graph: Graph
  let opset: Int
  private let types: InferredTypes
  private let overridable: Set<String>
  var sets = DisjointSets()
  /// By value name.
  var labels: [String: ChannelLabels] = [:]
  var sites: [ChannelSite] = []
  /// Constants met element by element with a labelled value: `axis` of the constant is the output's less `offset`.
  var constantUses: [(node: Int, input: Int, offset: Int, value: String)] = []
  var fixups: [ChannelFixup] = []
  var blocked: [(atom: Int, reason: String)] = []
  var couplings: [(atom: Int, coupling: ChannelCoupling)] = []
  /// Node that made each atom.
  var makers: [Int] = []

  init(_ model: Model) {
    graph = model.graph
    opset = model.opset
    overridable = Set(model.graph.inputs.map(\.name))
    // Open sizes do not matter to channels: the batch is taken as 2, so that it is not mistaken for a broadcast axis.
    var bindings: [String: Shape] = [:]
    for input in model.graph.requiredInputs {
      guard let shape = input.shape else { continue }
      bindings[input.name] = Shape(
        shape.dimensions.enumerated().map { axis, dimension in
          dimension.value == nil ? .known(axis == 0 ? 2 : 64) : dimension
        })
    }
    types = ShapeInference.infer(model, bindings: bindings)
  }

  mutating func run() {
    for index in graph.nodes.indices { trace(index) }
    for output in graph.outputs { block(labels[output.name], "the channels are an output of the model") }
    makeRectangular()
  }

  // MARK: What the operators use

  func dimensions(_ name: String) -> [Int]? { types.shape(name)?.sizes }

  /// The constant behind a value; an initializer that a caller may override is not constant.
  func constant(_ name: String?) -> Tensor? {
    guard let name, !overridable.contains(name) else { return nil }
    return graph.initializers[name]
  }

  /// Whole numbers of a small constant.
  func integers(_ name: String?) -> [Int]? {
    guard let tensor = constant(name), tensor.elementCount <= 4096, !tensor.dataType.isFloatingPoint else {
      return nil
    }
    return try? tensor.ints()
  }

  /// How messages name a node.
  static func describe(_ node: Node) -> String {
    let name = node.name.isEmpty ? node.outputs.first ?? "" : node.name
    return name.isEmpty ? node.opType : "\(node.opType) '\(name)'"
  }

  mutating func newAtoms(_ count: Int, maker: Int) -> [Int] {
    makers.append(contentsOf: repeatElement(maker, count: count))
    return Array(sets.add(count))
  }

  mutating func block(_ labels: ChannelLabels?, _ reason: String) {
    guard let labels else { return }
    block(labels.atoms, reason)
  }

  mutating func block(_ atoms: [Int], _ reason: String) {
    for atom in Set(atoms.map { sets.find($0) }).sorted() { blocked.append((atom, reason)) }
  }

  /// Blocks every labelled input of a node.
  mutating func blockInputs(_ node: Node, _ reason: String? = nil) {
    for name in Set(node.inputs).union(node.subgraphs.flatMap(\.captures)).sorted() {
      block(labels[name], reason ?? "\(Self.describe(node)) is not followed")
    }
  }

  /// Merges two lists element by element.
  mutating func merge(_ a: [Int], _ b: [Int], _ coupling: ChannelCoupling?) {
    for (first, second) in zip(a, b) where sets.merge(first, second) {
      if let coupling { couplings.append((first, coupling)) }
    }
  }

  /// Ties the atoms along `axis` together and leaves that axis out.
  mutating func collapse(_ labels: ChannelLabels, along axis: Int, _ coupling: ChannelCoupling?)
    -> ChannelLabels?
  {
    for line in labels.lines(along: axis) {
      for atom in line.dropFirst() where sets.merge(line[0], atom) {
        if let coupling { couplings.append((atom, coupling)) }
      }
    }
    return labels.dropping(axis)
  }

  /// Labels of the node's first output from those of its first input.
  mutating func pass(_ node: Node, _ change: (ChannelLabels) -> ChannelLabels? = { $0 }) {
    guard let input = node.input(0), let output = node.outputs.first, let found = labels[input] else {
      return
    }
    labels[output] = change(found)
  }

  // MARK: One node

  private mutating func trace(_ index: Int) {
    let node = graph.nodes[index]
    guard node.subgraphs.isEmpty, node.domain.isEmpty || node.domain == "ai.onnx" else {
      blockInputs(node)
      return
    }
    if traceLayer(index, node) { return }
    guard node.inputs.contains(where: { labels[$0] != nil }) else { return }
    if traceElementwise(index, node) || traceShape(index, node) || traceSelection(index, node)
      || traceReduction(index, node)
    {
      return
    }
    blockInputs(node)
  }

  // MARK: Removal must leave a rectangle

  /// Ties atoms together until what is removed from any value is whole indices along one axis.
  private mutating func makeRectangular() {
    let several = labels.filter { $0.value.axes.count > 1 }.keys.sorted()
    var changed = true
    while changed {
      changed = false
      for name in several {
        guard let found = labels[name], removalAxis(found) == nil else { continue }
        // The axis that keeps the most channels apart.
        var best: (axis: Int, classes: Int)?
        for axis in found.axes {
          var trial = sets
          for other in found.axes where other != axis {
            for line in found.lines(along: other) {
              for atom in line.dropFirst() { trial.merge(line[0], atom) }
            }
          }
          let classes = Set(found.atoms.map { trial.find($0) }).count
          if classes > best?.classes ?? 0 { best = (axis, classes) }
        }
        guard let best else { continue }
        for other in found.axes where other != best.axis {
          for line in found.lines(along: other) { for atom in line.dropFirst() { sets.merge(line[0], atom) } }
        }
        changed = true
      }
    }
  }

  /// The axis along which indices are removed and the set of each; nil when the labels do not allow it.
  mutating func removalAxis(_ labels: ChannelLabels) -> (axis: Int, sets: [Int])? {
    let roots = ChannelLabels(
      axes: labels.axes, sizes: labels.sizes, atoms: labels.atoms.map { sets.find($0) })
    for axis in roots.axes {
      let rest = roots.axes.filter { $0 != axis }
      let isConstant = rest.allSatisfy { other in
        roots.lines(along: other).allSatisfy { line in line.allSatisfy { $0 == line[0] } }
      }
      guard isConstant else { continue }
      var line: ChannelLabels? = roots
      for other in rest { line = line?.dropping(other) }
      if let line { return (axis, line.atoms) }
    }
    return nil
  }
}
