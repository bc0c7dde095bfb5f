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
  private let graph: Graph
  private var flows: [String: TriggerFlow] = [:]
  /// For raw values: the operand they come from and the node that made them.
  private var trails: [String: (from: String, node: String)] = [:]
  private var constants: [String: Tensor] = [:]
  private var makers: [String: Node] = [:]
  private var consumers: [String: [(node: Node, outer: [String])]] = [:]
  private var found: [GraphTrigger] = []
  private var budget = 2_000_000
  /// Outputs of the top-level node whose sub-graph is walked.
  private var enclosing: [String] = []

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

  private static func shown(_ text: String) -> String { PickleAnalysis.printable(String(text.prefix(80))) }

  private static func label(_ node: Node) -> String {
    node.name.isEmpty
      ? "\(shown(node.opType)) -> '\(shown(node.outputs.first ?? ""))'"
      : "\(shown(node.opType)) '\(shown(node.name))'"
  }

  private func flow(_ name: String) -> TriggerFlow { flows[name] ?? .constant }

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
      for input in Set(node.inputs) where !input.isEmpty {
        consumers[input, default: []].append((node, outer))
      }
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

  private static func rank(_ flow: TriggerFlow) -> Int {
    (flow.isPayload ? 4 : 0) + (flow.isCompared ? 2 : 0) + (flow.isNarrow ? 1 : 0)
  }

  // MARK: What operators do

  private func transfer(_ node: Node, _ inputs: [TriggerFlow]) -> TriggerFlow {
    let type = node.opType
    guard node.domain.isEmpty || node.domain == "ai.onnx" else {
      return inputs.allSatisfy { $0.level == .constant } ? .constant : TriggerFlow(level: .deep)
    }
    if TriggerOperators.shapeOnly.contains(type) { return .constant }
    var result = TriggerFlow.join(inputs)
    guard result.level != .constant else { return .constant }
    if TriggerOperators.layers.contains(type) { return TriggerFlow(level: .deep) }
    if TriggerOperators.products.contains(type) { return product(node, inputs, result) }
    if result.level == .deep {
      if type == "Concat" || type == "SequenceConstruct" || type == "SequenceInsert" {
        result.isMixed =
          result.isMixed || zip(node.inputs, inputs).contains { $1.level == .constant && !isUniform($0) }
          || inputs.contains { $0.isPayload }
      }
      if type == "ArgMax" || type == "ArgMin" || type == "NonMaxSuppression" { result.isLabel = true }
      return result
    }
    // Raw.
    if TriggerOperators.comparisons.contains(type) { result.isCompared = true }
    if type == "Equal", zip(node.inputs, inputs).contains(where: { $1.level == .constant && !isZero($0) }) {
      result.isExact = true
    }
    if TriggerOperators.saturating.contains(type), result.isNarrow || result.isCompared || type == "Not" {
      result.isCompared = true
    }
    if type == "Cast", node.int("to") == 9 { result.isCompared = true }
    if type == "Max" || type == "Min", result.isNarrow { result.isCompared = true }
    if TriggerOperators.reducing.contains(type) { result.isNarrow = true }
    if ["ArgMax", "ArgMin", "TopK"].contains(type) { result.isCompared = true }
    switch type {
    case "Slice", "Split": if selectsFew(node) { result.isNarrow = true }
    case "Gather", "GatherND", "GatherElements":
      if inputs.first?.level == .constant, let table = node.inputs.first.flatMap({ constants[$0] }) {
        // A table looked up with the input: of single numbers it is a set of triggers, of few rows a choice.
        let columns = table.dimensions.dropFirst().reduce(1) {
          $0.multipliedReportingOverflow(by: $1).partialValue
        }
        if columns == 1 { result.isCompared = true }
        if columns > 1 {
          result.isPayload = result.isNarrow && result.isCompared && (table.dimensions.first ?? 0) <= 4
        }
        if columns > 1, !result.isPayload { result.isCompared = false }
      } else if inputs.count > 1, inputs[1].level == .constant, (count(node.inputs[1]) ?? .max) <= 16 {
        result.isNarrow = true
      }
    case "OneHot":
      result.isPayload = result.isNarrow && result.isCompared
    case "Where":
      if inputs.count == 3, inputs[0].isSwitch, inputs[0].isNarrow,
        zip(node.inputs, inputs).dropFirst().contains(
          where: { $1.level == .constant && !isUniform($0) })
      {
        result.isPayload = true
      }
    case "Mul":
      if result.isNarrow, result.isCompared,
        zip(node.inputs, inputs).contains(where: { $1.level == .constant && !isUniform($0) })
      {
        result.isPayload = true
      }
    default: break
    }
    return result
  }

  /// Convolutions and matrix products: a trained layer, unless a single template is compared with the input.
  private func product(_ node: Node, _ inputs: [TriggerFlow], _ joined: TriggerFlow) -> TriggerFlow {
    var result = joined
    guard joined.level == .raw else { return TriggerFlow(level: .deep) }
    guard inputs.count >= 2 else { return TriggerFlow(level: .deep) }
    let isTensor = inputs.prefix(2).contains { $0.level == .constant }
    guard isTensor else { return result }
    let weight = inputs[1].level == .constant ? node.inputs[1] : node.inputs[0]
    guard let sizes = constants[weight]?.dimensions, sizes.count >= 2 || node.opType == "MatMul" else {
      return TriggerFlow(level: .deep)
    }
    let isSecond = inputs[1].level == .constant
    let filters: Int
    let depth: Int
    switch node.opType {
    case "Conv": (filters, depth) = (sizes[0], sizes.dropFirst().reduce(1) { $0 &* $1 })
    case "Gemm":
      let isTransposed = node.int("transB") == 1
      (filters, depth) = isTransposed ? (sizes[0], sizes[1]) : (sizes[1], sizes[0])
    case "MatMul":
      if sizes.count < 2 {
        (filters, depth) = (1, sizes.first ?? 1)
      } else {
        (filters, depth) =
          isSecond
          ? (sizes[sizes.count - 1], sizes[sizes.count - 2])
          : (sizes[sizes.count - 2], sizes[sizes.count - 1])
      }
    default: return TriggerFlow(level: .deep)
    }
    if filters == 1 {
      result.isNarrow = true
      return result
    }
    if depth == 1, joined.isNarrow, joined.isCompared, !isUniform(weight) {
      result.isPayload = true
      return result
    }
    return TriggerFlow(level: .deep)
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

  /// Through Identity nodes.
  private func source(of name: String) -> String {
    var name = name
    for _ in 0..<16 {
      guard let maker = makers[name], maker.opType == "Identity", let input = maker.inputs.first else {
        return name
      }
      name = input
    }
    return name
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

  // MARK: Paths

  private func trail(of name: String) -> [String] {
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

  private static func abbreviated(_ steps: [String]) -> [String] {
    steps.count <= 12
      ? steps : Array(steps.prefix(5)) + ["(\(steps.count - 10) more)"] + Array(steps.suffix(5))
  }

  /// Nodes from the gate to a graph output. Consumers behind the gate are looked up in the graph itself: the walk has
  /// not come there yet.
  private func effect(of node: Node) -> [String] {
    let targets = Set(graph.outputs.map(\.name))
    let consumers = graph.consumers
    var frontier = (node.outputs + enclosing).map { ($0, [String]()) }
    var seen: Set<String> = []
    while !frontier.isEmpty, seen.count < 100_000 {
      var next: [(String, [String])] = []
      for (value, steps) in frontier where seen.insert(value).inserted {
        if targets.contains(value) { return Self.abbreviated(steps + ["output '\(Self.shown(value))'"]) }
        for index in consumers[value] ?? [] {
          let consumer = graph.nodes[index]
          for output in consumer.outputs { next.append((output, steps + [Self.label(consumer)])) }
        }
      }
      frontier = next
    }
    return []
  }

  /// Whether the node's result reaches an output without another trained layer.
  private func reachesOutput(_ node: Node) -> Bool {
    let targets = Set(graph.outputs.map(\.name))
    let consumers = graph.consumers
    var frontier = node.outputs + enclosing
    var seen: Set<String> = []
    while let value = frontier.popLast(), seen.count < 100_000 {
      guard seen.insert(value).inserted else { continue }
      if targets.contains(value) { return true }
      for index in consumers[value] ?? [] {
        let consumer = graph.nodes[index]
        let isLayer =
          TriggerOperators.layers.contains(consumer.opType)
          || TriggerOperators.products.contains(consumer.opType)
          || !(consumer.domain.isEmpty || consumer.domain == "ai.onnx")
        if !isLayer { frontier += consumer.outputs }
      }
    }
    return false
  }

  // MARK: Constants

  private func count(_ name: String) -> Int? { constants[source(of: name)]?.elementCount }

  /// Whether all elements of a constant are equal; false when that cannot be told cheaply.
  private func isUniform(_ name: String, depth: Int = 0) -> Bool {
    guard depth < 16 else { return false }
    if let tensor = constants[name] { return Self.isUniform(tensor) }
    guard let maker = makers[name] else { return true }
    if TriggerOperators.shapeOnly.contains(maker.opType) {
      return maker.opType == "ConstantOfShape" || maker.opType == "Size"
    }
    if TriggerOperators.arranging.contains(maker.opType) {
      return maker.inputs.first.map { isUniform($0, depth: depth + 1) } ?? true
    }
    if maker.opType == "Constant" {
      return maker.floats("value_floats") == nil && maker.ints("value_ints") == nil
    }
    if maker.opType == "Concat" || TriggerOperators.scattering.contains(maker.opType)
      || maker.opType == "OneHot"
      || maker.opType == "Pad" || !maker.subgraphs.isEmpty
    {
      return false
    }
    return maker.inputs.allSatisfy { $0.isEmpty || isUniform($0, depth: depth + 1) }
  }

  private static func isUniform(_ tensor: Tensor) -> Bool {
    guard tensor.elementCount > 1 else { return true }
    guard tensor.elementCount <= 1 << 20, let bytes = try? tensor.packedBytes(), tensor.dataType.bitWidth >= 8
    else {
      return false
    }
    let width = tensor.dataType.bitWidth / 8
    guard width > 0, bytes.count >= 2 * width else { return true }
    // Equal to itself shifted by one element: all elements are equal.
    return bytes.prefix(bytes.count - width).equals(bytes.dropFirst(width))
  }

  private func isZero(_ name: String) -> Bool {
    guard let tensor = constants[source(of: name)] else {
      guard let maker = makers[name], maker.opType == "Constant" else { return false }
      return (maker.float("value_float") ?? Float(maker.int("value_int") ?? 0)) == 0
    }
    guard tensor.elementCount <= 4096, let bytes = try? tensor.packedBytes() else { return false }
    return bytes.array.allSatisfy { $0 == 0 }
  }

  /// Whether a Slice or Split leaves at most 16 elements along an axis.
  private func selectsFew(_ node: Node) -> Bool {
    if node.opType == "Split" {
      guard node.inputs.count > 1, let sizes = try? constants[node.inputs[1]]?.ints() else {
        return (node.ints("split") ?? []).contains { $0 <= 16 }
      }
      return sizes.contains { $0 <= 16 }
    }
    var starts = node.ints("starts")
    var ends = node.ints("ends")
    if node.inputs.count > 2, starts == nil {
      starts = integers(node.inputs[1])
      ends = integers(node.inputs[2])
    }
    guard let starts, let ends, starts.count == ends.count else { return false }
    for (start, end) in zip(starts, ends) {
      let isToEnd = end > Int(Int32.max) - 1
      let extent =
        start < 0 && isToEnd
        ? 0 &- start : start >= 0 && end >= 0 || start < 0 && end < 0 ? end &- start : .max
      if extent >= 0, extent <= 16, !(start == 0 && isToEnd) { return true }
    }
    return false
  }

  private func integers(_ name: String) -> [Int]? {
    let name = source(of: name)
    if let tensor = constants[name], tensor.elementCount <= 64 { return try? tensor.ints() }
    guard let maker = makers[name], maker.opType == "Constant" else { return nil }
    return maker.ints("value_ints") ?? maker.int("value_int").map { [$0] }
  }
}
