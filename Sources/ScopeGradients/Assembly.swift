import OrderedCollections
import ScopeBytes
import ScopeGraph

extension BackwardGraph {
  /// Forward and backward nodes in one graph, without what the three outputs do not need.
  static func assemble(
    _ source: Model, context: GradientContext, input: ValueInfo, logits: String, seed: LossSeed,
    gradient: String,
    types: InferredTypes
  ) -> GradientModel {
    // An output may not be an input or a forward value under two names: give each its own.
    let gradientOutput = context.emit("Identity", [gradient])
    let logitsOutput = context.emit("Identity", [seed.logits])
    let outputs = [logitsOutput, seed.loss, gradientOutput].compactMap { $0 }
    let forwardCount = live(context.forwardNodes, outputs: [logits]).count

    var model = combined(source, context, outputs: outputs)
    model.graph.inputs = [input, seed.labels]
    if let extra = seed.attackInputs { model.graph.inputs += [extra.targets, extra.choice] }
    let batch = input.shape?.dimensions.first ?? .unknown
    model.graph.outputs = [
      ValueInfo(
        name: logitsOutput, dataType: seed.loss == nil ? context.dataType(logits) : .float32,
        shape: seed.classCount.map { Shape([batch, .known($0)]) })
    ]
    if let loss = seed.loss {
      model.graph.outputs.append(ValueInfo(name: loss, dataType: .float32, shape: Shape([batch])))
    }
    model.graph.outputs.append(
      ValueInfo(name: gradientOutput, dataType: context.dataType(input.name), shape: input.shape))
    return GradientModel(
      model: model, imageInput: input.name, labelsInput: seed.labels.name,
      targetsInput: seed.attackInputs?.targets.name, choiceInput: seed.attackInputs?.choice.name,
      logitsOutput: logitsOutput,
      lossOutput: seed.loss, gradientOutput: gradientOutput, classCount: seed.classCount,
      imageShape: input.shape ?? Shape([Dimension]()),
      activationBytesPerImage: activationBytes(context.forwardNodes, types),
      forwardNodeCount: forwardCount, backwardNodeCount: model.graph.nodes.count - forwardCount)
  }

  /// The model with the forward and backward nodes and constants that `outputs` need.
  static func combined(_ source: Model, _ context: GradientContext, outputs: [String]) -> Model {
    var model = source
    model.producerName = "neural-scope"
    model.graph.nodes = live(context.forwardNodes + context.nodes, outputs: Set(outputs))
    var used = Set<String>()
    for node in model.graph.nodes {
      used.formUnion(node.inputs)
      for graph in node.subgraphs { used.formUnion(graph.captures) }
    }
    var initializers = source.graph.initializers
    for (name, tensor) in context.initializers { initializers[name] = tensor }
    model.graph.initializers = initializers.filter { used.contains($0.key) }
    model.graph.valueInfo = []
    return model
  }

  /// The nodes that `outputs` need, in order; unused optional outputs stay.
  static func live(_ nodes: [Node], outputs: Set<String>) -> [Node] {
    var wanted = outputs
    var kept: [Node] = []
    for node in nodes.reversed() where !wanted.isDisjoint(with: node.outputs) {
      wanted.formUnion(node.inputs)
      for graph in node.subgraphs { wanted.formUnion(graph.captures) }
      wanted.remove("")
      kept.append(node)
    }
    return kept.reversed()
  }

  /// Bytes of all forward values per image, the batch counted as one; unknown sizes count as one, too.
  static func activationBytes(_ nodes: [Node], _ types: InferredTypes) -> Int {
    var total = 0
    for node in nodes {
      for output in node.outputs where !output.isEmpty {
        guard let dimensions = types[output]?.shape?.dimensions else { continue }
        let sizes = dimensions.enumerated().map { $0.offset == 0 ? 1 : $0.element.value ?? 1 }
        var bytes = types[output]?.dataType?.byteCount(elements: 1) ?? 4
        for size in sizes {
          let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
          bytes = overflow ? Int.max / 4 : product
        }
        total = min(total, Int.max / 4) + min(bytes, Int.max / 4)
      }
    }
    return total
  }
}
