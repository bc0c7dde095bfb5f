import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Converts PyTorch operator calls, one after the other, into an ONNX graph.
///
/// Every emitted node's output types follow at once from the operator facts, so that a conversion may depend on rank,
/// element type and sizes. What can be computed from constants is computed here and leaves no node. A tensor that is
/// changed in place is a new value: later reads of the old one read the new one (see ``mutate(_:to:)``).
struct AtenBuilder {
  /// The operator set that is emitted.
  static let opset = 18
  /// Nodes that a program may become.
  private static let maximumNodes = 1_000_000

  private(set) var graph: Graph
  /// Path of the module whose calls follow (`layer1.0.conv1`); nodes are named after it.
  var module = ""
  private var names: NameAllocator
  private var nodeNames: Set<String> = []
  /// What is known of every value.
  private(set) var types: [String: ValueType] = [:]
  /// Constants that no node reads yet.
  private var pending: [String: Tensor] = [:]
  /// Small literals by their content.
  private var literals: [LiteralKey: String] = [:]
  /// Sizes of open dimensions that have been asked for, by value and axis.
  var openSizes: [String: AtenTensor] = [:]
  /// Transposed parameters by the parameter's name.
  var transposedParameters: [String: AtenTensor] = [:]
  var memory = AtenMemory()
  /// Whether the program changes nothing in place, so that copies need no nodes.
  var isFunctional = false
  /// Elements that may still be computed from constants.
  private var foldBudget = 1 << 24

  private struct LiteralKey: Hashable {
    var dataType: DataType
    var dimensions: [Int]
    var bytes: [UInt8]
  }

  init(name: String) {
    graph = Graph(name: name)
    names = NameAllocator(graph)
  }

  // MARK: Values of the program

  /// Adds a graph input; the name changes when it is taken.
  ///
  /// - Parameter shape: open sizes are symbolic; nil when the rank is not known.
  mutating func input(_ name: String, _ dataType: DataType?, _ shape: Shape?) -> AtenTensor {
    let name = names.fresh(name.isEmpty ? "input" : name)
    graph.inputs.append(ValueInfo(name: name, dataType: dataType, shape: shape))
    types[name] = ValueType(dataType, shape)
    return tensor(name)
  }

  /// A parameter or buffer under its state-dict name; its numbers stay in the file. It becomes an initializer when a
  /// node reads it. The same name twice is the same tensor.
  mutating func parameter(_ name: String, _ tensor: Tensor) -> AtenTensor {
    if types[name]?.constant != nil { return self.tensor(name) }
    return constant(tensor, named: name)
  }

  /// A constant of the program; becomes an initializer when a node reads it.
  mutating func constant(_ tensor: Tensor, named stem: String = "constant") -> AtenTensor {
    let name = names.fresh(stem.isEmpty ? "constant" : stem)
    types[name] = ValueType(constant: tensor)
    pending[name] = tensor
    return self.tensor(name)
  }

  /// A literal that may be shared by all nodes that need it.
  mutating func literal(_ tensor: Tensor) -> AtenTensor {
    guard tensor.byteCount <= 256, let bytes = try? tensor.packedBytes().array else {
      return constant(tensor)
    }
    let key = LiteralKey(dataType: tensor.dataType, dimensions: tensor.dimensions, bytes: bytes)
    if let name = literals[key] { return self.tensor(name) }
    let value = constant(tensor)
    literals[key] = value.name
    return value
  }

  /// A one-dimensional int64 literal (axes, pads, sizes).
  mutating func literal(_ values: [Int]) -> AtenTensor { literal(Tensor.int64s(values)) }

  /// A number as a scalar of the given type.
  ///
  /// - Throws: `unsupported` for element types that are not computed here.
  mutating func scalar(_ value: Double, _ dataType: DataType) throws(ScopeError) -> AtenTensor {
    switch dataType {
    case .float32: return literal(.floats([Float(value)], []))
    case .float64, .float16, .bfloat16:
      let double = try Tensor(
        dataType: .float64, dimensions: [], storage: .packed(ByteSlice(elements: [value])))
      return dataType == .float64 ? literal(double) : try cast(literal(double), dataType)
    default:
      guard value.magnitude < 0x1p62 else {
        throw ScopeError(.unsupported, "the number does not fit \(dataType.name)", found: "\(value)")
      }
      return try scalar(Int(value), dataType)
    }
  }

  /// An integer as a scalar of the given type.
  mutating func scalar(_ value: Int, _ dataType: DataType) throws(ScopeError) -> AtenTensor {
    if dataType == .int64 { return literal(.int64s([value], [])) }
    if dataType.isFloatingPoint { return try scalar(Double(value), dataType) }
    return literal(try NumericArray(dataType, [], .integers([Int64(value)])).tensor())
  }

  /// What is known of a value, under its name.
  func tensor(_ name: String) -> AtenTensor {
    let type = types[name]
    return AtenTensor(name: name, dataType: type?.dataType, shape: type?.shape, constant: type?.constant)
  }

  /// Elements of a small integer value as far as they are known.
  func elements(_ tensor: AtenTensor) -> [Dimension]? { types[tensor.name]?.integerElements }

  /// The elements of a small integer value, when all are known.
  func integers(_ tensor: AtenTensor) -> [Int]? { types[tensor.name]?.integers }

  // MARK: Calls

  /// Whether an operator is converted at all.
  static func knows(_ operation: String) -> Bool { AtenRegistry.find(operation) != nil }

  /// Converts one call.
  ///
  /// - Parameters:
  ///   - operation: The operator without overload, `aten::conv2d`.
  ///   - arguments: Positional arguments in schema order; trailing defaults may be left out.
  ///   - named: Keyword arguments.
  ///   - place: Where in the program, for messages (`code/__torch__/model.py line 12`, `node conv2d_3`).
  /// - Returns: The results; one entry unless the operator returns several.
  /// - Throws: `unsupported` naming the operator and the place.
  mutating func call(
    _ operation: String, _ arguments: [AtenValue], named: [String: AtenValue] = [:], at place: String
  ) throws(ScopeError) -> [AtenValue] {
    guard let (entry, inPlace) = AtenRegistry.find(operation) else {
      throw ScopeError(
        .unsupported, "the operator \(operation.prefix(200)) is not converted", place: place,
        remedy: "Export the model to ONNX (torch.onnx.export) and give that file")
    }
    do throws(ScopeError) {
      var positional: [AtenValue] = []
      for argument in arguments { positional.append(try current(argument)) }
      var keywords: [String: AtenValue] = [:]
      for (key, value) in named { keywords[key] = try current(value) }
      let bound = try AtenArguments(operation, entry.parameters, positional, keywords)
      let results = try entry.lower(&self, bound)
      guard inPlace, case .tensor(let target)? = bound[entry.parameters.first ?? "self"],
        case .tensor(let value)? = results.first
      else { return results }
      return [.tensor(try mutate(target, to: value))] + results.dropFirst()
    } catch {
      throw error.at("\(place) (\(operation.prefix(200)))")
    }
  }

  /// The program's graph with its outputs.
  ///
  /// - Parameter outputs: name and value of each output, in order; a name that is taken changes.
  /// - Throws: `unsupported` for an output that is no tensor and no number.
  mutating func finish(
    outputs: [(name: String, value: AtenValue)], producerVersion: String = ""
  ) throws(ScopeError) -> Model {
    var renamed: [String: String] = [:]
    let produced = Set(graph.nodes.flatMap(\.outputs))
    module = ""
    for output in outputs {
      var value = try operand(try current(output.value), nil)
      if !produced.contains(value.name) || renamed[value.name] != nil {
        value = try emitNode("Identity", [value], [:], outputs: 1)[0]
      }
      let wanted = output.name.isEmpty ? "output" : output.name
      let name = value.name == wanted ? wanted : names.fresh(wanted)
      renamed[value.name] = name
      let type = types[value.name]
      graph.outputs.append(ValueInfo(name: name, dataType: type?.dataType, shape: type?.shape))
    }
    for index in graph.nodes.indices {
      for position in graph.nodes[index].inputs.indices {
        if let name = renamed[graph.nodes[index].inputs[position]] {
          graph.nodes[index].inputs[position] = name
        }
      }
      for position in graph.nodes[index].outputs.indices {
        if let name = renamed[graph.nodes[index].outputs[position]] {
          graph.nodes[index].outputs[position] = name
        }
      }
    }
    removeDeadNodes()
    var model = Model(irVersion: 8, opset: Int64(Self.opset), graph: graph)
    model.producerName = "pytorch"
    model.producerVersion = producerVersion
    try GraphValidation.check(model)
    return model
  }

  /// Nodes whose results nobody reads (checks of sizes, unused halves of a split) and the constants only they read.
  private mutating func removeDeadNodes() {
    var needed = Set(graph.outputs.map(\.name))
    var kept: [Node] = []
    for node in graph.nodes.reversed() where node.outputs.contains(where: needed.contains) {
      needed.formUnion(node.inputs)
      kept.append(node)
    }
    graph.nodes = kept.reversed()
    graph.initializers = graph.initializers.filter { needed.contains($0.key) }
  }

  // MARK: Nodes

  /// Adds a node with one output, or computes it when its inputs are small constants.
  mutating func emit(
    _ opType: String, _ inputs: [AtenTensor?], _ attributes: OrderedDictionary<String, AttributeValue> = [:]
  ) throws(ScopeError) -> AtenTensor {
    try emit(opType, inputs, attributes, outputs: 1)[0]
  }

  /// Adds a node, or computes it when its inputs are small constants.
  ///
  /// - Returns: exactly `outputs` values.
  /// - Throws: `invalidGraph` when the inputs contradict the operator's definition.
  mutating func emit(
    _ opType: String, _ inputs: [AtenTensor?], _ attributes: OrderedDictionary<String, AttributeValue> = [:],
    outputs count: Int
  ) throws(ScopeError) -> [AtenTensor] {
    if let tensors = try folded(opType, inputs, attributes, count) {
      return tensors.map { constant($0, named: module.isEmpty ? "constant" : "\(module).constant") }
    }
    return try emitNode(opType, inputs, attributes, outputs: count)
  }

  private func makeNode(
    _ opType: String, _ inputs: [AtenTensor?], _ attributes: OrderedDictionary<String, AttributeValue>,
    _ outputs: [String]
  ) -> Node {
    var inputNames = inputs.map { $0?.name ?? "" }
    while inputNames.last == "" { inputNames.removeLast() }
    return Node(opType, inputs: inputNames, outputs: outputs, attributes: attributes)
  }

  private func context(_ node: Node) -> OperatorContext {
    OperatorContext(
      node: node, opset: Self.opset,
      inputs: node.inputs.map { $0.isEmpty ? nil : types[$0] ?? ValueType() })
  }

  private mutating func folded(
    _ opType: String, _ inputs: [AtenTensor?], _ attributes: OrderedDictionary<String, AttributeValue>,
    _ count: Int
  ) throws(ScopeError) -> [Tensor]? {
    guard !inputs.isEmpty else { return nil }
    var work = 0
    var constants: [Tensor?] = []
    for input in inputs {
      guard let input else {
        constants.append(nil)
        continue
      }
      guard let tensor = types[input.name]?.constant, tensor.elementCount <= ValueType.maximumElements else {
        return nil
      }
      work += tensor.elementCount
      constants.append(tensor)
    }
    guard work <= foldBudget else { return nil }
    let node = makeNode(opType, inputs, attributes, (0..<count).map { "output\($0)" })
    guard
      let tensors = try ConstantFolding.fold(
        node, inputs: Array(constants.prefix(node.inputs.count)), opset: Self.opset,
        maximumElements: ValueType.maximumElements), tensors.count >= count
    else { return nil }
    foldBudget -= work + tensors.reduce(0) { $0 + $1.elementCount }
    return Array(tensors.prefix(count))
  }

  /// Adds a node whatever its inputs are.
  private mutating func emitNode(
    _ opType: String, _ inputs: [AtenTensor?], _ attributes: OrderedDictionary<String, AttributeValue>,
    outputs count: Int
  ) throws(ScopeError) -> [AtenTensor] {
    guard graph.nodes.count < Self.maximumNodes else {
      throw ScopeError(
        .limitExceeded, "the program has too many operations", expected: "at most \(Self.maximumNodes)")
    }
    let stem = module.isEmpty ? opType.lowercased() : module
    var name = stem
    var number = 1
    while !nodeNames.insert(name).inserted {
      name = "\(stem)_\(number)"
      number += 1
    }
    var outputNames: [String] = []
    for index in 0..<count {
      outputNames.append(names.fresh(index == 0 ? "\(name).output" : "\(name).output\(index)"))
    }
    var node = makeNode(opType, inputs, attributes, outputNames)
    node.name = name
    var inferred: [ValueType] = []
    if let definition = OperatorRegistry.definition(of: node) {
      inferred = try definition.inferOutputs(context(node))
    }
    for input in node.inputs {
      if let tensor = pending.removeValue(forKey: input) { graph.initializers[input] = tensor }
    }
    graph.nodes.append(node)
    for (index, output) in outputNames.enumerated() {
      types[output] = index < inferred.count ? inferred[index] : ValueType()
    }
    return outputNames.map { tensor($0) }
  }

  /// Completes what the operator facts do not tell of a value.
  mutating func declare(_ value: AtenTensor, _ dataType: DataType?, _ shape: Shape?) -> AtenTensor {
    var type = types[value.name] ?? ValueType()
    type.dataType = type.dataType ?? dataType
    if let own = type.shape {
      if let shape, shape.rank == own.rank {
        type.shape = Shape(
          zip(own.dimensions, shape.dimensions).map { $0.value == nil && $0 == .unknown ? $1 : $0 })
      }
    } else {
      type.shape = shape
    }
    types[value.name] = type
    return tensor(value.name)
  }
}
