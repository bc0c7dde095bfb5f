import ScopeBytes
import ScopeGraph
import ScopeRuntime

/// What running the float model on the calibration samples showed.
struct Calibration: Sendable {
  /// By value name.
  var statistics: [String: ActivationStatistics] = [:]
  var sampleCount = 0
  /// The float model's scores of the calibration samples.
  var logits = Logits()
  /// Second moments of the layers' inputs; nil while every recipe rounds to nearest.
  var moments: InputMoments?

  /// Activations of one run are kept below this many bytes.
  static let memoryLimit = 256 << 20

  /// Runs `model` with the observed values as further outputs, in batches that bound the memory.
  ///
  /// - Parameters:
  ///   - model: the folded float model.
  ///   - values: names to observe; graph inputs are allowed.
  static func run(
    _ model: Model, values: [String], context: OptimizationContext
  ) throws(ScopeError) -> Calibration {
    let indices = context.calibration
    guard let output = model.graph.outputs.first?.name, !indices.isEmpty else {
      throw ScopeError(.invalidData, "there are no calibration samples")
    }
    var exposed = model
    let already = Set(model.graph.outputs.map(\.name))
    let inputs = Set(model.graph.inputs.map(\.name))
    for value in values where !already.contains(value) && !inputs.contains(value) {
      exposed.graph.outputs.append(ValueInfo(name: value, dataType: .float32, shape: nil))
    }
    exposed.graph.valueInfo = []
    let session = try Session(engine: context.engine, model: exposed, options: context.sessionOptions)
    let runner = try ModelRunner(session: session, output: output)
    var result = Calibration()
    var histogramStride = 1
    var perSample = 0

    try runner.forEachBatch(
      context.samples, indices,
      // The first run shows how much memory one sample takes.
      batch: { perSample == 0 ? 1 : max(1, min(context.samples.batchSize, memoryLimit / perSample)) }
    ) { (feed, outputs, real) throws(ScopeError) in
      perSample = 0
      for value in values {
        guard let array = inputs.contains(value) ? feed[value] : outputs[value], !array.floats.isEmpty else {
          throw ScopeError(
            .unsupported, "an activation is not float32 and cannot be calibrated", place: value)
        }
        perSample += array.floats.count * 4 / max(real, 1)
        let stride = array.floats.count > 1 << 16 ? histogramStride : 1
        result.statistics[value, default: ActivationStatistics()].add(
          array.floats, dimensions: array.dimensions, histogramStride: stride)
      }
      try result.logits.append(outputs[output], name: output, real: real)
      result.sampleCount += real
      // Large activations of many samples need not all enter the histogram; 3 shares no factor with even widths.
      if perSample * indices.count > 1 << 29 { histogramStride = 3 }
      context.progress("Calibrating", Double(result.sampleCount) / Double(indices.count))
      return true
    }
    return result
  }
}
