import ScopeBytes
import ScopeGraph

/// Which nodes of a float graph run in integers and which values get quantized for them.
///
/// Follows what ONNX Runtime fuses: a node runs in integers when its inputs come from DequantizeLinear and its output
/// goes into QuantizeLinear alone. A node without weights joins only where that saves conversions, so that no pair of
/// QuantizeLinear and DequantizeLinear stands between two float nodes.
package struct QuantizationPlan: Sendable {
  package var layers: [Int: QuantizedLayer] = [:]
  /// Activation node (Relu, or Clip from zero) by the node before it, whose quantization does its work: codes start at
  /// zero and end at or below the clip.
  package var absorbedActivations: [Int: Int] = [:]
  /// Float addition of a constant per output behind a MatMul layer, by the layer's node. The engine makes the two one
  /// Gemm, which runs in integers only when the constant is an integer bias.
  package var biasAdditions: [Int: Int] = [:]
  /// Nodes that run in integers, those of ``layers`` among them.
  package var integerNodes: Set<Int> = []
  /// Values that are rounded to integers.
  package var quantizedValues: Set<String> = []
  /// Float32 constants that integer nodes other than layers read.
  package var quantizedConstants: Set<String> = []
  /// A value that shares the parameters of another (MaxPool, Flatten ... do not change numbers).
  package var parameterSource: [String: String] = [:]
  /// Where the channels of an observed value are: 1, or -1 for the last axis.
  package var channelAxes: [String: Int] = [:]
  /// Why nodes with weights stay in float.
  package var declined: [String] = []
  package let coverage: Coverage
  /// Outputs of nodes that only move numbers, with their input: their statistics are interchangeable.
  package private(set) var sameNumbers: [String: String] = [:]

  /// - Parameters:
  ///   - opset: operator set of the graph; decides whether the engine's integer MaxPool applies.
  ///   - floatLayers: nodes that stay in float, by the name of their first output.
  package init(
    _ graph: Graph, opset: Int = 13, coverage: Coverage = .arithmetic, floatLayers: Set<String> = []
  ) {
    self.coverage = coverage
    var draft = PlanDraft(graph, opset: opset, coverage: coverage, floatLayers: floatLayers)
    draft.recognize()
    draft.prune()
    layers = draft.layers
    declined = draft.declined
    let editor = draft.editor
    integerNodes = draft.integer
    for index in draft.integer {
      let node = graph.nodes[index]
      for value in draft.dataInputs[index] ?? [] {
        quantizedValues.insert(value)
        channelAxes[value] =
          channelAxes[value] == 1 || node.isStandard("Conv")
          ? 1 : draft.isMatrix(index) ? -1 : channelAxes[value]
      }
      for name in draft.constantInputs[index] ?? [] { quantizedConstants.insert(name) }
      if draft.roundsOutput(index) {
        let result = draft.result(of: index)
        quantizedValues.insert(result)
        if result != node.outputs[0], let activation = editor.producers[result] {
          absorbedActivations[index] = activation
        }
      }
    }
    for index in layers.keys.sorted() where !draft.roundsOutput(index) {
      guard let (addition, bias) = draft.biasAddition(after: index) else { continue }
      biasAdditions[index] = addition
      layers[index]?.bias = bias
      layers[index]?.takesBias = true
    }
    // In topological order, so that a chain leads to its beginning.
    for (index, node) in graph.nodes.enumerated() {
      guard let input = draft.movedInput(node) else { continue }
      for output in node.outputs where !output.isEmpty {
        sameNumbers[output] = input
        guard draft.integer.contains(index) else { continue }
        quantizedValues.insert(output)
        parameterSource[output] = parameterSource[input] ?? input
      }
    }
  }

  /// The plan of a recipe.
  package init(_ model: Model, recipe: QuantizationRecipe) {
    self.init(
      model.graph, opset: model.opset, coverage: recipe.coverage, floatLayers: recipe.floatLayers)
  }

  /// Values to observe in calibration: every value with parameters of its own, and the input of every layer. Enough for
  /// every plan of the same graph with the same coverage and more float layers.
  package func observedValues(_ graph: Graph) -> [String] {
    var wanted = quantizedValues.subtracting(parameterSource.keys)
    wanted.formUnion(layers.values.map(\.input))
    let produced = Set(graph.nodes.flatMap(\.outputs)).union(graph.inputs.map(\.name))
    return wanted.filter { produced.contains($0) }.sorted()
  }

  /// The statistics of `value`, or of a value that holds the same numbers.
  package func statistics(of value: String, in calibration: Calibration) -> ActivationStatistics? {
    var name = parameterSource[value] ?? value
    while true {
      if let found = calibration.statistics[name] { return found }
      guard let next = sameNumbers[name] else { return nil }
      name = next
    }
  }
}

/// The plan while its nodes are chosen.
private struct PlanDraft {
  let graph: Graph
  let editor: GraphEditor
  let coverage: Coverage
  let floatLayers: Set<String>
  let moving: Set<String>
  let computing: Set<String>
  var layers: [Int: QuantizedLayer] = [:]
  var declined: [String] = []
  /// Nodes that run in integers.
  var integer: Set<Int> = []
  /// Values that a candidate reads as numbers, constants left out.
  var dataInputs: [Int: [String]] = [:]
  var constantInputs: [Int: [String]] = [:]

  init(_ graph: Graph, opset: Int, coverage: Coverage, floatLayers: Set<String>) {
    self.graph = graph
    editor = GraphEditor(graph)
    self.coverage = coverage
    self.floatLayers = floatLayers
    moving = IntegerOperators.moving(opset: opset)
    computing = IntegerOperators.computing(coverage)
  }

  // MARK: Candidates

  mutating func recognize() {
    for (index, node) in graph.nodes.enumerated() where node.domain.isEmpty || node.domain == "ai.onnx" {
      guard let output = node.outputs.first, !floatLayers.contains(output) else { continue }
      switch QuantizedLayer.recognize(node, index: index, editor) {
      case .layer(let layer):
        guard editor.constant(layer.input) == nil else { continue }
        if let position = layer.weight.firstIndex(where: { !$0.isFinite }) {
          declined.append(
            "\(label(node)): its weight \(layer.weightName) is \(layer.weight[position]) at \(position)")
          continue
        }
        layers[index] = layer
        dataInputs[index] = [layer.input]
        integer.insert(index)
        continue
      case .declined(let reason):
        // A product of two activations has no weight that could have been quantized.
        let isProduct =
          node.opType == "MatMul" && node.inputs.allSatisfy { editor.constant($0) == nil }
        if !isProduct { declined.append("\(label(node)): \(reason)") }
      case .notALayer: break
      }
      guard let inputs = numbers(of: node) else { continue }
      let constants = inputs.filter { editor.constant($0) != nil }
      let data = inputs.filter { editor.constant($0) == nil }
      guard !data.isEmpty, constants.allSatisfy(isQuantizable), Set(data).count == data.count else {
        continue
      }
      dataInputs[index] = data
      constantInputs[index] = constants
      integer.insert(index)
    }
  }

  private func label(_ node: Node) -> String {
    "\(node.opType) \(node.name.isEmpty ? node.outputs.first ?? "" : node.name)"
  }

  /// The inputs that a node which can run in integers computes with; nil for any other node.
  private func numbers(of node: Node) -> [String]? {
    if let input = movedInput(node) { return [input] }
    guard computing.contains(node.opType), node.outputs.dropFirst().allSatisfy(\.isEmpty),
      node.inputs.allSatisfy({ !$0.isEmpty })
    else { return nil }
    return switch node.opType {
    case "Where": Array(node.inputs.dropFirst())
    case "AveragePool"
    where node.int("ceil_mode") ?? 0 != 0 || node.ints("dilations")?.contains { $0 != 1 } ?? false: nil
    default: node.inputs
    }
  }

  /// The input whose numbers the node's outputs hold, where it only moves numbers.
  func movedInput(_ node: Node) -> String? {
    guard node.domain.isEmpty || node.domain == "ai.onnx", moving.contains(node.opType),
      let input = node.input(0)
    else { return nil }
    switch node.opType {
    case "MaxPool": guard node.outputs.dropFirst().allSatisfy(\.isEmpty) else { return nil }
    case "Resize": guard node.string("mode") ?? "nearest" == "nearest" else { return nil }
    default: break
    }
    return input
  }

  private func isQuantizable(_ name: String) -> Bool {
    guard let tensor = editor.constant(name), tensor.dataType == .float32,
      tensor.dimensions.reduce(1, { $0.multipliedReportingOverflow(by: $1).partialValue }) <= 1 << 20,
      let values = editor.floats(name)
    else { return false }
    return !values.isEmpty && values.allSatisfy(\.isFinite)
  }

  // MARK: Structure

  func isMatrix(_ index: Int) -> Bool { layers[index].map { $0.dimensions.count == 2 } ?? false }

  private func moves(_ index: Int) -> Bool { layers[index] == nil && movedInput(graph.nodes[index]) != nil }

  /// Matrix products may return floats; every other integer node needs a rounded output.
  private func mayReturnFloat(_ index: Int) -> Bool {
    isMatrix(index) || (layers[index] == nil && graph.nodes[index].opType == "MatMul")
  }

  /// Whether the node's result is rounded.
  func roundsOutput(_ index: Int) -> Bool {
    if moves(index) { return true }
    guard mayReturnFloat(index) else { return true }
    let readers = self.readers(result(of: index), except: nil)
    return readers.integer > 0
      || (!(coverage < .products) && readers.total > 0 && !isOutput(result(of: index)))
  }

  /// The value that holds a node's result after an activation that can be absorbed.
  func result(of index: Int) -> String {
    absorbable(after: index).map { graph.nodes[$0].outputs[0] } ?? graph.nodes[index].outputs[0]
  }

  /// The Relu or zero-based Clip that alone reads a node's output.
  private func absorbable(after index: Int) -> Int? {
    guard !moves(index), let next = editor.soleConsumer(graph.nodes[index].outputs[0]) else { return nil }
    let node = graph.nodes[next]
    guard let output = node.outputs.first, !floatLayers.contains(output) else { return nil }
    if node.isStandard("Relu") { return next }
    guard node.isStandard("Clip"), node.input(0) == graph.nodes[index].outputs[0] else { return nil }
    if let low = node.float("min") { return low == 0 ? next : nil }
    guard let low = editor.floats(node.input(1)), low.count == 1, low[0] == 0 else { return nil }
    if let name = node.input(2), editor.floats(name) == nil { return nil }
    return next
  }

  /// The float Add of one constant per output that alone reads a MatMul layer's result, and its numbers.
  func biasAddition(after index: Int) -> (node: Int, bias: [Double])? {
    guard let layer = layers[index], graph.nodes[index].isStandard("MatMul"),
      let next = editor.soleConsumer(graph.nodes[index].outputs[0]), !integer.contains(next)
    else { return nil }
    let node = graph.nodes[next]
    guard node.isStandard("Add"), node.inputs.count == 2,
      let name = node.inputs.first(where: { editor.constant($0) != nil }),
      editor.constant(name)?.dimensions == [layer.channels], let values = editor.floats(name),
      values.allSatisfy(\.isFinite)
    else { return nil }
    return (next, values.map { Double($0) })
  }

  private func isOutput(_ value: String) -> Bool {
    editor.outputNames.contains(value) || editor.captured.contains(value)
  }

  /// The integer node whose rounded result is `value`.
  private func integerProducer(_ value: String) -> Int? {
    guard let producer = editor.producers[value] else { return nil }
    if integer.contains(producer) { return result(of: producer) == value || moves(producer) ? producer : nil }
    // An activation that the node before it absorbs.
    guard let input = graph.nodes[producer].input(0), let before = editor.producers[input],
      integer.contains(before),
      absorbable(after: before) == producer
    else { return nil }
    return before
  }

  /// How many integer nodes read a value as a number, and how many others read it at all; graph outputs are readers.
  private func readers(_ value: String, except index: Int?) -> (integer: Int, float: Int, total: Int) {
    var integers = 0
    var floats = isOutput(value) ? 1 : 0
    for reader in editor.consumers[value] ?? [] where reader != index {
      if integer.contains(reader), dataInputs[reader]?.contains(value) ?? false {
        integers += 1
      } else {
        floats += 1
      }
    }
    return (integers, floats, integers + floats)
  }

  // MARK: Choice

  /// Takes nodes without weights out of the integers until each of those left saves conversions, or costs none and has
  /// only rounded inputs.
  mutating func prune() {
    var changed = true
    while changed {
      changed = false
      for index in integer.sorted() where layers[index] == nil && !isWorthwhile(index) {
        integer.remove(index)
        changed = true
      }
    }
  }

  private func isWorthwhile(_ index: Int) -> Bool {
    var asInteger = 0
    var asFloat = 0
    var allRounded = true
    for value in dataInputs[index] ?? [] {
      let others = readers(value, except: index)
      if let producer = integerProducer(value) {
        // A matrix product returns either form at no cost, as long as all its readers want the same.
        let isFree = mayReturnFloat(producer)
        if isFree {
          let roundsAnyway = others.integer > 0 || !(coverage < .products)
          asInteger += !roundsAnyway && others.float > 0 ? 1 : 0
          asFloat += roundsAnyway && others.float == 0 ? 1 : 0
          if !roundsAnyway { allRounded = false }
        } else {
          asFloat += others.float == 0 ? 1 : 0
        }
      } else {
        asInteger += others.integer == 0 ? 1 : 0
        if others.integer == 0 { allRounded = false }
      }
    }
    let node = graph.nodes[index]
    let results = moves(index) ? node.outputs.filter { !$0.isEmpty } : [result(of: index)]
    var isRead = false
    for value in results {
      let after = readers(value, except: nil)
      if after.total > 0 { isRead = true }
      if mayReturnFloat(index) {
        // Without integer readers it returns floats.
        continue
      }
      asInteger += after.float > 0 ? 1 : 0
      asFloat += after.integer > 0 ? 1 : 0
    }
    guard isRead else { return false }
    // The product of two activations is what attention coverage is for.
    if layers[index] == nil, node.opType == "MatMul" { return true }
    return asInteger < asFloat || (asInteger == asFloat && allRounded)
  }
}

/// What ONNX Runtime runs in integers besides layers with weights.
package enum IntegerOperators {
  /// Operators that only move or select numbers and run on the codes; input and output share their parameters.
  /// (DepthToSpace and SpaceToDepth have no integer kernel; MaxPool is fused below operator set 22.)
  package static func moving(opset: Int) -> Set<String> {
    var result: Set<String> = [
      "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Expand", "Gather", "Tile",
      "Resize",
    ]
    if opset < 22 { result.insert("MaxPool") }
    return result
  }

  /// Operators with an output scale of their own.
  package static func computing(_ coverage: Coverage) -> Set<String> {
    var result: Set<String> = []
    if !(coverage < .arithmetic) {
      result.formUnion([
        "Add", "Mul", "GlobalAveragePool", "AveragePool", "Concat", "LeakyRelu", "Sigmoid", "Where",
      ])
    }
    if !(coverage < .attention) { result.formUnion(["MatMul", "Softmax"]) }
    return result
  }
}
