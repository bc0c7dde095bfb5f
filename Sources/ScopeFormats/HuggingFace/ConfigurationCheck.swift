import OrderedCollections
import ScopeBytes
import ScopeGraph

/// The sizes that a decoder's or encoder's tensors show by their names and shapes.
public struct TransformerShapes: Sendable, Hashable {
  /// Rows and columns of the token embedding.
  public var vocabularySize: Int?
  public var hiddenSize: Int?
  /// Numbered layers of the longest list.
  public var layers = 0
  /// Elements that keys and values take per token over all layers; nil when the projections are not found in
  /// every layer.
  public var cacheElementsPerToken: Int?
  /// Elements of one head, where a per-head normalisation shows it.
  public var headSize: Int?
  /// Whether there is an output projection of its own.
  public var hasOutputProjection = false
  /// Name of the output projection's tensor.
  public var outputProjection: String?
  /// Elements of tensors that belong to one of several experts.
  public var expertElements = 0

  private static let embeddings = [
    "embed_tokens.weight", "wte.weight", "word_embeddings.weight", "embed_in.weight", "tok_embeddings.weight",
    "token_embd.weight",
  ]
  private static let outputs = [
    "lm_head.weight", "embed_out.weight", "output.weight", "lm_head.linear.weight",
  ]
  private static let lists = ["layers", "h", "blocks", "layer", "blk"]

  public init(_ tensors: OrderedDictionary<String, Tensor>) {
    var cache: [Int: Int] = [:]
    for (name, tensor) in tensors {
      let dimensions = tensor.dimensions
      let parts = name.split(separator: ".")
      if dimensions.count == 2, vocabularySize == nil,
        Self.embeddings.contains(where: { name == $0 || name.hasSuffix("." + $0) })
      {
        vocabularySize = dimensions[0]
        hiddenSize = dimensions[1]
      }
      if Self.outputs.contains(name) || name.hasSuffix(".lm_head.weight") {
        hasOutputProjection = true
        outputProjection = name
      }
      if Self.isExpert(name) { expertElements += PackedWeights.elements(name, tensor, in: tensors) ?? 0 }
      guard
        let list = parts.indices.dropLast().first(where: {
          Self.lists.contains(String(parts[$0])) && Int(parts[$0 + 1]) != nil
        }), let index = Int(parts[list + 1]), index >= 0, index < DecoderConfiguration.sizeLimit
      else { continue }
      layers = max(layers, index + 1)
      let own = parts.dropFirst(list + 2).joined(separator: ".")
      if own.hasSuffix("k_norm.weight") || own.hasSuffix("k_layernorm.weight"), dimensions.count == 1 {
        headSize = dimensions[0]
      }
      if let width = Self.keyValueWidth(own, dimensions, hidden: hiddenSize) {
        cache[index, default: 0] += width
      }
    }
    if layers > 0, cache.count == layers { cacheElementsPerToken = cache.values.reduce(0, +) }
  }

  /// A tensor of one expert (`experts.3.w1.weight`) or of all of them (`experts.gate_up_proj`, [expert, ...]).
  static func isExpert(_ name: String) -> Bool { name.contains(".experts.") }

  /// Elements per token that the projection of this name makes for the cache.
  private static func keyValueWidth(_ name: String, _ dimensions: [Int], hidden: Int?) -> Int? {
    guard dimensions.count == 2, dimensions[0] < 1 << 32, dimensions[1] < 1 << 32,
      name.hasPrefix("self_attn.")
        || name.hasPrefix("attn.") || name.hasPrefix("attention.") || name.hasPrefix("self_attention.")
    else { return nil }
    switch name.split(separator: ".").dropFirst().joined(separator: ".") {
    case "k_proj.weight", "v_proj.weight", "wk.weight", "wv.weight": return dimensions[0]
    // Keys, queries and values in one: plain multi-head attention only, where all three are as wide as the model.
    case "query_key_value.weight" where dimensions[0] == 3 * dimensions[1]: return 2 * dimensions[1]
    // GPT-2 stores its linear layers transposed.
    case "c_attn.weight" where dimensions[1] == 3 * dimensions[0]: return 2 * dimensions[0]
    default: return nil
    }
  }
}

extension HuggingFaceConfiguration {
  /// Where configuration and tensors contradict each other, one sentence each; empty when they agree.
  public func disagreements(with shapes: TransformerShapes) -> [String] {
    var result: [String] = []
    func compare(_ key: String, _ said: Int?, _ found: Int?, _ what: String) {
      guard let said, let found, said != found else { return }
      result.append("config.json says \(key) \(said), but \(what) \(found)")
    }
    compare("hidden_size", hiddenSize, shapes.hiddenSize, "the token embedding is as wide as")
    compare("vocab_size", vocabularySize, shapes.vocabularySize, "the token embedding has rows:")
    if shapes.layers > 0, let layers, shapes.layers < layers {
      result.append(
        "config.json says num_hidden_layers \(layers), but the tensors' layers end after \(shapes.layers)")
    }
    if quantization == nil, let decoder,
      decoder.cache.allSatisfy({ $0.elementsPerToken == 2 * decoder.keyValueHeads * decoder.headSize })
    {
      compare(
        "num_key_value_heads \(decoder.keyValueHeads) and head_dim \(decoder.headSize), together",
        decoder.layers * 2 * decoder.keyValueHeads * decoder.headSize,
        shapes.cacheElementsPerToken, "elements of keys and values per token, but the projections make")
    }
    return result
  }

  /// Whether the configuration is of another model than these tensors: its sizes must not be used with them.
  public func contradicts(_ shapes: TransformerShapes) -> Bool {
    if let hiddenSize, let found = shapes.hiddenSize, hiddenSize != found, quantization == nil { return true }
    if let layers, shapes.layers > 0, shapes.layers < layers { return true }
    return false
  }
}
