import ScopeBytes
import ScopeGraph

/// Conv followed by Mul, Div, Add or Sub with a constant per output channel (or a scalar) becomes one Conv.
///
/// Declines when the constant varies inside a channel or the convolution's result is read elsewhere.
public struct FoldArithmeticIntoConv: Pass {
  public let name = "fold-arithmetic"
  public let summary = "Constant scales and offsets folded into the convolution before them"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    var editor = GraphEditor(model.graph)
    for (index, node) in model.graph.nodes.enumerated() {
      guard node.isStandard("Mul") || node.isStandard("Div") || node.isStandard("Add") || node.isStandard("Sub"),
        node.inputs.count == 2
      else { continue }
      let constantSide = editor.constant(node.inputs[1]) != nil ? 1 : 0
      // constant / x and constant - x are not a scale and an offset of x's weights in this simple form.
      if constantSide == 0, node.opType == "Div" || node.opType == "Sub" { continue }
      let value = node.inputs[1 - constantSide]
      guard let tensor = editor.constant(node.inputs[constantSide]), let values = editor.floats(node.inputs[constantSide]),
        let producer = editor.producers[value], !editor.isEdited(producer), editor.soleConsumer(value) == index,
        var parameters = ConvParameters(model.graph.nodes[producer], editor),
        let channels = Self.perChannel(
          values, tensor.dimensions, channels: parameters.dimensions[0], rank: parameters.dimensions.count)
      else { continue }
      switch node.opType {
      case "Mul", "Div":
        let factors = node.opType == "Mul" ? channels : channels.map { 1 / $0 }
        guard factors.allSatisfy(\.isFinite) else { continue }
        parameters.weight = ChannelScaling.scaleRows(parameters.weight, by: factors)
        for channel in factors.indices { parameters.bias[channel] *= factors[channel] }
      default:
        let sign = node.opType == "Add" ? 1.0 : -1.0
        for channel in channels.indices { parameters.bias[channel] += sign * channels[channel] }
      }
      var conv = model.graph.nodes[producer]
      parameters.store(in: &conv, &editor)
      conv.outputs = node.outputs
      editor.replace(producer, with: [conv])
      editor.remove(index)
    }
    return editor.apply(to: &model)
  }

  /// The constant as one number per channel, when it broadcasts against [N, C, spatial...] without varying in space or
  /// raising the rank.
  static func perChannel(_ values: [Float], _ dimensions: [Int], channels: Int, rank: Int) -> [Double]? {
    guard dimensions.count <= rank else { return nil }
    if values.count == 1 { return [Double](repeating: Double(values[0]), count: channels) }
    let aligned = [Int](repeating: 1, count: rank - dimensions.count) + dimensions
    guard values.count == channels, aligned[1] == channels else { return nil }
    return values.map { Double($0) }
  }
}
