import ScopeBytes
import ScopeGraph

/// Frees the batch dimension of a model exported for a fixed number of images.
public enum DynamicBatch {
  /// The model with a symbolic first dimension of its image input, and whether anything had to change.
  ///
  /// Declared shapes that follow from the batch are dropped, and a Reshape to a constant shape that begins with the
  /// old batch copies the dimension instead. That the result treats images independently is not proven here: run it
  /// with two images and compare before relying on it.
  public static func rewrite(_ model: Model, image: String? = nil) throws(ScopeError) -> (
    model: Model, changed: Bool
  ) {
    let input = try BackwardGraph.imageInput(of: model, named: image)
    guard var shape = input.shape, let batch = shape.dimensions.first?.value else { return (model, false) }
    var model = model
    shape.dimensions[0] = .symbolic("batch")
    for index in model.graph.inputs.indices where model.graph.inputs[index].name == input.name {
      model.graph.inputs[index].shape = shape
    }
    model.graph.valueInfo = []
    for index in model.graph.outputs.indices
    where model.graph.outputs[index].shape?.dimensions.first == .known(batch) {
      model.graph.outputs[index].shape?.dimensions[0] = .symbolic("batch")
    }
    var names = NameAllocator(model.graph)
    let constants = Dictionary(
      model.graph.nodes.filter { $0.isStandard("Constant") }.compactMap { node in
        node.tensor("value").map { (node.outputs.first ?? "", $0) }
      }, uniquingKeysWith: { first, _ in first })
    for index in model.graph.nodes.indices where model.graph.nodes[index].isStandard("Reshape") {
      let node = model.graph.nodes[index]
      guard node.int("allowzero") ?? 0 == 0, let name = node.input(1),
        let target = model.graph.initializers[name] ?? constants[name]
      else { continue }
      var sizes = try target.ints()
      guard sizes.first == batch else { continue }
      sizes[0] = 0
      let fresh = names.fresh("\(name)_batch")
      model.graph.initializers[fresh] = .int64s(sizes)
      model.graph.nodes[index].inputs[1] = fresh
    }
    return (model, true)
  }
}
