import ScopeBytes
import ScopeData
import ScopeGraph
import ScopeRuntime

/// First output of a model for several samples: class scores, or one row of scores per position.
package struct Logits: Sendable {
  /// [samples, scores], row-major; everything behind the first axis of the output is one row.
  package var values: [Float] = []
  /// Length of a row.
  var classes = 0
  /// Scores among which one is the prediction: the last axis of the output. Equal to `classes` for a classifier.
  var lastAxis = 0

  package init(values: [Float] = [], classes: Int = 0, lastAxis: Int? = nil) {
    self.values = values
    self.classes = classes
    self.lastAxis = lastAxis ?? classes
  }

  package var count: Int { classes > 0 ? values.count / classes : 0 }
  /// Predictions per sample: 1 for a classifier, positions for a sequence.
  package var predictionsPerSample: Int { lastAxis > 0 ? classes / lastAxis : 0 }

  func row(_ sample: Int) -> ArraySlice<Float> { values[sample * classes..<(sample + 1) * classes] }

  /// Index of the largest score along the last axis, ``predictionsPerSample`` per sample; the first of equals.
  package var predictions: [Int] {
    guard lastAxis > 0 else { return [] }
    return stride(from: 0, to: values.count, by: lastAxis).map { start in
      var best = start
      for position in start..<start + lastAxis where values[position] > values[best] { best = position }
      return best - start
    }
  }

  /// The rows of `samples`, in their order.
  func rows(_ samples: [Int]) -> Logits {
    var result = Logits(classes: classes, lastAxis: lastAxis)
    for sample in samples { result.values.append(contentsOf: row(sample)) }
    return result
  }
}

/// Runs a model over samples in batches.
package struct ModelRunner {
  let session: Session
  /// Name of the first input; the image input where samples are images.
  let input: String
  let output: String
  /// Batch size written into the model; nil when any batch runs.
  let fixedBatch: Int?

  /// - Throws: `unsupported` when the model has no input or the inputs do not agree on a batch size.
  package init(session: Session, output: String) throws(ScopeError) {
    let batches = Set(session.inputs.compactMap { $0.shape?.dimensions.first?.value })
    guard let first = session.inputs.first, batches.count <= 1 else {
      throw ScopeError(
        .unsupported, "the model's inputs do not share a batch axis",
        expected: "inputs [N, ...]",
        found: session.inputs.map { "\($0.name) \($0.shape?.description ?? "?")" }.joined(separator: ", "))
    }
    self.session = session
    input = first.name
    self.output = output
    fixedBatch = batches.first
  }

  /// A runner of `model` that also returns `values`, which it computes inside; its inputs may be among them.
  ///
  /// - Throws: `unsupported` as ``init(session:output:)``; engine failures.
  static func observing(
    _ values: some Sequence<String>, of model: Model, context: OptimizationContext
  ) throws(ScopeError) -> ModelRunner {
    var exposed = model
    let known = Set(model.graph.outputs.map(\.name)).union(model.graph.inputs.map(\.name))
    for value in values where !known.contains(value) {
      exposed.graph.outputs.append(ValueInfo(name: value, dataType: .float32, shape: nil))
    }
    // Declared types of values inside may carry sizes that the samples do not have.
    exposed.graph.valueInfo = []
    var options = context.sessionOptions
    // Such a session runs a few large batches, whose memory nobody needs afterwards.
    options.cpuArena = false
    let session = try Session(engine: context.engine, model: exposed, options: options)
    return try ModelRunner(session: session, output: model.graph.outputs.first?.name ?? "")
  }

  /// How many samples go into one run where the model leaves it open.
  enum BatchSize {
    /// ``SampleSet/batchSize``.
    case usual
    case exactly(Int)
    /// As many as keep the outputs below this many bytes, at most the usual; the first run takes one sample to see.
    case outputBytes(Int)
  }

  /// Calls `body` with the feeds and outputs of each batch and the number of samples in it that are not padding, until
  /// it returns false. The session keeps none of the memory that the batches took.
  ///
  /// - Parameters:
  ///   - fetch: outputs to take; nil takes all.
  func forEachBatch(
    _ samples: SampleSet, _ indices: [Int], batch wanted: BatchSize = .usual, fetch: [String]? = nil,
    _ body: ([String: HostArray], [String: HostArray], Int) throws(ScopeError) -> Bool
  ) throws(ScopeError) {
    try samples.check(session.inputs)
    var start = 0
    var bytesPerSample = 0
    while start < indices.count {
      let open =
        switch wanted {
        case .usual: samples.batchSize
        case .exactly(let count): count
        case .outputBytes(let limit):
          bytesPerSample == 0 ? 1 : max(1, min(samples.batchSize, limit / bytesPerSample))
        }
      let batch = fixedBatch ?? open
      var chosen = Array(indices[start..<min(start + batch, indices.count)])
      let real = chosen.count
      // A fixed batch is filled up with its last sample.
      if fixedBatch != nil { while chosen.count < batch { chosen.append(chosen[chosen.count - 1]) } }
      let feed = samples.feed(chosen, input: input)
      // Where only inputs are looked at there is nothing to run.
      let isLast = start + batch >= indices.count
      let outputs =
        fetch?.isEmpty == true ? [:] : try session.run(feed, fetch: fetch, releasesMemory: isLast)
      bytesPerSample = outputs.values.reduce(0) { $0 + $1.floats.count * 4 } / max(real, 1)
      guard try body(feed, outputs, real) else { return }
      start += batch
    }
  }

  /// First outputs of the samples at `indices`.
  ///
  /// - Parameter deadline: stop after the batch in which this moment passes.
  package func logits(
    _ samples: SampleSet, _ indices: [Int], deadline: ContinuousClock.Instant? = nil
  ) throws(ScopeError) -> Logits {
    var result = Logits()
    try forEachBatch(samples, indices, fetch: [output]) { (_, outputs, real) throws(ScopeError) in
      try result.append(outputs[output], name: output, real: real)
      if let deadline, ContinuousClock.now >= deadline { return false }
      return true
    }
    return result
  }

  /// The feed of one timed run: `sample` repeated to the model's batch.
  package func timingFeed(_ samples: SampleSet, _ sample: Int) -> (feed: [String: HostArray], batch: Int) {
    let batch = fixedBatch ?? 1
    return (samples.feed([Int](repeating: sample, count: batch), input: input), batch)
  }
}

extension Logits {
  /// Adds the first `real` rows of a model's output.
  ///
  /// - Throws: `unsupported` when it is no batch of float32 scores, or its rows change their length.
  mutating func append(_ array: HostArray?, name: String, real: Int) throws(ScopeError) {
    guard let array, let first = array.dimensions.first, first > 0, !array.floats.isEmpty else {
      throw ScopeError(.unsupported, "the model's output is not a batch of float32 scores", found: name)
    }
    let length = array.floats.count / first
    guard classes == 0 || classes == length else {
      throw ScopeError(.unsupported, "the number of scores changes from batch to batch", found: name)
    }
    classes = length
    lastAxis = array.dimensions.count > 1 ? array.dimensions.last ?? length : length
    values.append(contentsOf: array.floats.prefix(real * length))
  }
}
