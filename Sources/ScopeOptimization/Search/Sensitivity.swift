import ScopeBytes
import ScopeFormats
import ScopeRuntime

/// Measures what quantizing each layer alone costs.
enum Sensitivity {
  /// Builds one model per layer in which only that layer is quantized, and compares its scores with the original's on as
  /// many filter samples as the time allows.
  ///
  /// - Returns: most sensitive first; layers for which there was no time are missing, and a note says how many.
  static func measure(
    _ source: QuantizationSource, recipe: QuantizationRecipe, _ bench: inout Workbench, until share: Double
  ) throws(ScopeError) -> [LayerSensitivity] {
    let layers = source.layers
    let all = Set(layers.map(\.name))
    let parameters = layers.reduce(0) { $0 + $1.parameters }
    let clock = ContinuousClock()
    var result: [LayerSensitivity] = []
    var count = min(8, bench.filterIndices.count)
    for (position, layer) in layers.enumerated() {
      guard bench.isBefore(share) else {
        bench.notes.append(
          "The sensitivity of \(layers.count - position) of \(layers.count) layers was not measured: the time was over"
        )
        break
      }
      bench.request.progress("Measuring the sensitivity of \(layers.count) layers", bench.spent)
      let before = clock.now
      let indices = Array(bench.filterIndices.prefix(count))
      do throws(ScopeError) {
        var alone = recipe
        alone.floatLayers = all.subtracting([layer.name])
        let model = try source.emit(alone)
        let session = try Session(
          engine: bench.request.engine, model: model, options: SessionOptions(threads: bench.request.threads))
        let scores = try ModelRunner(session: session, output: bench.original.output).logits(
          bench.request.samples, indices)
        result.append(
          LayerSensitivity(
            layer: layer.name, opType: layer.opType,
            parameterShare: Double(layer.parameters) / Double(max(parameters, 1)),
            sqnr: ScoreComparison.sqnr(bench.reference.rows(Array(0..<count)), scores)))
      } catch {
        guard error.isVariantsFault else { throw error }
        bench.notes.append("The sensitivity of \(layer.name) was not measured: \(error.message)")
      }
      // The first layer shows how many samples the others can have.
      if position == 0 {
        let left = (bench.moment(share) - clock.now).milliseconds / Double(layers.count)
        let perSample = (clock.now - before).milliseconds / Double(count)
        count = max(2, min(bench.filterIndices.count, Int(left / max(perSample, 0.01) * 0.8), 32))
        if count < indices.count { continue }
      }
    }
    return result.sorted { $0.sqnr < $1.sqnr }
  }
}
