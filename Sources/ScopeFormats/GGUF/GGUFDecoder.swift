import ScopeBytes

/// The sizes of a decoder from the metadata of a GGUF file (`llama.block_count` ...).
struct GGUFDecoder {
  private let metadata: GGUFMetadata
  private let prefix: String

  init(_ metadata: GGUFMetadata) {
    self.metadata = metadata
    prefix = metadata.text("general.architecture") ?? ""
  }

  private func integer(_ key: String) -> Int? { metadata.integer("\(prefix).\(key)") }

  /// One number per layer, from a number for all or an array.
  private func perLayer(_ key: String, layers: Int) throws(ScopeError) -> [Int]? {
    guard let values = metadata.integers("\(prefix).\(key)") else { return nil }
    if values.count == 1 { return [Int](repeating: values[0], count: layers) }
    // Files may hold more entries than blocks.
    guard values.count >= layers else {
      throw ScopeError(
        .malformed, "the metadata has too few entries", place: "metadata \"\(prefix).\(key)\"",
        expected: "\(layers)", found: "\(values.count)")
    }
    return Array(values.prefix(layers))
  }

  private func size(_ value: Int?, _ key: String, from lowest: Int = 1) throws(ScopeError) -> Int {
    guard let value else {
      throw ScopeError(.malformed, "the metadata has no \"\(prefix).\(key)\"")
    }
    guard (lowest...DecoderConfiguration.sizeLimit).contains(value) else {
      throw ScopeError(
        .malformed, "the metadata has an impossible size", place: "metadata \"\(prefix).\(key)\"",
        expected: "\(lowest) to \(DecoderConfiguration.sizeLimit)", found: "\(value)")
    }
    return value
  }

  /// Architectures of ggml that keep no cache of keys and values per generated token.
  private static let notDecoders: Set<String> = [
    "bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "jina-bert-v3", "modern-bert", "neo-bert", "t5",
    "t5encoder", "clip", "wavtokenizer-dec", "mamba", "mamba2", "rwkv6", "rwkv7", "whisper", "flux", "sd1",
    "sdxl",
  ]
  /// Every n-th layer keeps all tokens where the file does not say which (llama.cpp `set_swa_pattern`).
  private static let patterns: [String: Int] = [
    "gemma2": 2, "gemma3": 6, "cohere2": 4, "gpt-oss": 2, "exaone4": 4,
  ]

  /// - Returns: nil when the metadata is of no decoder.
  /// - Throws: `malformed` naming the key.
  func decoder() throws(ScopeError) -> DecoderConfiguration? {
    guard !prefix.isEmpty, !Self.notDecoders.contains(prefix), integer("block_count") != nil else {
      return nil
    }
    let layers = try size(integer("block_count"), "block_count")
    let hidden = try size(integer("embedding_length"), "embedding_length")
    guard let heads = try perLayer("attention.head_count", layers: layers) else {
      throw ScopeError(.malformed, "the metadata has no \"\(prefix).attention.head_count\"")
    }
    let keyValueHeads = try perLayer("attention.head_count_kv", layers: layers) ?? heads
    let mostHeads = try size(heads.max(), "attention.head_count")
    for value in heads + keyValueHeads { _ = try size(value, "attention.head_count_kv", from: 0) }
    let keySize = try size(
      integer("attention.key_length_mla") ?? integer("attention.key_length") ?? hidden / mostHeads,
      "attention.key_length")
    let valueSize = try size(
      integer("attention.value_length_mla") ?? integer("attention.value_length") ?? keySize,
      "attention.value_length")
    var result = DecoderConfiguration(
      family: prefix, layers: layers, hiddenSize: hidden, attentionHeads: mostHeads,
      keyValueHeads: keyValueHeads.max() ?? mostHeads, headSize: keySize, cache: [])
    result.vocabularySize = integer("vocab_size") ?? metadata.count("tokenizer.ggml.tokens")
    if let context = integer("context_length"), (1...(1 << 40)).contains(context) {
      result.contextLength = context
    }
    if let count = integer("expert_count"), count > 1 {
      let active = try size(integer("expert_used_count"), "expert_used_count")
      let all = try size(count, "expert_count")
      guard active <= all else {
        throw ScopeError(
          .malformed, "the metadata lets more experts work than there are",
          place: "metadata \"\(prefix).expert_used_count\"", expected: "at most \(all)", found: "\(active)")
      }
      result.experts = .init(count: all, perToken: active)
    }
    var latent: Int?
    if let rank = integer("attention.kv_lora_rank"), rank > 0 {
      latent =
        try size(rank, "attention.kv_lora_rank")
        + size(integer("rope.dimension_count"), "rope.dimension_count")
      result.notes.append(
        "the cache holds the compressed latent of multi-head latent attention, as llama.cpp keeps it")
    }
    var counts: [DecoderConfiguration.CacheGroup: Int] = [:]
    let windows = try windows(layers: layers)
    for layer in 0..<layers {
      let elements = keyValueHeads[layer] == 0 ? 0 : latent ?? keyValueHeads[layer] * (keySize + valueSize)
      counts[.init(layers: 1, elementsPerToken: elements, window: windows[layer]), default: 0] += 1
    }
    result.cache = counts.map { group, count in
      .init(layers: count, elementsPerToken: group.elementsPerToken, window: group.window)
    }.filter { $0.elementsPerToken > 0 }.sorted {
      ($0.window ?? .max, $0.elementsPerToken) > ($1.window ?? .max, $1.elementsPerToken)
    }
    let without = keyValueHeads.count { $0 == 0 }
    if without > 0 {
      result.notes.append(
        "\(without) of \(layers) layers have no attention; the state they keep, which does not grow, is not counted"
      )
    }
    return result
  }

  /// Tokens that each layer keeps at most.
  private func windows(layers: Int) throws(ScopeError) -> [Int?] {
    guard let window = integer("attention.sliding_window"), window > 0 else {
      return [Int?](repeating: nil, count: layers)
    }
    let size = try size(window, "attention.sliding_window")
    if let flags = metadata.integers("\(prefix).attention.sliding_window_pattern") {
      if flags.count >= layers { return flags.prefix(layers).map { $0 != 0 ? size : nil } }
      if let pattern = flags.first, flags.count == 1, pattern > 0 {
        return (0..<layers).map { ($0 + 1) % pattern == 0 ? nil : size }
      }
    }
    if let pattern = Self.patterns[prefix] {
      return (0..<layers).map { ($0 + 1) % pattern == 0 ? nil : size }
    }
    return [Int?](repeating: size, count: layers)
  }
}
