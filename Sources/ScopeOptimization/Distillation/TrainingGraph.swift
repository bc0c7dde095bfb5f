import OrderedCollections
import ScopeBytes
import ScopeGradients
import ScopeGraph

/// One optimizer step as one graph: forward, loss, backward and the update of all weights.
///
/// The weights travel as one vector, as does each part of the optimizer's state: the graph splits the vector into the
/// initializers it replaces and updates it as a whole. That is one array in and out of the engine instead of hundreds,
/// and a few long vector operations instead of several small ones per initializer.
struct TrainingGraph {
  /// Inputs: the data, ``target``, ``features``, ``parameters`` [P], ``states`` [P] each, ``rate`` [] and, for Adam,
  /// ``epsilon`` []. Outputs: ``nextParameters``, ``nextStates``, ``loss`` [] (mean over the batch).
  let step: Model
  /// Inputs: the data and ``parameters``. Output: ``logits``.
  let evaluation: Model
  let target: String
  let features: [String]
  let logits: String
  let loss = "training/loss"
  let parameters = "training/parameters"
  let nextParameters = "training/parameters_next"
  let rate = "training/rate"
  let epsilon = "training/epsilon"
  let states: [String]
  var nextStates: [String] { states.map { "\($0)_next" } }
  /// Initializers in the order of the vector.
  let tensors: [(name: String, tensor: Tensor)]
  /// Their numbers one after the other.
  let initial: [Float]
  let activationBytesPerSample: Int
  let dataInputs: [ValueInfo]

  /// - Throws: what ``BackwardGraph/parameterGradients(of:parameters:logits:loss:temperature:averaged:features:)`` throws;
  ///   `limitExceeded` when the weights do not fit one vector.
  init(
    student: Model, parameters names: [String], logits value: String, recipe: DistillationRecipe,
    features targets: [FeatureTarget]
  ) throws(ScopeError) {
    let kind: LossKind
    var temperature: Float = 1
    switch recipe.loss {
    case .divergence(let chosen): (kind, temperature) = (.divergence, chosen)
    case .squaredError: kind = .squaredError
    }
    let gradient = try BackwardGraph.parameterGradients(
      of: student, parameters: names, logits: value, loss: kind, temperature: temperature, averaged: true,
      features: targets)
    target = gradient.targetInput.name
    features = gradient.featureInputs.map(\.name)
    logits = gradient.logitsOutput
    tensors = gradient.parameters.map { ($0.name, $0.tensor) }
    activationBytesPerSample = gradient.activationBytesPerSample
    dataInputs = gradient.dataInputs
    var values: [Float] = []
    for (_, tensor) in tensors { values += try tensor.floats() }
    guard values.count <= Int(Int32.max) else {
      throw ScopeError(
        .limitExceeded, "the weights are too many to be trained as one vector", found: "\(values.count)")
    }
    initial = values
    switch recipe.method {
    case .momentum: states = ["training/momentum"]
    case .adam: states = ["training/first_moment", "training/second_moment"]
    }

    var builder = Builder(gradient.model)
    builder.splitVector(parameters, into: tensors)
    let count = values.count
    evaluation = try builder.evaluation(
      inputs: dataInputs, vector: ValueInfo(name: parameters, dataType: .float32, shape: [count]),
      logits: logits)
    var flat = builder.joined(gradient.parameters.map(\.gradientOutput))
    if recipe.keepsZeros, let mask = try Self.mask(tensors) {
      flat = builder.emit("Mul", [flat, builder.constant("training/mask", .floats(mask, [count]))])
    }
    switch recipe.method {
    case .momentum(let factor):
      let scaled = builder.emit("Mul", [states[0], builder.scalar(factor)])
      builder.emit("Add", [scaled, flat], to: "\(states[0])_next")
      let change = builder.emit("Mul", ["\(states[0])_next", rate])
      builder.emit("Sub", [parameters, change], to: nextParameters)
    case .adam(let beta1, let beta2, _):
      let square = builder.emit("Mul", [flat, flat])
      for (state, (gradient, beta)) in zip(states, [(flat, beta1), (square, beta2)]) {
        let kept = builder.emit("Mul", [state, builder.scalar(beta)])
        let added = builder.emit("Mul", [gradient, builder.scalar(1 - beta)])
        builder.emit("Add", [kept, added], to: "\(state)_next")
      }
      let deviation = builder.emit("Add", [builder.emit("Sqrt", ["\(states[1])_next"]), epsilon])
      let direction = builder.emit("Div", ["\(states[0])_next", deviation])
      builder.emit("Sub", [parameters, builder.emit("Mul", [direction, rate])], to: nextParameters)
    }
    builder.emit(
      "ReduceMean", [gradient.lossOutput ?? logits], to: loss, attributes: ["keepdims": .int(0)])
    let vectors = [parameters] + states
    var scalars = [rate]
    if case .adam = recipe.method { scalars.append(epsilon) }
    builder.model.graph.inputs =
      dataInputs + [gradient.targetInput] + gradient.featureInputs
      + vectors.map { ValueInfo(name: $0, dataType: .float32, shape: [count]) }
      + scalars.map { ValueInfo(name: $0, dataType: .float32, shape: Shape([Int]())) }
    builder.model.graph.outputs =
      vectors.map { ValueInfo(name: "\($0)_next", dataType: .float32, shape: [count]) }
      + [ValueInfo(name: loss, dataType: .float32, shape: Shape([Int]()))]
    step = builder.model
  }

  /// Forward values wait for the backward pass and gradients are freed as it goes: an upper estimate of live bytes per
  /// byte of forward value.
  private static let liveBytesPerActivationByte = 3

  /// Samples per step that fit the recipe's memory and the data; the batch written into the model when there is one.
  func batchSize(_ recipe: DistillationRecipe, samples: Int) -> Int {
    if let fixed = dataInputs.first?.shape?.dimensions.first?.value { return max(fixed, 1) }
    let (perSample, overflow) = activationBytesPerSample.multipliedReportingOverflow(
      by: Self.liveBytesPerActivationByte)
    let fitting = overflow ? 1 : recipe.memoryBudgetBytes / max(perSample, 1)
    return max(1, min(recipe.batchSize, fitting, samples))
  }

  /// 0 where a weight of rank two or more is zero, else 1; nil without zeros.
  private static func mask(_ tensors: [(name: String, tensor: Tensor)]) throws(ScopeError) -> [Float]? {
    var mask: [Float] = []
    for (_, tensor) in tensors {
      let values = try tensor.floats()
      mask += tensor.dimensions.count > 1 ? values.map { $0 == 0 ? 0 : 1 } : values.map { _ in 1 }
    }
    return mask.contains(0) ? mask : nil
  }

  /// `model` with the initializers replaced by the numbers of `vector`.
  func writing(_ vector: [Float], into model: Model) -> Model {
    var model = model
    var start = 0
    for (name, tensor) in tensors {
      let count = tensor.elementCount
      model.graph.initializers[name] = .floats(Array(vector[start..<start + count]), tensor.dimensions)
      start += count
    }
    return model
  }
}

/// Adds nodes to the gradient graph.
private struct Builder {
  var model: Model
  private var names: NameAllocator

  init(_ model: Model) {
    self.model = model
    names = NameAllocator(model.graph)
  }

  mutating func constant(_ name: String, _ tensor: Tensor) -> String {
    let name = names.fresh(name)
    model.graph.initializers[name] = tensor
    return name
  }

  mutating func scalar(_ value: Float) -> String { constant("training/scalar", .floats([value], [])) }

  @discardableResult
  mutating func emit(
    _ opType: String, _ inputs: [String], to output: String? = nil,
    attributes: OrderedDictionary<String, AttributeValue> = [:]
  ) -> String {
    let output = output ?? names.fresh("training/\(opType)")
    model.graph.nodes.append(
      Node(opType, name: output, inputs: inputs, outputs: [output], attributes: attributes))
    return output
  }

  /// Nodes in front that give every parameter its part of the vector.
  mutating func splitVector(_ vector: String, into tensors: [(name: String, tensor: Tensor)]) {
    var front: [Node] = []
    var parts: [String] = []
    for (name, tensor) in tensors {
      // A part of a vector is a vector: it needs no other shape.
      guard tensor.dimensions.count != 1 else {
        parts.append(name)
        continue
      }
      let part = names.fresh("training/part")
      let shape = constant("training/shape", .int64s(tensor.dimensions))
      front.append(Node("Reshape", name: part, inputs: [part, shape], outputs: [name]))
      parts.append(part)
    }
    let sizes = constant("training/sizes", .int64s(tensors.map(\.tensor.elementCount)))
    let split = Node(
      "Split", name: "training/split", inputs: [vector, sizes], outputs: parts,
      attributes: ["axis": .int(0)])
    model.graph.nodes = [split] + front + model.graph.nodes
  }

  /// All of `values`, flat, one after the other.
  mutating func joined(_ values: [String]) -> String {
    let flat = constant("training/flat", .int64s([-1]))
    let parts = values.map { emit("Reshape", [$0, flat]) }
    return emit("Concat", parts, attributes: ["axis": .int(0)])
  }

  /// The forward part alone.
  func evaluation(inputs: [ValueInfo], vector: ValueInfo, logits: String) throws(ScopeError) -> Model {
    var forward = model
    forward.graph.inputs = inputs + [vector]
    forward.graph.outputs = forward.graph.outputs.filter { $0.name == logits }
    _ = try EliminateDeadNodes().run(&forward)
    return forward
  }
}
