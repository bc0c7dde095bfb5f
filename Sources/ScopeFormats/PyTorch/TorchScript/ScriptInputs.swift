import ScopeBytes
import ScopeGraph

/// What is assumed of a program's inputs, which an archive does not describe.
struct ScriptAssumption {
  /// Height and width of images; nil leaves them open.
  var imageSize: Int?
  /// Length of token sequences; nil leaves it open.
  var sequenceLength: Int?
  /// Nil leaves the batch open.
  var batch: Int?
  /// Shapes that the caller gives, in the order of the inputs; they replace everything else.
  var given: [Shape] = []

  /// What is not left open, for the report; nil when everything is.
  var note: String? {
    var parts: [String] = []
    if let imageSize { parts.append("images of \(imageSize) x \(imageSize)") }
    if let sequenceLength { parts.append("sequences of \(sequenceLength)") }
    if let batch { parts.append("a batch of \(batch)") }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }
}

/// The inputs of `forward`. Their rank and element type follow from the first operator that reads them, from their
/// name, or from the weights of the model.
final class ScriptInputs {
  enum Kind {
    /// float [N, C, H, W] and the like: `spatial` counts the axes after the channels.
    case image(channels: Int?, spatial: Int)
    /// int64 [N, L]
    case tokens
    /// float [N, features]
    case features(Int?)
  }

  let names: [String]
  let assumption: ScriptAssumption
  /// Set when the program depends on a size that was left open.
  var needsSizes = false
  /// What has been determined, by index.
  var tensors: [AtenTensor?]
  var kinds: [Kind?]
  /// What the weights say of an input that nothing else tells.
  let usual: Kind

  init(_ names: [String], _ assumption: ScriptAssumption, usual: Kind) {
    self.names = names
    self.assumption = assumption
    self.usual = usual
    tensors = Array(repeating: nil, count: names.count)
    kinds = Array(repeating: nil, count: names.count)
  }

  /// The kind that weights suggest: a convolution's first, an embedding's or a linear layer's.
  static func kind(suggestedBy weights: StateDict) -> Kind {
    for (name, tensor) in weights.tensors where !weights.buffers.contains(name) {
      let sizes = tensor.dimensions
      guard name.hasSuffix("weight") else { continue }
      if sizes.count >= 3, sizes.count <= 5, !name.contains("embeddings.position") {
        return .image(channels: sizes[1], spatial: sizes.count - 2)
      }
      if name.lowercased().contains("embed"), sizes.count == 2 { return .tokens }
      if sizes.count == 2 { return .features(sizes[1]) }
    }
    return .features(nil)
  }

  /// Element type and shape under the assumption.
  func type(_ kind: Kind, _ index: Int) -> (DataType, Shape) {
    let batch = assumption.batch.map { Dimension.known($0) } ?? .symbolic("batch")
    var result: (DataType, Shape)
    switch kind {
    case .image(let channels, let spatial):
      let axes =
        spatial == 1 ? ["length"] : spatial == 3 ? ["depth", "height", "width"] : ["height", "width"]
      let sizes = axes.map { name in assumption.imageSize.map { Dimension.known($0) } ?? .symbolic(name) }
      result = (.float32, Shape([batch, channels.map { .known($0) } ?? .symbolic("channels")] + sizes))
    case .tokens:
      result = (
        .int64, Shape([batch, assumption.sequenceLength.map { .known($0) } ?? .symbolic("sequence")])
      )
    case .features(let count):
      result = (.float32, Shape([batch, count.map { .known($0) } ?? .symbolic("features")]))
    }
    if assumption.given.indices.contains(index) { result.1 = assumption.given[index] }
    return result
  }

  /// The kind that an argument's usual name says.
  func kind(named name: String) -> Kind? {
    let name = name.lowercased()
    if name.contains("input_ids") || name.contains("attention_mask") || name.contains("token_type")
      || name.contains("position_ids")
    {
      return .tokens
    }
    if name.contains("pixel_values") || name.contains("image"), case .image = usual { return usual }
    return nil
  }

  /// Whether a size is an open one of an image. A program that computes with it is converted for a fixed size
  /// instead: its graph is then as simple as what PyTorch runs.
  func isOpenImageSize(_ dimension: Dimension?, _ axis: Int) -> Bool {
    guard assumption.imageSize == nil, assumption.given.isEmpty, axis > 0, dimension != .symbolic("batch")
    else { return false }
    return kinds.contains { if case .image? = $0 { true } else { false } }
  }
}

extension ScriptInterpreter {
  /// The tensor of an input, determined by its name or by the weights when no operator has told.
  func inputTensor(_ index: Int) throws(ScopeError) -> AtenTensor {
    if let tensor = inputs.tensors[index] { return try builder.current(tensor) }
    return try determine(index, inputs.kind(named: inputs.names[index]) ?? inputs.usual)
  }

  private func determine(_ index: Int, _ kind: ScriptInputs.Kind) throws(ScopeError) -> AtenTensor {
    let (dataType, shape) = inputs.type(kind, index)
    let tensor = builder.input(inputs.names[index], dataType, shape)
    inputs.tensors[index] = tensor
    inputs.kinds[index] = kind
    return tensor
  }

  /// Determines the inputs among the arguments of an operator from what it does with them.
  func determineInputs(_ name: String, _ arguments: [ScriptValue]) throws(ScopeError) {
    for (position, argument) in arguments.enumerated() {
      guard case .input(let index) = argument, inputs.tensors[index] == nil else { continue }
      var kind: ScriptInputs.Kind?
      let other = arguments.count > 1 ? arguments[position == 0 ? 1 : 0] : ScriptValue.none
      var sizes: [Int]?
      if case .tensor(let tensor) = other { sizes = tensor.constant?.dimensions }
      switch (name, position) {
      case ("aten::conv2d", 0), ("aten::conv1d", 0), ("aten::conv3d", 0), ("aten::_convolution", 0),
        ("aten::convolution", 0):
        guard let sizes, sizes.count >= 3 else { break }
        let place = name.hasSuffix("convolution") ? 8 : 6
        var groups = 1
        if arguments.count > place, case .int(let value) = arguments[place], value > 0 { groups = value }
        var transposed = false
        if place == 8, arguments.count > 6, case .bool(true) = arguments[6] { transposed = true }
        let (channels, overflow) =
          transposed ? (sizes[0], false) : sizes[1].multipliedReportingOverflow(by: groups)
        if !overflow { kind = .image(channels: channels, spatial: sizes.count - 2) }
      case ("aten::embedding", 1): kind = .tokens
      case ("aten::linear", 0):
        if let sizes, sizes.count == 2 { kind = .features(sizes[1]) }
      case ("aten::matmul", 0), ("aten::mm", 0):
        if let sizes, sizes.count == 2 { kind = .features(sizes[0]) }
      case ("aten::batch_norm", 0):
        if case .image = inputs.usual { kind = inputs.usual }
      default: break
      }
      if let kind { _ = try determine(index, kind) }
    }
  }
}
