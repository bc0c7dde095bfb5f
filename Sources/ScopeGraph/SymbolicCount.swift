/// A polynomial with integer coefficients in the open sizes of a model: an element count, or a number of operations
/// (`1814073344*N`). Without open sizes it is a number.
public struct SymbolicCount: Sendable, Hashable, ExpressibleByIntegerLiteral, CustomStringConvertible {
  /// A product of open sizes times an integer.
  public struct Term: Sendable, Hashable {
    /// Never zero.
    public let coefficient: Int
    /// Factors, sorted, with repetition; never empty.
    public let names: [String]
  }

  /// The part without open sizes.
  public private(set) var constant: Int
  /// Highest degree first, then alphabetically (graded lexicographic order); no two with the same factors.
  public private(set) var terms: [Term]

  /// Products that would have more terms than this are not followed.
  static let maximumTerms = 128

  public init(_ constant: Int) {
    self.constant = constant
    terms = []
  }

  public init(integerLiteral value: Int) { self.init(value) }

  /// One open size.
  public init(name: String) {
    constant = 0
    terms = [Term(coefficient: 1, names: [name])]
  }

  private init(constant: Int, terms: [Term]) {
    self.constant = constant
    self.terms = terms
  }

  /// The number when no size is open.
  public var number: Int? { terms.isEmpty ? constant : nil }

  /// The open sizes it depends on.
  public var names: Set<String> { Set(terms.flatMap(\.names)) }

  /// Nil when a coefficient overflows.
  public func adding(_ other: SymbolicCount) -> SymbolicCount? {
    let (sum, overflow) = constant.addingReportingOverflow(other.constant)
    guard !overflow else { return nil }
    if other.terms.isEmpty { return SymbolicCount(constant: sum, terms: terms) }
    if terms.isEmpty { return SymbolicCount(constant: sum, terms: other.terms) }
    var merged: [Term] = []
    merged.reserveCapacity(terms.count + other.terms.count)
    var (left, right) = (0, 0)
    while left < terms.count || right < other.terms.count {
      if right == other.terms.count
        || left < terms.count && Self.precedes(terms[left].names, other.terms[right].names)
      {
        merged.append(terms[left])
        left += 1
      } else if left == terms.count || Self.precedes(other.terms[right].names, terms[left].names) {
        merged.append(other.terms[right])
        right += 1
      } else {
        let (coefficient, overflow) = terms[left].coefficient.addingReportingOverflow(
          other.terms[right].coefficient)
        guard !overflow else { return nil }
        if coefficient != 0 { merged.append(Term(coefficient: coefficient, names: terms[left].names)) }
        left += 1
        right += 1
      }
    }
    guard merged.count <= Self.maximumTerms else { return nil }
    return SymbolicCount(constant: sum, terms: merged)
  }

  /// Nil when a coefficient overflows or the product has too many terms.
  public func times(_ other: SymbolicCount) -> SymbolicCount? {
    if terms.isEmpty, other.terms.isEmpty {
      let (product, overflow) = constant.multipliedReportingOverflow(by: other.constant)
      return overflow ? nil : SymbolicCount(product)
    }
    guard terms.count * other.terms.count <= 4096 else { return nil }
    var result = SymbolicCount(0)
    for factor in other.monomials {
      guard let part = scaled(by: factor), let sum = result.adding(part) else { return nil }
      result = sum
    }
    return result
  }

  /// The terms with the constant as a term without factors; empty for zero.
  private var monomials: [(coefficient: Int, names: [String])] {
    terms.map { ($0.coefficient, $0.names) } + (constant == 0 ? [] : [(constant, [])])
  }

  private func scaled(by factor: (coefficient: Int, names: [String])) -> SymbolicCount? {
    var result: [Term] = []
    result.reserveCapacity(terms.count + 1)
    for term in terms {
      let (product, overflow) = term.coefficient.multipliedReportingOverflow(by: factor.coefficient)
      guard !overflow, term.names.count + factor.names.count <= 64 else { return nil }
      // Multiplying every term by the same factor keeps their order.
      let names = factor.names.isEmpty ? term.names : (term.names + factor.names).sorted()
      result.append(Term(coefficient: product, names: names))
    }
    let (product, overflow) = constant.multipliedReportingOverflow(by: factor.coefficient)
    guard !overflow else { return nil }
    if factor.names.isEmpty { return SymbolicCount(constant: product, terms: result) }
    if product != 0 { result.append(Term(coefficient: product, names: factor.names)) }
    return SymbolicCount(constant: 0, terms: result)
  }

  public var negated: SymbolicCount? { times(-1) }

  /// The quotient when it is exact (polynomial long division).
  public func dividedExactly(by other: SymbolicCount) -> SymbolicCount? {
    if let a = number, let b = other.number {
      return b == 0 || (a == .min && b == -1) || a % b != 0 ? nil : SymbolicCount(a / b)
    }
    guard let lead = other.monomials.first else { return nil }
    var rest = self
    var quotient = SymbolicCount(0)
    for _ in 0..<Self.maximumTerms {
      guard let first = rest.monomials.first else { return quotient }
      guard lead.coefficient != -1 || first.coefficient != .min, first.coefficient % lead.coefficient == 0
      else { return nil }
      var names = first.names
      for name in lead.names {
        guard let index = names.firstIndex(of: name) else { return nil }
        names.remove(at: index)
      }
      let factor = SymbolicCount(1).scaled(by: (first.coefficient / lead.coefficient, names))
      guard let factor, let sum = quotient.adding(factor), let product = other.times(factor)?.negated,
        let next = rest.adding(product)
      else { return nil }
      quotient = sum
      rest = next
    }
    return nil
  }

  /// The number it has when every open size has one; nil when one is missing or the number overflows.
  public func value(at sizes: [String: Int]) -> Int? {
    var total = constant
    for term in terms {
      var product = term.coefficient
      for name in term.names {
        guard let size = SizeExpression.value(ofAtom: name, at: sizes) else { return nil }
        let (next, overflow) = product.multipliedReportingOverflow(by: size)
        guard !overflow else { return nil }
        product = next
      }
      let (sum, overflow) = total.addingReportingOverflow(product)
      guard !overflow else { return nil }
      total = sum
    }
    return total
  }

  /// `past + sequence`, `12*batch`, `n - 1`.
  public var description: String {
    var text = ""
    for (coefficient, names) in monomials {
      let magnitude = coefficient.magnitude
      var factors = names
      if magnitude != 1 || names.isEmpty { factors.insert("\(magnitude)", at: 0) }
      let sign = coefficient < 0
      text += text.isEmpty ? (sign ? "-" : "") : (sign ? " - " : " + ")
      text += factors.joined(separator: "*")
    }
    return text.isEmpty ? "0" : text
  }

  /// Graded lexicographic order of two products of sizes.
  private static func precedes(_ left: [String], _ right: [String]) -> Bool {
    left.count != right.count ? left.count > right.count : left.lexicographicallyPrecedes(right)
  }
}

/// Product of counts; nil when one is not known or the product cannot be followed.
func counted(_ factors: SymbolicCount?...) -> SymbolicCount? {
  var result = SymbolicCount(1)
  for factor in factors {
    guard let factor, let product = result.times(factor) else { return nil }
    result = product
  }
  return result
}

/// Sum of counts; nil when one is not known or the sum overflows.
func added(_ parts: SymbolicCount?...) -> SymbolicCount? {
  var result = SymbolicCount(0)
  for part in parts {
    guard let part, let sum = result.adding(part) else { return nil }
    result = sum
  }
  return result
}

extension Dimension {
  /// As a count; nil when unknown.
  var count: SymbolicCount? { SizeExpression.parse(self) }
}

extension Shape {
  /// Number of elements with open sizes kept; nil when a size is unknown.
  public var symbolicCount: SymbolicCount? {
    if let count = elementCount { return SymbolicCount(count) }
    if dimensions.contains(.known(0)) { return 0 }
    var result = SymbolicCount(1)
    for dimension in dimensions {
      guard let factor = dimension.count, let product = result.times(factor) else { return nil }
      result = product
    }
    return result
  }
}
