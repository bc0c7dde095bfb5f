import ScopeBytes
import ScopeData
import ScopeGraph

/// A change of the input that becomes part of the graph. Cheap, and against an attacker who knows of it of little use
/// (Athalye et al. 2018, arXiv:1802.00420; Tramèr et al. 2020, arXiv:2002.08347): measured, not promised.
public enum InputDefence: Sendable, Hashable, Codable {
  /// Pixels rounded to this many bits (feature squeezing, Xu et al. 2018, arXiv:1704.01155).
  case bitDepth(Int)
  /// A 3 x 3 Gaussian blur, as the cheapest form of JPEG's smoothing.
  case smoothing

  public var title: String {
    switch self {
    case .bitDepth(let bits): "Bit depth \(bits)"
    case .smoothing: "Gaussian smoothing, 3 x 3"
    }
  }

  /// Reads `bits=5` and `smooth`, separated by commas.
  ///
  /// - Throws: `invalidArgument`.
  public static func list(_ text: String) throws(ScopeError) -> [InputDefence] {
    var defences: [InputDefence] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let word = part.filter { $0 != " " }
      if word == "smooth" {
        defences.append(.smoothing)
      } else if word.hasPrefix("bits="), let bits = Int(word.dropFirst(5)), (1...7).contains(bits) {
        defences.append(.bitDepth(bits))
      } else {
        throw ScopeError(
          .invalidArgument, "no input defence is called '\(word)'", expected: "bits=1 to bits=7, smooth",
          found: word)
      }
    }
    return defences
  }

  /// Puts the defence between the model's image input and what reads it.
  ///
  /// - Parameter normalization: that the input is expected in; the defence works on pixels.
  /// - Throws: `unsupported` for models without one image input of known channels; `invalidGraph`.
  public func apply(to model: Model, normalization: Normalization) throws(ScopeError) -> Model {
    guard model.opset >= 13, model.graph.requiredInputs.count == 1,
      let input = model.graph.requiredInputs.first,
      let shape = input.shape, shape.rank == 4, let channels = shape.dimensions[1].value,
      channels == normalization.mean.count || normalization.mean.count == 1
    else {
      throw ScopeError(
        .unsupported, "an input defence needs one image input [N, C, H, W] and operator set 13 or later",
        found: "operator set \(model.opset), \(model.graph.requiredInputs.count) inputs")
    }
    var result = model
    var names = NameAllocator(model.graph)
    let defended = names.fresh("\(input.name)_defended")
    for index in result.graph.nodes.indices {
      result.graph.nodes[index].inputs = result.graph.nodes[index].inputs.map {
        $0 == input.name ? defended : $0
      }
    }
    func constant(_ tensor: Tensor, _ stem: String) -> String {
      let name = names.fresh(stem)
      result.graph.initializers[name] = tensor
      return name
    }
    func perChannel(_ values: [Float], _ stem: String) -> String {
      let all = values.count == channels ? values : [Float](repeating: values[0], count: channels)
      return constant(.floats(all, [1, channels, 1, 1]), stem)
    }
    var nodes: [Node] = []
    switch self {
    case .bitDepth(let bits):
      let scale = constant(.floats([1 / Float((1 << bits) - 1)], []), "pixel_step")
      let zero = constant(.uint8s([0], []), "pixel_zero")
      let mean = perChannel(normalization.mean, "pixel_mean")
      let deviation = perChannel(normalization.standardDeviation, "pixel_deviation")
      let steps = (0..<5).map { names.fresh("pixel_\($0)") }
      nodes = [
        Node("Mul", inputs: [input.name, deviation], outputs: [steps[0]]),
        Node("Add", inputs: [steps[0], mean], outputs: [steps[1]]),
        Node("QuantizeLinear", inputs: [steps[1], scale, zero], outputs: [steps[2]]),
        Node("DequantizeLinear", inputs: [steps[2], scale, zero], outputs: [steps[3]]),
        Node("Sub", inputs: [steps[3], mean], outputs: [steps[4]]),
        Node("Div", inputs: [steps[4], deviation], outputs: [defended]),
      ]
    case .smoothing:
      let kernel: [Float] = [1, 2, 1, 2, 4, 2, 1, 2, 1].map { $0 / 16 }
      let weight = constant(
        .floats((0..<channels).flatMap { _ in kernel }, [channels, 1, 3, 3]), "smoothing")
      nodes = [
        Node(
          "Conv", inputs: [input.name, weight], outputs: [defended],
          attributes: ["pads": .ints([1, 1, 1, 1]), "group": .int(channels)])
      ]
    }
    result.graph.nodes = nodes + result.graph.nodes
    result.metadata["neural_scope.input_defence"] = title
    try GraphValidation.check(result)
    return result
  }
}
