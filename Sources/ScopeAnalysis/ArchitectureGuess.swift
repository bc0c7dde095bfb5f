import ScopeGraph

/// The family a graph belongs to, judged by its operators.
public struct ArchitectureGuess: Sendable, Hashable {
  public enum Family: String, Sendable, Hashable, CaseIterable {
    case convolutional = "convolutional network"
    case residual = "residual convolutional network"
    case inverted = "depthwise-separable convolutional network"
    case dense = "densely connected convolutional network"
    case encoderDecoder = "convolutional encoder-decoder"
    case visionTransformer = "vision transformer"
    case textTransformer = "transformer over tokens"
    case transformer = "transformer"
    case recurrent = "recurrent network"
    case perceptron = "multilayer perceptron"
    case classical = "classical machine-learning model"
  }

  public var family: Family
  /// The counts the judgement rests on.
  public var evidence: String

  init?(_ graph: Graph, roles: GraphRoles, layers: [WeightLayer], types: InferredTypes) {
    let nodes = graph.nodes
    func count(_ names: String...) -> Int { nodes.count { names.contains($0.opType) } }
    let convolutions = layers.count { $0.kind == .convolution }
    let linear = layers.count { $0.kind == .linear }
    let recurrent = layers.count { $0.kind == .recurrent }
    let depthwise = layers.count { layer in
      guard layer.kind == .convolution, let group = nodes[layer.nodeIndex].int("group"), group > 1 else {
        return false
      }
      return layer.weightShape?.dimensions.dropFirst().first == .known(1)
    }
    // Products of two activations: scores and weighted sums of attention.
    let products = nodes.count { node in
      ["MatMul", "FusedMatMul", "Einsum"].contains(node.opType) && node.inputs.count >= 2
        && !node.inputs.prefix(2).contains { roles.constants.contains($0) }
    }
    let attention = max(products / 2, count("Attention", "MultiHeadAttention"))
    let embeddings =
      nodes.count { node in
        node.opType == "Gather"
          && node.input(0).map {
            roles.constants.contains($0) && (types.dataType($0)?.isFloatingPoint ?? false)
              && types.shape($0)?.rank == 2
          } == true
          && node.input(1).map { !roles.constants.contains($0) } == true
      } + count("EmbedLayerNormalization")
    let residuals = nodes.count { node in
      ["Add", "QLinearAdd"].contains(node.opType) && node.inputs.count >= 2
        && !node.inputs.contains { roles.constants.contains($0) }
    }
    let joins = count("Concat", "QLinearConcat")
    let ups = layers.count { $0.kind == .transposedConvolution } + count("Resize", "Upsample")
    func text(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    if nodes.contains(where: { $0.domain == "ai.onnx.ml" }) && convolutions + linear == 0 {
      self.init(
        family: .classical,
        evidence: text(nodes.count { $0.domain == "ai.onnx.ml" }, "operator") + " of ai.onnx.ml")
    } else if recurrent > 0 {
      self.init(family: .recurrent, evidence: text(recurrent, "recurrent layer"))
    } else if attention > 0 && (count("Softmax") > 0 || count("Attention", "MultiHeadAttention") > 0) {
      let family: Family =
        embeddings > 0 ? .textTransformer : convolutions > 0 ? .visionTransformer : .transformer
      let entry = embeddings > 0 ? text(embeddings, "embedding table") : text(convolutions, "convolution")
      self.init(
        family: family,
        evidence: "\(text(attention, "attention block")), \(text(linear, "linear layer")), \(entry)")
    } else if convolutions > 0 {
      let family: Family
      var evidence = text(convolutions, "convolution")
      if ups > 0 {
        family = .encoderDecoder
        evidence += ", \(text(ups, "upsampling"))"
      } else if depthwise * 5 >= convolutions {
        family = .inverted
        evidence += " of which \(depthwise) depthwise, \(text(residuals, "residual addition"))"
      } else if joins * 3 >= convolutions {
        family = .dense
        evidence += ", \(text(joins, "concatenation")) of feature maps"
      } else if residuals > 0 {
        family = .residual
        evidence += ", \(text(residuals, "residual addition"))"
      } else {
        family = .convolutional
        evidence += ", no residual additions"
      }
      self.init(family: family, evidence: evidence + ", \(text(linear, "linear layer"))")
    } else if linear > 0 {
      self.init(
        family: .perceptron, evidence: "\(text(linear, "linear layer")), no convolution, no attention")
    } else {
      return nil
    }
  }

  init(family: Family, evidence: String) {
    self.family = family
    self.evidence = evidence
  }
}
