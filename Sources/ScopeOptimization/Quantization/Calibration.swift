import ScopeBytes
import ScopeData
import ScopeGraph
import ScopeRuntime
import Synchronization

/// What running the float model on the calibration samples showed.
package struct Calibration: Sendable {
  /// By value name; only float32 values.
  package var statistics: [String: ActivationStatistics] = [:]
  package var sampleCount = 0
  /// The float model's scores of the calibration samples.
  package var logits = Logits()
  /// Second moments of the layers' inputs; nil while every recipe rounds to nearest.
  var moments: InputMoments?

  /// Activations of one run are kept below this many bytes where the batch is open.
  static let memoryLimit = 64 << 20

  package init() {}

  /// Statistics of one value, filled by whichever thread takes it.
  private final class Slot: Sendable {
    let name: String
    let axis: Int
    let statistics = Mutex(ActivationStatistics())

    init(_ name: String, axis: Int) {
      self.name = name
      self.axis = axis
    }
  }

  /// What the given plans need, from one pass over the calibration samples.
  package static func run(
    _ model: Model, plans: [QuantizationPlan], context: OptimizationContext
  ) throws(ScopeError) -> Calibration {
    var axes: [String: Int] = [:]
    for plan in plans {
      for value in plan.observedValues(model.graph) {
        let axis = plan.channelAxes[value]
        axes[value] = axes[value] ?? axis ?? 1
      }
    }
    return try run(model, values: axes.keys.sorted(), channelAxes: axes, context: context)
  }

  /// Runs `model` with the observed values as further outputs, in batches that bound the memory; the statistics of the
  /// values of a batch are taken in parallel.
  ///
  /// - Parameters:
  ///   - model: the folded float model.
  ///   - values: names to observe; graph inputs are allowed. Values of other types than float32 are skipped.
  ///   - channelAxes: where the channels of a value are (-1: the last axis) other than on axis 1.
  /// - Throws: `invalidData` without samples; engine failures.
  package static func run(
    _ model: Model, values: [String], channelAxes: [String: Int] = [:], context: OptimizationContext
  ) throws(ScopeError) -> Calibration {
    let indices = context.calibration
    guard let output = model.graph.outputs.first?.name, !indices.isEmpty else {
      throw ScopeError(.invalidData, "there are no calibration samples")
    }
    let inputs = Set(model.graph.inputs.map(\.name))
    let declared = Dictionary(
      (model.graph.inputs + model.graph.outputs + model.graph.valueInfo).map { ($0.name, $0.dataType) },
      uniquingKeysWith: { first, _ in first })
    let wanted = values.filter { (declared[$0] ?? .float32) == .float32 }
    let runner = try ModelRunner.observing(wanted, of: model, context: context)
    let slots = wanted.map { Slot($0, axis: channelAxes[$0] ?? 1) }
    let threads = context.threads > 0 ? context.threads : ParallelLoop.processors
    var result = Calibration()

    try runner.forEachBatch(context.samples, indices, batch: .outputBytes(memoryLimit)) {
      (feed, outputs, real) throws(ScopeError) in
      let arrays = slots.map { inputs.contains($0.name) ? feed[$0.name] : outputs[$0.name] }
      ParallelLoop.run(count: slots.count, threads: threads) { index in
        guard let array = arrays[index], !array.floats.isEmpty else { return }
        slots[index].statistics.withLock {
          $0.add(array.floats, dimensions: array.dimensions, channelAxis: slots[index].axis)
        }
      }
      try result.logits.append(outputs[output], name: output, real: real)
      result.sampleCount += real
      context.progress("Calibrating", Double(result.sampleCount) / Double(indices.count))
      return true
    }
    for slot in slots {
      let statistics = slot.statistics.withLock { $0 }
      if statistics.count > 0 { result.statistics[slot.name] = statistics }
    }
    return result
  }
}
