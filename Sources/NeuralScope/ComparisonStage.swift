import ScopeAnalysis
import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeOptimization
import ScopeReport
import ScopeRuntime
import ScopeStatistics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Two models side by side.
struct ComparisonStage {
  let before: LoadedModel
  let after: LoadedModel
  let options: ScopeOptions
  private(set) var result: Comparison

  init(_ before: String, _ after: String, options: ScopeOptions) throws(ScopeError) {
    self.before = try LoadedModel(path: before, shapes: options.shapes)
    self.after = try LoadedModel(path: after, shapes: options.shapes)
    self.options = options
    result = Comparison(
      before: Report.Model(self.before), after: Report.Model(self.after),
      conditions: Report.Conditions(options: options))
  }

  /// Figures of both, differences of the graphs and of the weights; needs no engine.
  mutating func compareStructure() throws(ScopeError) {
    let (left, first, _) = try AnalysisStage.run(before, shapes: options.shapes)
    let (right, second, _) = try AnalysisStage.run(after, shapes: options.shapes)
    func row(_ name: String, _ figure: KeyPath<Report.Analysis, Figure?>) {
      let (a, b) = (left[keyPath: figure], right[keyPath: figure])
      if a != nil || b != nil { result.figures.append(Comparison.Row(name: name, before: a, after: b)) }
    }
    row("File size", \.fileBytes)
    result.figures.append(
      Comparison.Row(name: "Parameters", before: left.parameters, after: right.parameters))
    row("Weights in memory", \.weightBytes)
    row("Weight layers", \.weightLayers)
    row("Modules", \.modules)
    row("Graph nodes", \.graphNodes)
    row("Compute nodes", \.computeNodes)
    row("MACs", \.macs)
    row("Peak activations", \.peakActivationBytes)
    row("Peak activations, no reuse", \.peakActivationBytesNaive)
    options.progress?(ScopeProgress(stage: "Comparing weights", fraction: nil))
    if let first, let second {
      let difference = GraphDifference(
        first.graph, second.graph, typesBefore: first.types, typesAfter: second.types)
      result.structure = Self.structure(difference)
      if before.weights == nil || after.weights == nil {
        result.weights = Self.weights(WeightDifference(first.graph, second.graph, pairs: difference.pairs))
      }
    } else {
      for model in [before, after] where model.graph == nil {
        result.notMeasured.append(
          Report.NotMeasured(
            path: "structure", reason: "\(model.file.path) holds weights without a graph",
            remedy: model.notExecutable ?? "export the model to ONNX"))
      }
    }
    if let first = before.weights, let second = after.weights {
      result.weights = Self.weights(WeightDifference(first.tensors, second.tensors))
    } else if result.weights == nil {
      result.notMeasured.append(
        Report.NotMeasured(
          path: "weights", reason: "one model is a graph and the other weights without one",
          remedy: "compare two exports or two checkpoints"))
    }
  }

  private static func structure(_ difference: GraphDifference) -> Comparison.Structure {
    func node(_ reference: GraphDifference.NodeReference) -> Comparison.Node {
      Comparison.Node(name: reference.name, opType: reference.opType)
    }
    let most = Comparison.Structure.listed
    var structure = Comparison.Structure(
      unchangedNodes: difference.pairs.count - difference.changed.count,
      addedCount: difference.added.count, removedCount: difference.removed.count,
      changedCount: difference.changed.count)
    structure.added = difference.added.prefix(most).map(node)
    structure.removed = difference.removed.prefix(most).map(node)
    structure.changed = difference.changed.prefix(most).map {
      Comparison.Change(node: node($0.before), changes: $0.changes)
    }
    structure.operators = difference.operators.map {
      Comparison.OperatorChange(opType: $0.key, before: $0.value.before, after: $0.value.after)
    }
    return structure
  }

  private static func weights(_ difference: WeightDifference) -> Comparison.Weights {
    let most = Comparison.Structure.listed
    var weights = Comparison.Weights(
      unchangedCount: difference.unchanged, changedCount: difference.changed.count,
      reshapedCount: difference.reshaped.count, addedCount: difference.added.count,
      removedCount: difference.removed.count)
    weights.changed = difference.changed.prefix(most).map {
      Comparison.TensorChange(
        name: $0.name, shape: $0.shape, types: [$0.typeBefore.name, $0.typeAfter.name],
        differenceNorm: $0.differenceNorm, norm: $0.norm, largestDifference: $0.largestDifference)
    }
    weights.reshaped = difference.reshaped.prefix(most).map {
      Comparison.Reshape(name: $0.name, before: $0.before, after: $0.after)
    }
    weights.added = difference.added.prefix(most).map(\.name)
    weights.removed = difference.removed.prefix(most).map(\.name)
    weights.unread = Array(difference.unread.prefix(most))
    return weights
  }

  // MARK: With the engine

  /// Both models timed in turn; their outputs for the same input; with data, their accuracy.
  mutating func measure() throws(ScopeError) {
    guard let first = before.graph, let second = after.graph else {
      for path in ["latency", "outputs"] {
        result.notMeasured.append(
          Report.NotMeasured(
            path: path, reason: "one of the models has no graph",
            remedy: before.notExecutable ?? after.notExecutable ?? "export the model to ONNX"))
      }
      return
    }
    let engine = try Engine.load(path: options.enginePath)
    result.conditions.engine = Report.Engine(version: engine.version, path: engine.path, provider: "CPU")
    result.conditions.threads = options.threads > 0 ? options.threads : Machine.current.cores
    let sessionOptions = SessionOptions(threads: options.threads)
    options.progress?(ScopeProgress(stage: "Loading both models", fraction: nil))
    let sessions = [
      try session(first, before, engine, sessionOptions), try session(second, after, engine, sessionOptions),
    ]
    let data = try images()
    let feeds = try inputs(first, second, data: data)
    try compareOutputs(sessions, feeds, first, second)
    let batch = feeds[0].values.first?.dimensions.first ?? 1
    options.progress?(ScopeProgress(stage: "Measuring both models in turn", fraction: nil))
    let summaries = try LatencyBenchmark.interleaved(
      sessions, feeds: feeds, batch: batch, plan: .init(budget: options.latencyBudget))
    let ratio = LatencyBenchmark.ratio(summaries[0], over: summaries[1])
    let conditions =
      "\(summaries[0].threads) threads, batch \(batch), taking turns, ONNX Runtime \(engine.version)"
    func figure(_ summary: LatencySummary) -> Figure {
      .milliseconds(
        summary.medianMilliseconds, interval: LatencyStage.interval(summary.medianInterval),
        spread: summary.p75Milliseconds - summary.p25Milliseconds, samples: summary.samples.count,
        conditions: conditions)
    }
    let verdict: Comparison.Latency.Verdict =
      ratio.interval.lowerBound > 1 ? .faster : ratio.interval.upperBound < 1 ? .slower : .inconclusive
    result.latency = Comparison.Latency(
      before: figure(summaries[0]), after: figure(summaries[1]),
      speedup: .ratio(
        ratio.ratio, interval: LatencyStage.interval(ratio.interval), samples: ratio.rounds,
        conditions: conditions),
      verdict: verdict, rounds: ratio.rounds)
    result.figures.append(
      Comparison.Row(
        name: "Load time", before: .milliseconds(sessions[0].loadTime.milliseconds, samples: 1),
        after: .milliseconds(sessions[1].loadTime.milliseconds, samples: 1)))
    result.figures.append(
      Comparison.Row(name: "Inference time", before: figure(summaries[0]), after: figure(summaries[1])))
    for (summary, model) in zip(summaries, [before, after]) where summary.relativeSpread > 0.1 {
      result.conditions.warnings.append(
        "The latency of \(model.file.path) is noisy: its interquartile range is \(Int((100 * summary.relativeSpread).rounded()))% of the median."
      )
    }
    if let data { try compareAccuracy(sessions, data, first, second) }
  }

  private func session(
    _ model: Model, _ loaded: LoadedModel, _ engine: Engine, _ options: SessionOptions
  ) throws(ScopeError) -> Session {
    do throws(ScopeError) {
      return try Session(engine: engine, model: model, options: options)
    } catch {
      throw error.inFile(loaded.file.path)
    }
  }

  /// The images in each model's own preprocessing; nil without data.
  private func images() throws(ScopeError) -> [PreparedData]? {
    guard options.data.path != nil else { return nil }
    return [
      try PreparedData.load(for: before, options: options),
      try PreparedData.load(for: after, options: options),
    ]
  }

  /// The same input for both where they take the same, else one made up for each.
  private func inputs(
    _ first: Model, _ second: Model, data: [PreparedData]?
  ) throws(ScopeError) -> [[String: HostArray]] {
    if let data {
      return try zip([before, after], data).map { model, prepared throws(ScopeError) in
        let input = try model.imageInput()
        let images = prepared.images
        return [
          input.name: HostArray(
            images.normalizedValues(
              [Int](repeating: 0, count: input.batch ?? 1), prepared.normalization),
            [input.batch ?? 1, images.channels, images.height, images.width])
        ]
      }
    }
    let left = try SampleInputs.make(first)
    var right = try SampleInputs.make(second)
    let names = (first.graph.requiredInputs.map(\.name), second.graph.requiredInputs.map(\.name))
    for (own, other) in zip(names.0, names.1) {
      if let a = left[own], let b = right[other], a.dimensions == b.dimensions, a.dataType == b.dataType {
        right[other] = a
      }
    }
    return [left, right]
  }

  private mutating func compareOutputs(
    _ sessions: [Session], _ feeds: [[String: HostArray]], _ first: Model, _ second: Model
  ) throws(ScopeError) {
    let shapes = zip([first, second], feeds).map { model, feed in
      model.graph.requiredInputs.map { feed[$0.name]?.dimensions ?? [] }
    }
    guard shapes[0] == shapes[1] else {
      result.notMeasured.append(
        Report.NotMeasured(
          path: "outputs",
          reason: "the models take inputs of different shapes: \(shapes[0]) and \(shapes[1])",
          remedy: "compare models of the same input"))
      return
    }
    let outputs = [try sessions[0].run(feeds[0]), try sessions[1].run(feeds[1])]
    for (own, other) in zip(first.graph.outputs.map(\.name), second.graph.outputs.map(\.name)) {
      guard let a = outputs[0][own], let b = outputs[1][other], a.dimensions == b.dimensions,
        !a.floats.isEmpty, a.floats.count == b.floats.count
      else { continue }
      var (largest, magnitude, signal, noise) = (0.0, 0.0, 0.0, 0.0)
      for (x, y) in zip(a.floats, b.floats) {
        let difference = abs(Double(x) - Double(y))
        largest = max(largest, difference)
        magnitude = max(magnitude, abs(Double(x)))
        signal += Double(x) * Double(x)
        noise += difference * difference
      }
      result.outputs.append(
        Comparison.OutputDifference(
          names: [own, other], elements: a.floats.count, largestDifference: largest, largestValue: magnitude,
          signalToNoiseDecibels: noise > 0 && signal > 0 ? 10 * log10(signal / noise) : nil))
    }
  }

  private mutating func compareAccuracy(
    _ sessions: [Session], _ data: [PreparedData], _ first: Model, _ second: Model
  ) throws(ScopeError) {
    let count = min(data[0].images.count, data[1].images.count)
    let indices = Array(0..<count)
    var predictions: [[Int]] = []
    for (index, model) in [first, second].enumerated() {
      options.progress?(
        ScopeProgress(stage: "Evaluating \(index == 0 ? "the first" : "the second") model", fraction: nil))
      guard let output = model.graph.outputs.first?.name else { return }
      let runner = try ModelRunner(session: sessions[index], output: output)
      predictions.append(
        try runner.logits(data[index].samples, indices).predictions)
    }
    let labels = data[0].images.labels
    let correct = predictions.map { own in zip(own, labels).count { $0 == $1 } }
    let agreeing = zip(predictions[0], predictions[1]).count { $0 == $1 }
    result.conditions.data = Report.Dataset(data[0], path: options.data.path ?? "")
    guard let a = Figure.proportion(correct[0], of: count, conditions: "top-1"),
      let b = Figure.proportion(correct[1], of: count, conditions: "top-1"),
      let same = Figure.proportion(agreeing, of: count, conditions: "same top-1 class")
    else { return }
    result.accuracy = Comparison.Accuracy(before: a, after: b, agreement: same)
    result.figures.append(Comparison.Row(name: "Top-1 accuracy", before: a, after: b))
  }

  mutating func skip(_ paths: [String], because error: ScopeError) {
    for path in paths {
      result.notMeasured.append(
        Report.NotMeasured(path: path, reason: error.message, remedy: error.remedy ?? error.description))
    }
  }

  mutating func skip(_ paths: [String], reason: String, remedy: String) {
    for path in paths {
      result.notMeasured.append(Report.NotMeasured(path: path, reason: reason, remedy: remedy))
    }
  }
}
