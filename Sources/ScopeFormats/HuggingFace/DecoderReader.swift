import ScopeBytes

/// Reads the sizes of a decoder from its configuration, by the names that its family uses.
struct DecoderReader {
  private let json: JSONValue
  private let name: String
  private let family: DecoderFamily?

  init(_ json: JSONValue, family: String) {
    self.json = json
    name = family
    self.family = DecoderFamily.known[family]
  }

  /// The first of the names that the configuration has.
  private func integer(_ keys: String...) -> Int? { keys.lazy.compactMap { json.integer($0) }.first }

  var hiddenSize: Int? { integer("hidden_size", "n_embd", "n_embed", "d_model") }
  var layers: Int? { integer("num_hidden_layers", "n_layer", "n_layers", "num_layers") }
  var vocabulary: Int? { integer("vocab_size") ?? family?.vocabulary }
  private var heads: Int? {
    integer("num_attention_heads", "n_head", "n_heads", "num_heads") ?? family?.heads
  }

  /// - Throws: `malformed` naming a size that is missing or impossible.
  func decoder() throws(ScopeError) -> DecoderConfiguration {
    let layers = try size(layers, "num_hidden_layers")
    let hidden = try size(hiddenSize, "hidden_size")
    let heads = try size(heads, "num_attention_heads")
    let keyValueHeads = try size(keyValueHeads(heads), "num_key_value_heads")
    let headSize = try size(
      integer("head_dim", "attention_head_dim") ?? family?.headSize ?? (hidden / heads), "head_dim")
    guard keyValueHeads <= heads else {
      throw ScopeError(
        .malformed, "config.json has more key-value heads than attention heads",
        place: "num_key_value_heads",
        expected: "at most \(heads)", found: "\(keyValueHeads)")
    }
    var result = DecoderConfiguration(
      family: name, layers: layers, hiddenSize: hidden, attentionHeads: heads, keyValueHeads: keyValueHeads,
      headSize: headSize, cache: [])
    result.vocabularySize = vocabulary
    result.contextLength =
      integer(
        "max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length", "max_sequence_length")
      ?? family?.context
    if let context = result.contextLength, !(1...(1 << 40)).contains(context) { result.contextLength = nil }
    result.tiesEmbeddings = json.bool("tie_word_embeddings") ?? family?.tiesEmbeddings
    result.experts = try experts()
    var elements = 2 * keyValueHeads * headSize
    if let rank = integer("kv_lora_rank"), rank > 0 {
      // Multi-head latent attention keeps one compressed vector and the rotary part of the key (DeepSeek-V2,
      // arXiv 2405.04434, section 2.1).
      let rotary = try size(integer("qk_rope_head_dim"), "qk_rope_head_dim")
      elements = try size(rank, "kv_lora_rank") + rotary
      result.notes.append(
        "the cache holds the compressed latent of multi-head latent attention (\(rank) + \(rotary) elements per "
          + "token and layer); implementations that expand it to full keys and values need more")
    }
    result.cache = try groups(layers: layers, elements: elements, notes: &result.notes)
    if family == nil {
      result.notes.append(
        "the family \"\(name)\" is not known here; its configuration was read by the standard names")
    }
    return result
  }

  private func size(_ value: Int?, _ key: String) throws(ScopeError) -> Int {
    guard let value else {
      throw ScopeError(.malformed, "config.json does not say \"\(key)\"")
    }
    guard (1...DecoderConfiguration.sizeLimit).contains(value) else {
      throw ScopeError(
        .malformed, "config.json has an impossible size", place: key,
        expected: "1 to \(DecoderConfiguration.sizeLimit)", found: "\(value)")
    }
    return value
  }

  /// Heads whose keys and values are kept.
  private func keyValueHeads(_ heads: Int) -> Int {
    switch name {
    case "falcon", "RefinedWeb", "RefinedWebModel":
      // Multi-query unless the newer grouped layout is declared.
      if json.bool("new_decoder_architecture") == true {
        return integer("num_kv_heads", "n_head_kv") ?? heads
      }
      return json.bool("multi_query") ?? true ? 1 : integer("num_kv_heads") ?? heads
    case "gpt_bigcode": return json.bool("multi_query") ?? true ? 1 : heads
    case "mpt": return json["attn_config"]?.integer("kv_n_heads") ?? heads
    default:
      return integer("num_key_value_heads", "num_kv_heads", "n_head_kv") ?? family?.keyValueHeads ?? heads
    }
  }

  private func experts() throws(ScopeError) -> DecoderConfiguration.Experts? {
    guard
      let count = integer("num_local_experts", "n_routed_experts", "num_experts", "moe_num_experts")
        ?? family?.experts, count > 1
    else { return nil }
    let active = try size(
      integer("num_experts_per_tok", "num_experts_per_token", "moe_top_k", "top_k_experts")
        ?? family?.expertsPerToken, "num_experts_per_tok")
    let all = try size(count, "num_local_experts")
    guard active <= all else {
      throw ScopeError(
        .malformed, "config.json lets more experts work than there are", place: "num_experts_per_tok",
        expected: "at most \(all)", found: "\(active)")
    }
    return DecoderConfiguration.Experts(count: all, perToken: active)
  }

  /// Layers by what they keep.
  private func groups(
    layers: Int, elements: Int, notes: inout [String]
  ) throws(ScopeError) -> [DecoderConfiguration.CacheGroup] {
    let window = integer("sliding_window", "window_size", "attention_chunk_size").flatMap {
      $0 > 0 ? $0 : nil
    }
    let kinds = kinds(layers: layers, hasWindow: window ?? family?.window != nil)
    let windowed = kinds.count { $0 == .window }
    let full = kinds.count { $0 == .full }
    let other = kinds.count - windowed - full
    var groups: [DecoderConfiguration.CacheGroup] = []
    if full > 0 { groups.append(.init(layers: full, elementsPerToken: elements)) }
    if windowed > 0 {
      let tokens = try size(window ?? family?.window, "sliding_window")
      groups.append(.init(layers: windowed, elementsPerToken: elements, window: tokens))
    }
    if other > 0 {
      notes.append(
        "\(other) of \(layers) layers have no attention; the state they keep, which does not grow, is not counted"
      )
    }
    return groups
  }

  private enum Kind { case full, window, other }

  private func kinds(layers: Int, hasWindow: Bool) -> [Kind] {
    let named =
      json.strings("layer_types").isEmpty ? json.strings("layers_block_type") : json.strings("layer_types")
    if named.count == layers {
      return named.map {
        switch $0 {
        case "full_attention", "attention": .full
        case "sliding_attention", "chunked_attention": .window
        default: .other
        }
      }
    }
    if let period = integer("attn_layer_period"), period > 0 {
      let offset = integer("attn_layer_offset") ?? 0
      return (0..<layers).map { $0 % period == offset ? .full : .other }
    }
    let all = [Kind](repeating: .full, count: layers)
    switch family?.windows ?? .all {
    case .none: return all
    case .all:
      // An explicit null switches a family's window off.
      if case .null? = json["sliding_window"] { return all }
      return hasWindow ? [Kind](repeating: .window, count: layers) : all
    case .switched:
      guard json.bool("use_sliding_window") == true, hasWindow else { return all }
      let first = integer("max_window_layers") ?? 28
      return (0..<layers).map { $0 >= first ? .window : .full }
    case .pattern:
      if case .null? = json["sliding_window"] { return all }
      let pattern = integer("sliding_window_pattern", "_sliding_window_pattern") ?? family?.windowPattern ?? 0
      guard pattern > 0 else { return all }
      return (0..<layers).map { ($0 + 1) % pattern == 0 ? .full : .window }
    case .types:
      // [[["global", "local"], 12]]: the names repeat.
      guard case .array(let entries)? = json["attention_types"] else { return all }
      var kinds: [Kind] = []
      for entry in entries {
        guard case .array(let pair) = entry, pair.count == 2, case .array(let names) = pair[0],
          case .integer(let times) = pair[1], times > 0, times <= layers
        else { return all }
        for _ in 0..<times where kinds.count < layers {
          for case .string(let name) in names { kinds.append(name == "local" ? .window : .full) }
        }
      }
      return kinds.count == layers ? kinds : all
    }
  }
}
