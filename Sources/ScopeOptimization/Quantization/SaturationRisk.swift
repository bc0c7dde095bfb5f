import ScopeGraph
import ScopeRuntime

/// How likely u8 x s8 kernels are to saturate, from weights, activations and the processor, before anything is timed.
///
/// x86 without VNNI multiplies two neighbouring codes each and adds the two products in 16 bits (`vpmaddubsw`), which
/// clips sums beyond 32,767. VNNI, AMX and Arm's dot product add in 32 bits.
public struct SaturationRisk: Sendable, Hashable, Codable {
  /// How this processor adds the products of 8-bit codes.
  public enum Accumulation: String, Sendable, Hashable, Codable {
    /// Two products in 16 bits: may clip.
    case pairs16Bit
    /// In 32 bits: cannot clip.
    case exact
    /// The processor's instruction sets are not known.
    case unknown
  }

  public struct Layer: Sendable, Hashable, Codable {
    /// Name of the layer's output.
    public var name: String
    public var channels: Int
    /// Output channels with a pair of weights that clips for the largest codes, 255 both.
    public var worstCaseChannels: Int
    /// Output channels with a pair of weights that clips for the largest codes that calibration saw.
    public var observedChannels: Int
    /// Largest `255 |q(2k) + q(2k+1)| / 32,767` of the same sign pairs.
    public var worstCaseLoad: Double
  }

  public var accumulation: Accumulation
  /// Layers in the order of the graph; depthwise convolutions, which add in 32 bits, are left out.
  public var layers: [Layer]

  public var channels: Int { layers.reduce(0) { $0 + $1.channels } }
  /// Share of all output channels that can clip at all.
  public var worstCaseShare: Double { share { $0.worstCaseChannels } }
  /// Share of all output channels that can clip with the activations that calibration saw.
  public var observedShare: Double { share { $0.observedChannels } }
  /// Whether to expect clipping here; measuring confirms it.
  public var isExpected: Bool { accumulation == .pairs16Bit && observedShare > 0 }

  private func share(_ count: (Layer) -> Int) -> Double {
    channels > 0 ? Double(layers.reduce(0) { $0 + count($1) }) / Double(channels) : 0
  }

  /// - Parameter vectorExtensions: as in ``Machine/vectorExtensions``.
  public static func accumulation(_ vectorExtensions: [String]) -> Accumulation {
    let found = Set(vectorExtensions)
    if !found.isDisjoint(with: ["avx_vnni", "avx512_vnni", "amx_int8", "asimddp", "i8mm", "sve"]) {
      return .exact
    }
    if !found.isDisjoint(with: ["avx2", "avx512f"]) { return .pairs16Bit }
    return .unknown
  }

  /// Quantizes the weights by `recipe` and bounds the sums of pairs in the kernels' order.
  package init(
    _ graph: Graph, plan: QuantizationPlan, calibration: Calibration, recipe: QuantizationRecipe,
    machine: Machine = .current
  ) {
    accumulation = Self.accumulation(machine.vectorExtensions)
    layers = []
    guard recipe.activations == .uint8, recipe.weights == .int8 else { return }
    for (index, layer) in plan.layers.sorted(by: { $0.key < $1.key }) where !layer.isDepthwise {
      let quantized = WeightQuantizer.quantize(
        layer.weight, dimensions: layer.dimensions, axis: layer.channelAxis, isDepthwise: false,
        recipe: recipe,
        minimumScales: [Float](repeating: 0, count: layer.channels))
      let pairs = WeightQuantizer.largestPairSums(
        quantized.codes.map { Float($0) }, dimensions: layer.dimensions, axis: layer.channelAxis)
      let code = Self.largestCode(layer.input, plan, calibration, recipe)
      layers.append(
        Layer(
          name: graph.nodes[index].outputs.first ?? "", channels: pairs.count,
          worstCaseChannels: pairs.count { $0 * 255 > 32_767 },
          observedChannels: pairs.count { $0 * code > 32_767 },
          worstCaseLoad: Double((pairs.max() ?? 0) * 255) / 32_767))
    }
  }

  /// The largest code that a layer's input takes on what calibration saw.
  private static func largestCode(
    _ value: String, _ plan: QuantizationPlan, _ calibration: Calibration, _ recipe: QuantizationRecipe
  ) -> Float {
    guard let statistics = plan.statistics(of: value, in: calibration), statistics.count > 0 else {
      return 255
    }
    let range = RangeSelection.range(statistics, recipe.range)
    let affine = AffineParameters(minimum: range.minimum, maximum: range.maximum, type: .uint8)
    let code = Float(affine.zeroPoint) + max(statistics.maximum, 0) / affine.scale
    return min(max(code.rounded(), 0), 255)
  }
}
