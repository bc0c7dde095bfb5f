import OrderedCollections
import ScopeBytes
import ScopeGraph

/// A value inside the model that is drawn towards a target fed by the caller (block-wise distillation).
public struct FeatureTarget: Sendable, Hashable {
  public var value: String
  /// Factor of the mean squared difference in the loss.
  public var weight: Float

  public init(value: String, weight: Float) {
    self.value = value
    self.weight = weight
  }
}

/// A forward and backward graph towards initializers, which became inputs.
///
/// Inputs: `dataInputs`, `targetInput` (labels, weights or teacher's logits, by the loss), one per feature, and one per
/// parameter under the initializer's name. Outputs: `logitsOutput`, `lossOutput` [N] and one gradient per parameter.
public struct ParameterGradientModel: Sendable {
  /// One differentiated initializer.
  public struct Parameter: Sendable {
    /// Name of the initializer and of the input that replaces it.
    public var name: String
    /// d(loss)/d(initializer), in its shape.
    public var gradientOutput: String
    /// Its value in the model that was differentiated.
    public var tensor: Tensor
  }

  public var model: Model
  public var dataInputs: [ValueInfo]
  public var targetInput: ValueInfo
  /// Target inputs in the order of the features asked for.
  public var featureInputs: [ValueInfo]
  public var logitsOutput: String
  /// Loss per sample; absent for ``LossKind/weightedSum`` without features.
  public var lossOutput: String?
  public var parameters: [Parameter]
  /// Bytes of the forward values of one sample, as far as shapes are known.
  public var activationBytesPerSample: Int
  public var forwardNodeCount: Int
  public var backwardNodeCount: Int
}

extension BackwardGraph {
  /// The value that a loss is taken of: the first output, before a Softmax, LogSoftmax or Identity that ends the graph.
  public static func logits(of graph: Graph) -> String? {
    graph.outputs.first.map { LossSeed.beforeSoftmax($0.name, in: graph) }
  }

  /// The forward graph with d(loss)/d(initializer) for each of `parameters`.
  ///
  /// Only the initializers named get a gradient; every other constant stays one.
  ///
  /// - Parameters:
  ///   - parameters: names of float32 initializers. One that several nodes read gets the sum of its gradients.
  ///   - logits: as in ``inputGradient(of:image:logits:loss:)``.
  ///   - temperature: of ``LossKind/divergence``.
  ///   - averaged: differentiate the mean over the batch instead of the sum.
  ///   - features: inner values whose squared error is added to the loss.
  /// - Throws: `unsupported` naming the node the gradient cannot pass; `invalidGraph`; `invalidArgument` for names that
  ///   do not exist, or are not float32, or that the loss does not depend on.
  public static func parameterGradients(
    of model: Model, parameters: [String], logits: String? = nil, loss: LossKind = .crossEntropy,
    temperature: Float = 1, averaged: Bool = false, features: [FeatureTarget] = []
  ) throws(ScopeError) -> ParameterGradientModel {
    var model = try OpsetUpgrade.toDifferentiable(model)
    let dataInputs = model.graph.requiredInputs
    model.irVersion = max(model.irVersion, 8)
    // A parameter becomes an input, so that nothing takes it for a constant.
    let tensors = try takeParameters(parameters, from: &model, dataInputs)
    let types = ShapeInference.infer(model)
    let context = GradientContext(model: model, types: types)
    let reach = Reach(model.graph, from: Set(parameters))
    let output = try differentiatedValue(
      model, named: logits, reach: reach, loss: loss, purpose: .training)
    let needed = reach.nodes(
      leadingTo: Set([output] + features.map(\.value).filter(reach.values.contains)), in: model.graph)
    try requireRules(needed, in: model.graph, purpose: .training)
    let seed = try LossSeed.build(loss, logits: output, temperature: temperature, in: context)

    var losses = [seed.loss].compactMap { $0 }
    var seeds = [(output, seed.gradient)]
    var featureInputs: [ValueInfo] = []
    for feature in features {
      guard reach.values.contains(feature.value) else {
        throw ScopeError(
          .invalidArgument, "no value '\(feature.value)' of the model depends on the trained weights")
      }
      let error = try SquaredError(of: feature.value, in: context)
      let weight = context.scalar(feature.weight, like: feature.value)
      losses.append(context.multiply(error.loss, weight))
      seeds.append((feature.value, context.multiply(error.gradient, weight)))
      featureInputs.append(error.target)
    }
    var gradients: [String: [String]] = [:]
    let count = averaged ? batchCount(output, context) : nil
    for (value, gradient) in seeds {
      gradients[value, default: []].append(count.map { context.divide(gradient, $0) } ?? gradient)
    }
    for index in needed {
      try propagate(
        through: index, reach: reach, gradients: &gradients, purpose: .training, context: context)
    }
    var parts: [(name: String, gradient: String)] = []
    for name in parameters {
      guard let found = gradients[name] else {
        throw ScopeError(
          .invalidArgument, "the loss on '\(output)' does not depend on the initializer '\(name)'")
      }
      parts.append((name, total(found, context)))
    }
    let loss = losses.isEmpty ? nil : total(losses, context)
    return assemble(
      model, context, types, dataInputs: dataInputs, seed: seed, loss: loss, logits: output,
      featureInputs: featureInputs, gradients: parts, tensors: tensors)
  }

  /// Turns initializers into inputs and returns what they held.
  private static func takeParameters(
    _ names: [String], from model: inout Model, _ dataInputs: [ValueInfo]
  ) throws(ScopeError) -> [Tensor] {
    guard !names.isEmpty, Set(names).count == names.count else {
      throw ScopeError(.invalidArgument, "the list of weights is empty or names one twice")
    }
    var tensors: [Tensor] = []
    model.graph.inputs = dataInputs
    for name in names {
      guard let tensor = model.graph.initializers[name] else {
        throw ScopeError(.invalidArgument, "the model has no initializer '\(name)'")
      }
      guard tensor.dataType == .float32 else {
        throw ScopeError(
          .unsupported, "the initializer '\(name)' has no gradient", expected: "float32",
          found: tensor.dataType.name, remedy: "Fine-tune the float model before it is quantized")
      }
      tensors.append(tensor)
      model.graph.initializers.removeValue(forKey: name)
      model.graph.inputs.append(ValueInfo(name: name, dataType: .float32, shape: tensor.shape))
    }
    return tensors
  }

  /// Samples in the batch, as a float [1].
  private static func batchCount(_ value: String, _ context: GradientContext) -> String {
    let size = context.emit("Shape", [value], ["start": .int(0), "end": .int(1)])
    return context.emit("Cast", [size], ["to": .int(Int(DataType.float32.rawValue))])
  }

  private static func assemble(
    _ source: Model, _ context: GradientContext, _ types: InferredTypes, dataInputs: [ValueInfo],
    seed: LossSeed, loss: String?, logits: String, featureInputs: [ValueInfo],
    gradients: [(name: String, gradient: String)], tensors: [Tensor]
  ) -> ParameterGradientModel {
    let logitsOutput = context.emit("Identity", [seed.logits])
    let lossOutput = loss.map { context.emit("Identity", [$0]) }
    var parameters: [ParameterGradientModel.Parameter] = []
    for ((name, gradient), tensor) in zip(gradients, tensors) {
      parameters.append(
        .init(name: name, gradientOutput: context.emit("Identity", [gradient]), tensor: tensor))
    }
    var model = combined(
      source, context,
      outputs: [logitsOutput] + [lossOutput].compactMap { $0 } + parameters.map(\.gradientOutput))
    model.graph.inputs += [seed.labels] + featureInputs
    let batch = types[logits]?.shape?.dimensions.first ?? .unknown
    model.graph.outputs = [
      ValueInfo(name: logitsOutput, dataType: context.dataType(seed.logits), shape: nil)
    ]
    if let lossOutput {
      model.graph.outputs.append(ValueInfo(name: lossOutput, dataType: .float32, shape: Shape([batch])))
    }
    for parameter in parameters {
      model.graph.outputs.append(
        ValueInfo(name: parameter.gradientOutput, dataType: .float32, shape: parameter.tensor.shape))
    }
    let forwardCount = live(context.forwardNodes, outputs: [logits]).count
    return ParameterGradientModel(
      model: model, dataInputs: dataInputs, targetInput: seed.labels, featureInputs: featureInputs,
      logitsOutput: logitsOutput, lossOutput: lossOutput, parameters: parameters,
      activationBytesPerSample: activationBytes(context.forwardNodes, types), forwardNodeCount: forwardCount,
      backwardNodeCount: model.graph.nodes.count - forwardCount)
  }
}
