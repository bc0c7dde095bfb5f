/// A product of symbolic dimensions times an integer: the form in which sizes are multiplied and divided.
struct DimensionProduct: Equatable {
  var coefficient: Int
  /// Sorted, with repetition.
  var names: [String]

  /// Nil for an unknown dimension.
  init?(_ dimension: Dimension) {
    switch dimension {
    case .unknown: return nil
    case .known(let size):
      coefficient = size
      names = []
    case .symbolic(let name):
      coefficient = 1
      names = []
      for part in name.split(separator: "*") {
        if let number = Int(part) {
          let (product, overflow) = coefficient.multipliedReportingOverflow(by: number)
          guard !overflow else { return nil }
          coefficient = product
        } else {
          names.append(String(part))
        }
      }
      names.sort()
    }
  }

  init(coefficient: Int, names: [String]) {
    self.coefficient = coefficient
    self.names = names
  }

  /// Nil when the product of the known sizes overflows or a dimension is unknown.
  init?(_ dimensions: some Sequence<Dimension>) {
    coefficient = 1
    names = []
    for dimension in dimensions {
      guard let factor = DimensionProduct(dimension) else { return nil }
      let (product, overflow) = coefficient.multipliedReportingOverflow(by: factor.coefficient)
      guard !overflow else { return nil }
      coefficient = product
      names += factor.names
    }
    names.sort()
  }

  /// The quotient when it is exact.
  func divided(by other: DimensionProduct) -> DimensionProduct? {
    guard other.coefficient != 0, coefficient % other.coefficient == 0 else { return nil }
    var rest = names
    for name in other.names {
      guard let index = rest.firstIndex(of: name) else { return nil }
      rest.remove(at: index)
    }
    return DimensionProduct(coefficient: coefficient / other.coefficient, names: rest)
  }

  var dimension: Dimension {
    if names.isEmpty || coefficient == 0 { return .known(coefficient) }
    let product = names.joined(separator: "*")
    return .symbolic(coefficient == 1 ? product : "\(coefficient)*\(product)")
  }
}

extension Dimension {
  /// Product; symbolic factors stay (`12*batch`).
  static func product(_ dimensions: some Sequence<Dimension>) -> Dimension {
    let all = Array(dimensions)
    if all.contains(.known(0)) { return .known(0) }
    return DimensionProduct(all)?.dimension ?? .unknown
  }

  /// Sum; known only when both are, or one is zero.
  static func sum(_ left: Dimension, _ right: Dimension) -> Dimension {
    switch (left, right) {
    case (.known(let a), .known(let b)):
      let (value, overflow) = a.addingReportingOverflow(b)
      return overflow ? .unknown : .known(value)
    case (.known(0), let other), (let other, .known(0)): return other
    default:
      guard let a = DimensionProduct(left), let b = DimensionProduct(right), a.names == b.names else {
        return .unknown
      }
      let (coefficient, overflow) = a.coefficient.addingReportingOverflow(b.coefficient)
      return overflow ? .unknown : DimensionProduct(coefficient: coefficient, names: a.names).dimension
    }
  }

  /// Difference.
  static func difference(_ left: Dimension, _ right: Dimension) -> Dimension {
    if left != .unknown, left == right { return .known(0) }
    if case .known(let b) = right, b != .min { return sum(left, .known(-b)) }
    return .unknown
  }

  /// Quotient when it is exact; two known numbers divide towards zero.
  static func quotient(_ left: Dimension, _ right: Dimension) -> Dimension {
    if case .known(let a) = left, case .known(let b) = right {
      return b == 0 || (a == .min && b == -1) ? .unknown : .known(a / b)
    }
    guard let a = DimensionProduct(left), let b = DimensionProduct(right), let exact = a.divided(by: b) else {
      return .unknown
    }
    return exact.dimension
  }

  /// What is known when a value is both.
  static func merged(_ left: Dimension, _ right: Dimension) -> Dimension {
    switch (left, right) {
    case (.unknown, let other), (let other, .unknown): other
    case (.known, _): left
    case (_, .known): right
    default: left
    }
  }

  /// The dimension that `left` and `right` have in common when a value is one or the other.
  static func common(_ left: Dimension, _ right: Dimension) -> Dimension { left == right ? left : .unknown }
}

/// Product of non-negative counts; nil when it overflows or a factor is not known.
func checkedCount(_ factors: Int?...) -> Int? {
  var result = 1
  for factor in factors {
    guard let factor else { return nil }
    let (product, overflow) = result.multipliedReportingOverflow(by: factor)
    guard !overflow else { return nil }
    result = product
  }
  return result
}
