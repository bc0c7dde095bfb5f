/// Arithmetic on sizes that may be open; results stay symbolic (`12*batch`, `past + sequence`, `floor((h + 1)/2)`).
extension Dimension {
  /// Product; unknown when it overflows.
  static func product(_ dimensions: some Sequence<Dimension>) -> Dimension {
    let all = Array(dimensions)
    if all.contains(.known(0)) { return .known(0) }
    var result = SymbolicCount(1)
    for dimension in all {
      guard let factor = dimension.count, let product = result.times(factor) else { return .unknown }
      result = product
    }
    return SizeExpression.dimension(result)
  }

  static func sum(_ left: Dimension, _ right: Dimension) -> Dimension {
    if case .known(let a) = left, case .known(let b) = right {
      let (value, overflow) = a.addingReportingOverflow(b)
      return overflow ? .unknown : .known(value)
    }
    return SizeExpression.dimension(added(left.count, right.count))
  }

  static func difference(_ left: Dimension, _ right: Dimension) -> Dimension {
    if case .known(let a) = left, case .known(let b) = right {
      let (value, overflow) = a.subtractingReportingOverflow(b)
      return overflow ? .unknown : .known(value)
    }
    return SizeExpression.dimension(added(left.count, right.count?.negated))
  }

  /// Quotient: known numbers divide towards zero, sizes (which are not negative) are rounded down.
  static func quotient(_ left: Dimension, _ right: Dimension) -> Dimension {
    if case .known(let a) = left, case .known(let b) = right {
      return b == 0 || (a == .min && b == -1) ? .unknown : .known(a / b)
    }
    guard let a = left.count, let b = right.count else { return .unknown }
    if let exact = a.dividedExactly(by: b) { return SizeExpression.dimension(exact) }
    guard let divisor = b.number else { return .unknown }
    return SizeExpression.dimension(SizeExpression.floored(a, by: divisor))
  }

  /// Quotient rounded up, by a positive number.
  static func roundedUp(_ dimension: Dimension, by divisor: Int) -> Dimension {
    guard divisor > 0 else { return .unknown }
    return quotientDown(.sum(dimension, .known(divisor - 1)), by: divisor)
  }

  /// Quotient rounded down, negative numbers included.
  static func quotientDown(_ dimension: Dimension, by divisor: Int) -> Dimension {
    SizeExpression.dimension(dimension.count.flatMap { SizeExpression.floored($0, by: divisor) })
  }

  /// Remainder of a size.
  static func remainder(_ left: Dimension, _ right: Dimension) -> Dimension {
    if case .known(let a) = left, case .known(let b) = right {
      guard b > 0 else { return .unknown }
      return .known(((a % b) + b) % b)
    }
    guard let divisor = right.value, divisor > 0 else { return .unknown }
    return .difference(left, .product([.known(divisor), quotientDown(left, by: divisor)]))
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
