import ScopeBytes
import ScopeGraph

/// Finds paths on which an input switches a constant into what a model says: graph backdoors.
///
/// Sources: arXiv 2511.00664; HiddenLayer, "ShadowLogic" (2024). Such a backdoor looks at the input without the model's
/// trained layers (a patch, a token, a checksum), makes a yes or no of it, and lets that decide between the model's
/// answer and constants: by If, Where, by adding a large constant times the yes, by an index into a stack of both.
///
/// What ordinary exports do differs in at least one of three ways: the decision is about scores, which come out of
/// trained layers (thresholds, suppression, early exits); it is made per element and fills in one value (attention
/// masks, padding, NaN guards); or it depends on shapes alone.
struct TriggerSearch {
  let graph: Graph
  var flows: [String: TriggerFlow] = [:]
  /// For raw values: the operand they come from and the node that made them.
  var trails: [String: (from: String, node: String)] = [:]
  var constants: [String: Tensor] = [:]
  var makers: [String: Node] = [:]
  var graphConsumers: [String: [Int]]?
  var direct: Set<String>?
  var found: [GraphTrigger] = []
  var budget = 2_000_000
  /// Outputs of the top-level node whose sub-graph is walked.
  var enclosing: [String] = []

  /// The triggers of a model, at most 20, in order of the nodes.
  static func triggers(in model: Model) -> [GraphTrigger] {
    let inlined = (try? FunctionInlining.inline(model)) ?? model
    var search = TriggerSearch(graph: inlined.graph)
    search.run()
    return search.found
  }

  private init(graph: Graph) { self.graph = graph }

  private mutating func run() {
    for input in graph.requiredInputs {
      flows[input.name] = TriggerFlow(level: .raw)
      trails[input.name] = ("", "input '\(Self.shown(input.name))'")
    }
    walk(graph, outer: [])
  }

  static func shown(_ text: String) -> String { PickleAnalysis.printable(String(text.prefix(80))) }

  static func label(_ node: Node) -> String {
    node.name.isEmpty
      ? "\(shown(node.opType)) -> '\(shown(node.outputs.first ?? ""))'"
      : "\(shown(node.opType)) '\(shown(node.name))'"
  }

  func flow(_ name: String) -> TriggerFlow { flows[name] ?? .constant }

  // MARK: Walk

  private mutating func walk(_ graph: Graph, outer: [String]) {
    for (name, tensor) in graph.initializers where flows[name] == nil || !outer.isEmpty {
      constants[name] = tensor
      flows[name] = .constant
    }
    for node in Self.ordered(graph) {
      budget -= 1
      guard budget > 0, found.count < 20 else { return }
      for output in node.outputs where !output.isEmpty { makers[output] = node }
      if outer.isEmpty { enclosing = node.outputs }
      visit(node, outer: outer.isEmpty ? node.outputs : outer)
    }
  }

  /// Nodes in topological order: runtimes accept any order.
  private static func ordered(_ graph: Graph) -> [Node] {
    var produced: Set<String> = []
    var isOrdered = true
    let all = Set(graph.nodes.flatMap(\.outputs))
    for node in graph.nodes {
      if node.inputs.contains(where: { all.contains($0) && !produced.contains($0) }) { isOrdered = false }
      produced.formUnion(node.outputs)
    }
    if isOrdered { return graph.nodes }
    let producers = graph.producers
    var missing = [Int](repeating: 0, count: graph.nodes.count)
    var dependents: [Int: [Int]] = [:]
    for (index, node) in graph.nodes.enumerated() {
      let needed = Set(node.inputs).union(node.subgraphs.flatMap(\.captures)).compactMap { producers[$0] }
      for producer in Set(needed) where producer != index {
        missing[index] += 1
        dependents[producer, default: []].append(index)
      }
    }
    var ready = graph.nodes.indices.filter { missing[$0] == 0 }
    var order: [Node] = []
    while let next = ready.popLast() {
      order.append(graph.nodes[next])
      for dependent in dependents[next] ?? [] {
        missing[dependent] -= 1
        if missing[dependent] == 0 { ready.append(dependent) }
      }
    }
    return order
  }

  private mutating func visit(_ node: Node, outer: [String]) {
    if !node.subgraphs.isEmpty {
      visitControlFlow(node, outer: outer)
      return
    }
    if node.opType == "Constant", let tensor = node.tensor("value"), let output = node.outputs.first {
      constants[output] = tensor
    }
    let inputs = node.inputs.map { flow($0) }
    examine(node, inputs)
    let result = transfer(node, inputs)
    let source = node.inputs.indices.filter { inputs[$0].level == .raw }
      .max { Self.rank(inputs[$0]) < Self.rank(inputs[$1]) }
    for output in node.outputs where !output.isEmpty {
      flows[output] = result
      if result.level == .raw, let source {
        trails[output] = (node.inputs[source], Self.label(node))
      }
    }
  }

  // MARK: Gates

  private mutating func examine(_ node: Node, _ inputs: [TriggerFlow]) {
    guard node.domain.isEmpty || node.domain == "ai.onnx" else { return }
    let type = node.opType
    if type == "Where", inputs.count == 3, inputs[0].isSwitch {
      examineWhere(node, inputs)
    } else if TriggerOperators.merging.contains(type) || TriggerOperators.scattering.contains(type)
      || type == "Concat"
    {
      examineMerge(node, inputs)
    } else if TriggerOperators.selecting.contains(type), inputs.contains(where: \.isMixed),
      let index = inputs.firstIndex(where: { $0.isSwitch && $0.isNarrow })
    {
      report(node, trigger: node.inputs[index], constant: "one of the stacked constants", isTargeted: true)
    }
  }

  private mutating func examineWhere(_ node: Node, _ inputs: [TriggerFlow]) {
    let condition = inputs[0]
    for (own, other) in [(1, 2), (2, 1)] where inputs[other].level == .deep {
      let name = node.inputs[own]
      if inputs[own].level == .constant {
        let isUniform = isUniform(name)
        guard condition.isNarrow || !isUniform && reachesOutput(node) else { continue }
        report(
          node, trigger: node.inputs[0], constant: "constant '\(Self.shown(name))'",
          isTargeted: !isUniform || inputs[other].isLabel || condition.isExact && condition.isNarrow)
        return
      }
      if inputs[own].level == .deep, condition.isNarrow, isShifted(name, from: node.inputs[other]) {
        report(
          node, trigger: node.inputs[0], constant: "the answer changed by a constant ('\(Self.shown(name))')",
          isTargeted: true)
        return
      }
    }
  }

  private mutating func examineMerge(_ node: Node, _ inputs: [TriggerFlow]) {
    guard let deep = inputs.first(where: { $0.level == .deep }) else { return }
    if let index = inputs.firstIndex(where: { $0.level == .raw && $0.isPayload }), node.opType != "Concat" {
      report(
        node, trigger: node.inputs[index], constant: "a constant vector times the trigger", isTargeted: true)
    } else if let index = inputs.firstIndex(where: { $0.isSwitch && $0.isNarrow }), node.opType != "Concat" {
      if TriggerOperators.scattering.contains(node.opType) {
        guard inputs.count > 2, inputs[2].level == .constant else { return }
        report(
          node, trigger: node.inputs[index], constant: "constants at a triggered place", isTargeted: true)
      } else if deep.isLabel || deep.isMixed && node.opType == "Mul" {
        report(
          node, trigger: node.inputs[index], constant: "a class changed by the trigger", isTargeted: true)
      } else if ["Add", "Sub", "Max", "Min", "Sum"].contains(node.opType), inputs[index].isExact {
        report(
          node, trigger: node.inputs[index], constant: "a value added on an exact match", isTargeted: true)
      }
    }
  }

  private mutating func visitControlFlow(_ node: Node, outer: [String]) {
    let inputs = node.inputs.map { flow($0) }
    var branches: [[TriggerFlow]] = []
    for graph in node.subgraphs {
      let isLoop = node.opType == "Loop"
      for (index, input) in graph.inputs.enumerated() {
        // Loop: iteration number, condition, carried values; Scan: states and slices in order.
        let outside =
          isLoop
          ? (index < 2 ? .constant : index < inputs.count ? inputs[index] : .constant)
          : index < inputs.count ? inputs[index] : .constant
        flows[input.name] = outside
        if outside.level == .raw, index < node.inputs.count {
          trails[input.name] = (node.inputs[index], Self.label(node))
        }
      }
      walk(graph, outer: outer)
      branches.append(graph.outputs.map { flow($0.name) })
    }
    for index in node.outputs.indices {
      var reached = branches.compactMap { branch -> TriggerFlow? in
        let place = node.opType == "Loop" ? index + 1 : index
        return place < branch.count ? branch[place] : nil
      }
      if node.opType == "If", reached.count == 2, let condition = inputs.first, condition.isSwitch {
        examineBranches(node, index, reached)
      }
      if node.opType == "Loop" {
        let carried = index + 2
        if carried < inputs.count, let inside = reached.first {
          let levels = Set([inside.level, inputs[carried].level])
          if levels == [.constant, .deep], let trigger = inputs.prefix(2).firstIndex(where: \.isSwitch) {
            report(
              node, trigger: node.inputs[trigger], constant: "a constant in place of the answer",
              isTargeted: true)
          }
          reached.append(inputs[carried])
        }
      }
      let condition = inputs.first { $0.level != .constant }
      var result = TriggerFlow.join(reached)
      if result.level == .constant, let condition { result = condition }
      flows[node.outputs[index]] = result
      if result.level == .raw, let source = node.inputs.first(where: { flow($0).level == .raw }) {
        trails[node.outputs[index]] = (source, Self.label(node))
      }
    }
  }

  /// An If whose condition is a switch: one branch deep, the other constant, or the deep one changed by a constant.
  private mutating func examineBranches(_ node: Node, _ index: Int, _ reached: [TriggerFlow]) {
    let graphs = node.subgraphs
    guard graphs.count == 2, graphs.allSatisfy({ index < $0.outputs.count }),
      let condition = node.inputs.first
    else {
      return
    }
    let names = graphs.map { $0.outputs[index].name }
    for (own, other) in [(0, 1), (1, 0)] where reached[other].level == .deep {
      if reached[own].level == .constant {
        report(
          node, trigger: condition, constant: "constant '\(Self.shown(names[own]))'",
          isTargeted: !isUniform(names[own]) || reached[other].isLabel || flow(condition).isExact)
        return
      }
      if reached[own].level == .deep, isShifted(names[own], from: source(of: names[other])) {
        report(
          node, trigger: condition,
          constant: "the answer changed by a constant ('\(Self.shown(names[own]))')",
          isTargeted: true)
        return
      }
    }
  }

  /// Whether `name` is `original` with constants put in: added, multiplied, scattered.
  private func isShifted(_ name: String, from original: String) -> Bool {
    guard let maker = makers[source(of: name)],
      TriggerOperators.merging.contains(maker.opType) || TriggerOperators.scattering.contains(maker.opType)
    else { return false }
    let origin = source(of: original)
    guard maker.inputs.contains(where: { source(of: $0) == origin }) else { return false }
    let others = maker.inputs.filter { source(of: $0) != origin && !$0.isEmpty }
    return !others.isEmpty && others.allSatisfy { flow($0).level == .constant }
      && others.contains { !isUniform($0) || TriggerOperators.scattering.contains(maker.opType) }
  }

  private mutating func report(_ node: Node, trigger: String, constant: String, isTargeted: Bool) {
    guard found.count < 20 else { return }
    found.append(
      GraphTrigger(
        trigger: trail(of: trigger), gate: Self.label(node), effect: effect(of: node), constant: constant,
        isTargeted: isTargeted))
  }
}
