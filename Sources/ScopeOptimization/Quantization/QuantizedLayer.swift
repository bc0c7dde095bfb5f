import ScopeBytes
import ScopeGraph

/// A node with constant weights that runs in integers: Conv, Gemm or MatMul.
package struct QuantizedLayer: Sendable {
  package var nodeIndex: Int
  /// The activation it reads.
  package var input: String
  package var weightName: String
  package var weight: [Float]
  package var dimensions: [Int]
  /// Axis of the output channels in the weight.
  package var channelAxis: Int
  /// One per output channel; nil when the node has no bias.
  package var bias: [Double]?
  /// Whether the operator takes a bias at all (MatMul does not).
  package var takesBias: Bool
  /// One input channel per output channel.
  package var isDepthwise: Bool
  package var group: Int

  package init(
    nodeIndex: Int, input: String, weightName: String, weight: [Float], dimensions: [Int], channelAxis: Int,
    bias: [Double]?, takesBias: Bool, isDepthwise: Bool, group: Int
  ) {
    self.nodeIndex = nodeIndex
    self.input = input
    self.weightName = weightName
    self.weight = weight
    self.dimensions = dimensions
    self.channelAxis = channelAxis
    self.bias = bias
    self.takesBias = takesBias
    self.isDepthwise = isDepthwise
    self.group = group
  }

  package var channels: Int { dimensions[channelAxis] }

  /// Nil with a reason when the node cannot run in integers.
  static func recognize(_ node: Node, index: Int, _ editor: GraphEditor) -> Recognition {
    switch node.opType {
    case "Conv" where node.isStandard("Conv"):
      guard let parameters = ConvParameters(node, editor), let input = node.input(0), let name = node.input(1)
      else {
        return .declined("its weight or bias is not a float32 constant")
      }
      return .layer(
        QuantizedLayer(
          nodeIndex: index, input: input, weightName: name, weight: parameters.weight,
          dimensions: parameters.dimensions, channelAxis: 0,
          bias: node.input(2) == nil ? nil : parameters.bias,
          takesBias: true, isDepthwise: parameters.dimensions[1] == 1 && parameters.group > 1,
          group: parameters.group))
    case "Gemm" where node.isStandard("Gemm"), "MatMul" where node.isStandard("MatMul"):
      guard let input = node.input(0), let name = node.input(1), let tensor = editor.constant(name),
        let weight = editor.floats(name), tensor.dimensions.count == 2, !weight.isEmpty
      else { return .declined("its second factor is not a constant float32 matrix") }
      let isGemm = node.opType == "Gemm"
      let transposed = isGemm && node.int("transB") ?? 0 != 0
      let axis = transposed ? 0 : 1
      var bias: [Double]?
      if isGemm {
        guard node.int("transA") ?? 0 == 0, node.float("alpha") ?? 1 == 1 else {
          return .declined("it transposes or scales its input")
        }
        if let name = node.input(2) {
          guard node.float("beta") ?? 1 == 1, let values = editor.floats(name),
            values.count == tensor.dimensions[axis], editor.constant(name)?.dimensions.count ?? 0 <= 2
          else { return .declined("its addend is not one constant per output") }
          bias = values.map { Double($0) }
        }
      }
      return .layer(
        QuantizedLayer(
          nodeIndex: index, input: input, weightName: name, weight: weight, dimensions: tensor.dimensions,
          channelAxis: axis, bias: bias, takesBias: isGemm, isDepthwise: false, group: 1))
    default: return .notALayer
    }
  }

  enum Recognition {
    case layer(QuantizedLayer)
    case declined(String)
    case notALayer
  }

  /// Per output channel `sum (W - Wq) E[x]`: what rounding the weights takes from the mean of the output.
  ///
  /// - Parameter inputMeans: E[x] per input channel.
  /// - Returns: nil when the means do not fit the weight.
  package func meanShift(of quantized: QuantizedWeight, inputMeans: [Double]) -> [Double]? {
    var shift = [Double](repeating: 0, count: channels)
    if dimensions.count == 2 {
      let inputs = dimensions[1 - channelAxis]
      guard inputMeans.count == inputs else { return nil }
      for position in weight.indices {
        let row = position / dimensions[1]
        let column = position % dimensions[1]
        let (channel, input) = channelAxis == 0 ? (row, column) : (column, row)
        let error =
          Double(weight[position]) - Double(quantized.codes[position]) * Double(quantized.scale(at: position))
        shift[channel] += error * inputMeans[input]
      }
      return shift
    }
    let perGroup = dimensions[1]
    guard inputMeans.count == perGroup * group else { return nil }
    let kernel = dimensions.dropFirst(2).reduce(1, *)
    let outputsPerGroup = channels / group
    for channel in 0..<channels {
      let scale = Double(quantized.scales[quantized.scales.count > 1 ? channel : 0])
      for local in 0..<perGroup {
        let start = (channel * perGroup + local) * kernel
        var error = 0.0
        for position in start..<start + kernel {
          error += Double(weight[position]) - Double(quantized.codes[position]) * scale
        }
        shift[channel] += error * inputMeans[channel / outputsPerGroup * perGroup + local]
      }
    }
    return shift
  }
}
