import OrderedCollections
import ScopeBytes

/// A model of a format that is read and described, not executed here: GGUF, TensorFlow Lite, Keras.
public struct ModelDescription: Sendable {
  /// What a stored tensor is for.
  public enum Role: Sendable, Hashable {
    /// Trained numbers.
    case parameter
    /// Numbers that training updates without a gradient: moving averages, counters, seeds.
    case buffer
    /// Shapes, axes, tables.
    case constant
  }

  /// One stored tensor; its numbers stay in the file.
  public struct Tensor: Sendable, Hashable {
    /// Components separated by dots.
    public var name: String
    /// Element type or quantization format as the format's own documents name it (`Q4_K`, `float32`).
    public var type: String
    /// Sizes, outermost first.
    public var dimensions: [Int]
    public var elements: Int
    /// Bytes in the file.
    public var bytes: Int
    public var role: Role
    /// False for parameters that the model declares frozen.
    public var isTrainable: Bool

    public init(
      name: String, type: String, dimensions: [Int], elements: Int, bytes: Int, role: Role = .parameter,
      isTrainable: Bool = true
    ) {
      self.name = name
      self.type = type
      self.dimensions = dimensions
      self.elements = elements
      self.bytes = bytes
      self.role = role
      self.isTrainable = isTrainable
    }
  }

  /// An input or output.
  public struct Signature: Sendable, Hashable {
    public var name: String
    public var type: String
    /// Numbers, or `?` for open sizes.
    public var dimensions: [String]

    public init(name: String, type: String, dimensions: [String]) {
      self.name = name
      self.type = type
      self.dimensions = dimensions
    }
  }

  /// Multiply-accumulates of one inference.
  public struct Arithmetic: Sendable, Hashable {
    public var macs = 0
    public var operatorsCounted = 0
    /// Operators without a known cost, each with the reason; at most a hundred.
    public var missing: [Missing] = []
    public var operatorsNotCounted = 0

    public struct Missing: Sendable, Hashable {
      public var name: String
      public var opType: String
      public var reason: String
    }

    public init() {}
  }

  /// In file order.
  public var tensors: [Tensor] = []
  /// Operators or layer classes with their number, most frequent first; empty when the format has no structure.
  public var operators: OrderedDictionary<String, Int> = [:]
  /// What ``operators`` counts: `operators of the TensorFlow Lite graph`, `Keras layers`.
  public var operatorKind = ""
  /// Name of the architecture as the file gives it (`llama`, `tiny (Functional)`).
  public var architecture: String?
  /// Version and writer, one line.
  public var detail = ""
  /// What the file says about itself, values cut to a line.
  public var metadata: OrderedDictionary<String, String> = [:]
  public var inputs: [Signature] = []
  public var outputs: [Signature] = []
  /// Nil when the format does not hold the computation.
  public var arithmetic: Arithmetic?
  /// Configuration of a decoder language model.
  public var decoder: DecoderConfiguration?
  /// Remarks beside the figures.
  public var notes: [String] = []
  /// What to do to have the model executed.
  public var notExecutable: String

  public init(notExecutable: String) { self.notExecutable = notExecutable }

  /// Sorts counts for ``operators``: most frequent first, then by name.
  static func ranked(_ counts: [String: Int]) -> OrderedDictionary<String, Int> {
    OrderedDictionary(
      uniqueKeysWithValues: counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map {
        ($0.key, $0.value)
      })
  }
}

/// Adds sizes that come from a file.
///
/// - Throws: `limitExceeded` on overflow.
func checkedSum(_ left: Int, _ right: Int, what: String) throws(ScopeError) -> Int {
  let (sum, overflow) = left.addingReportingOverflow(right)
  guard !overflow else {
    throw ScopeError(.limitExceeded, "\(what) is not a possible size", expected: "a sum below 2^63")
  }
  return sum
}
