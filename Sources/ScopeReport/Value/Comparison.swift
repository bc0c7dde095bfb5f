/// Two models side by side: what differs in structure and weights, every figure of both, and which is faster here.
public struct Comparison: Codable, Sendable, Hashable {
  public static let currentSchemaVersion = 1

  public var schemaVersion: Int
  public var before: Report.Model
  public var after: Report.Model
  /// Figures that at least one of the models has.
  public var figures: [Row]
  /// Nil when one of the models has no graph.
  public var structure: Structure?
  public var weights: Weights?
  public var latency: Latency?
  /// How far the outputs are apart for the same input; nil when the models do not take the same input.
  public var outputs: [OutputDifference]
  /// With labelled images.
  public var accuracy: Accuracy?
  public var conditions: Report.Conditions
  public var notMeasured: [Report.NotMeasured]

  public init(before: Report.Model, after: Report.Model, conditions: Report.Conditions) {
    schemaVersion = Comparison.currentSchemaVersion
    self.before = before
    self.after = after
    self.conditions = conditions
    figures = []
    outputs = []
    notMeasured = []
  }

  /// One figure of both models.
  public struct Row: Codable, Sendable, Hashable {
    public var name: String
    /// Nil where the model does not have it.
    public var before: Figure?
    public var after: Figure?

    /// Relative change, (after - before) / before; nil without both, or when the first is zero.
    public var change: Double? {
      guard let before, let after, before.value != 0 else { return nil }
      return (after.value - before.value) / before.value
    }

    public init(name: String, before: Figure?, after: Figure?) {
      self.name = name
      self.before = before
      self.after = after
    }
  }

  /// Differences of the graphs. Lists are cut after ``listed`` entries; the counts are complete.
  public struct Structure: Codable, Sendable, Hashable {
    public static let listed = 200

    public var unchangedNodes: Int
    public var addedCount: Int
    public var removedCount: Int
    public var changedCount: Int
    public var added: [Node]
    public var removed: [Node]
    public var changed: [Change]
    /// Node counts per operator that differ.
    public var operators: [OperatorChange]

    public var isEmpty: Bool { addedCount == 0 && removedCount == 0 && changedCount == 0 }

    public init(unchangedNodes: Int, addedCount: Int, removedCount: Int, changedCount: Int) {
      self.unchangedNodes = unchangedNodes
      self.addedCount = addedCount
      self.removedCount = removedCount
      self.changedCount = changedCount
      added = []
      removed = []
      changed = []
      operators = []
    }
  }

  public struct Node: Codable, Sendable, Hashable {
    public var name: String
    public var opType: String
    public init(name: String, opType: String) {
      self.name = name
      self.opType = opType
    }
  }

  public struct Change: Codable, Sendable, Hashable {
    public var node: Node
    /// One phrase per difference (`strides [1, 1] → [2, 2]`).
    public var changes: [String]
    public init(node: Node, changes: [String]) {
      self.node = node
      self.changes = changes
    }
  }

  public struct OperatorChange: Codable, Sendable, Hashable {
    public var opType: String
    public var before: Int
    public var after: Int
    public init(opType: String, before: Int, after: Int) {
      self.opType = opType
      self.before = before
      self.after = after
    }
  }

  /// Differences of the weights. Lists are cut after ``Structure/listed`` entries; the counts are complete.
  public struct Weights: Codable, Sendable, Hashable {
    /// Tensors with the same numbers.
    public var unchangedCount: Int
    public var changedCount: Int
    public var reshapedCount: Int
    public var addedCount: Int
    public var removedCount: Int
    /// Largest relative difference first.
    public var changed: [TensorChange]
    public var reshaped: [Reshape]
    public var added: [String]
    public var removed: [String]
    /// Tensors whose numbers could not be read, with the reason.
    public var unread: [String]

    public init(
      unchangedCount: Int, changedCount: Int, reshapedCount: Int, addedCount: Int, removedCount: Int
    ) {
      self.unchangedCount = unchangedCount
      self.changedCount = changedCount
      self.reshapedCount = reshapedCount
      self.addedCount = addedCount
      self.removedCount = removedCount
      changed = []
      reshaped = []
      added = []
      removed = []
      unread = []
    }
  }

  public struct TensorChange: Codable, Sendable, Hashable {
    public var name: String
    public var shape: [Int]
    /// Element types before and after; quantized weights are compared by the numbers they stand for.
    public var types: [String]
    /// Euclidean length of the difference, and of the tensor before.
    public var differenceNorm: Double
    public var norm: Double
    public var largestDifference: Double

    /// Nil where the tensor before is all zeros.
    public var relativeDifference: Double? { norm > 0 ? differenceNorm / norm : nil }

    public init(
      name: String, shape: [Int], types: [String], differenceNorm: Double, norm: Double,
      largestDifference: Double
    ) {
      self.name = name
      self.shape = shape
      self.types = types
      self.differenceNorm = differenceNorm
      self.norm = norm
      self.largestDifference = largestDifference
    }
  }

  public struct Reshape: Codable, Sendable, Hashable {
    public var name: String
    public var before: [Int]
    public var after: [Int]
    public init(name: String, before: [Int], after: [Int]) {
      self.name = name
      self.before = before
      self.after = after
    }
  }

  /// Both models timed in turn in one process.
  public struct Latency: Codable, Sendable, Hashable {
    public enum Verdict: String, Codable, Sendable, Hashable { case faster, slower, inconclusive }

    public var before: Figure
    public var after: Figure
    /// Time before over time after, per round: above 1 means that the second model is faster.
    public var speedup: Figure
    /// Whether the second model is faster: the interval of the ratio lies above 1, below 1, or on both sides.
    public var verdict: Verdict
    public var rounds: Int

    public init(before: Figure, after: Figure, speedup: Figure, verdict: Verdict, rounds: Int) {
      self.before = before
      self.after = after
      self.speedup = speedup
      self.verdict = verdict
      self.rounds = rounds
    }
  }

  /// One output of both models for the same input.
  public struct OutputDifference: Codable, Sendable, Hashable {
    /// Names before and after.
    public var names: [String]
    public var elements: Int
    public var largestDifference: Double
    /// Largest magnitude before.
    public var largestValue: Double
    /// Signal before over the squared difference, in decibels; nil when they are equal.
    public var signalToNoiseDecibels: Double?

    public init(
      names: [String], elements: Int, largestDifference: Double, largestValue: Double,
      signalToNoiseDecibels: Double?
    ) {
      self.names = names
      self.elements = elements
      self.largestDifference = largestDifference
      self.largestValue = largestValue
      self.signalToNoiseDecibels = signalToNoiseDecibels
    }
  }

  /// Top-1 accuracy of both on the same images.
  public struct Accuracy: Codable, Sendable, Hashable {
    public var before: Figure
    public var after: Figure
    /// Share of images that both models give the same class.
    public var agreement: Figure
    public init(before: Figure, after: Figure, agreement: Figure) {
      self.before = before
      self.after = after
      self.agreement = agreement
    }
  }
}
