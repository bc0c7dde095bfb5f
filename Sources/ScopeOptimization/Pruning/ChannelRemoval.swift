import ScopeBytes
import ScopeGraph

/// Takes channels out of a model: weights, biases, normalisations, group counts and shape constants.
package struct ChannelRemoval {
  let groups: ChannelGroups
  let removed: Set<Int>

  package init(_ groups: ChannelGroups, removing removed: Set<Int>) {
    self.groups = groups
    self.removed = removed
  }

  /// Indices that stay along an axis with these channels.
  func kept(_ channels: [Int]) -> [Int] { channels.indices.filter { !removed.contains(channels[$0]) } }

  /// The smaller model.
  ///
  /// - Parameter model: the one that `groups` was built for; the names of its nodes and values stay.
  /// - Throws: `invalidArgument` when a value would be left without channels; `unsupported` for a constant that cannot
  ///   be read.
  package func apply(to model: Model) throws(ScopeError) -> Model {
    guard !removed.isEmpty else { return model }
    var result = model
    var names = NameAllocator(model.graph)
    var sliced: [String: String] = [:]

    // A weight may lose indices along two axes: all cuts of one input are made before it gets its name.
    var cuts: [Int: [Int: [Int: [Int]]]] = [:]
    for site in groups.sites {
      let kept = kept(site.atoms)
      guard kept.count < site.atoms.count else { continue }
      guard !kept.isEmpty else {
        throw ScopeError(
          .invalidArgument, "no channel would be left",
          place: ChannelTracer.describe(model.graph.nodes[site.node]))
      }
      cuts[site.node, default: [:]][site.input, default: [:]][site.axis] = kept
    }
    for (node, inputs) in cuts.sorted(by: { $0.key < $1.key }) {
      for (input, axes) in inputs.sorted(by: { $0.key < $1.key }) {
        let name = model.graph.nodes[node].inputs[input]
        guard var tensor = model.graph.initializers[name] else { continue }
        let key = name + axes.sorted { $0.key < $1.key }.map { "|\($0.key):\($0.value)" }.joined()
        if let known = sliced[key] {
          result.graph.nodes[node].inputs[input] = known
          continue
        }
        for (axis, kept) in axes.sorted(by: { $0.key < $1.key }) {
          tensor = try tensor.selecting(kept, along: axis)
        }
        let fresh = names.fresh("\(name)_pruned")
        result.graph.initializers[fresh] = tensor
        sliced[key] = fresh
        result.graph.nodes[node].inputs[input] = fresh
      }
    }
    for fixup in groups.fixups { try adjust(&result, fixup, &names) }

    let used = Set(
      result.graph.nodes.flatMap { $0.inputs + $0.subgraphs.flatMap(\.captures) }
        + result.graph.outputs.map(\.name))
    for name in model.graph.initializers.keys where !used.contains(name) {
      result.graph.initializers[name] = nil
      result.graph.inputs.removeAll { $0.name == name }
    }
    // Declared shapes of values that got smaller no longer hold.
    result.graph.valueInfo.removeAll { info in
      guard let (_, channels) = groups.values[info.name] else { return false }
      return kept(channels).count < channels.count
    }
    return result
  }

  /// The model in its full size with the weights that read the removed channels set to zero: it computes what
  /// ``apply(to:)`` does.
  package func masked(_ model: Model) throws(ScopeError) -> Model {
    var result = model
    var names = NameAllocator(model.graph)
    for site in groups.sites where site.role == .consumer && kept(site.atoms).count < site.atoms.count {
      let name = result.graph.nodes[site.node].inputs[site.input]
      guard let tensor = result.graph.initializers[name] else { continue }
      var values = try tensor.floats()
      let inner = tensor.dimensions[(site.axis + 1)...].reduce(1, *)
      for position in values.indices where removed.contains(site.atoms[position / inner % site.atoms.count]) {
        values[position] = 0
      }
      let fresh = names.fresh("\(name)_masked")
      result.graph.initializers[fresh] = .floats(values, tensor.dimensions)
      result.graph.nodes[site.node].inputs[site.input] = fresh
    }
    return result
  }

  /// The channels of the input of `node` when they are removed along `axis`.
  private func inputChannels(_ node: Node, _ axis: Int) -> [Int]? {
    guard let input = node.input(0), let (removalAxis, channels) = groups.values[input], removalAxis == axis,
      kept(channels).count < channels.count
    else { return nil }
    return channels
  }

  private func adjust(
    _ model: inout Model, _ fixup: ChannelFixup, _ names: inout NameAllocator
  ) throws(ScopeError) {
    switch fixup {
    case .group(let node, let atoms, let perGroup):
      model.graph.nodes[node].attributes["group"] = .int(kept(atoms).count / perGroup)
    case .shape(let node, let input, let firstAxis):
      let current = model.graph.nodes[node]
      guard let output = current.outputs.first, let (axis, channels) = groups.values[output],
        kept(channels).count < channels.count, let tensor = model.graph.initializers[current.inputs[input]]
      else { return }
      var sizes = try tensor.ints()
      let entry = axis - firstAxis
      // 1 in Expand and -1 in Reshape hold for any number; 0 does where the axis keeps its place.
      guard sizes.indices.contains(entry),
        sizes[entry] > 1 || sizes[entry] == 0 && inputChannels(current, axis) == nil
      else { return }
      sizes[entry] = kept(channels).count
      set(&model, node, input, .int64s(sizes, tensor.dimensions), &names)
    case .split(let node, let axis, let pieces):
      let current = model.graph.nodes[node]
      guard let channels = inputChannels(current, axis) else { return }
      var start = 0
      var sizes: [Int] = []
      for piece in pieces {
        sizes.append(kept(Array(channels[start..<start + piece])).count)
        start += piece
      }
      model.graph.nodes[node].attributes["num_outputs"] = nil
      if model.opset >= 13 {
        let name = names.fresh("\(current.outputs.first ?? "split")_sizes")
        model.graph.initializers[name] = .int64s(sizes)
        model.graph.nodes[node].inputs = [current.inputs[0], name]
      } else {
        model.graph.nodes[node].attributes["split"] = .ints(sizes)
      }
    case .slice(let node, let axis, let number, let start, let end):
      let current = model.graph.nodes[node]
      guard let channels = inputChannels(current, axis) else { return }
      for (input, limit) in [(1, start), (2, end)] {
        guard let tensor = model.graph.initializers[model.graph.nodes[node].inputs[input]] else { continue }
        var bounds = try tensor.ints()
        bounds[number] = kept(Array(channels[..<limit])).count
        let changed: Tensor =
          tensor.dataType == .int32
          ? .int32s(bounds.map { Int32(clamping: $0) }, tensor.dimensions) : .int64s(bounds)
        set(&model, node, input, changed, &names)
      }
    case .gather(let node, let axis):
      let current = model.graph.nodes[node]
      guard let channels = inputChannels(current, axis), let name = current.input(1),
        let tensor = model.graph.initializers[name]
      else { return }
      let place = Dictionary(
        uniqueKeysWithValues: kept(channels).enumerated().map { ($0.element, $0.offset) })
      let picked = try tensor.ints().compactMap { place[$0 < 0 ? $0 + channels.count : $0] }
      set(&model, node, 1, .int64s(picked), &names)
    }
  }

  private func set(
    _ model: inout Model, _ node: Int, _ input: Int, _ tensor: Tensor, _ names: inout NameAllocator
  ) {
    let name = names.fresh("\(model.graph.nodes[node].inputs[input])_pruned")
    model.graph.initializers[name] = tensor
    model.graph.nodes[node].inputs[input] = name
  }
}

extension Tensor {
  /// The entries `chosen` along `axis`, in their order.
  ///
  /// - Throws: what reading the bytes throws.
  func selecting(_ chosen: [Int], along axis: Int) throws(ScopeError) -> Tensor {
    let width = dataType.byteCount(elements: dimensions[(axis + 1)...].reduce(1, *))
    let outer = dimensions[..<axis].reduce(1, *)
    let source = try packedBytes().array
    var bytes: [UInt8] = []
    bytes.reserveCapacity(outer * chosen.count * width)
    for block in 0..<outer {
      for index in chosen {
        let start = (block * dimensions[axis] + index) * width
        bytes.append(contentsOf: source[start..<start + width])
      }
    }
    var sizes = dimensions
    sizes[axis] = chosen.count
    return try Tensor(dataType: dataType, dimensions: sizes, storage: .packed(ByteSlice(bytes)))
  }
}
