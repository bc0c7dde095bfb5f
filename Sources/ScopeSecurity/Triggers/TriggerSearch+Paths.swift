import ScopeGraph

/// The evidence: how the trigger reaches the gate, and the gate an output.
extension TriggerSearch {
  func trail(of name: String) -> [String] {
    var steps: [String] = []
    var name = name
    var seen: Set<String> = []
    while let step = trails[name], seen.insert(name).inserted, steps.count < 200 {
      steps.append(step.node)
      if step.from.isEmpty { break }
      name = step.from
    }
    return Self.abbreviated(steps.reversed())
  }

  static func abbreviated(_ steps: [String]) -> [String] {
    steps.count <= 12
      ? steps : Array(steps.prefix(5)) + ["(\(steps.count - 10) more)"] + Array(steps.suffix(5))
  }

  /// Nodes from the gate to a graph output.
  mutating func effect(of node: Node) -> [String] {
    let consumers = outerConsumers()
    let targets = Set(graph.outputs.map(\.name))
    var frontier = node.outputs + enclosing
    var parents: [String: (value: String, node: Int)] = [:]
    var seen = Set(frontier)
    var next = 0
    while next < frontier.count {
      let value = frontier[next]
      next += 1
      if targets.contains(value) {
        var steps = ["output '\(Self.shown(value))'"]
        var place = value
        while let parent = parents[place] {
          steps.append(Self.label(graph.nodes[parent.node]))
          place = parent.value
        }
        return Self.abbreviated(steps.reversed())
      }
      for index in consumers[value] ?? [] {
        for output in graph.nodes[index].outputs where seen.insert(output).inserted {
          parents[output] = (value, index)
          frontier.append(output)
        }
      }
    }
    return []
  }

  /// Whether the node's result reaches an output without another trained layer.
  mutating func reachesOutput(_ node: Node) -> Bool {
    let direct = directValues()
    return (node.outputs + enclosing).contains { direct.contains($0) }
  }

  mutating func outerConsumers() -> [String: [Int]] {
    if let known = graphConsumers { return known }
    let found = graph.consumers
    graphConsumers = found
    return found
  }

  /// Values of the top-level graph from which an output is reached without a trained layer.
  mutating func directValues() -> Set<String> {
    if let known = direct { return known }
    let producers = graph.producers
    var found = Set(graph.outputs.map(\.name))
    var pending = Array(found)
    while let value = pending.popLast() {
      guard let index = producers[value] else { continue }
      let node = graph.nodes[index]
      let isLayer =
        TriggerOperators.layers.contains(node.opType) || TriggerOperators.products.contains(node.opType)
        || !(node.domain.isEmpty || node.domain == "ai.onnx")
      if isLayer { continue }
      for input in node.inputs where found.insert(input).inserted { pending.append(input) }
    }
    direct = found
    return found
  }
}
