import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeRuntime

/// What must be known of a model before time goes into optimizing it.
enum ModelCheck {
  /// Loaded sessions, calibration and candidates take about this many times the model's bytes.
  private static let memoryFactor = 4

  /// - Returns: what the reader should know: existing quantization, half-precision weights.
  /// - Throws: `invalidData` naming the first weight that is not a number; `limitExceeded` for a model that does not fit
  ///   into memory several times.
  static func run(_ model: Model) throws(ScopeError) -> (existing: ExistingQuantization?, notes: [String]) {
    let bytes = model.graph.initializers.values.reduce(0) { $0 + $1.byteCount }
    let memory = Machine.current.memoryBytes
    guard bytes <= memory / memoryFactor else {
      throw ScopeError(
        .limitExceeded, "the model is too large to be optimized in this machine's memory",
        expected: "weights of at most \(memory / memoryFactor >> 20) MiB (a quarter of the memory)",
        found: "\(bytes >> 20) MiB", remedy: "Use a machine with more memory")
    }
    let problems = try WeightProblems.find(model)
    if let problem = problems.first(where: { $0.kind == .notFinite }) { throw problem.error }
    var notes: [String] = []
    if let half = problems.first {
      notes.append(
        "\(half.description): weights in half precision are not quantized to INT8; export the model in float32 for that"
      )
    }
    let existing = QuantizationPlan.existingQuantization(model.graph)
    if let existing {
      notes.append(
        existing.description
          + (existing.isPartial
            ? ": only exact passes are applied; quantize the float original instead to choose the layers anew"
            : ": only exact passes are applied"))
    }
    return (existing, notes)
  }
}
