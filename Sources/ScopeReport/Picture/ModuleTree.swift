/// The layers of a graph by module path, in graph order: what the treemap and the picture of the graph draw.
///
/// A module that holds a single layer is that layer; a module that holds a single module is merged with it; more than
/// ``limit`` children are grouped in runs, so that every level can be looked at.
package struct ModuleTree: Sendable {
  package enum Child: Sendable, Hashable {
    case module(Int)
    case layer(Int)
  }

  package struct Module: Sendable {
    package var name: String
    package var path: String
    /// -1 for the root.
    package var parent: Int
    /// Position among the parent's children.
    package var slot: Int
    package var depth: Int
    package var children: [Child]
    package var layers = 0
    package var parameters = 0.0
    package var macs = 0.0
    package var milliseconds = 0.0
    package var share = 0.0
  }

  /// Children of one level.
  package static let limit = 48
  /// Components of a path that are looked at; deeper ones stay together.
  static let maximumDepth = 24

  /// The root is the first; parents come before their children.
  package private(set) var modules: [Module]
  /// For each layer, the module that lists it, its position there, and the name to show.
  package private(set) var owner: [Int]
  package private(set) var slot: [Int]
  package private(set) var label: [String]

  package init(_ list: LayerList) {
    let entries = list.entries
    modules = []
    owner = [Int](repeating: 0, count: entries.count)
    slot = owner
    label = entries.map { ModuleTree.shortName($0.layer) }
    let trie = Trie(entries.map(\.layer.module))
    var builder = Builder(trie: trie, label: label)
    let root = builder.children(of: 0, path: "")
    label = builder.label
    place(.init(name: "model", path: "", children: root), parent: -1, slot: 0, depth: 0)
    for index in modules.indices.reversed() { total(index, entries) }
  }

  private mutating func place(_ draft: Draft, parent: Int, slot position: Int, depth: Int) {
    let index = modules.count
    modules.append(
      Module(
        name: draft.name, path: draft.path, parent: parent, slot: position, depth: depth, children: []))
    var children: [Child] = []
    for (place, child) in draft.children.enumerated() {
      switch child {
      case .layer(let layer):
        owner[layer] = index
        slot[layer] = place
        children.append(.layer(layer))
      case .module(let inner):
        children.append(.module(modules.count))
        self.place(inner, parent: index, slot: place, depth: depth + 1)
      }
    }
    modules[index].children = children
  }

  private mutating func total(_ index: Int, _ entries: [LayerList.Entry]) {
    for child in modules[index].children {
      switch child {
      case .layer(let layer):
        modules[index].layers += 1
        modules[index].parameters += Double(entries[layer].layer.parameters)
        modules[index].macs += Double(entries[layer].layer.macs ?? 0)
        modules[index].milliseconds += entries[layer].milliseconds ?? 0
        modules[index].share += entries[layer].share ?? 0
      case .module(let inner):
        modules[index].layers += modules[inner].layers
        modules[index].parameters += modules[inner].parameters
        modules[index].macs += modules[inner].macs
        modules[index].milliseconds += modules[inner].milliseconds
        modules[index].share += modules[inner].share
      }
    }
  }

  /// `/layer1/layer1.0/conv1/Conv` is `Conv` within its module; a name without a path stays.
  static func shortName(_ layer: Report.Layer) -> String {
    let last = layer.name.split(separator: "/").last.map(String.init) ?? layer.name
    return last.isEmpty ? layer.opType : last
  }
}

/// A module before it has a number.
private struct Draft {
  indirect enum Child {
    case module(Draft)
    case layer(Int)
  }
  var name: String
  var path: String
  var children: [Child]
}

/// Path components as they occur, children in the order of their first layer.
private struct Trie {
  enum Child {
    case module(Int)
    case layer(Int)
  }
  var names = [""]
  var children: [[Child]] = [[]]

  init(_ paths: [String]) {
    var known: [Key: Int] = [:]
    for (layer, path) in paths.enumerated() {
      var node = 0
      for part in path.split(separator: ".", maxSplits: ModuleTree.maximumDepth) {
        let key = Key(node: node, name: String(part))
        if let next = known[key] {
          node = next
        } else {
          known[key] = names.count
          children[node].append(.module(names.count))
          node = names.count
          names.append(String(part))
          children.append([])
        }
      }
      children[node].append(.layer(layer))
    }
  }

  struct Key: Hashable {
    var node: Int
    var name: String
  }
}

private struct Builder {
  let trie: Trie
  var label: [String]

  mutating func children(of node: Int, path: String) -> [Draft.Child] {
    var result: [Draft.Child] = []
    for child in trie.children[node] {
      switch child {
      case .layer(let layer): result.append(.layer(layer))
      case .module(let inner): result.append(module(inner, trie.names[inner], join(path, trie.names[inner])))
      }
    }
    return grouped(result, path: path)
  }

  private mutating func module(_ node: Int, _ name: String, _ path: String) -> Draft.Child {
    guard trie.children[node].count == 1, let only = trie.children[node].first else {
      return .module(Draft(name: name, path: path, children: children(of: node, path: path)))
    }
    switch only {
    case .layer(let layer):
      label[layer] = name
      return .layer(layer)
    case .module(let inner):
      return module(inner, join(name, trie.names[inner]), join(path, trie.names[inner]))
    }
  }

  private func join(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  /// Runs of equal length while there are too many to look at.
  private func grouped(_ children: [Draft.Child], path: String) -> [Draft.Child] {
    var children = children
    var round = 0
    while children.count > ModuleTree.limit {
      let groups = (children.count + ModuleTree.limit - 1) / ModuleTree.limit
      let size = (children.count + groups - 1) / groups
      let all = children
      round += 1
      children = stride(from: 0, to: all.count, by: size).map { start in
        let run = Array(all[start..<min(start + size, all.count)])
        guard run.count > 1, let first = run.first, let last = run.last else { return all[start] }
        return .module(
          Draft(
            name: "\(name(first)) … \(name(last, end: true))", path: "\(path):\(round).\(start / size + 1)",
            children: run))
      }
    }
    return children
  }

  private func name(_ child: Draft.Child, end: Bool = false) -> String {
    switch child {
    case .layer(let layer): label[layer]
    case .module(let draft):
      draft.name.split(separator: " ").count == 3 && draft.path.contains(":")
        ? String(draft.name.split(separator: " ")[end ? 2 : 0]) : draft.name
    }
  }
}
