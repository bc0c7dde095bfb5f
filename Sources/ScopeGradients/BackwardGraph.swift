import OrderedCollections
import ScopeBytes
import ScopeGraph

/// What is differentiated.
public enum LossKind: String, Sendable, Codable, CaseIterable {
  /// Cross-entropy of softmax(logits) with integer labels, summed over the batch.
  case crossEntropy
  /// Label logit minus the largest other logit, negated (the margin of Carlini & Wagner 2017, arXiv:1608.04644,
  /// equation f6 without its floor), summed over the batch. Positive where the prediction is wrong.
  case margin
  /// sum(output * weights) with weights fed by the caller: the vector-Jacobian product of any output.
  case weightedSum
  /// Kullback-Leibler divergence of softmax(logits / T) from softmax(teacher / T), times T^2, with the teacher's
  /// logits fed by the caller (Hinton et al. 2015, arXiv:1503.02531), summed over the batch.
  case divergence
  /// Mean over an image's outputs of (output - teacher)^2, the teacher's output fed by the caller, summed over the
  /// batch.
  case squaredError
  /// One of ``AttackLoss`` per image, with targets and choices fed by the caller, summed over the batch.
  case attack
}

/// A forward and backward graph in one model.
///
/// Inputs: the images `imageInput` [N, C, H, W] and, for the classification losses, `labelsInput` int64 [N] with
/// 0 <= label < `classCount`; for ``LossKind/weightedSum`` the same name takes float weights in the output's shape.
/// Outputs: `logitsOutput` [N, classes], `lossOutput` [N] (absent for weightedSum) and `gradientOutput`,
/// d(sum of losses)/d(images), in the images' shape.
public struct GradientModel: Sendable {
  public var model: Model
  public var imageInput: String
  public var labelsInput: String
  /// int64 [N] each, only for ``LossKind/attack``: target classes, and raw values of ``AttackLoss``.
  public var targetsInput: String?
  public var choiceInput: String?
  public var logitsOutput: String
  public var lossOutput: String?
  public var gradientOutput: String
  /// Classes, when known before running.
  public var classCount: Int?
  /// Shape of the image input as the combined graph declares it.
  public var imageShape: Shape
  /// Bytes of the float values that one image makes live or wait for the backward pass, as far as shapes are known:
  /// an estimate of memory per image.
  public var activationBytesPerImage: Int
  /// Nodes of the forward and of the backward part.
  public var forwardNodeCount: Int
  public var backwardNodeCount: Int
}

/// Builds d(loss)/d(image) of an ONNX graph as ONNX nodes.
///
/// Only operators between the image and the logits are differentiated; weights are constants whose flipped or
/// transposed forms are computed once.
public enum BackwardGraph {
  /// The combined model.
  ///
  /// - Parameters:
  ///   - image: the image input; nil when the model has one required input.
  ///   - logits: the output (or any inner value) to differentiate; nil takes the first output that depends on the
  ///     image. A Softmax at the end is left out of the loss, since cross-entropy applies its own.
  /// - Throws: `unsupported` naming the node the gradient cannot pass; `invalidGraph`; `invalidArgument` for names
  ///   that do not exist.
  public static func inputGradient(
    of model: Model, image: String? = nil, logits: String? = nil, loss: LossKind = .crossEntropy
  ) throws(ScopeError) -> GradientModel {
    var model = try OpsetUpgrade.toDifferentiable(model)
    // Initializers that older models also list as inputs would count as overridable.
    model.graph.inputs = model.graph.requiredInputs
    model.irVersion = max(model.irVersion, 8)
    let input = try imageInput(of: model, named: image)
    let types = ShapeInference.infer(model)
    let context = GradientContext(model: model, types: types)
    let reach = Reach(model.graph, from: input.name)
    let output = try differentiatedValue(model, named: logits, reach: reach, loss: loss)
    let needed = reach.nodes(leadingTo: [output], in: model.graph)
    try requireRules(needed, in: model.graph, purpose: .attack)

    let seed = try LossSeed.build(loss, logits: output, in: context)
    var gradients: [String: [String]] = [output: [seed.gradient]]
    for index in needed {
      try propagate(
        through: index, reach: reach, gradients: &gradients, purpose: .attack, context: context)
    }
    guard let parts = gradients[input.name] else {
      throw ScopeError(
        .invalidGraph, "the output '\(output)' does not depend on the image input '\(input.name)'",
        remedy: "Name the logits output")
    }
    let gradient = total(parts, context)
    return assemble(
      model, context: context, input: input, logits: output, seed: seed, gradient: gradient, types: types)
  }

  /// The sum of a value's gradient contributions.
  static func total(_ parts: [String], _ context: GradientContext) -> String {
    var sum = parts[0]
    for part in parts.dropFirst() { sum = context.add(sum, part) }
    return sum
  }

  /// - Throws: `unsupported` naming the first node, counted from the output, that has no rule. Checked first, since what
  ///   such an operator gives has no known shape and would be blamed for it.
  static func requireRules(
    _ indices: [Int], in graph: Graph, purpose: GradientPurpose
  ) throws(ScopeError) {
    for index in indices {
      let node = graph.nodes[index]
      guard GradientRegistry.rule(for: node) == nil || !node.subgraphs.isEmpty else { continue }
      let domain = node.domain.isEmpty ? "" : "\(node.domain)."
      throw ScopeError(
        .unsupported, "the gradient cannot pass through the operator \(domain)\(node.opType)",
        place: Application.place(of: node, index), remedy: purpose.remedy)
    }
  }

  static func propagate(
    through index: Int, reach: Reach, gradients: inout [String: [String]], purpose: GradientPurpose,
    context: GradientContext
  ) throws(ScopeError) {
    let node = context.forwardNodes[index]
    let outputs = node.outputs.map { name in gradients.removeValue(forKey: name).map { total($0, context) } }
    guard let first = outputs.compactMap({ $0 }).first else { return }
    let application = Application(
      node: node, index: index, outputGradients: outputs,
      wanted: node.inputs.map { !$0.isEmpty && reach.values.contains($0) }, gradient: first,
      purpose: purpose)
    guard let rule = GradientRegistry.rule(for: node) else {
      throw application.unsupported("no derivative is known")
    }
    guard node.opType == "Split" || outputs[0] != nil else {
      throw application.unsupported("its second output leads to the logits")
    }
    let results = try rule.differentiate(application, in: context)
    for (position, input) in node.inputs.enumerated() where application.wanted[position] {
      guard position < results.count, let gradient = results[position] else {
        throw application.unsupported(
          "its input \(position) depends on \(purpose.source) and has no gradient")
      }
      gradients[input, default: []].append(gradient)
    }
  }

  /// The input that takes the images.
  static func imageInput(of model: Model, named name: String?) throws(ScopeError) -> ValueInfo {
    let inputs = model.graph.requiredInputs
    if let name {
      guard let input = inputs.first(where: { $0.name == name }) else {
        throw ScopeError(
          .invalidArgument, "the model has no input '\(name)'",
          expected: inputs.map(\.name).joined(separator: ", "))
      }
      return input
    }
    guard inputs.count == 1 else {
      throw ScopeError(
        .unsupported, "the model takes \(inputs.count) inputs where one image batch was expected",
        found: inputs.map(\.name).joined(separator: ", "),
        remedy: "Export the model with the image as its only input")
    }
    return inputs[0]
  }

  static func differentiatedValue(
    _ model: Model, named name: String?, reach: Reach, loss: LossKind, purpose: GradientPurpose = .attack
  ) throws(ScopeError) -> String {
    if let name {
      guard reach.values.contains(name) else {
        throw ScopeError(
          .invalidArgument, "no value '\(name)' of the model depends on \(purpose.source)")
      }
      return name
    }
    guard let output = model.graph.outputs.first(where: { reach.values.contains($0.name) }) else {
      throw ScopeError(.invalidGraph, "no output of the model depends on \(purpose.source)")
    }
    return loss == .weightedSum ? output.name : LossSeed.beforeSoftmax(output.name, in: model.graph)
  }
}
