import ScopeBytes
import ScopeFormats
import ScopeGraph

/// The configurations that are tried, few enough to be measured well.
///
/// None of them makes an engine compute with less precision than the model asks for (`mlas.enable_gemm_fastmath_*`,
/// bfloat16 hints, the Gelu approximation are left out).
struct TuningCandidates {
  /// The model has QuantizeLinear or DequantizeLinear nodes.
  let isQuantized: Bool
  /// An input has a size that is not known.
  let isDynamic: Bool
  private let feeds: [String: HostArray]

  /// - Throws: the ONNX reader's error.
  init(_ bytes: ByteSlice, feeds: [String: HostArray]) throws(ScopeError) {
    let graph = try ONNXReader.read(bytes).graph
    isQuantized = graph.nodes.contains { ["QuantizeLinear", "DequantizeLinear"].contains($0.opType) }
    isDynamic = graph.requiredInputs.contains { $0.shape?.sizes == nil }
    self.feeds = feeds
  }

  /// Each changes one thing of a configuration.
  func options(for base: EngineConfiguration) -> [EngineConfiguration] {
    func changed(_ change: (inout EngineConfiguration) -> Void) -> EngineConfiguration {
      var configuration = base
      change(&configuration)
      return configuration
    }
    func entry(_ key: String, _ value: String) -> EngineConfiguration { changed { $0.entries[key] = value } }
    switch base.engine {
    case .onnxRuntime:
      var result: [EngineConfiguration] = []
      if base.threads > 1 {
        // Work is handed out in blocks that get smaller, so that a thread that is held up delays the others less.
        result.append(entry("session.dynamic_block_base", "4"))
        result.append(changed { $0.parallel = true })
      }
      // Numbers below 1e-38 slow down the arithmetic of some processors a hundredfold.
      result.append(entry("session.set_denormal_as_zero", "1"))
      if isQuantized {
        // INT8 activations stay INT8 instead of being moved to UINT8.
        result.append(entry("session.qdqisint8allowed", "1"))
        // Pairs that quantize and dequantize at once, left over between float operators, go.
        result.append(entry("session.enable_quant_qdq_cleanup", "1"))
        let extensions = Set(Machine.current.vectorExtensions)
        if extensions.contains("avx2"), extensions.isDisjoint(with: ["avx_vnni", "avx512_vnni"]) {
          // Exact 8-bit products where the processor's saturate: slower, but what the model asks for.
          result.append(entry("session.x64quantprecision", "1"))
        }
      }
      // Last, as what is compared with it has to take turns in blocks, which says less in the same time.
      if base.threads > 1 { result.append(changed { $0.spinning = true }) }
      return result
    case .openVINO:
      // Kernels chosen for the sizes at hand.
      return isDynamic ? [changed { $0.shapes = feeds.mapValues(\.dimensions) }] : []
    }
  }
}
