import ScopeBytes
import ScopeGraph

/// Makes the channels between two convolutions alike in size, so that one step suits all of them: cross-layer
/// equalization (Nagel et al. 2019, arXiv:1906.04721, section 4.1).
///
/// For `conv2(f(conv1(x)))` with `f(s x) = s f(x)` for s > 0, output channel i of the first weight and bias is divided by
/// `s_i` and input channel i of the second weight multiplied by it; with `s_i = sqrt(r1_i / r2_i)`, `r` being the largest
/// magnitude, both channels then have the range `sqrt(r1_i r2_i)`. The network computes the same up to floating-point
/// rounding. Pairs are walked until nothing changes, which also settles chains with a depthwise convolution.
///
/// Between the two may stand Relu, LeakyRelu, PRelu and pooling without more than the padding of their own. Clip(0, 6) is
/// declined: after equalization it would clip every channel at another number, `6 / s_i`, which Clip cannot say.
/// Convolutions whose result is read elsewhere (residuals) are declined. Batch normalisation has to be folded before.
public enum CrossLayerEqualization {
  private static let maximumRounds = 30
  /// Factors closer to one than this end the rounds.
  private static let tolerance = 1e-4
  /// Channels are not scaled further than this at once, so that no weight leaves the range of floats.
  private static let largestFactor = 1e4

  private struct Pair {
    var first: Int
    var second: Int
    var channels: Int
  }

  /// Equalizes every pair of convolutions of `model` that allows it.
  ///
  /// - Returns: The number of pairs that were scaled.
  /// - Throws: `invalidGraph` when the result breaks the graph's invariants.
  public static func run(_ model: inout Model) throws(ScopeError) -> Int {
    let editor = GraphEditor(model.graph)
    var parameters: [Int: ConvParameters] = [:]
    for (index, node) in model.graph.nodes.enumerated() {
      guard let found = ConvParameters(node, editor), found.weight.allSatisfy(\.isFinite),
        found.bias.allSatisfy(\.isFinite), found.dimensions.allSatisfy({ $0 > 0 })
      else { continue }
      parameters[index] = found
    }
    let pairs = parameters.keys.sorted().compactMap { pair(from: $0, parameters, editor) }
    var scaled: Set<Int> = []
    for _ in 0..<maximumRounds {
      var largest = 0.0
      for (number, pair) in pairs.enumerated() {
        let change = equalize(pair, &parameters)
        if change > 0 { scaled.insert(number) }
        largest = max(largest, change)
      }
      if largest < tolerance { break }
    }
    guard !scaled.isEmpty else { return 0 }
    var writer = editor
    for index in Set(scaled.flatMap { [pairs[$0].first, pairs[$0].second] }).sorted() {
      guard let changed = parameters[index] else { continue }
      var node = model.graph.nodes[index]
      let hadBias = node.input(2) != nil
      changed.store(in: &node, &writer)
      // An output without a bias has none after scaling either.
      if !hadBias { node.inputs.removeLast() }
      writer.replace(index, with: [node])
    }
    _ = writer.apply(to: &model)
    _ = try EliminateDeadNodes().run(&model)
    try GraphValidation.check(model)
    return scaled.count
  }

  /// The convolution that alone reads `first`'s channels, through operators that a positive factor per channel passes.
  private static func pair(
    from first: Int, _ parameters: [Int: ConvParameters], _ editor: GraphEditor
  ) -> Pair? {
    guard let channels = parameters[first]?.dimensions[0] else { return nil }
    var value = editor.graph.nodes[first].outputs[0]
    for _ in 0..<8 {
      guard let next = editor.soleConsumer(value) else { return nil }
      let node = editor.graph.nodes[next]
      if let second = parameters[next] {
        guard node.input(0) == value, second.dimensions[1] * second.group == channels else { return nil }
        return Pair(first: first, second: next, channels: channels)
      }
      guard passesFactors(node, editor), node.input(0) == value, let output = node.outputs.first,
        node.outputs.dropFirst().allSatisfy(\.isEmpty)
      else { return nil }
      value = output
    }
    return nil
  }

  private static func passesFactors(_ node: Node, _ editor: GraphEditor) -> Bool {
    guard node.domain.isEmpty || node.domain == "ai.onnx" else { return false }
    switch node.opType {
    case "Relu", "LeakyRelu", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool": return true
    case "PRelu": return editor.constant(node.input(1)) != nil
    default: return false
    }
  }

  /// Scales one pair.
  ///
  /// - Returns: The largest distance of a factor's logarithm from zero.
  private static func equalize(_ pair: Pair, _ parameters: inout [Int: ConvParameters]) -> Double {
    guard var first = parameters[pair.first], var second = parameters[pair.second] else { return 0 }
    let row = first.weight.count / pair.channels
    let inputs = second.dimensions[1]
    let kernel = second.dimensions.dropFirst(2).reduce(1, *)
    let outputsPerGroup = second.dimensions[0] / second.group
    var largest = 0.0
    for channel in 0..<pair.channels {
      var before = Float(0)
      for position in channel * row..<(channel + 1) * row {
        before = max(before, abs(first.weight[position]))
      }
      let outputs = channel / inputs * outputsPerGroup..<(channel / inputs + 1) * outputsPerGroup
      var after = Float(0)
      for output in outputs {
        let start = (output * inputs + channel % inputs) * kernel
        for position in start..<start + kernel { after = max(after, abs(second.weight[position])) }
      }
      // A channel that is never written or never read has nothing to share.
      guard before > 0, after > 0 else { continue }
      let ratio = (Double(before) / Double(after)).squareRoot()
      let factor = max(1 / largestFactor, min(largestFactor, ratio))
      guard abs(factor - 1) > tolerance else { continue }
      largest = max(largest, abs(factor - 1))
      for position in channel * row..<(channel + 1) * row {
        first.weight[position] = Float(Double(first.weight[position]) / factor)
      }
      first.bias[channel] /= factor
      for output in outputs {
        let start = (output * inputs + channel % inputs) * kernel
        for position in start..<start + kernel {
          second.weight[position] = Float(Double(second.weight[position]) * factor)
        }
      }
    }
    parameters[pair.first] = first
    parameters[pair.second] = second
    return largest
  }
}
