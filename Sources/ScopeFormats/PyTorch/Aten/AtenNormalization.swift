import ScopeBytes
import ScopeGraph

/// Batch, layer, group and instance normalisation, as they act in evaluation.
enum AtenNormalization {
  private static let batch = "input weight bias running_mean running_var training momentum eps cudnn_enabled"

  static let operators: [AtenOperator] = [
    .tensor("batch_norm", batch, batchNormalization),
    AtenOperator("native_batch_norm _native_batch_norm_legit cudnn_batch_norm", batch) {
      (builder, arguments) throws(ScopeError) in
      [.tensor(try batchNormalization(&builder, arguments)), .none, .none]
    },
    AtenOperator(
      "_native_batch_norm_legit_no_training", "input weight bias running_mean running_var momentum eps"
    ) { (builder, arguments) throws(ScopeError) in
      [.tensor(try batchNormalization(&builder, arguments)), .none, .none]
    },
    .tensor("layer_norm", "input normalized_shape weight bias eps cudnn_enable", layerNormalization),
    AtenOperator("native_layer_norm", "input normalized_shape weight bias eps") {
      (builder, arguments) throws(ScopeError) in
      [.tensor(try layerNormalization(&builder, arguments)), .none, .none]
    },
    .tensor("group_norm", "input num_groups weight bias eps cudnn_enabled") {
      (builder, arguments) throws(ScopeError) in
      try groupNormalization(&builder, arguments, groups: try arguments.int("num_groups"))
    },
    AtenOperator("native_group_norm", "input weight bias N C HxW group eps") {
      (builder, arguments) throws(ScopeError) in
      let result = try groupNormalization(&builder, arguments, groups: try arguments.int("group"))
      return [.tensor(result), .none, .none]
    },
    .tensor(
      "instance_norm",
      "input weight bias running_mean running_var use_input_stats momentum eps cudnn_enabled"
    ) { (builder, arguments) throws(ScopeError) in
      guard try arguments.bool("use_input_stats", true) else {
        return try batchNormalization(&builder, arguments)
      }
      return try instanceNormalization(&builder, arguments)
    },
    .tensor("rms_norm", "input normalized_shape weight eps", rootMeanSquare),
    AtenOperator("_fused_rms_norm", "input normalized_shape weight eps") {
      (builder, arguments) throws(ScopeError) in
      [.tensor(try rootMeanSquare(&builder, arguments)), .none]
    },
  ]

  @Sendable private static func batchNormalization(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenTensor {
    let trains = try arguments.bool("training", false)
    if trains, arguments["running_mean"] == nil {
      return try instanceNormalization(&builder, arguments)
    }
    guard !trains else {
      throw ScopeError(
        .unsupported, "batch normalisation in training mode is not converted",
        remedy: "Call model.eval() before tracing or exporting")
    }
    let input = try arguments.tensor("input")
    let mean = try arguments.tensor("running_mean")
    let channels = try arguments.size(mean, 0)
    return try builder.emit(
      "BatchNormalization",
      [
        input, try builder.channels(try arguments.optionalTensor("weight"), channels, 1, mean.dataType),
        try builder.channels(try arguments.optionalTensor("bias"), channels, 0, mean.dataType), mean,
        try arguments.tensor("running_var"),
      ], ["epsilon": .float(Float(try arguments.double("eps", 1e-5)))])
  }

  /// Statistics of each sample; those of a batch of one, which is how weights are standardised.
  private static func instanceNormalization(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenTensor {
    let input = try arguments.tensor("input")
    guard arguments["training"] == nil || input.shape?.dimensions.first == .known(1) else {
      throw ScopeError(.unsupported, "batch normalisation with statistics of the batch is not converted")
    }
    let channels = try arguments.size(input, 1)
    return try builder.emit(
      "InstanceNormalization",
      [
        input, try builder.channels(try arguments.optionalTensor("weight"), channels, 1, input.dataType),
        try builder.channels(try arguments.optionalTensor("bias"), channels, 0, input.dataType),
      ], ["epsilon": .float(Float(try arguments.double("eps", 1e-5)))])
  }

  @Sendable private static func layerNormalization(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenTensor {
    let input = try arguments.tensor("input")
    let shape = try arguments.ints("normalized_shape")
    guard !shape.isEmpty, shape.count <= 8 else {
      throw arguments.wrong("normalized_shape", "the last sizes")
    }
    let weight: AtenTensor
    if let given = try arguments.optionalTensor("weight") {
      weight = given
    } else {
      let count = try checkedProduct(shape, what: "normalized shape")
      guard count <= 1 << 22 else { throw arguments.wrong("normalized_shape", "a possible shape") }
      let ones = builder.constant(.floats([Float](repeating: 1, count: count), shape))
      weight = try builder.cast(ones, input.dataType ?? .float32)
    }
    return try builder.emit(
      "LayerNormalization", [input, weight, try arguments.optionalTensor("bias")],
      [
        "axis": .int(-shape.count), "epsilon": .float(Float(try arguments.double("eps", 1e-5))),
      ])
  }

  /// Instance normalisation of the groups, then scale and shift of the channels.
  private static func groupNormalization(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments, groups: Int
  ) throws(ScopeError) -> AtenTensor {
    let input = try arguments.tensor("input")
    let rank = try arguments.rank(input)
    guard groups > 0, groups <= 1 << 20, rank >= 2 else { throw arguments.wrong("num_groups", "groups") }
    let flat = try builder.emit("Reshape", [input, builder.literal([0, groups, -1])])
    let normalised = try builder.emit(
      "InstanceNormalization",
      [
        flat, try builder.channels(nil, groups, 1, input.dataType),
        try builder.channels(nil, groups, 0, input.dataType),
      ], ["epsilon": .float(Float(try arguments.double("eps", 1e-5)))])
    var result = try builder.reshape(normalised, sizes: try builder.sizes(input))
    let perChannel = [Int](repeating: 1, count: rank - 2)
    for (name, opType) in [("weight", "Mul"), ("bias", "Add")] {
      guard let values = try arguments.optionalTensor(name) else { continue }
      let shaped = try builder.emit("Reshape", [values, builder.literal([-1] + perChannel)])
      result = try builder.emit(opType, [result, shaped])
    }
    return result
  }

  @Sendable private static func rootMeanSquare(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenTensor {
    let input = try arguments.tensor("input")
    let type = input.dataType ?? .float32
    let axes = try arguments.ints("normalized_shape").indices.map { -1 - $0 }
    let epsilon = try arguments.double("eps", type == .float64 ? 0x1p-52 : 0x1p-23)
    let square = try builder.emit("Mul", [input, input])
    let mean = try builder.emit("ReduceMean", [square, builder.literal(axes)], ["keepdims": .int(1 as Int)])
    let shifted = try builder.emit("Add", [mean, try builder.scalar(epsilon, type)])
    let result = try builder.emit("Div", [input, try builder.emit("Sqrt", [shifted])])
    guard let weight = try arguments.optionalTensor("weight") else { return result }
    return try builder.emit("Mul", [result, weight])
  }
}

extension AtenBuilder {
  /// One value per channel: the given ones, or a fill.
  mutating func channels(
    _ values: AtenTensor?, _ count: Int, _ fill: Float, _ type: DataType?
  ) throws(ScopeError) -> AtenTensor {
    if let values { return values }
    guard count <= 1 << 22 else { throw ScopeError(.limitExceeded, "too many channels", found: "\(count)") }
    return try cast(literal(.floats([Float](repeating: fill, count: count), [count])), type ?? .float32)
  }
}
