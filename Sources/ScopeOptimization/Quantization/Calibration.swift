import ScopeBytes
import ScopeData
import ScopeGraph
import ScopeRuntime

/// What running the float model on the calibration images showed.
struct Calibration: Sendable {
  /// By value name.
  var statistics: [String: ActivationStatistics] = [:]
  var imageCount = 0
  /// The float model's scores of the calibration images.
  var logits = Logits()

  /// Activations of one run are kept below this many bytes.
  static let memoryLimit = 256 << 20

  /// Runs `model` with the observed values as further outputs, in batches that bound the memory.
  ///
  /// - Parameters:
  ///   - model: the folded float model.
  ///   - values: names to observe; graph inputs are allowed.
  static func run(
    _ model: Model, values: [String], images: LabeledImages, normalization: Normalization, indices: [Int],
    engine: Engine, threads: Int, progress: (Double) -> Void = { _ in }
  ) throws(ScopeError) -> Calibration {
    guard let output = model.graph.outputs.first?.name, !indices.isEmpty else {
      throw ScopeError(.invalidData, "there are no calibration images")
    }
    var exposed = model
    let already = Set(model.graph.outputs.map(\.name))
    let inputs = Set(model.graph.inputs.map(\.name))
    for value in values where !already.contains(value) && !inputs.contains(value) {
      exposed.graph.outputs.append(ValueInfo(name: value, dataType: .float32, shape: nil))
    }
    exposed.graph.valueInfo = []
    let session = try Session(engine: engine, model: exposed, options: SessionOptions(threads: threads))
    let runner = try ClassifierRunner(session: session, output: output)
    var result = Calibration()
    var histogramStride = 1
    var perImage = 0

    func absorb(_ outputs: [String: HostArray], _ feed: HostArray, _ real: Int) throws(ScopeError) {
      perImage = 0
      for value in values {
        guard let array = inputs.contains(value) ? feed : outputs[value], !array.floats.isEmpty else {
          throw ScopeError(.unsupported, "an activation is not float32 and cannot be calibrated", place: value)
        }
        perImage += array.floats.count * 4 / max(feed.dimensions[0], 1)
        let stride = array.floats.count > 1 << 16 ? histogramStride : 1
        result.statistics[value, default: ActivationStatistics()].add(
          array.floats, dimensions: array.dimensions, histogramStride: stride)
      }
      guard let scores = outputs[output], let rows = scores.dimensions.first, rows > 0 else {
        throw ScopeError(.unsupported, "the model's output is not a batch of float32 scores", found: output)
      }
      result.logits.classes = scores.floats.count / rows
      result.logits.values.append(contentsOf: scores.floats.prefix(real * result.logits.classes))
      result.imageCount += real
    }

    var position = 0
    while position < indices.count {
      // The first run shows how much memory one image takes.
      let batch =
        runner.fixedBatch
        ?? (perImage == 0 ? 1 : max(1, min(ClassifierRunner.batchSize(images), memoryLimitFor(perImage))))
      var chosen = Array(indices[position..<min(position + batch, indices.count)])
      let real = chosen.count
      if runner.fixedBatch != nil { while chosen.count < batch { chosen.append(chosen[chosen.count - 1]) } }
      let feed = HostArray(
        images.normalizedValues(chosen, normalization), [chosen.count, images.channels, images.height, images.width])
      try absorb(try session.run([runner.input: feed]), feed, real)
      // Large activations of many images need not all enter the histogram; 3 shares no factor with even widths.
      if perImage * indices.count > 1 << 29 { histogramStride = 3 }
      position += batch
      progress(min(1, Double(position) / Double(indices.count)))
    }
    return result
  }

  private static func memoryLimitFor(_ bytesPerImage: Int) -> Int { memoryLimit / max(bytesPerImage, 1) }
}
