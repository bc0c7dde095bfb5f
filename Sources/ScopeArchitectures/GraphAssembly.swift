import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Joins a blueprint's nodes with a checkpoint's weights.
enum GraphAssembly {
  /// - Throws: `unsupported` for weights whose bytes are not there.
  static func model(
    _ blueprint: Blueprint, _ tensors: NamedTensors, architecture: String
  ) throws(ScopeError) -> Model {
    var initializers = blueprint.constants
    for (name, make) in blueprint.tables { initializers[name] = make() }
    // What only training needs (auxiliary classifiers) is not in the graph.
    let used = Set(blueprint.nodes.flatMap(\.inputs))
    for expected in blueprint.expected where used.contains(expected.name) {
      guard let tensor = tensors[expected.name] else {
        throw ScopeError(.invalidData, "a tensor of \(architecture) is missing", place: expected.name)
      }
      do throws(ScopeError) {
        initializers[expected.name] = try float32(tensor)
      } catch {
        throw error.at(expected.name)
      }
    }
    let batch = Dimension.symbolic("batch")
    let input = ValueInfo(
      name: BlueprintBuilder.inputName, dataType: .float32,
      shape: Shape([batch] + blueprint.inputSize.map(Dimension.known)))
    let output = ValueInfo(
      name: BlueprintBuilder.outputName, dataType: .float32,
      shape: Shape([batch, .known(blueprint.classCount)]))
    var model = Model(
      irVersion: 8, opset: 17,
      graph: Graph(
        name: architecture, nodes: blueprint.nodes, inputs: [input], outputs: [output],
        initializers: initializers))
    model.producerName = "neural-scope"
    return model
  }

  /// The tensor as packed float32, without copying when it already is.
  private static func float32(_ tensor: Tensor) throws(ScopeError) -> Tensor {
    if tensor.dataType == .float32 {
      return try Tensor(
        dataType: .float32, dimensions: tensor.dimensions, storage: .packed(try tensor.packedBytes()))
    }
    return .floats(try tensor.floats(), tensor.dimensions)
  }
}
