import ScopeBytes
import ScopeGraph

/// Channels of a model that the same layers make, and that can be removed one by one (or not at all).
public struct ChannelGroup: Sendable {
  /// Position in ``ChannelGroups/groups``.
  public var id: Int
  /// The first layer that makes the channels.
  public var name: String
  /// Nodes that make the channels, ascending.
  public var producers: [Int]
  /// Nodes whose weights mix the channels into something else, ascending.
  public var consumers: [Int]
  /// What stands for each channel: a member of a set of tied weights' rows, see ``ChannelGroups``.
  public var channels: [Int]
  /// Rows of the first producer's weight that one channel stands for: 1 for a convolution, several for an attention head.
  public var rowsPerChannel: Int
  public var couplings: Set<ChannelCoupling>
  /// Why no channel of the group can be removed; nil when all can.
  public var reason: String?

  public var isPrunable: Bool { reason == nil && channels.count > 1 && !consumers.isEmpty }
  /// Whether other layers add to the channels, so that removing one changes many layers.
  public var isResidual: Bool { couplings.contains(.residual) }
}

/// Which channels of a model must be removed together, and where.
///
/// A channel is a set of weight rows that only leave together: those of one convolution output and of the batch
/// normalisation and depthwise convolution behind it, of all layers that are added up in a residual stream, of a layer
/// and its squeeze-and-excitation gate, of the queries, keys and values of a head. Built for a model after the exact
/// passes. Where an operator is not understood, the channels that reach it are kept, and ``ChannelGroup/reason`` names it.
public struct ChannelGroups: Sendable {
  public let groups: [ChannelGroup]
  /// Constants that lose entries; `atoms` are channels as in ``ChannelGroup/channels``.
  let sites: [ChannelSite]
  let fixups: [ChannelFixup]
  /// The axis that loses indices and the channel of each index, by value name.
  let values: [String: (axis: Int, channels: [Int])]
  /// Group of each channel.
  let groupOf: [Int: Int]

  public init(_ model: Model) {
    var tracer = ChannelTracer(model)
    tracer.run()
    var values: [String: (axis: Int, channels: [Int])] = [:]
    for (name, labels) in tracer.labels {
      guard let (axis, sets) = tracer.removalAxis(labels) else { continue }
      values[name] = (axis, sets)
    }
    var sites = tracer.sites
    for use in tracer.constantUses {
      let node = model.graph.nodes[use.node]
      guard let (axis, sets) = values[use.value], axis >= use.offset,
        let tensor = model.graph.initializers[node.inputs[use.input]],
        tensor.dimensions[axis - use.offset] != 1
      else { continue }
      sites.append(
        ChannelSite(node: use.node, input: use.input, axis: axis - use.offset, atoms: sets, role: .follower))
    }
    for index in sites.indices {
      sites[index].atoms = sites[index].atoms.map { tracer.sets.find($0) }
      let site = sites[index]
      let tensor = model.graph.initializers[model.graph.nodes[site.node].inputs[site.input]]
      if tensor?.dimensions.indices.contains(site.axis) != true
        || tensor?.dimensions[site.axis] != site.atoms.count
      {
        tracer.block(
          site.atoms, "a constant of \(ChannelTracer.describe(model.graph.nodes[site.node])) does not fit")
      } else if tensor?.dataType != .float32, site.role != .follower {
        tracer.block(
          site.atoms, "the weight of \(ChannelTracer.describe(model.graph.nodes[site.node])) is not float32")
      }
    }
    self.fixups = tracer.fixups.map { fixup in
      guard case .group(let node, let atoms, let perGroup) = fixup else { return fixup }
      return .group(node: node, atoms: atoms.map { tracer.sets.find($0) }, perGroup: perGroup)
    }
    self.sites = sites
    self.values = values
    (groups, groupOf) = Self.group(model.graph, &tracer, sites)
  }

  /// Channels made by the same nodes form a group.
  private static func group(
    _ graph: Graph, _ tracer: inout ChannelTracer, _ sites: [ChannelSite]
  ) -> ([ChannelGroup], [Int: Int]) {
    var makers: [Int: Set<Int>] = [:]
    for atom in 0..<tracer.sets.count {
      makers[tracer.sets.find(atom), default: []].insert(tracer.makers[atom])
    }
    var byMakers: [[Int]: [Int]] = [:]
    for channel in makers.keys.sorted() {
      byMakers[(makers[channel] ?? []).sorted(), default: []].append(channel)
    }
    var groups: [ChannelGroup] = []
    var groupOf: [Int: Int] = [:]
    for (producers, channels) in byMakers.sorted(by: { ($0.value.first ?? 0) < ($1.value.first ?? 0) }) {
      for channel in channels { groupOf[channel] = groups.count }
      let first = graph.nodes[producers[0]]
      groups.append(
        ChannelGroup(
          id: groups.count,
          name: first.name.isEmpty ? first.outputs.first ?? first.opType : first.name,
          producers: producers, consumers: [], channels: channels, rowsPerChannel: 1, couplings: [],
          reason: nil))
    }
    for site in sites {
      for group in Set(site.atoms.compactMap { groupOf[$0] }) {
        switch site.role {
        case .consumer:
          if !groups[group].consumers.contains(site.node) { groups[group].consumers.append(site.node) }
        case .producer where site.input == 1 && site.node == groups[group].producers[0]:
          let rows = Dictionary(grouping: site.atoms.filter { groupOf[$0] == group }) { $0 }
          groups[group].rowsPerChannel = rows.values.map(\.count).max() ?? 1
        default: break
        }
      }
    }
    for (atom, coupling) in tracer.couplings {
      if let group = groupOf[tracer.sets.find(atom)] { groups[group].couplings.insert(coupling) }
    }
    for (atom, reason) in tracer.blocked {
      if let group = groupOf[tracer.sets.find(atom)], groups[group].reason == nil {
        groups[group].reason = reason
      }
    }
    for index in groups.indices {
      groups[index].consumers.sort()
      if groups[index].reason == nil, groups[index].channels.count == 1 {
        groups[index].reason = "all of its channels can only be removed together"
      } else if groups[index].reason == nil, groups[index].consumers.isEmpty {
        groups[index].reason = "no layer reads the channels"
      }
    }
    return (groups, groupOf)
  }

  /// Positions along a node's weight axis that belong to each channel of a group, in the group's order.
  func positions(_ group: ChannelGroup, node: Int, role: ChannelSite.Role, input: Int = 1) -> [[Int]] {
    var result = [[Int]](repeating: [], count: group.channels.count)
    let order = Dictionary(uniqueKeysWithValues: group.channels.enumerated().map { ($0.element, $0.offset) })
    for site in sites where site.node == node && site.role == role && site.input == input {
      for (position, channel) in site.atoms.enumerated() {
        if let number = order[channel] { result[number].append(position) }
      }
    }
    return result
  }
}
