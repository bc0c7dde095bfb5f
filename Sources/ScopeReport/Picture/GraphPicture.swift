/// The graph as levels of boxes: the model, and inside each module its modules and layers. What lies outside of a
/// module is drawn as one box above and one below.
package struct GraphPicture: Sendable {
  package enum Kind: Int, Sendable {
    case layer, module, outside
  }

  package struct Box: Sendable {
    package var kind: Kind
    package var label: String
    package var detail: String
    /// The whole name and every figure.
    package var tip: String
    /// Share of the time, of the arithmetic where no time was measured, 0 to 1.
    package var share: Double?
    /// The level inside of it.
    package var level: Int?
    /// Position of the layer that it is.
    package var layer: Int?
  }

  package struct Level: Sendable {
    package var name: String
    package var path: String
    /// -1 for the whole model.
    package var parent: Int
    package var boxes: [Box]
    package var layout: LayeredLayout
  }

  /// Boxes of all levels together; what is beyond stays closed.
  static let boxLimit = 9000
  /// Edges that are looked at.
  static let edgeLimit = 200_000
  static let boxHeight = 46
  static let labelLimit = 30

  package private(set) var levels: [Level] = []
  /// Whether ``Box/share`` is of time rather than of multiply-accumulates.
  package let showsTime: Bool

  package init(_ analysis: Report.Analysis) {
    let list = LayerList(analysis)
    showsTime = list.isProfiled
    let tree = ModuleTree(list)
    guard !analysis.layers.isEmpty else { return }
    let links = Links(tree, analysis.layers)
    var open = [0]
    var number = [0: 0]
    var next = 0
    var boxes = 0
    while next < open.count {
      let module = open[next]
      next += 1
      var drawn: [Box] = []
      for child in tree.modules[module].children {
        var box = describe(child, tree, list)
        if case .layer(let layer) = child { box.layer = layer }
        if case .module(let inner) = child,
          boxes + tree.modules[inner].children.count <= GraphPicture.boxLimit
        {
          boxes += tree.modules[inner].children.count
          number[inner] = open.count
          box.level = open.count
          open.append(inner)
        }
        drawn.append(box)
      }
      levels.append(level(module, drawn, links, tree, number))
    }
  }

  private func level(
    _ module: Int, _ drawn: [Box], _ links: Links, _ tree: ModuleTree, _ number: [Int: Int]
  ) -> Level {
    var boxes = drawn
    var edges = links.inside[module].map { LayeredLayout.Edge($0.from, $0.to) }
    // Before the others in the layout's order, so that it comes first.
    var order = Array(boxes.indices)
    if !links.entering[module].isEmpty {
      let names = links.sources[module]
      boxes.append(outside(module == 0 ? "input" : "from", module == 0 ? [] : names))
      edges += links.entering[module].sorted().map { LayeredLayout.Edge(boxes.count - 1, $0) }
      order.insert(boxes.count - 1, at: 0)
    }
    if !links.leaving[module].isEmpty {
      let names = links.targets[module]
      boxes.append(outside(module == 0 ? "output" : "to", module == 0 ? [] : names))
      edges += links.leaving[module].sorted().map { LayeredLayout.Edge($0, boxes.count - 1) }
      order.append(boxes.count - 1)
    }
    let place = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($0.element, $0.offset) })
    let sorted = order.map { boxes[$0] }
    let layout = LayeredLayout(
      sizes: sorted.map { LayeredLayout.Size(width: GraphPicture.width($0), height: GraphPicture.boxHeight) },
      edges: edges.compactMap { edge in
        guard let from = place[edge.from], let to = place[edge.to] else { return nil }
        return LayeredLayout.Edge(from, to)
      })
    let info = tree.modules[module]
    return Level(
      name: info.name, path: info.path, parent: number[info.parent] ?? -1, boxes: sorted, layout: layout)
  }

  private func describe(_ child: ModuleTree.Child, _ tree: ModuleTree, _ list: LayerList) -> Box {
    switch child {
    case .module(let index):
      let module = tree.modules[index]
      let total = tree.modules[0].macs
      let share = showsTime ? module.share : total > 0 ? module.macs / total : nil
      let facts = [Format.plural(module.layers, "node"), GraphPicture.parameters(module.parameters)]
      let more = [
        "\(Format.integer(module.parameters)) parameters", "\(Format.integer(module.macs)) MACs",
        showsTime ? "\(Format.milliseconds(module.milliseconds)), \(Format.percent(module.share))" : nil,
      ].compactMap { $0 }
      return box(
        .module, module.name, facts.compactMap { $0 },
        "\(module.path.contains(":") ? module.name : module.path): \(Format.plural(module.layers, "node")), "
          + more.joined(separator: ", "), share)
    case .layer(let index):
      let entry = list.entries[index]
      let layer = entry.layer
      let total = tree.modules[0].macs
      let share =
        showsTime ? entry.share : total > 0 ? layer.macs.map { Double($0) / total } : nil
      let facts = [layer.opType, GraphPicture.parameters(Double(layer.parameters))].compactMap { $0 }
      let more = [
        layer.outputShape.map { "output \($0.joined(separator: " × "))" },
        layer.parameters > 0 ? "\(Format.integer(layer.parameters)) parameters" : nil,
        layer.macs.map { "\(Format.integer($0)) MACs" } ?? "MACs not counted",
        entry.milliseconds.map { Format.milliseconds($0) }, entry.computedWith.map { "computed with \($0)" },
      ].compactMap { $0 }
      return box(
        .layer, tree.label[index], facts, "\(layer.name) (\(layer.opType)): \(more.joined(separator: ", "))",
        share)
    }
  }

  private func box(_ kind: Kind, _ label: String, _ facts: [String], _ tip: String, _ share: Double?) -> Box {
    var facts = facts
    if let share, share >= 0.0005 { facts.append(Format.percent(share)) }
    return Box(
      kind: kind, label: GraphPicture.shortened(label),
      detail: GraphPicture.shortened(facts.joined(separator: " · ")),
      tip: Escape.visible(tip), share: share, level: nil)
  }

  private func outside(_ word: String, _ names: [String]) -> Box {
    let what =
      names.count > 1 ? "\(word) \(names.count) places" : "\(word) \(names.first ?? "")"
    let tip = names.isEmpty ? "\(word) of the model" : "\(word) \(Format.list(Array(names.prefix(12))))"
    return Box(
      kind: .outside, label: GraphPicture.shortened(names.isEmpty ? word : what),
      detail: names.isEmpty ? "of the model" : "outside of this module",
      tip: Escape.visible(tip) + (names.count > 12 ? " and more" : ""), share: nil, level: nil)
  }

  private static func parameters(_ count: Double) -> String? { count > 0 ? Format.compact(count) : nil }

  /// The middle gives way: names differ at their ends.
  static func shortened(_ text: String) -> String {
    let text = Array(Escape.visible(text))
    guard text.count > labelLimit else { return String(text) }
    let half = (labelLimit - 1) / 2
    return String(text.prefix(half)) + "…" + String(text.suffix(labelLimit - 1 - half))
  }

  /// Room for both lines in a 13 pixel sans-serif.
  static func width(_ box: Box) -> Int {
    let letters = max(
      Double(TerminalText.columns(box.label)) * 7.6, Double(TerminalText.columns(box.detail)) * 6.5)
    return min(max(Int(letters) + 24, 92), 270)
  }
}

/// Edges of the layers, gathered per module.
private struct Links {
  struct Pair: Hashable {
    var from: Int
    var to: Int
  }

  /// Between children of the module, by their positions.
  var inside: [[Pair]]
  /// Children that read from outside, and that are read outside.
  var entering: [Set<Int>]
  var leaving: [Set<Int>]
  /// Names of what is read and of what reads, at most a few.
  var sources: [[String]]
  var targets: [[String]]

  init(_ tree: ModuleTree, _ layers: [Report.Layer]) {
    let count = tree.modules.count
    var pairs = [Set<Pair>](repeating: [], count: count)
    inside = []
    entering = Array(repeating: [], count: count)
    leaving = entering
    sources = Array(repeating: [], count: count)
    targets = sources
    var isRead = [Bool](repeating: false, count: layers.count)
    var budget = GraphPicture.edgeLimit

    for (index, layer) in layers.enumerated() {
      for input in layer.inputs where input != index && input < layers.count && input >= -1 {
        guard budget > 0 else { break }
        budget -= 1
        guard input >= 0 else {
          Links.climb(tree, index, to: -1) {
            entering[$0].insert($1)
            Links.note("the input", &sources[$0])
          }
          continue
        }
        isRead[input] = true
        let meeting = Links.meeting(tree, tree.owner[input], tree.owner[index])
        var from = tree.slot[input]
        var to = tree.slot[index]
        Links.climb(tree, input, to: meeting) { module, slot in
          leaving[module].insert(slot)
          Links.note(tree.label[index], &targets[module])
          from = tree.modules[module].slot
        }
        Links.climb(tree, index, to: meeting) { module, slot in
          entering[module].insert(slot)
          Links.note(tree.label[input], &sources[module])
          to = tree.modules[module].slot
        }
        if from != to { pairs[meeting].insert(Pair(from: from, to: to)) }
      }
    }
    for index in layers.indices where !isRead[index] {
      Links.climb(tree, index, to: -1) {
        leaving[$0].insert($1)
        Links.note("the output", &targets[$0])
      }
    }
    inside = pairs.map { $0.sorted { ($0.from, $0.to) < ($1.from, $1.to) } }
  }

  /// Every module around a layer below `end`, innermost first, with the position of the child the layer is in.
  private static func climb(_ tree: ModuleTree, _ layer: Int, to end: Int, _ visit: (Int, Int) -> Void) {
    var module = tree.owner[layer]
    var slot = tree.slot[layer]
    while module != end, module >= 0 {
      visit(module, slot)
      slot = tree.modules[module].slot
      module = tree.modules[module].parent
    }
  }

  /// The innermost module that holds both.
  private static func meeting(_ tree: ModuleTree, _ one: Int, _ other: Int) -> Int {
    var (one, other) = (one, other)
    while one != other {
      if tree.modules[one].depth >= tree.modules[other].depth {
        one = tree.modules[one].parent
      } else {
        other = tree.modules[other].parent
      }
    }
    return one
  }

  private static func note(_ name: String, _ names: inout [String]) {
    if names.count < 40, !names.contains(name) { names.append(name) }
  }
}
