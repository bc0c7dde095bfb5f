import ScopeBytes
import ScopeGraph

/// Two consecutive residual blocks that become one.
///
/// The second block's branch is made to read what the first one reads (its input differs from that only by the first
/// branch), which puts both branches beside each other: one pair of convolutions with the hidden channels of both, of
/// which the most useful are kept. The error of this is made up for by least squares. A block less saves whole layers,
/// where fewer channels in each leave the cost of running them.
public struct BlockMerge: Sendable, Hashable {
  /// Output of the first convolution of each block.
  public var first: String
  public var second: String
  /// Hidden channels that stay, ascending: positions in those of the first block followed by those of the second.
  public var kept: [Int]

  public init(first: String, second: String, kept: [Int]) {
    self.first = first
    self.second = second
    self.kept = kept
  }
}

/// Carries out ``BlockMerge``s.
package struct BlockMerger {
  /// The model with merged blocks.
  package private(set) var merged: Model
  /// The original, which also computes what the merged blocks' hidden layers would on its own activations, under the
  /// names that these have in ``merged``.
  package private(set) var teacher: Model
  /// Of each merge, in their order: the nodes of both convolutions in ``merged``.
  package private(set) var layers: [(first: Int, second: Int)] = []
  /// Of each merge: the hidden value that the second convolution reads, the block's input, the sum it is to give.
  package private(set) var values: [(hidden: String, input: String, sum: String)] = []

  /// - Throws: `invalidArgument` for blocks that are not in the model, are used twice or would keep no channel.
  package init(_ model: Model, _ merges: [BlockMerge]) throws(ScopeError) {
    merged = model
    teacher = model
    guard !merges.isEmpty else { return }
    let editor = GraphEditor(model.graph)
    let blocks = ResidualBlock.find(model.graph)
    let byOutput = Dictionary(
      blocks.enumerated().map { (model.graph.nodes[$0.element.first].outputs[0], $0.offset) },
      uniquingKeysWith: { a, _ in a })
    var names = NameAllocator(model.graph)
    var used: Set<Int> = []
    var removed: Set<Int> = []
    var places: [(first: Int, second: Int)] = []
    for merge in merges {
      guard let a = byOutput[merge.first], let b = byOutput[merge.second],
        blocks[a].isFollowed(by: blocks[b], editor), used.insert(a).inserted, used.insert(b).inserted,
        !merge.kept.isEmpty, zip(merge.kept, merge.kept.dropFirst()).allSatisfy({ $0 < $1 }),
        merge.kept[0] >= 0, (merge.kept.last ?? 0) < blocks[a].hidden + blocks[b].hidden
      else {
        throw ScopeError(
          .invalidArgument, "the residual blocks cannot be merged", place: merge.first,
          expected: "two consecutive blocks of one geometry, used once, and hidden channels of theirs",
          found: "\(merge.second), channels \(merge.kept.prefix(8))")
      }
      try join(blocks[a], blocks[b], merge.kept, editor, &names)
      removed.formUnion([blocks[a].sum, blocks[b].first, blocks[b].second] + blocks[a].tail)
      if let activation = blocks[b].activation { removed.insert(activation) }
      places.append((blocks[a].first, blocks[a].second))
    }
    // Positions after the removal of nodes.
    var position = 0
    var moved: [Int: Int] = [:]
    for index in merged.graph.nodes.indices where !removed.contains(index) {
      moved[index] = position
      position += 1
    }
    merged.graph.nodes = merged.graph.nodes.indices.filter { !removed.contains($0) }.map {
      merged.graph.nodes[$0]
    }
    layers = places.map { (moved[$0.first] ?? 0, moved[$0.second] ?? 0) }
    let gone = Set(model.graph.nodes.flatMap(\.outputs)).subtracting(merged.graph.nodes.flatMap(\.outputs))
    merged.graph.valueInfo.removeAll { gone.contains($0.name) }
    Self.dropUnusedInitializers(&merged, of: model)
  }

  private mutating func join(
    _ a: ResidualBlock, _ b: ResidualBlock, _ kept: [Int], _ editor: GraphEditor, _ names: inout NameAllocator
  ) throws(ScopeError) {
    let nodes = editor.graph.nodes
    guard let a1 = ConvParameters(nodes[a.first], editor), let b1 = ConvParameters(nodes[b.first], editor),
      let a2 = ConvParameters(nodes[a.second], editor), let b2 = ConvParameters(nodes[b.second], editor)
    else { return }
    func store(_ values: [Float], _ dimensions: [Int], _ stem: String) -> String {
      let name = names.fresh(stem)
      merged.graph.initializers[name] = .floats(values, dimensions)
      teacher.graph.initializers[name] = .floats(values, dimensions)
      return name
    }
    // Rows of the first weights, columns of the second.
    let row = a1.dimensions.dropFirst().reduce(1, *)
    let kernel = a2.dimensions.dropFirst(2).reduce(1, *)
    var (firstWeight, secondWeight): ([Float], [Float]) = ([], [])
    for channel in kept {
      let (source, local) = channel < a.hidden ? (a1, channel) : (b1, channel - a.hidden)
      firstWeight += source.weight[local * row..<(local + 1) * row]
    }
    for output in 0..<a2.dimensions[0] {
      for channel in kept {
        let (source, local, width) =
          channel < a.hidden ? (a2, channel, a.hidden) : (b2, channel - a.hidden, b.hidden)
        let start = (output * width + local) * kernel
        secondWeight += source.weight[start..<start + kernel]
      }
    }
    let firstBias = kept.map { Float($0 < a.hidden ? a1.bias[$0] : b1.bias[$0 - a.hidden]) }
    let secondBias = zip(a2.bias, b2.bias).map { Float($0 + $1) }

    var first = nodes[a.first]
    first.inputs = [
      a.input,
      store(firstWeight, [kept.count] + a1.dimensions.dropFirst(), "\(nodes[a.first].inputs[1])_merged"),
      store(firstBias, [kept.count], "\(nodes[a.first].inputs[1])_merged_bias"),
    ]
    var hidden = names.fresh("\(first.outputs[0])_merged")
    first.outputs = [hidden]
    merged.graph.nodes[a.first] = first
    teacher.graph.nodes.append(renamed(first))
    if let index = a.activation {
      var activation = nodes[index]
      activation.inputs[0] = hidden
      hidden = names.fresh("\(activation.outputs[0])_merged")
      activation.outputs = [hidden]
      merged.graph.nodes[index] = activation
      teacher.graph.nodes.append(renamed(activation))
    }
    var second = nodes[a.second]
    let dimensions = [a2.dimensions[0], kept.count] + a2.dimensions.dropFirst(2)
    second.inputs = [
      hidden, store(secondWeight, Array(dimensions), "\(nodes[a.second].inputs[1])_merged"),
      store(secondBias, [a2.dimensions[0]], "\(nodes[a.second].inputs[1])_merged_bias"),
    ]
    second.outputs = [names.fresh("\(second.outputs[0])_merged")]
    merged.graph.nodes[a.second] = second
    merged.graph.nodes[b.sum].inputs = [second.outputs[0], a.input]
    values.append((hidden, a.input, nodes[b.sum].outputs[0]))
  }

  /// Node names stay unique in the teacher.
  private func renamed(_ node: Node) -> Node {
    var copy = node
    if !copy.name.isEmpty { copy.name += "_merged" }
    return copy
  }

  private static func dropUnusedInitializers(_ model: inout Model, of original: Model) {
    let used = Set(
      model.graph.nodes.flatMap { $0.inputs + $0.subgraphs.flatMap(\.captures) }
        + model.graph.outputs.map(\.name))
    for name in original.graph.initializers.keys where !used.contains(name) {
      model.graph.initializers[name] = nil
      model.graph.inputs.removeAll { $0.name == name }
    }
  }
}
