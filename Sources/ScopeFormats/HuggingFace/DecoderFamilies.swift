/// What the configuration classes of Hugging Face transformers take where `config.json` leaves a field out
/// (checked against transformers 5.24).
struct DecoderFamily: Sendable {
  var heads: Int?
  var keyValueHeads: Int?
  var headSize: Int?
  var vocabulary: Int?
  var context: Int?
  var window: Int?
  /// Every n-th layer keeps all tokens, the others a window.
  var windowPattern: Int?
  var experts: Int?
  var expertsPerToken: Int?
  var tiesEmbeddings = false
  /// How the layers attend where `layer_types` does not say it.
  var windows = Windows.none

  enum Windows: Sendable {
    /// No layer has a window, whatever `sliding_window` says.
    case none
    /// Every layer has `sliding_window` when it is given.
    case all
    /// `use_sliding_window` switches the windows on, from layer `max_window_layers`.
    case switched
    /// Layer i keeps all tokens when (i + 1) is a multiple of the pattern.
    case pattern
    /// `attention_types` names them (GPT-Neo).
    case types
  }

  /// By `model_type`; a decoder that is not listed is read by the standard names, and a note says so.
  static let known: [String: DecoderFamily] = [
    "llama": DecoderFamily(), "mistral": DecoderFamily(keyValueHeads: 8, window: 4096, windows: .all),
    "ministral": DecoderFamily(keyValueHeads: 8, window: 4096, windows: .all),
    "mixtral": DecoderFamily(keyValueHeads: 8, experts: 8, expertsPerToken: 2, windows: .all),
    "qwen2": DecoderFamily(windows: .switched),
    "qwen2_moe": DecoderFamily(experts: 60, expertsPerToken: 4, windows: .switched),
    "qwen3": DecoderFamily(headSize: 128, windows: .switched),
    "qwen3_moe": DecoderFamily(keyValueHeads: 4, experts: 128, expertsPerToken: 8, windows: .switched),
    "qwen3_next": DecoderFamily(keyValueHeads: 2, headSize: 256, experts: 512, expertsPerToken: 10),
    "gemma": DecoderFamily(heads: 16, keyValueHeads: 16, headSize: 256, tiesEmbeddings: true),
    "gemma2": DecoderFamily(
      heads: 8, keyValueHeads: 4, headSize: 256, context: 8192, window: 4096, windowPattern: 2,
      tiesEmbeddings: true, windows: .pattern),
    "gemma3_text": DecoderFamily(
      heads: 8, keyValueHeads: 4, headSize: 256, vocabulary: 262_208, context: 131_072, window: 4096,
      windowPattern: 6, tiesEmbeddings: true, windows: .pattern),
    "phi": DecoderFamily(), "phi3": DecoderFamily(windows: .all),
    "phimoe": DecoderFamily(keyValueHeads: 8, experts: 16, expertsPerToken: 2, windows: .all),
    "gpt2": DecoderFamily(tiesEmbeddings: true), "gptj": DecoderFamily(), "codegen": DecoderFamily(),
    "gpt_neo": DecoderFamily(window: 256, tiesEmbeddings: true, windows: .types), "gpt_neox": DecoderFamily(),
    "gpt_bigcode": DecoderFamily(tiesEmbeddings: true), "opt": DecoderFamily(tiesEmbeddings: true),
    "bloom": DecoderFamily(tiesEmbeddings: true), "falcon": DecoderFamily(tiesEmbeddings: true),
    "mpt": DecoderFamily(tiesEmbeddings: true), "stablelm": DecoderFamily(), "olmo": DecoderFamily(),
    "olmo2": DecoderFamily(), "granite": DecoderFamily(), "cohere": DecoderFamily(tiesEmbeddings: true),
    "cohere2": DecoderFamily(
      headSize: 128, window: 4096, windowPattern: 4, tiesEmbeddings: true, windows: .pattern),
    "starcoder2": DecoderFamily(keyValueHeads: 2, tiesEmbeddings: true, windows: .all),
    "deepseek_v2": DecoderFamily(), "deepseek_v3": DecoderFamily(experts: 256, expertsPerToken: 8),
    "gpt_oss": DecoderFamily(
      keyValueHeads: 8, headSize: 64, window: 128, windowPattern: 2, experts: 128, expertsPerToken: 4,
      windows: .pattern),
    "smollm3": DecoderFamily(keyValueHeads: 4, tiesEmbeddings: true),
    "exaone4": DecoderFamily(window: 4096, windowPattern: 4, windows: .pattern),
    "glm4": DecoderFamily(keyValueHeads: 2, headSize: 128),
    "llama4_text": DecoderFamily(keyValueHeads: 8, headSize: 128, experts: 16, expertsPerToken: 1),
    "jamba": DecoderFamily(keyValueHeads: 8, experts: 16, expertsPerToken: 2),
  ]
}
