import ScopeAnalysis
import ScopeArchitectures
import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeReport

/// Section 1 from structure alone; ``LatencyStage`` adds what needs the engine.
enum AnalysisStage {
  /// `structure` is nil for weights without a graph.
  typealias Outcome = (
    analysis: Report.Analysis, structure: StructureAnalysis?, missing: [Report.NotMeasured]
  )

  /// Figures that weights without a graph do not give.
  private static let graphFigures = ["graphNodes", "macs", "peakActivationBytes", "latency"]

  static func run(_ model: LoadedModel, shapes: [String: Shape] = [:]) throws(ScopeError) -> Outcome {
    guard let graph = model.graph else { return weightsOnly(model) }
    do throws(ScopeError) {
      return try executable(model, graph, shapes)
    } catch {
      throw error.inFile(model.file.path)
    }
  }

  private static func executable(
    _ model: LoadedModel, _ graph: Model, _ shapes: [String: Shape]
  ) throws(ScopeError) -> Outcome {
    let usual = shapes.isEmpty ? usualSize(model, graph) : nil
    let bindings: [String: Shape]
    if let usual {
      bindings = [usual.input: usual.shape]
    } else {
      bindings = try InputShapes.bindings(shapes, for: graph.graph)
    }
    let structure = try StructureAnalysis.analyze(model: graph, bindings: bindings)
    var missing: [Report.NotMeasured] = []
    var analysis: Report.Analysis
    if let architecture = model.architecture {
      let counts = architecture.counts
      analysis = Report.Analysis(
        parameters: .count(
          counts.trainableParameters, conditions: "PyTorch convention: buffers are not parameters"))
      analysis.trainableParameters = .count(
        counts.trainableParameters, conditions: "all parameters; a checkpoint does not store requires_grad")
      analysis.buffers = .count(
        counts.bufferElements, conditions: "elements of \(counts.bufferTensors) buffers")
      analysis.modules = .count(
        counts.modules, conditions: "PyTorch convention: containers and the model itself included")
      analysis.parameterisedModules = .count(
        counts.parameterisedModules, conditions: "modules that own parameters")
      analysis.weightLayers = .count(counts.weightLayers, conditions: "convolution and linear layers")
    } else if let weights = model.weights {
      analysis = counted(WeightsAnalysis.analyze(weights))
      ProgramModules.fill(&analysis, from: weights)
      if analysis.modules == nil {
        missing.append(
          Report.NotMeasured(
            path: "analysis.modules", reason: "the program does not list modules without tensors",
            remedy: "neural-scope analyze on the same model saved with torch.jit.save"))
      }
    } else {
      analysis = Report.Analysis(
        parameters: .count(
          structure.parameters.logicalCount,
          conditions: structure.parameters.logicalCount == structure.parameters.storedCount
            ? "floating-point initializers"
            : "tensors that were stored once because they were equal count once per name"))
      if structure.parameters.statisticsCount > 0 {
        analysis.buffers = .count(
          structure.parameters.statisticsCount,
          conditions:
            "running statistics of the batch normalisations that are still nodes; counted above as well")
      }
      analysis.weightLayers = .count(
        structure.weightLayers.count,
        conditions: "convolution, linear and recurrent layers with constant weights")
      for path in ["modules", "parameterisedModules", "trainableParameters"] {
        missing.append(
          Report.NotMeasured(
            path: "analysis.\(path)",
            reason: "an ONNX graph has no modules and does not mark what was trained",
            remedy: "neural-scope analyze CHECKPOINT on the PyTorch checkpoint it was exported from"))
      }
    }
    analysis.graphNodes = .count(
      structure.nodeCount,
      conditions: model.weights == nil
        ? "nodes of the ONNX graph" : "nodes of the ONNX graph built here from the checkpoint")
    analysis.operators = structure.nodesByOperator.map {
      Report.OperatorCount(opType: $0.key, count: $0.value)
    }
    let assumed = structure.assumptions.isEmpty ? "" : ", " + structure.assumptions.joined(separator: ", ")
    analysis.macs = .macs(
      structure.operations.macs, conditions: "convolutions and matrix products, bias not included\(assumed)")
    analysis.macsComplete = structure.operations.isComplete
    analysis.macsUnknownOperators = Array(structure.unknownOperators.keys)
    analysis.flops = Figure(
      Double(structure.operations.floatingPointOperations), .floatingPointOperations,
      conditions: "2 per multiply-accumulate, plus bias, normalisation, pooling and elementwise work")
    if let weights = model.weights {
      analysis.weightBytes = .bytes(
        WeightsAnalysis.analyze(weights).parameterBytes,
        conditions: "parameters as stored, buffers not included")
    } else {
      analysis.weightBytes = .bytes(
        structure.weightBytes, conditions: "initializers that nodes read, as stored")
    }
    analysis.weightTypes = structure.parameters.byType.keys.map(\.name)
    let exact = structure.activations.valuesNotCounted == 0
    let atLeast =
      exact ? "" : ", at least: \(structure.activations.valuesNotCounted) values of unknown size not counted"
    analysis.peakActivationBytes = .bytes(
      structure.activations.inPlace.bytes,
      conditions: "liveness in graph order, elementwise in place, batch 1\(atLeast)")
    analysis.peakActivationBytesNaive = .bytes(
      structure.activations.naive.bytes,
      conditions: "liveness in graph order, every output its own buffer, batch 1\(atLeast)")
    analysis.peakActivationTensor = structure.activations.inPlace.values.first?.name
    analysis.opset = graph.opset
    // As declared: an open batch stays open here, though the figures are for one image.
    analysis.inputs = graph.graph.requiredInputs.map(signature)
    analysis.outputs = zip(graph.graph.outputs, structure.outputs).map {
      signature($0.shape == nil ? $1 : $0)
    }
    analysis.fileBytes = .bytes(model.file.byteCount)
    StructureStage.fill(&analysis, structure, modulesFromGraph: model.weights == nil)
    analysis.notes = ProgramModules.notes(graph)
    // A program computes what it says; what its architecture leaves open was not assumed.
    if !model.isProgram {
      analysis.notes += (model.architecture?.notes ?? []) + (model.architecture?.assumptions ?? [])
    }
    missing += ArithmeticStage.fill(&analysis, structure)
    if let usual { analysis.assumptions.append(usual.assumption) }
    return (analysis, structure, missing)
  }

  /// The image size that a recognised architecture was published with, for a graph that leaves height and width open.
  private static func usualSize(
    _ model: LoadedModel, _ graph: Model
  ) -> (input: String, shape: Shape, assumption: String)? {
    guard let architecture = model.architecture, architecture.inputSize.count == 3,
      graph.graph.requiredInputs.count == 1, let input = graph.graph.requiredInputs.first,
      let shape = input.shape, shape.rank == 4, shape.dimensions[2...].contains(where: { $0.value == nil })
    else { return nil }
    let size = architecture.inputSize
    var dimensions = shape.dimensions
    for axis in 1..<4 where dimensions[axis].value == nil { dimensions[axis] = .known(size[axis - 1]) }
    return (
      input.name, Shape(dimensions),
      "images of \(size[1]) x \(size[2]), the size that \(architecture.variant) was published with"
    )
  }

  private static func weightsOnly(_ model: LoadedModel) -> Outcome {
    if case .description(let description) = model.file.content {
      let (analysis, missing) = DescriptionStage.run(description, fileBytes: model.file.byteCount)
      return (analysis, nil, missing)
    }
    guard let weights = model.weights else {
      return (Report.Analysis(parameters: .count(0)), nil, [])
    }
    let structure = WeightsAnalysis.analyze(weights)
    var analysis = counted(structure)
    ProgramModules.fill(&analysis, from: weights)
    analysis.weightBytes = .bytes(structure.bytes, conditions: "all tensors as stored, shared storage once")
    analysis.weightTypes = structure.byType.keys.map(\.name)
    analysis.fileBytes = .bytes(model.file.byteCount)
    analysis.notes =
      [model.notExecutable].compactMap { $0 }
      + weights.otherEntries.prefix(8).map { "beside the weights: \($0)" }
    let reason =
      model.conversionError.map { "the program could not be converted: \($0.message)" }
      ?? "the file holds weights without a graph, and their architecture is not known here"
    let missing = (graphFigures + (analysis.modules == nil ? ["modules"] : [])).map {
      Report.NotMeasured(
        path: "analysis.\($0)", reason: reason, remedy: ArchitectureRegistry.exportAdvice)
    }
    return (analysis, nil, missing)
  }

  /// What the tensors alone tell.
  private static func counted(_ weights: WeightsAnalysis) -> Report.Analysis {
    var analysis = Report.Analysis(
      parameters: .count(
        weights.parameters, conditions: "PyTorch convention: floating-point tensors that are not buffers"))
    analysis.buffers = .count(
      weights.bufferElements, conditions: "running statistics, counters, index tables")
    analysis.parameterisedModules = .count(weights.modules.count, conditions: "modules that hold tensors")
    analysis.weightLayers = .count(weights.weightLayers, conditions: "weights of two or more dimensions")
    return analysis
  }

  private static func signature(_ info: ValueInfo) -> Report.TensorSignature {
    Report.TensorSignature(
      name: info.name, dataType: info.dataType?.name ?? "unknown",
      shape: info.shape?.dimensions.map(\.description) ?? ["unknown rank"])
  }
}
