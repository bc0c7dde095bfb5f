import ScopeBytes
import ScopeGraph

/// Lookups and edits that the passes share. Snapshots producers, consumers and names of a graph; edits are collected
/// and applied at once by ``apply(to:)``.
struct GraphEditor {
  let graph: Graph
  let producers: [String: Int]
  let consumers: [String: [Int]]
  /// Names that a nested graph reads; they cannot be renamed from outside.
  let captured: Set<String>
  let outputNames: Set<String>
  var names: NameAllocator

  /// Replaced nodes by index; an empty array removes the node.
  private(set) var replacements: [Int: [Node]] = [:]
  private(set) var newInitializers: [(String, Tensor)] = []
  private var renamed: [String: String] = [:]

  init(_ graph: Graph) {
    self.graph = graph
    producers = graph.producers
    consumers = graph.consumers
    captured = Set(graph.nodes.flatMap { $0.subgraphs.flatMap(\.captures) })
    outputNames = Set(graph.outputs.map(\.name))
    names = NameAllocator(graph)
  }

  var isModified: Bool { !replacements.isEmpty || !renamed.isEmpty || !newInitializers.isEmpty }

  /// Whether an earlier edit of this round already touched the node.
  func isEdited(_ index: Int) -> Bool { replacements[index] != nil }

  /// The constant behind a value; an initializer that a caller may override is not constant.
  func constant(_ name: String?) -> Tensor? {
    guard let name, !graph.inputs.contains(where: { $0.name == name }) else { return nil }
    return graph.initializers[name]
  }

  /// The numbers of a real constant, nil for anything else.
  func floats(_ name: String?) -> [Float]? {
    guard let tensor = constant(name), tensor.dataType == .float32 else { return nil }
    return try? tensor.floats()
  }

  func integers(_ name: String?) -> [Int]? {
    guard let tensor = constant(name), tensor.dataType == .int64 || tensor.dataType == .int32 else {
      return nil
    }
    return try? tensor.ints()
  }

  /// The only node that reads `value`, when the value is read nowhere else (not even as a graph output or by a nested
  /// graph) and that node reads it once.
  func soleConsumer(_ value: String) -> Int? {
    guard !outputNames.contains(value), !captured.contains(value), let readers = consumers[value],
      readers.count == 1,
      graph.nodes[readers[0]].inputs.filter({ $0 == value }).count == 1
    else { return nil }
    return readers[0]
  }

  mutating func replace(_ index: Int, with nodes: [Node]) { replacements[index] = nodes }
  mutating func remove(_ index: Int) { replacements[index] = [] }

  /// Adds a constant under a fresh name that begins with `stem`.
  mutating func addInitializer(_ tensor: Tensor, _ stem: String) -> String {
    let name = names.fresh(stem)
    newInitializers.append((name, tensor))
    return name
  }

  /// Stores the new form of a constant: under its own name where one input of one node reads it, otherwise under a fresh
  /// name that begins with it.
  ///
  /// - Parameter old: nil or another value than a constant takes `stem`.
  mutating func replaceInitializer(_ old: String?, with tensor: Tensor, stem: String = "weight") -> String {
    guard let old, constant(old) != nil else { return addInitializer(tensor, stem) }
    guard soleConsumer(old) != nil, !newInitializers.contains(where: { $0.0 == old }) else {
      return addInitializer(tensor, old)
    }
    newInitializers.append((old, tensor))
    return old
  }

  /// Makes everything that reads `old` read `new` instead.
  mutating func redirect(_ old: String, to new: String) { renamed[old] = new }

  private func resolve(_ name: String) -> String {
    var current = name
    var steps = 0
    while let next = renamed[current], steps <= renamed.count {
      current = next
      steps += 1
    }
    return current
  }

  /// Applies the collected edits.
  ///
  /// - Returns: Whether anything changed.
  func apply(to model: inout Model) -> Bool {
    guard isModified else { return false }
    for (name, tensor) in newInitializers { model.graph.initializers[name] = tensor }
    var nodes: [Node] = []
    nodes.reserveCapacity(graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() { nodes.append(contentsOf: replacements[index] ?? [node]) }
    if !renamed.isEmpty {
      for index in nodes.indices {
        nodes[index].inputs = nodes[index].inputs.map { $0.isEmpty ? $0 : resolve($0) }
      }
    }
    model.graph.nodes = nodes
    return true
  }
}

/// How the output channels of a convolution's or matrix product's weight are laid out.
enum ChannelScaling {
  /// Multiplies row `c` of a [C, ...] tensor by `factors[c]`, in double precision before rounding once.
  static func scaleRows(_ values: [Float], by factors: [Double]) -> [Float] {
    guard !factors.isEmpty else { return values }
    let row = values.count / factors.count
    var result = values
    for channel in factors.indices {
      for position in channel * row..<(channel + 1) * row {
        result[position] = Float(Double(values[position]) * factors[channel])
      }
    }
    return result
  }
}

/// Inference-time BatchNormalization as `y = factor * x + shift` per channel.
struct BatchNormCoefficients {
  var factor: [Double]
  var shift: [Double]

  /// Nil when a parameter is not a float32 constant, or the node trains.
  init?(_ node: Node, _ editor: GraphEditor) {
    guard node.isStandard("BatchNormalization"), node.int("training_mode") ?? 0 == 0,
      node.int("spatial") ?? 1 == 1,
      node.outputs.dropFirst().allSatisfy(\.isEmpty), let gamma = editor.floats(node.input(1)),
      let beta = editor.floats(node.input(2)), let mean = editor.floats(node.input(3)),
      let variance = editor.floats(node.input(4)), beta.count == gamma.count, mean.count == gamma.count,
      variance.count == gamma.count
    else { return nil }
    let epsilon = Double(node.float("epsilon") ?? 1e-5)
    factor = []
    shift = []
    for channel in gamma.indices {
      let deviation = (Double(variance[channel]) + epsilon).squareRoot()
      guard deviation > 0, deviation.isFinite else { return nil }
      let scale = Double(gamma[channel]) / deviation
      factor.append(scale)
      shift.append(Double(beta[channel]) - Double(mean[channel]) * scale)
    }
  }
}

/// The constant weight and bias of a convolution.
struct ConvParameters {
  /// [M, C / group, k...].
  var weight: [Float]
  var dimensions: [Int]
  /// [M]; zeros when the node has none.
  var bias: [Double]
  var group: Int

  init?(_ node: Node, _ editor: GraphEditor) {
    guard node.isStandard("Conv"), let tensor = editor.constant(node.input(1)), tensor.dimensions.count >= 3,
      let weight = editor.floats(node.input(1)), tensor.dimensions[0] > 0
    else { return nil }
    self.weight = weight
    dimensions = tensor.dimensions
    group = node.int("group") ?? 1
    guard group > 0, dimensions[0] % group == 0 else { return nil }
    if let name = node.input(2) {
      guard let values = editor.floats(name), values.count == dimensions[0] else { return nil }
      bias = values.map { Double($0) }
    } else {
      bias = [Double](repeating: 0, count: dimensions[0])
    }
  }

  /// Makes the parameters act on `x` as they did on `factor * x + shift`, per input channel: `W'[o, i] = W[o, i] *
  /// factor[i]`, `b'[o] = b[o] + sum W[o, i] * shift[i]`.
  mutating func absorb(inputFactor: [Double], inputShift: [Double]) {
    let perGroup = dimensions[1]
    let kernel = dimensions.dropFirst(2).reduce(1, *)
    let outputsPerGroup = dimensions[0] / group
    for output in 0..<dimensions[0] {
      let firstInput = output / outputsPerGroup * perGroup
      for local in 0..<perGroup {
        let start = (output * perGroup + local) * kernel
        let channel = firstInput + local
        var sum = 0.0
        for position in start..<start + kernel {
          let value = Double(weight[position])
          sum += value
          weight[position] = Float(value * inputFactor[channel])
        }
        bias[output] += sum * inputShift[channel]
      }
    }
  }

  /// Writes the parameters back as fresh constants of `node`.
  func store(in node: inout Node, _ editor: inout GraphEditor) {
    let weightName = editor.replaceInitializer(node.input(1), with: .floats(weight, dimensions))
    let biasName = editor.replaceInitializer(
      node.input(2), with: .floats(bias.map { Float($0) }, [dimensions[0]]), stem: Self.biasName(weightName))
    node.inputs = [node.inputs[0], weightName, biasName]
  }

  /// `conv1.bias` for `conv1.weight`, as PyTorch names them.
  static func biasName(_ weight: String) -> String {
    let ending = ".weight"
    return weight.hasSuffix(ending) ? "\(weight.dropLast(ending.count)).bias" : "\(weight)_bias"
  }

  /// Whether every explicit or automatic padding of `node` is zero.
  static func hasNoPadding(_ node: Node) -> Bool {
    let automatic = node.string("auto_pad") ?? "NOTSET"
    if automatic == "VALID" { return true }
    return automatic == "NOTSET" && (node.ints("pads") ?? []).allSatisfy { $0 == 0 }
  }
}
