import ScopeBytes

extension Model {
  /// The same model taking pixels in [0, 1]: `(x - mean) / standardDeviation` is put before its single image input.
  ///
  /// The input keeps its name, so callers feed pixels where they fed normalised values.
  ///
  /// - Parameters:
  ///   - mean: one value per channel, in units of the [0, 1] pixel range.
  ///   - standardDeviation: one positive value per channel.
  /// - Throws: `unsupported` unless the model has exactly one input, float32 of rank 4 with as many channels.
  public func takingPixels(mean: [Float], standardDeviation: [Float]) throws(ScopeError) -> Model {
    guard graph.requiredInputs.count == 1, let input = graph.requiredInputs.first, input.dataType == .float32,
      let shape = input.shape, shape.rank == 4
    else {
      throw ScopeError(
        .unsupported, "the model is not an image classifier with one input",
        expected: "one float32 input [N, C, H, W]",
        found: graph.requiredInputs.map {
          "\($0.name): \($0.dataType?.name ?? "?") \($0.shape?.description ?? "?")"
        }
        .joined(separator: ", "))
    }
    guard mean.count == standardDeviation.count, standardDeviation.allSatisfy({ $0 > 0 }),
      mean.count == 1 || shape.dimensions[1].value == nil || shape.dimensions[1].value == mean.count
    else {
      throw ScopeError(
        .invalidArgument, "the normalisation does not fit the model's channels",
        expected: shape.dimensions[1].description,
        found: "\(mean.count) means, \(standardDeviation.count) positive deviations")
    }
    guard mean.contains(where: { $0 != 0 }) || standardDeviation.contains(where: { $0 != 1 }) else {
      return self
    }
    var names = NameAllocator(graph)
    let normalized = names.fresh("\(input.name)/normalized")
    let centred = names.fresh("\(input.name)/centred")
    let meanName = names.fresh("\(input.name)/mean")
    let deviationName = names.fresh("\(input.name)/standard_deviation")
    var copy = self
    for index in copy.graph.nodes.indices {
      copy.graph.nodes[index].rename(input: input.name, to: normalized)
    }
    for index in copy.graph.outputs.indices where copy.graph.outputs[index].name == input.name {
      copy.graph.outputs[index].name = normalized
    }
    copy.graph.nodes.insert(
      contentsOf: [
        Node("Sub", name: centred, inputs: [input.name, meanName], outputs: [centred]),
        Node("Div", name: normalized, inputs: [centred, deviationName], outputs: [normalized]),
      ], at: 0)
    copy.graph.initializers[meanName] = .floats(mean, [1, mean.count, 1, 1])
    copy.graph.initializers[deviationName] = .floats(standardDeviation, [1, mean.count, 1, 1])
    return copy
  }
}

extension Node {
  /// Replaces a value this node reads, in subgraphs that capture it too.
  public mutating func rename(input old: String, to new: String) {
    for index in inputs.indices where inputs[index] == old { inputs[index] = new }
    for (key, value) in attributes {
      switch value {
      case .graph(var graph):
        graph.renameCapture(old, to: new)
        attributes[key] = .graph(graph)
      case .graphs(var graphs):
        for index in graphs.indices { graphs[index].renameCapture(old, to: new) }
        attributes[key] = .graphs(graphs)
      default: break
      }
    }
  }
}

extension Graph {
  /// Replaces a value captured from an outer graph.
  fileprivate mutating func renameCapture(_ old: String, to new: String) {
    guard captures.contains(old) else { return }
    for index in nodes.indices { nodes[index].rename(input: old, to: new) }
    for index in outputs.indices where outputs[index].name == old { outputs[index].name = new }
  }
}
