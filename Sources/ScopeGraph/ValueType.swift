/// What is known of a value without running the model.
public struct ValueType: Sendable {
  /// Nil when the element type is not known.
  public var dataType: DataType?
  /// Nil when the rank is not known.
  public var shape: Shape?
  /// The value itself when it does not depend on the model's inputs: an initializer (of any size, not copied), or a
  /// small tensor computed from constants.
  public var constant: Tensor?
  /// Elements, row-major, of a small integer tensor of which not every element is known (the result of `Shape` on a
  /// symbolic batch). Elements may be negative.
  public var partialElements: [Dimension]?
  /// Nil for a tensor.
  public var container: Container?

  /// Values that are not tensors.
  public enum Container: Sendable {
    /// A sequence: the type of every element when its length is known, otherwise one type that all elements have (or
    /// none when nothing is known of them).
    case sequence([ValueType], isLengthKnown: Bool)
    /// A map (of ai.onnx.ml).
    case map
  }

  public init(_ dataType: DataType? = nil, _ shape: Shape? = nil) {
    self.dataType = dataType
    self.shape = shape
  }

  public init(_ container: Container) { self.container = container }

  public init(constant: Tensor) {
    dataType = constant.dataType
    shape = constant.shape
    self.constant = constant
  }

  /// Elements of a small tensor of whole numbers as far as they are known, row-major; nil when nothing is known.
  public var integerElements: [Dimension]? {
    if let partialElements { return partialElements }
    guard let constant, constant.elementCount <= ValueType.maximumElements else { return nil }
    if constant.dataType.isFloatingPoint {
      // Sizes may be computed in floating point on their way from one shape to another.
      guard constant.elementCount <= 64, let values = try? constant.floats(),
        values.allSatisfy({ $0 == $0.rounded() && abs($0) < 0x1p24 })
      else { return nil }
      return values.map { .known(Int($0)) }
    }
    guard let values = try? constant.ints() else { return nil }
    return values.map(Dimension.known)
  }

  /// Elements of a small integer tensor when all of them are known.
  public var integers: [Int]? {
    guard let elements = integerElements else { return nil }
    var result: [Int] = []
    result.reserveCapacity(elements.count)
    for element in elements {
      guard let value = element.value else { return nil }
      result.append(value)
    }
    return result
  }

  /// Bytes of the value when its type and shape are known; nil for strings.
  public var byteCount: Int? {
    guard let dataType, dataType != .string, let count = shape?.elementCount else { return nil }
    let (bits, overflow) = count.multipliedReportingOverflow(by: dataType.bitWidth)
    return overflow ? nil : bits / 8 + (bits % 8 == 0 ? 0 : 1)
  }

  /// Computed constants are propagated up to this many elements, so that the cost of inference does not grow with
  /// the weights.
  public static let maximumElements = 65_536
}
