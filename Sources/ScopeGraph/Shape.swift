/// One dimension of a shape.
public enum Dimension: Sendable, Hashable, CustomStringConvertible {
  case known(Int)
  /// A named dimension such as `batch`; equal names are equal sizes.
  case symbolic(String)
  case unknown

  public var value: Int? { if case .known(let size) = self { size } else { nil } }

  public var description: String {
    switch self {
    case .known(let size): "\(size)"
    case .symbolic(let name): name
    case .unknown: "?"
    }
  }
}

/// A shape of known rank. An unknown rank is a nil `Shape?`.
public struct Shape: Sendable, Hashable, CustomStringConvertible, ExpressibleByArrayLiteral {
  public var dimensions: [Dimension]

  public init(_ dimensions: [Dimension]) { self.dimensions = dimensions }
  public init(_ sizes: [Int]) { dimensions = sizes.map(Dimension.known) }
  public init(arrayLiteral elements: Int...) { self.init(elements) }

  public var rank: Int { dimensions.count }

  /// All sizes when every dimension is known, otherwise nil.
  public var sizes: [Int]? {
    var result: [Int] = []
    for dimension in dimensions {
      guard let size = dimension.value else { return nil }
      result.append(size)
    }
    return result
  }

  /// Number of elements when every dimension is known and the product fits, otherwise nil.
  public var elementCount: Int? {
    guard let sizes else { return nil }
    if sizes.contains(0) { return 0 }
    var product = 1
    for size in sizes {
      let (next, overflow) = product.multipliedReportingOverflow(by: size)
      guard !overflow, size >= 0 else { return nil }
      product = next
    }
    return product
  }

  /// `1x3x224x224`, `batchx3x?x?`, `scalar`.
  public var description: String {
    dimensions.isEmpty
      ? "scalar"
      : dimensions.map { $0.description.contains(" ") ? "(\($0))" : $0.description }.joined(separator: "x")
  }
}
