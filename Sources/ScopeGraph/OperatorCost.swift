/// Kinds of arithmetic that are counted apart from the multiply-accumulates.
public enum WorkKind: String, Sendable, Hashable, CaseIterable, Codable {
  /// Additions of a bias inside a convolution, matrix product or recurrent layer.
  case bias
  case normalisation
  case activation
  case pooling
  case softmax
  case elementwise
  case reduction
  case resize
  case quantization
  case other
}

/// Arithmetic that one execution of a node takes.
public struct OperatorCost: Sendable, Hashable {
  /// Multiply-accumulate operations of convolutions, matrix products, recurrent cells and attention.
  public var macs: Int
  /// All other arithmetic in floating-point (or integer) operations, by the convention of each operator family: one
  /// per element and elementary function, comparison or addition. Moving data costs nothing here.
  public var work: [WorkKind: Int]

  public init(macs: Int = 0, work: [WorkKind: Int] = [:]) {
    self.macs = macs
    self.work = work
  }

  public static let none = OperatorCost()

  /// Additions of a bias inside such a node.
  public var biasAdditions: Int { work[.bias] ?? 0 }
  /// Everything but multiply-accumulates and biases.
  public var otherOperations: Int { work.reduce(0) { $1.key == .bias ? $0 : $0 &+ $1.value } }

  /// Nil when a sum overflows.
  public func adding(_ other: OperatorCost) -> OperatorCost? {
    let (sum, overflow) = macs.addingReportingOverflow(other.macs)
    guard !overflow else { return nil }
    var result = OperatorCost(macs: sum, work: work)
    for (kind, operations) in other.work {
      let (sum, overflow) = (work[kind] ?? 0).addingReportingOverflow(operations)
      guard !overflow else { return nil }
      result.work[kind] = sum
    }
    return result
  }
}

/// ``OperatorCost`` as a function of the sizes that are left open.
public struct SymbolicCost: Sendable, Hashable {
  public var macs: SymbolicCount
  public var work: [WorkKind: SymbolicCount]

  public init(macs: SymbolicCount = 0, bias: SymbolicCount? = nil) {
    self.macs = macs
    work = bias.map { $0 == 0 ? [:] : [.bias: $0] } ?? [:]
  }

  /// Arithmetic of one kind.
  public init(_ kind: WorkKind, _ operations: SymbolicCount) {
    macs = 0
    work = operations == 0 ? [:] : [kind: operations]
  }

  public static let none = SymbolicCost()

  /// The numbers when they depend on no open size.
  public var numbers: OperatorCost? { value(at: [:]) }

  /// The open sizes it depends on.
  public var openSizes: Set<String> {
    var names = macs.names
    for count in work.values { names.formUnion(count.names) }
    return Set(names.flatMap { SizeExpression.openSizes($0) })
  }

  /// The numbers at given sizes; nil when one is missing or a number overflows.
  public func value(at sizes: [String: Int]) -> OperatorCost? {
    guard let number = macs.value(at: sizes) else { return nil }
    var result = OperatorCost(macs: number)
    var total = 0
    for (kind, count) in work {
      guard let operations = count.value(at: sizes) else { return nil }
      let (sum, overflow) = total.addingReportingOverflow(operations)
      guard !overflow else { return nil }
      total = sum
      result.work[kind] = operations
    }
    return result
  }

  /// Nil when a sum overflows.
  public func adding(_ other: SymbolicCost) -> SymbolicCost? {
    guard let sum = macs.adding(other.macs) else { return nil }
    var result = self
    result.macs = sum
    for (kind, operations) in other.work {
      guard let sum = (work[kind] ?? 0).adding(operations) else { return nil }
      result.work[kind] = sum
    }
    return result
  }

  /// The same with more work of a kind; nil when it is not known or a sum overflows.
  func with(_ kind: WorkKind, _ operations: SymbolicCount?) -> SymbolicCost? {
    operations.flatMap { adding(SymbolicCost(kind, $0)) }
  }

  /// Nil when a product cannot be followed.
  func times(_ count: SymbolicCount) -> SymbolicCost? {
    guard let product = macs.times(count) else { return nil }
    var result = SymbolicCost(macs: product)
    for (kind, operations) in work {
      guard let product = operations.times(count) else { return nil }
      result.work[kind] = product
    }
    return result
  }
}
