import ScopeGraph

/// What a fine-tuning gave.
public struct DistillationResult: Sendable {
  /// The student with the weights that had the lowest loss on the held-out samples; the student itself when no step
  /// helped.
  public var model: Model
  /// Mean loss on the held-out samples with the weights before and after.
  public var lossBefore: Double
  public var lossAfter: Double
  /// Share of the held-out predictions that are the teacher's.
  public var agreementBefore: Double
  public var agreementAfter: Double
  public var trainingSamples: Int
  public var heldOutSamples: Int
  public var batchSize: Int
  /// Steps taken, and the step whose weights were kept (0: those of the student).
  public var steps: Int
  public var keptStep: Int
  /// Whether the time budget allowed fewer passes than the recipe wants.
  public var limitedByTime: Bool
  /// Initializers and numbers that were trained.
  public var initializers: Int
  public var parameters: Int
  /// Mean training loss since the last evaluation, and the held-out loss, at each evaluation.
  public var curve: [Point]
  /// Wall-clock time of everything.
  public var duration: Duration

  public struct Point: Sendable, Hashable {
    public var step: Int
    public var trainingLoss: Double
    public var heldOutLoss: Double
  }

  public var isImproved: Bool { keptStep > 0 }
}
