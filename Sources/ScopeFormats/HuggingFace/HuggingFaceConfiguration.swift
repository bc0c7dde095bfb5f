import OrderedCollections
import ScopeBytes

/// What the `config.json` beside a Hugging Face model says.
public struct HuggingFaceConfiguration: Sendable {
  /// Class names (`LlamaForCausalLM`).
  public var architectures: [String] = []
  /// `llama`; for a multimodal model that of the whole.
  public var modelType: String?
  /// Element type that the weights are meant to be loaded in (`bfloat16`).
  public var dataType: String?
  /// `tie_word_embeddings`.
  public var tiesEmbeddings: Bool?
  public var quantization: Quantization?
  /// Facts of the decoder; nil for models that are none.
  public var decoder: DecoderConfiguration?
  /// Why ``decoder`` is nil though the model generates text.
  public var decoderProblem: String?
  public var hiddenSize: Int?
  public var vocabularySize: Int?
  public var layers: Int?

  /// How the stored weights are packed (`quantization_config`).
  public struct Quantization: Sendable, Hashable {
    /// `gptq`, `awq`, `bitsandbytes`, `mxfp4`, `fp8` ...
    public var method: String
    public var bits: Int?
  }

  static let fileName = "config.json"
  static let sizeLimit = 1 << 24
  static let valueLimit = 1_000_000

  /// - Throws: `malformed`, `limitExceeded` with the byte position; `unsupported` when the JSON is no configuration.
  public init(_ bytes: ByteSlice) throws(ScopeError) {
    guard bytes.count <= Self.sizeLimit else {
      throw ScopeError(
        .limitExceeded, "the configuration is too large", expected: "at most \(Self.sizeLimit) bytes",
        found: "\(bytes.count)")
    }
    try self.init(try JSONValue.parse(bytes, valueLimit: Self.valueLimit))
  }

  init(_ json: JSONValue) throws(ScopeError) {
    guard Self.looksLikeConfiguration(json) else {
      throw ScopeError(
        .unsupported, "this JSON is no model configuration", expected: "\"model_type\" or \"architectures\"")
    }
    architectures = json.strings("architectures").prefix(8).map { String($0.prefix(200)) }
    modelType = json.text("model_type")
    // Multimodal models put their language model's configuration one level down.
    let text = ["text_config", "llm_config", "language_config"].lazy.compactMap { json[$0] }.first
    let inner = text ?? json
    dataType =
      json.text("dtype") ?? json.text("torch_dtype") ?? inner.text("dtype") ?? inner.text("torch_dtype")
    tiesEmbeddings = json.bool("tie_word_embeddings") ?? inner.bool("tie_word_embeddings")
    if let packed = json["quantization_config"] {
      let bits = packed.integer("bits") ?? (packed.bool("load_in_4bit") == true ? 4 : nil)
      quantization = Quantization(
        method: packed.text("quant_method") ?? "unnamed",
        bits: bits ?? (packed.bool("load_in_8bit") == true ? 8 : nil))
    }
    let reader = DecoderReader(inner, family: inner.text("model_type") ?? modelType ?? "")
    hiddenSize = reader.hiddenSize
    vocabularySize = reader.vocabulary
    layers = reader.layers
    guard Self.generatesText(architectures, modelType: inner.text("model_type") ?? modelType) else { return }
    if json.bool("is_encoder_decoder") == true || inner.bool("is_encoder_decoder") == true {
      decoderProblem =
        "it is an encoder-decoder; its cache has a part per source token that is not computed here"
      return
    }
    do throws(ScopeError) {
      decoder = try reader.decoder()
      if decoder?.tiesEmbeddings == nil { decoder?.tiesEmbeddings = tiesEmbeddings }
      if let tiesEmbeddings { decoder?.tiesEmbeddings = tiesEmbeddings }
    } catch {
      decoderProblem = error.description
    }
  }

  static func looksLikeConfiguration(_ json: JSONValue) -> Bool {
    json.text("model_type") != nil || json["architectures"] != nil
  }

  private static func generatesText(_ architectures: [String], modelType: String?) -> Bool {
    // A classifier on a decoder keeps no cache; a conditional generator does.
    if architectures.isEmpty { return modelType.map { DecoderFamily.known[$0] != nil } ?? false }
    return architectures.contains {
      $0.hasSuffix("ForCausalLM") || $0.hasSuffix("LMHeadModel") || $0.hasSuffix("ForConditionalGeneration")
    }
  }
}

extension JSONValue {
  /// A text of at most 200 characters.
  func text(_ key: String) -> String? {
    if case .string(let text)? = self[key] { String(text.prefix(200)) } else { nil }
  }

  func bool(_ key: String) -> Bool? { if case .bool(let value)? = self[key] { value } else { nil } }

  func integer(_ key: String) -> Int? { if case .integer(let value)? = self[key] { value } else { nil } }

  func strings(_ key: String) -> [String] {
    guard case .array(let items)? = self[key] else { return [] }
    return items.compactMap { if case .string(let text) = $0 { text } else { nil } }
  }
}
