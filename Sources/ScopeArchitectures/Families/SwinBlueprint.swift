import ScopeGraph

/// Writes a Swin transformer with torchvision's or timm's names.
enum SwinBlueprint {
  private static let epsilon: Float = 1e-5

  /// Names of one block's modules.
  private struct BlockNames {
    let hidden: String
    let activation: String
    let output: String
  }

  static func make(_ configuration: SwinConfiguration, classCount: Int, imageSize: Int) -> Blueprint {
    var builder = BlueprintBuilder(inputSize: [3, imageSize, imageSize], classCount: classCount)
    let isTimm = configuration.names == .timm
    // torchvision: the model, features, stem and permutation; permute, avgpool and flatten at the end.
    // timm: the model, patch_embed, layers; head with global_pool (2 inside), drop and flatten.
    builder.countModules(isTimm ? 9 : 7)
    let stem = isTimm ? "patch_embed.proj" : "features.0.0"
    var feature = builder.convolution(
      stem, builder.input, filters: configuration.width, kernel: configuration.patch,
      stride: configuration.patch, pads: [0, 0, 0, 0], bias: true)
    feature = builder.channelsLast("\(stem).last", feature)
    feature = builder.layerNormalization(
      isTimm ? "patch_embed.norm" : "features.0.2", feature, epsilon: epsilon)
    var side = imageSize / configuration.patch
    for (stage, depth) in configuration.depths.enumerated() {
      let path = isTimm ? "layers.\(stage)" : "features.\(2 * stage + 1)"
      // The list of blocks; in timm also the stage and an identity in place of the first patch merging.
      builder.countModules(isTimm ? (stage == 0 ? 3 : 2) : 1)
      if stage > 0 {
        let merging = isTimm ? "\(path).downsample" : "features.\(2 * stage)"
        feature = merge(&builder, merging, feature, configuration, side: &side)
      }
      for index in 0..<depth {
        feature = block(
          &builder, isTimm ? "\(path).blocks.\(index)" : "\(path).\(index)", feature, configuration,
          heads: configuration.heads[stage], side: side, shifts: index % 2 == 1)
      }
    }
    feature = builder.layerNormalization("norm", feature, epsilon: epsilon)
    feature = builder.mean("avgpool", feature, axes: [1, 2])
    builder.classifier(isTimm ? "head.fc" : "head", feature)
    return builder.blueprint
  }

  /// Patch merging: four neighbours become the channels of one position, then a linear layer halves them;
  /// normalised before it, in the second version after it.
  private static func merge(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, _ configuration: SwinConfiguration,
    side: inout Int
  ) -> Feature {
    let width = input.channels
    builder.countModules(1)
    var feature = input
    if side % 2 == 1 { feature = pad(&builder, "\(path).pad", feature, by: 1) }
    side = (side + 1) / 2
    feature = builder.reshape("\(path).split", feature, [0, side, 2, side, 2, width])
    feature = builder.transpose("\(path).order", feature, [0, 1, 3, 4, 2, 5])
    feature = builder.reshape("\(path).join", feature, [0, side, side, 4 * width], channels: 4 * width)
    if configuration.isSecondVersion {
      feature = builder.tokenLinear("\(path).reduction", feature, width: 2 * width, bias: false)
      return builder.layerNormalization("\(path).norm", feature, epsilon: epsilon)
    }
    feature = builder.layerNormalization("\(path).norm", feature, epsilon: epsilon)
    return builder.tokenLinear("\(path).reduction", feature, width: 2 * width, bias: false)
  }

  private static func block(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, _ configuration: SwinConfiguration,
    heads: Int, side: Int, shifts: Bool
  ) -> Feature {
    let isTimm = configuration.names == .timm
    let names =
      isTimm
      ? BlockNames(hidden: "\(path).mlp.fc1", activation: "\(path).mlp.act", output: "\(path).mlp.fc2")
      : BlockNames(hidden: "\(path).mlp.0", activation: "\(path).mlp.1", output: "\(path).mlp.3")
    // The block, attn, stochastic depth, mlp with GELU and two dropouts; timm: attn_drop, proj_drop, softmax,
    // a second drop_path and an identity more.
    builder.countModules(isTimm ? 12 : 7)
    func norm(_ builder: inout BlueprintBuilder, _ name: String, _ feature: Feature) -> Feature {
      builder.layerNormalization("\(path).\(name)", feature, epsilon: epsilon)
    }
    var feature = input
    if !configuration.isSecondVersion { feature = norm(&builder, "norm1", feature) }
    feature = attention(
      &builder, "\(path).attn", feature, configuration, heads: heads, side: side, shifts: shifts)
    if configuration.isSecondVersion { feature = norm(&builder, "norm1", feature) }
    let middle = builder.add("\(path).add", input, feature)
    feature = middle
    if !configuration.isSecondVersion { feature = norm(&builder, "norm2", feature) }
    feature = builder.tokenLinear(names.hidden, feature, width: configuration.expansion * input.channels)
    feature = builder.gelu(names.activation, feature)
    feature = builder.tokenLinear(names.output, feature, width: input.channels)
    if configuration.isSecondVersion { feature = norm(&builder, "norm2", feature) }
    return builder.add("\(path).add", middle, feature)
  }

  /// Attention in windows of [N, side, side, C]; padded to whole windows, shifted cyclically in every second block.
  private static func attention(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, _ configuration: SwinConfiguration,
    heads: Int, side: Int, shifts: Bool
  ) -> Feature {
    let window = configuration.window
    let width = input.channels
    let tokens = window * window
    let across = (side + window - 1) / window
    let padded = across * window
    // One window needs no shift.
    let shift = shifts && padded > window ? window / 2 : 0
    let mask =
      shift > 0
      ? builder.table("mask.\(padded).\(window)") {
        SwinConfiguration.mask(side: padded, window: window, shift: shift)
      } : nil
    builder.countOwner()
    if configuration.names == .timm, shift > 0 {
      builder.expect("\(path)_mask", [across * across, tokens, tokens], .formerTable)
    }
    var feature = input
    if padded > side { feature = pad(&builder, "\(path).pad", feature, by: padded - side) }
    if shift > 0 { feature = roll(&builder, "\(path).shift", feature, side: padded, by: shift) }
    feature = builder.reshape("\(path).partition", feature, [0, across, window, across, window, width])
    feature = builder.transpose("\(path).windows", feature, [0, 1, 3, 2, 4, 5])
    feature = builder.reshape("\(path).tokens", feature, [0, across * across, tokens, width])
    let positions = positionBias(&builder, path, configuration, heads: heads)
    feature = packed(&builder, path, feature, configuration)
    feature = builder.attention(
      path, packed: feature, heads: heads, tokens: tokens, groups: [across * across],
      cosine: configuration.isSecondVersion
    ) { builder, scores in
      var scores = scores
      if configuration.isSecondVersion {
        // The temperature is at most 100.
        let bounded = builder.emit(
          "Min", "\(path).logit_scale.bounded", ["\(path).logit_scale", builder.number(4.605_170_2)],
          channels: 1)
        let factor = builder.emit("Exp", "\(path).logit_scale.exp", [bounded.name], channels: 1)
        scores = builder.scale("\(path).logit_scale.scaled", scores, by: factor.name)
      }
      scores = builder.add("\(path).biased", scores, positions)
      guard let mask else { return scores }
      return builder.add("\(path).masked", scores, Feature(name: mask, channels: tokens))
    }
    feature = builder.tokenLinear("\(path).proj", feature, width: width)
    feature = builder.reshape("\(path).grid", feature, [0, across, across, window, window, width])
    feature = builder.transpose("\(path).rows", feature, [0, 1, 3, 2, 4, 5])
    feature = builder.reshape("\(path).reverse", feature, [0, padded, padded, width])
    if shift > 0 { feature = roll(&builder, "\(path).unshift", feature, side: padded, by: padded - shift) }
    guard padded > side else { return feature }
    return builder.slice("\(path).unpad", feature, axes: [1, 2], starts: [0, 0], ends: [side, side])
  }

  /// Query, key and value of [N, windows, T, C]; the second version keys have no bias.
  private static func packed(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, _ configuration: SwinConfiguration
  ) -> Feature {
    let width = input.channels
    guard configuration.isSecondVersion else {
      return builder.tokenLinear("\(path).qkv", input, width: 3 * width)
    }
    builder.expect("\(path).qkv.weight", [3 * width, width], .parameter)
    builder.expect("\(path).qkv.bias", [3 * width], .parameter)
    builder.countLayer(isWeightLayer: true)
    let ones = [Float](repeating: 1, count: width)
    let keep = builder.table("keyless.\(width)") {
      .floats(ones + [Float](repeating: 0, count: width) + ones, [3 * width])
    }
    let bias = builder.emit(
      "Mul", "\(path).qkv.bias_used", ["\(path).qkv.bias", keep], channels: 3 * width)
    return builder.project(
      "\(path).qkv", input, width: 3 * width, weight: "\(path).qkv.weight", bias: bias.name)
  }

  /// What is added to the scores for every pair of positions, [heads, T, T]: rows of a table, which the second
  /// version computes from the coordinates.
  private static func positionBias(
    _ builder: inout BlueprintBuilder, _ path: String, _ configuration: SwinConfiguration, heads: Int
  ) -> Feature {
    let window = configuration.window
    let tokens = window * window
    let side = 2 * window - 1
    let rows: Feature
    if configuration.isSecondVersion {
      builder.expect("\(path).logit_scale", [heads, 1, 1], .parameter)
      builder.expect("\(path).relative_coords_table", [1, side, side, 2], .table)
      builder.expect("\(path).relative_position_index", [tokens * tokens], .table)
      // The sequence and its ReLU.
      builder.countModules(2)
      let coordinates = builder.table("coordinates.\(window)") {
        SwinConfiguration.coordinates(window: window)
      }
      var feature = builder.tokenLinear(
        "\(path).cpb_mlp.0", Feature(name: coordinates, channels: 2), width: 512)
      feature = builder.relu("\(path).cpb_mlp.1", feature)
      rows = builder.tokenLinear("\(path).cpb_mlp.2", feature, width: heads, bias: false)
    } else {
      rows = builder.ownParameter("\(path).relative_position_bias_table", [side * side, heads])
      let isTimm = configuration.names == .timm
      builder.expect(
        "\(path).relative_position_index", isTimm ? [tokens, tokens] : [tokens * tokens],
        isTimm ? .formerTable : .table)
    }
    let index = builder.table("index.\(window)") { SwinConfiguration.positionIndex(window: window) }
    var bias = builder.emit(
      "Gather", "\(path).bias_rows", [rows.name, index], channels: heads, ["axis": .int(0 as Int)])
    bias = builder.reshape("\(path).bias_pairs", bias, [tokens, tokens, heads])
    bias = builder.transpose("\(path).bias", bias, [2, 0, 1])
    guard configuration.isSecondVersion else { return bias }
    bias = builder.sigmoid("\(path).bias_sigmoid", bias)
    return builder.scale("\(path).bias_scaled", bias, by: builder.number(16))
  }

  /// Zeros below and to the right of [N, H, W, C].
  private static func pad(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, by positions: Int
  ) -> Feature {
    builder.emit(
      "Pad", path, [input.name, builder.integers([0, 0, 0, 0, 0, positions, positions, 0])],
      channels: input.channels, ["mode": .text("constant")])
  }

  /// Rows and columns from `by` on first, then the ones before (PyTorch's `roll` by -`by`).
  private static func roll(
    _ builder: inout BlueprintBuilder, _ path: String, _ input: Feature, side: Int, by: Int
  ) -> Feature {
    var feature = input
    for (axis, name) in [(1, "rows"), (2, "columns")] {
      let tail = builder.slice("\(path).\(name).tail", feature, axes: [axis], starts: [by], ends: [side])
      let head = builder.slice("\(path).\(name).head", feature, axes: [axis], starts: [0], ends: [by])
      feature = builder.emit(
        "Concat", "\(path).\(name)", [tail.name, head.name], channels: input.channels, ["axis": .int(axis)])
    }
    return feature
  }
}
