import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeRuntime
import ScopeStatistics

/// Builds quantized variants of one calibrated model and judges them cheaply on calibration images.
struct CandidateSearch {
  /// A variant that runs.
  struct Built {
    var recipe: QuantizationRecipe
    var modelBytes: ByteSlice
    var session: Session
    var sqnr: Double
    var agreement: Proportion
  }

  let model: Model
  let plan: QuantizationPlan
  let calibration: Calibration
  let request: OptimizationRequest
  /// Calibration images of the cheap judgement, a prefix of those in `calibration.logits`.
  let filterIndices: [Int]
  private let reference: Logits

  init(
    model: Model, plan: QuantizationPlan, calibration: Calibration, request: OptimizationRequest,
    calibrationIndices: [Int], filterCount: Int
  ) {
    self.model = model
    self.plan = plan
    self.calibration = calibration
    self.request = request
    // Evenly spread: calibration images lie in class order.
    let count = min(filterCount, calibrationIndices.count)
    let positions = (0..<count).map { $0 * calibrationIndices.count / max(count, 1) }
    filterIndices = positions.map { calibrationIndices[$0] }
    reference = calibration.logits.rows(positions)
  }

  func emit(_ recipe: QuantizationRecipe) throws(ScopeError) -> Model {
    try QDQEmitter.emit(model, plan: plan, calibration: calibration, recipe: recipe)
  }

  func build(_ recipe: QuantizationRecipe) throws(ScopeError) -> Built {
    let bytes = try ONNXWriter.bytes(try emit(recipe))
    let session = try Session(
      engine: request.engine, modelBytes: bytes, options: SessionOptions(threads: request.threads))
    let scores = try runner(session).logits(request.samples, filterIndices)
    return Built(
      recipe: recipe, modelBytes: bytes, session: session, sqnr: ScoreComparison.sqnr(reference, scores),
      agreement: ScoreComparison.agreement(reference, scores))
  }

  func runner(_ session: Session) throws(ScopeError) -> ModelRunner {
    try ModelRunner(session: session, output: model.graph.outputs.first?.name ?? "")
  }

  /// Signal-to-noise ratio that the same file reaches when its operators run one by one in float: far above the fused
  /// integer kernels' ratio means that those saturate on this processor.
  func unfusedSQNR(_ built: Built, images: Int) throws(ScopeError) -> (fused: Double, unfused: Double) {
    let indices = Array(filterIndices.prefix(images))
    let expected = reference.rows(Array(indices.indices))
    let plain = try Session(
      engine: request.engine, modelBytes: built.modelBytes,
      options: SessionOptions(threads: request.threads, optimization: .none))
    let unfused = try runner(plain).logits(request.samples, indices)
    let fused = try runner(built.session).logits(request.samples, indices)
    return (ScoreComparison.sqnr(expected, fused), ScoreComparison.sqnr(expected, unfused))
  }

  /// Better on the calibration images: a clear gain in signal-to-noise ratio.
  static func isBetter(_ candidate: Built, than other: Built) -> Bool { candidate.sqnr > other.sqnr + 0.1 }
}
