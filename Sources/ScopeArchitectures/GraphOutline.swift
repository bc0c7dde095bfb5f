import ScopeBytes
import ScopeGraph

extension ArchitectureRegistry {
  /// The graph of a variant for images of its published size, with weights that have shapes but no numbers: enough
  /// for shapes and costs. Nil for an unknown name.
  package static func outline(of variant: String, classCount: Int) throws(ScopeError) -> Model? {
    guard let variant = families.flatMap({ $0.variants }).first(where: { $0.name == variant }), classCount > 0
    else { return nil }
    let blueprint = variant.blueprint(classCount, variant.imageSize)
    var frame = blueprint
    frame.expected = []
    var model = try GraphAssembly.model(frame, [:], architecture: variant.name)
    for expected in blueprint.expected where expected.role.isRead {
      model.graph.initializers[expected.name] = try Tensor(
        dataType: .float32, dimensions: expected.dimensions,
        storage: .external(ExternalData(location: "elsewhere")))
    }
    return model
  }
}
