import ScopeAnalysis
import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeReport

/// The parts of section 1 that list things: layers, parameters by kind, the memory timeline, statistics of tensors.
enum StructureStage {
  /// Batches whose memory is computed.
  static let batches = [1, 2, 4, 8, 16, 32, 64]

  /// - Parameter modulesFromGraph: list parameters by the modules that node names tell.
  static func fill(
    _ analysis: inout Report.Analysis, _ structure: StructureAnalysis, modulesFromGraph: Bool
  ) {
    let table = structure.layers
    if modulesFromGraph { analysis.moduleSizes = moduleSizes(table) }
    analysis.layers = table.entries.map(layer)
    analysis.computeNodes = .count(
      table.entries.count, conditions: "nodes that do something at run time: neither constants nor renamings")
    analysis.parameterDetail = detail(structure.parameters)
    var memory = Report.Memory()
    memory.timeline = structure.activations.timeline.enumerated().map { index, bytes in
      Report.Memory.Moment(layer: table.positions[index], bytes: bytes)
    }
    memory.peakTensors = structure.activations.inPlace.values.prefix(20).map { value in
      Report.Memory.LiveTensor(
        name: value.name, bytes: value.bytes,
        shape: structure.types.shape(value.name)?.dimensions.map(\.description))
    }
    let peak = structure.activations.inPlace
    memory.peakNode =
      peak.nodeIndex.flatMap { table.positions[$0] }.map { table.entries[$0].name } ?? peak.nodeName
    analysis.memory = memory
  }

  private static let mostModules = 1000

  /// Parameters below each module path, parents before children; the depth at which there are too many is left out.
  private static func moduleSizes(_ table: LayerTable) -> [Report.ModuleSize] {
    var sizes: [String: Report.ModuleSize] = [:]
    for entry in table.entries where entry.parameters > 0 {
      for path in [""] + ModulePath.ancestors(entry.module) {
        sizes[path, default: Report.ModuleSize(path: path, tensors: 0, parameters: 0, bytes: 0)].tensors +=
          entry.weightTensors
        sizes[path]?.parameters &+= entry.parameters
        sizes[path]?.bytes &+= entry.weightBytes
      }
    }
    guard sizes.count > 1 else { return [] }
    func depth(_ path: String) -> Int { path.isEmpty ? 0 : 1 + path.count { $0 == "." } }
    var deepest = sizes.keys.map(depth).max() ?? 0
    while deepest > 1, sizes.keys.count(where: { depth($0) <= deepest }) > mostModules { deepest -= 1 }
    return sizes.values.filter { depth($0.path) <= deepest }.sorted { $0.path < $1.path }
  }

  /// What larger batches need: the peak by liveness with the first size of every input that leaves it open bound to
  /// the batch. Empty for a model of fixed batch.
  static func batchMemory(
    _ model: Model, shapes: [String: Shape], weightBytes: Int
  ) throws(ScopeError) -> [Report.Memory.BatchMemory] {
    let model = try FunctionInlining.inline(model)
    let open = model.graph.requiredInputs.filter { input in
      guard let first = (shapes[input.name] ?? input.shape)?.dimensions.first else { return false }
      return first.value.map { $0 < 0 } ?? true
    }
    guard !open.isEmpty else { return [] }
    var rows: [Report.Memory.BatchMemory] = []
    for batch in batches {
      var bindings = shapes
      for input in open {
        guard var shape = shapes[input.name] ?? input.shape else { continue }
        shape.dimensions[0] = .known(batch)
        bindings[input.name] = shape
      }
      let types = ShapeInference.infer(model, bindings: bindings)
      let memory = ActivationMemory(model.graph, types: types)
      guard memory.valuesNotCounted == 0 else { break }
      rows.append(
        Report.Memory.BatchMemory(
          batch: batch, activationBytes: memory.inPlace.bytes,
          totalBytes: memory.inPlace.bytes &+ weightBytes))
    }
    return rows
  }

  private static func layer(_ entry: LayerTable.Entry) -> Report.Layer {
    var layer = Report.Layer(
      name: entry.name, module: entry.module, opType: entry.opType, inputs: entry.inputs)
    layer.outputShape = entry.outputShape?.dimensions.map(\.description)
    layer.outputType = entry.outputType?.name
    layer.parameters = entry.parameters
    layer.weightBytes = entry.weightBytes
    layer.macs = entry.cost?.macs
    layer.otherOperations = entry.cost.map { $0.biasAdditions &+ $0.otherOperations }
    layer.activationBytes = entry.activationBytes
    return layer
  }

  private static func detail(_ parameters: ParameterSummary) -> Report.ParameterDetail {
    var detail = Report.ParameterDetail(
      stored: parameters.storedCount, logical: parameters.logicalCount, constants: parameters.constantCount)
    detail.unusedTensors = parameters.unusedNames.count
    detail.unusedBytes = parameters.unusedBytes
    detail.byType = parameters.byType.keys.map { type in
      let names = parameters.sizes.filter { parameters.types[$0.key] == type }
      return Report.TypeSize(
        type: type.name, tensors: names.count, elements: names.values.reduce(0) { $0 &+ $1.elements },
        bytes: names.values.reduce(0) { $0 &+ $1.bytes })
    }
    return detail
  }

  /// Statistics of every stored tensor, in file order. Reads all numbers.
  ///
  /// - Parameter progress: Told the share that is done.
  static func tensors(
    _ model: LoadedModel, progress: ((Double) -> Void)?
  ) -> (rows: [Report.TensorStatistics], sparsity: Figure?, unread: [String]) {
    var named: [(name: String, tensor: Tensor)] = []
    if let weights = model.weights {
      named = weights.tensors.filter { weights.sharedWith[$0.key] == nil }.map { ($0.key, $0.value) }
    } else if let graph = model.graph?.graph {
      named = graph.initializers.map { ($0.key, $0.value) }
      for node in graph.nodes where node.isStandard("Constant") {
        if let name = node.outputs.first, let tensor = node.tensor("value"), tensor.elementCount > 1 {
          named.append((name, tensor))
        }
      }
    }
    var rows: [Report.TensorStatistics] = []
    var unread: [String] = []
    let total = max(named.reduce(0) { $0 &+ $1.tensor.byteCount }, 1)
    var done = 0
    var zeros = 0
    var elements = 0
    for (name, tensor) in named {
      var row = Report.TensorStatistics(
        name: name, dataType: tensor.dataType.name, shape: tensor.dimensions, elements: tensor.elementCount,
        bytes: tensor.byteCount)
      do throws(ScopeError) {
        let found = try TensorStatistics(tensor)
        row.minimum = found.minimum
        row.maximum = found.maximum
        row.mean = found.mean
        row.standardDeviation = found.standardDeviation
        row.zeroFraction = found.zeroFraction
        row.nanCount = found.nanCount
        row.infinityCount = found.infinityCount
        row.deadChannels = found.deadChannels
        // Weights proper: vectors of biases and scales are no place for sparsity.
        if tensor.dataType.isFloatingPoint || tensor.dataType.bitWidth <= 8, tensor.dimensions.count >= 2 {
          zeros += found.zeroCount
          elements += found.elementCount
        }
      } catch {
        unread.append("\(name): \(error.message)")
      }
      rows.append(row)
      done &+= tensor.byteCount
      progress?(Double(done) / Double(total))
    }
    let sparsity =
      elements > 0
      ? Figure.fraction(
        Double(zeros) / Double(elements),
        conditions: "elements that are exactly zero among \(elements) in weights of two or more dimensions")
      : nil
    return (rows, sparsity, unread)
  }
}
