import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Resampling of images.
enum AtenResize {
  static let operators: [AtenOperator] = [
    .tensor(
      "upsample_nearest1d upsample_nearest2d upsample_nearest3d",
      "input output_size scales_h scales_w scales_d"
    ) { (builder, arguments) throws(ScopeError) in
      try resize(
        &builder, arguments,
        [
          "coordinate_transformation_mode": .text("asymmetric"), "mode": .text("nearest"),
          "nearest_mode": .text("floor"),
        ])
    },
    .tensor(
      "upsample_linear1d upsample_bilinear2d upsample_trilinear3d",
      "input output_size align_corners scales_h scales_w scales_d"
    ) { (builder, arguments) throws(ScopeError) in
      try resize(
        &builder, arguments,
        ["coordinate_transformation_mode": try corners(arguments), "mode": .text("linear")])
    },
    .tensor("_upsample_bilinear2d_aa", "input output_size align_corners scales_h scales_w") {
      (builder, arguments) throws(ScopeError) in
      try resize(
        &builder, arguments,
        [
          "antialias": .int(1 as Int), "coordinate_transformation_mode": try corners(arguments),
          "mode": .text("linear"),
        ])
    },
    .tensor("upsample_bicubic2d", "input output_size align_corners scales_h scales_w") {
      (builder, arguments) throws(ScopeError) in
      try resize(
        &builder, arguments,
        [
          "coordinate_transformation_mode": try corners(arguments), "cubic_coeff_a": .float(-0.75),
          "mode": .text("cubic"),
        ])
    },
  ]

  private static func corners(_ arguments: AtenArguments) throws(ScopeError) -> AttributeValue {
    .text(try arguments.bool("align_corners", false) ? "align_corners" : "pytorch_half_pixel")
  }

  private static func resize(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments,
    _ attributes: OrderedDictionary<String, AttributeValue>
  ) throws(ScopeError) -> AtenTensor {
    let input = try arguments.tensor("input")
    let rank = try arguments.rank(input)
    guard rank >= 3 else { throw arguments.wrong("input", "[N, C, ...]") }
    if let sizes = try arguments["output_size"].map({ (_) throws(ScopeError) in
      try arguments.values("output_size")
    }) {
      guard sizes.count == rank - 2 else { throw arguments.wrong("output_size", "\(rank - 2) sizes") }
      let all = [try builder.size(input, 0), try builder.size(input, 1)] + sizes
      return try builder.emit("Resize", [input, nil, nil, try builder.vector(all)], attributes)
    }
    // The other overload: a list of factors.
    guard case .list(let items)? = arguments["scales_h"], items.count == rank - 2 else {
      throw arguments.wrong("output_size", "sizes or factors")
    }
    var factors: [Float] = [1, 1]
    for item in items {
      guard let factor = AtenArguments.double(item), factor > 0, factor < 0x1p20 else {
        throw arguments.wrong("scale_factors", "positive numbers")
      }
      factors.append(Float(factor))
    }
    return try builder.emit(
      "Resize", [input, nil, builder.literal(.floats(factors, [factors.count]))], attributes)
  }
}
