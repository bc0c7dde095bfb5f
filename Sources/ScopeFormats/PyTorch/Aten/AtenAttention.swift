import ScopeBytes
import ScopeGraph

/// Attention.
enum AtenAttention {
  static let operators: [AtenOperator] = [
    .tensor(
      "scaled_dot_product_attention", "query key value attn_mask dropout_p is_causal scale enable_gqa"
    ) { (builder, arguments) throws(ScopeError) in
      try dotProduct(&builder, arguments)
    },
    AtenOperator(
      "_scaled_dot_product_flash_attention_for_cpu", "query key value dropout_p is_causal attn_mask scale"
    ) { (builder, arguments) throws(ScopeError) in [.tensor(try dotProduct(&builder, arguments)), .none] },
    AtenOperator(
      "_scaled_dot_product_attention_math",
      "query key value attn_mask dropout_p is_causal dropout_mask scale enable_gqa"
    ) { (builder, arguments) throws(ScopeError) in [.tensor(try dotProduct(&builder, arguments)), .none] },
    AtenOperator(
      "_native_multi_head_attention",
      "query key value embed_dim num_head qkv_weight qkv_bias proj_weight proj_bias mask need_weights "
        + "average_attn_weights mask_type", multiHead),
    .tensor(
      "_transformer_encoder_layer_fwd",
      "src embed_dim num_heads qkv_weight qkv_bias proj_weight proj_bias use_gelu norm_first eps "
        + "norm_weight_1 norm_bias_1 norm_weight_2 norm_bias_2 ffn_weight_1 ffn_bias_1 ffn_weight_2 "
        + "ffn_bias_2 mask mask_type", encoderLayer),
  ]

  /// softmax(Q Kᵀ scale + mask) V over [..., L, E], [..., S, E], [..., S, Ev].
  private static func dotProduct(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenTensor {
    guard try arguments.double("dropout_p", 0) == 0 else {
      throw ScopeError(.unsupported, "attention with dropout is not converted")
    }
    let query = try arguments.tensor("query")
    var (key, value) = (try arguments.tensor("key"), try arguments.tensor("value"))
    let rank = try arguments.rank(query)
    guard rank >= 2, try arguments.rank(key) == rank, try arguments.rank(value) == rank else {
      throw arguments.wrong("query", "query, key and value of one rank")
    }
    if try arguments.bool("enable_gqa", false), rank >= 3 {
      let heads = try arguments.size(query, rank - 3)
      let own = try arguments.size(key, rank - 3)
      guard own > 0, heads % own == 0 else { throw arguments.wrong("key", "a divisor of the heads") }
      key = try builder.repeatInterleaved(key, axis: rank - 3, times: heads / own)
      value = try builder.repeatInterleaved(value, axis: rank - 3, times: heads / own)
    }
    let width = try arguments.size(query, rank - 1)
    let scale = try arguments.double("scale", 1 / Double(max(width, 1)).squareRoot())
    var mask = try arguments.optionalTensor("attn_mask")
    if try arguments.bool("is_causal", false) {
      guard mask == nil else { throw arguments.wrong("attn_mask", "no mask beside is_causal") }
      let (rows, columns) = (try arguments.size(query, rank - 2), try arguments.size(key, rank - 2))
      let ones = try builder.full([.int(rows), .int(columns)], .int(1), .int32)
      let lower = try builder.emit(
        "Trilu", [ones, builder.literal(.int64s([0], []))], ["upper": .int(0 as Int)])
      mask = try builder.cast(lower, .bool)
    }
    return try builder.attention(query, key, value, scale: scale, mask: mask, keepsTrue: true).output
  }

  /// nn.MultiheadAttention's fast path: one projection for all three, heads, and the output projection.
  @Sendable private static func multiHead(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> [AtenValue] {
    let query = try arguments.tensor("query")
    guard try arguments.tensor("key").name == query.name, try arguments.tensor("value").name == query.name
    else { throw ScopeError(.unsupported, "this attention is converted for self-attention only") }
    let (output, weights) = try selfAttention(
      &builder, arguments, query, heads: try arguments.int("num_head"))
    guard try arguments.bool("need_weights", true) else { return [.tensor(output), .none] }
    guard try arguments.bool("average_attn_weights", true) else {
      return [.tensor(output), .tensor(weights)]
    }
    return [.tensor(output), .tensor(try builder.reduce("ReduceMean", weights, [1], false))]
  }

  private static func selfAttention(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments, _ input: AtenTensor, heads: Int
  ) throws(ScopeError) -> (output: AtenTensor, weights: AtenTensor) {
    let width = try arguments.int("embed_dim")
    guard try arguments.rank(input) == 3, heads > 0, width > 0, width % heads == 0 else {
      throw arguments.wrong("embed_dim", "[N, L, E] with heads that divide E")
    }
    let joint = try builder.linear(
      input, weight: try arguments.tensor("qkv_weight"), bias: try arguments.optionalTensor("qkv_bias"))
    let parts = try builder.emit(
      "Split", [joint, builder.literal([width, width, width])], ["axis": .int(2 as Int)], outputs: 3)
    var headed: [AtenTensor] = []
    for part in parts {
      let split = try builder.emit("Reshape", [part, builder.literal([0, 0, heads, width / heads])])
      headed.append(try builder.transpose(split, [0, 2, 1, 3]))
    }
    var mask = try arguments.optionalTensor("mask")
    // 1: padding of the keys, [N, S]. PyTorch masks where such a mask is true.
    if let padding = mask, try arguments.int("mask_type", 0) == 1 {
      mask = try builder.emit("Unsqueeze", [padding, builder.literal([1, 2])])
    }
    let (context, weights) = try builder.attention(
      headed[0], headed[1], headed[2], scale: 1 / Double(width / heads).squareRoot(), mask: mask,
      keepsTrue: false)
    let joined = try builder.emit(
      "Reshape", [try builder.transpose(context, [0, 2, 1, 3]), builder.literal([0, 0, width])])
    let output = try builder.linear(
      joined, weight: try arguments.tensor("proj_weight"), bias: try arguments.optionalTensor("proj_bias"))
    return (output, weights)
  }

  /// nn.TransformerEncoderLayer's fast path.
  @Sendable private static func encoderLayer(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenTensor {
    let source = try arguments.tensor("src")
    let heads = try arguments.int("num_heads")
    let normFirst = try arguments.bool("norm_first", false)
    let epsilon = Float(try arguments.double("eps", 1e-5))
    func normalised(
      _ builder: inout AtenBuilder, _ value: AtenTensor, _ number: Int
    ) throws(ScopeError) -> AtenTensor {
      try builder.emit(
        "LayerNormalization",
        [value, try arguments.tensor("norm_weight_\(number)"), try arguments.tensor("norm_bias_\(number)")],
        ["axis": .int(-1), "epsilon": .float(epsilon)])
    }
    let first = normFirst ? try normalised(&builder, source, 1) : source
    let attended = try selfAttention(&builder, arguments, first, heads: heads).output
    var hidden = try builder.emit("Add", [source, attended])
    if !normFirst { hidden = try normalised(&builder, hidden, 1) }
    let second = normFirst ? try normalised(&builder, hidden, 2) : hidden
    let wide = try builder.linear(
      second, weight: try arguments.tensor("ffn_weight_1"), bias: try arguments.optionalTensor("ffn_bias_1"))
    let activation = try arguments.bool("use_gelu", false) ? "aten::gelu" : "aten::relu"
    guard case .tensor(let active)? = try builder.call(activation, [.tensor(wide)], at: "feed forward").first
    else { throw arguments.wrong("src", "a tensor") }
    let narrow = try builder.linear(
      active, weight: try arguments.tensor("ffn_weight_2"), bias: try arguments.optionalTensor("ffn_bias_2"))
    let result = try builder.emit("Add", [hidden, narrow])
    return normFirst ? result : try normalised(&builder, result, 2)
  }
}

extension AtenBuilder {
  /// softmax(Q Kᵀ scale + mask) V and the softmax.
  ///
  /// - Parameter keepsTrue: whether a mask of truth values keeps the elements where it is true, or masks them.
  mutating func attention(
    _ query: AtenTensor, _ key: AtenTensor, _ value: AtenTensor, scale: Double, mask: AtenTensor?,
    keepsTrue: Bool
  ) throws(ScopeError) -> (output: AtenTensor, weights: AtenTensor) {
    let rank = key.shape?.rank ?? 4
    var order = Array(0..<rank)
    order.swapAt(rank - 2, rank - 1)
    let scores = try emit("MatMul", [query, try transpose(key, order)])
    var weights = try scaled(scores, by: scale)
    if let mask {
      let type = query.dataType ?? .float32
      if mask.dataType == .bool {
        let (zero, low) = (try scalar(0.0, type), try scalar(-.infinity, type))
        let bias = try emit("Where", keepsTrue ? [mask, zero, low] : [mask, low, zero])
        weights = try emit("Add", [weights, bias])
      } else {
        weights = try emit("Add", [weights, try cast(mask, type)])
      }
    }
    weights = try emit("Softmax", [weights], ["axis": .int(-1)])
    return (try emit("MatMul", [weights, value]), weights)
  }
}
