import Foundation
import ScopeBytes
import ScopeFormats
import TestSupport
import Testing

/// Configurations, and the cache that transformers fills for them (`Tests/Fixtures/make_described.py`).
private struct DecoderFacts {
  let config: Data
  let elementsPerToken: Int

  static let all: [String: DecoderFacts] = {
    guard let data = FileManager.default.contents(atPath: Fixture.path("described/decoders.json")),
      let cases = (try? JSONSerialization.jsonObject(with: data)) as? [String: [String: Any]]
    else { return [:] }
    return cases.compactMapValues { facts in
      guard let config = facts["config"], let elements = facts["elementsPerToken"] as? Int,
        let text = try? JSONSerialization.data(withJSONObject: config)
      else { return nil }
      return DecoderFacts(config: text, elementsPerToken: elements)
    }
  }()
}

@Suite struct HuggingFaceTests {
  private func decoder(_ json: String) throws -> DecoderConfiguration {
    try #require(try HuggingFaceConfiguration(ByteSlice(Array(json.utf8))).decoder)
  }

  @Test func cacheIsWhatTransformersFills() throws {
    #expect(DecoderFacts.all.count == 12)
    for (name, facts) in DecoderFacts.all {
      let configuration = try HuggingFaceConfiguration(ByteSlice([UInt8](facts.config)))
      #expect(configuration.decoder?.cacheElementsPerToken == facts.elementsPerToken, "\(name)")
    }
  }

  @Test func windowsBoundTheCache() throws {
    let gemma = try decoder(
      """
      {"architectures": ["Gemma2ForCausalLM"], "model_type": "gemma2", "hidden_size": 2304, "num_hidden_layers": 26,
       "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "sliding_window": 4096}
      """)
    #expect(gemma.slidingWindow?.layers == 13)
    #expect(try gemma.cacheElements(tokens: 8192) == 13 * 2048 * 8192 + 13 * 2048 * 4096)
    let none = try decoder(
      """
      {"architectures": ["MistralForCausalLM"], "model_type": "mistral", "hidden_size": 64, "num_hidden_layers": 2,
       "num_attention_heads": 4, "num_key_value_heads": 2, "sliding_window": null}
      """)
    #expect(none.slidingWindow == nil)
  }

  /// DeepSeek-V3: 512 + 64 elements in each of 61 layers.
  @Test func latentAttentionKeepsTheLatent() throws {
    let deepSeek = try decoder(
      """
      {"architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3", "hidden_size": 7168,
       "num_hidden_layers": 61, "num_attention_heads": 128, "num_key_value_heads": 128, "kv_lora_rank": 512,
       "qk_rope_head_dim": 64, "n_routed_experts": 256, "num_experts_per_tok": 8}
      """)
    #expect(deepSeek.cacheElementsPerToken == 61 * 576)
    #expect(deepSeek.experts?.perToken == 8)
  }

  @Test func impossibleSizesAreNamed() throws {
    for size in ["0", "-1", "9223372036854775807", "\"x\""] {
      let configuration = try HuggingFaceConfiguration(
        ByteSlice(
          Array(
            "{\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\", \"hidden_size\": 64, \"num_hidden_layers\": \(size), \"num_attention_heads\": 4}"
              .utf8)))
      #expect(configuration.decoder == nil)
      #expect(configuration.decoderProblem?.contains("num_hidden_layers") == true, "\(size)")
    }
  }

  @Test(arguments: [
    "described/llama", "described/llama/", "described/llama/config.json", "described/mixtral",
  ])
  func foldersAreModels(_ path: String) throws {
    let file = try ModelReader.read(path: Fixture.path(path))
    guard case .weights(let weights) = file.content else {
      Issue.record("no weights")
      return
    }
    let name = path.contains("llama") ? "llama" : "mixtral"
    let elements = weights.tensors.values.reduce(0) { $0 + $1.elementCount }
    #expect(elements == DescribedFacts.all[name]?.parameters)
    let configuration = try #require(file.configuration)
    #expect(configuration.disagreements(with: TransformerShapes(weights.tensors)).isEmpty)
    #expect(configuration.decoder?.layers == 2)
  }

  private func copy(_ change: (URL) throws -> Void, _ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "scope-folder-\(UUID().uuidString)")
    try FileManager.default.copyItem(at: URL(filePath: Fixture.path("described/llama")), to: folder)
    defer { try? FileManager.default.removeItem(at: folder) }
    try change(folder)
    try body(folder.path())
  }

  @Test func missingShardsAreNamed() throws {
    try copy {
      try FileManager.default.removeItem(at: $0.appending(path: "model-00002-of-00003.safetensors"))
    } _: { path in
      let error = failure { () throws(ScopeError) in _ = try ModelReader.read(path: path) }
      #expect(error?.code == .notFound && error?.message.contains("1 of the 3") == true)
      #expect(error?.found?.contains("model-00002-of-00003") == true)
    }
    try copy {
      try FileManager.default.removeItem(at: $0.appending(path: "model.safetensors.index.json"))
    } _: { path in
      let error = failure { () throws(ScopeError) in _ = try ModelReader.read(path: path) }
      #expect(error?.code == .unreadable && error?.expected == "model.safetensors.index.json")
    }
  }

  @Test func contradictionsAreTold() throws {
    try copy { folder in
      let config = folder.appending(path: "config.json")
      let text = try String(contentsOf: config, encoding: .utf8)
      try text.replacing("\"hidden_size\": 16", with: "\"hidden_size\": 32").write(
        to: config, atomically: true, encoding: .utf8)
    } _: { path in
      let file = try ModelReader.read(path: path)
      guard case .weights(let weights) = file.content else { return }
      let shapes = TransformerShapes(weights.tensors)
      #expect(file.configuration?.contradicts(shapes) == true)
      #expect(file.configuration?.disagreements(with: shapes).first?.contains("hidden_size 32") == true)
    }
  }
}
