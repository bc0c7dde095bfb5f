import ScopeBytes
import ScopeGraph

/// `Resize` by nearest neighbour with whole factors over the spatial axes: each block of copies summed.
enum ResizeRule: GradientRule {
  static let operators = ["Resize"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    try application.requireOnlyFirstInput()
    let node = application.node
    let input = try context.shape(node.inputs[0], for: application).dimensions
    let output = try context.shape(node.outputs[0], for: application).dimensions
    let transform = node.string("coordinate_transformation_mode") ?? "half_pixel"
    let rounding = node.string("nearest_mode") ?? "round_prefer_floor"
    guard (node.string("mode") ?? "nearest") == "nearest", input.count == 4, output.count == 4,
      (transform == "asymmetric" && rounding == "floor")
        || (transform == "half_pixel" && rounding.hasPrefix("round_prefer"))
    else {
      throw application.unsupported(
        "only nearest-neighbour enlargement is covered",
        found: "\(node.string("mode") ?? "nearest"), \(transform)")
    }
    guard let channels = input[1].value, output[1].value == channels, let height = input[2].value, height > 0,
      let width = input[3].value, width > 0, let tall = output[2].value, let wide = output[3].value,
      tall % height == 0, wide % width == 0
    else { throw application.unsupported("its factors are not whole numbers") }
    let blocks = context.emit(
      "Reshape",
      [application.gradient, context.integers([-1, channels, height, tall / height, width, wide / width])])
    return application.first(context.sum(blocks, axes: [3, 5], keepDimensions: false))
  }
}
