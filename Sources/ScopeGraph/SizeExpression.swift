/// The text form of sizes computed from open ones, as carried by ``Dimension/symbolic(_:)``: sums of products of names
/// (`past + sequence`, `12*batch`), with `floor((h + 1)/2)`, `min(h, 64)` and `max(a, b)` as names of their own.
///
/// Names come from files and may be anything: a name that is not written like this is one open size.
enum SizeExpression {
  /// Longer texts are not followed.
  static let maximumLength = 512
  private static let maximumDepth = 16

  static func parse(_ dimension: Dimension) -> SymbolicCount? {
    switch dimension {
    case .unknown: nil
    case .known(let size): SymbolicCount(size)
    case .symbolic(let name): parse(name)
    }
  }

  /// Nil when the text is too long or a number in it overflows.
  static func parse(_ text: String) -> SymbolicCount? {
    guard text.utf8.count <= maximumLength else { return nil }
    let bytes = Array(text.utf8)
    guard
      bytes.contains(where: { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: " ") })
        || bytes.first.map(isDigit) == true
    else { return SymbolicCount(name: text) }
    var result = SymbolicCount(0)
    var isNegative = false
    var start = 0
    var depth = 0
    func part(_ end: Int) -> SymbolicCount? {
      guard let product = product(bytes[start..<end]) else { return nil }
      return result.adding(isNegative ? product.negated ?? 0 : product)
    }
    var index = 0
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "("): depth += 1
      case UInt8(ascii: ")"): depth -= 1
      case UInt8(ascii: " ")
      where depth == 0 && index + 2 < bytes.count && bytes[index + 2] == UInt8(ascii: " "):
        let sign = bytes[index + 1]
        if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
          guard let sum = part(index) else { return nil }
          result = sum
          isNegative = sign == UInt8(ascii: "-")
          index += 2
          start = index + 1
        }
      default: break
      }
      index += 1
    }
    return part(bytes.count)
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }

  /// Factors separated by `*` outside parentheses.
  private static func product(_ bytes: ArraySlice<UInt8>) -> SymbolicCount? {
    var result = SymbolicCount(1)
    var depth = 0
    var start = bytes.startIndex
    for index in bytes.startIndex...bytes.endIndex {
      let isEnd = index == bytes.endIndex
      if !isEnd {
        if bytes[index] == UInt8(ascii: "(") { depth += 1 }
        if bytes[index] == UInt8(ascii: ")") { depth -= 1 }
      }
      guard isEnd || (bytes[index] == UInt8(ascii: "*") && depth == 0) else { continue }
      let text = String(decoding: bytes[start..<index], as: UTF8.self)
      guard let next = result.times(Int(text).map { SymbolicCount($0) } ?? SymbolicCount(name: text)) else {
        return nil
      }
      result = next
      start = index + 1
    }
    return result
  }

  /// A dimension of that size; unknown when the text would be too long.
  static func dimension(_ count: SymbolicCount?) -> Dimension {
    guard let count else { return .unknown }
    if let number = count.number { return .known(number) }
    let text = count.description
    return text.utf8.count <= maximumLength ? .symbolic(text) : .unknown
  }

  /// `count` divided by a positive number, rounded down; what divides exactly is taken out of the rounding.
  static func floored(_ count: SymbolicCount, by divisor: Int) -> SymbolicCount? {
    guard divisor > 0 else { return nil }
    if divisor == 1 { return count }
    var whole = SymbolicCount(0)
    var rest = SymbolicCount(0)
    for term in count.terms {
      let isWhole = term.coefficient % divisor == 0
      var part = SymbolicCount(isWhole ? term.coefficient / divisor : term.coefficient)
      for name in term.names {
        guard let product = part.times(SymbolicCount(name: name)) else { return nil }
        part = product
      }
      guard let sum = (isWhole ? whole : rest).adding(part) else { return nil }
      if isWhole { whole = sum } else { rest = sum }
    }
    let remainder = ((count.constant % divisor) + divisor) % divisor
    guard let shifted = whole.adding(SymbolicCount((count.constant - remainder) / divisor)) else {
      return nil
    }
    if rest.terms.isEmpty { return shifted }
    // floor((floor(a/m) + r)/k) = floor((a + m r)/(m k))
    if rest.terms.count == 1, let only = rest.terms.first, only.coefficient == 1, only.names.count == 1,
      let (inner, m) = floorParts(only.names[0]),
      let factor = checkedCount(m, divisor), let offset = checkedCount(m, remainder),
      let numerator = inner.adding(SymbolicCount(offset)), let joined = floored(numerator, by: factor)
    {
      return shifted.adding(joined)
    }
    guard let numerator = rest.adding(SymbolicCount(remainder)) else { return nil }
    let text = numerator.description
    let atom = "floor((\(text))/\(divisor))"
    guard atom.utf8.count <= maximumLength else { return nil }
    return shifted.adding(SymbolicCount(name: atom))
  }

  /// Numerator and divisor of a `floor((...)/k)`.
  private static func floorParts(_ atom: String) -> (SymbolicCount, Int)? {
    guard atom.hasPrefix("floor(("), atom.hasSuffix(")"), let slash = atom.lastIndex(of: "/"),
      let divisor = Int(atom[atom.index(after: slash)...].dropLast()), divisor > 0
    else { return nil }
    let inner = atom[..<slash].dropFirst(7)
    guard inner.hasSuffix(")"), let count = parse(String(inner.dropLast())) else { return nil }
    return (count, divisor)
  }

  /// The larger (or smaller) of two sizes.
  static func extreme(_ left: Dimension, _ right: Dimension, isMaximum: Bool) -> Dimension {
    guard left != right else { return left }
    guard let a = parse(left), let b = parse(right), let minus = b.negated, let difference = a.adding(minus)
    else {
      return .unknown
    }
    if let number = difference.number { return (number >= 0) == isMaximum ? left : right }
    let name = isMaximum ? "max" : "min"
    var parts: Set<String> = []
    for side in [left, right] {
      let text = side.description
      parts.formUnion(operands(text, of: name) ?? [text])
    }
    let atom = "\(name)(\(parts.sorted().joined(separator: ", ")))"
    return atom.utf8.count <= maximumLength ? .symbolic(atom) : .unknown
  }

  /// Operands of `max(a, b)`.
  private static func operands(_ atom: String, of name: String) -> [String]? {
    guard atom.hasPrefix("\(name)("), atom.hasSuffix(")") else { return nil }
    let bytes = Array(atom.utf8.dropFirst(name.utf8.count + 1).dropLast())
    var result: [String] = []
    var depth = 0
    var start = 0
    for (index, byte) in bytes.enumerated() {
      if byte == UInt8(ascii: "(") { depth += 1 }
      if byte == UInt8(ascii: ")") { depth -= 1 }
      guard depth >= 0 else { return nil }
      if byte == UInt8(ascii: ","), depth == 0 {
        result.append(String(decoding: bytes[start..<index], as: UTF8.self))
        start = min(index + 2, bytes.count)
      }
    }
    result.append(String(decoding: bytes[start...], as: UTF8.self))
    return depth == 0 ? result : nil
  }

  /// The number an atom has; nil when an open size in it has none.
  static func value(ofAtom atom: String, at sizes: [String: Int], depth: Int = 0) -> Int? {
    if let size = sizes[atom] { return size }
    guard depth < maximumDepth else { return nil }
    if let (numerator, divisor) = floorParts(atom) {
      guard let value = value(numerator, at: sizes, depth: depth + 1) else { return nil }
      let remainder = ((value % divisor) + divisor) % divisor
      return (value - remainder) / divisor
    }
    for name in ["max", "min"] {
      guard let parts = operands(atom, of: name) else { continue }
      var values: [Int] = []
      for part in parts {
        guard let count = parse(part), let value = value(count, at: sizes, depth: depth + 1) else {
          return nil
        }
        values.append(value)
      }
      return name == "max" ? values.max() : values.min()
    }
    return nil
  }

  private static func value(_ count: SymbolicCount, at sizes: [String: Int], depth: Int) -> Int? {
    var total = count.constant
    for term in count.terms {
      var product = term.coefficient
      for name in term.names {
        guard let size = value(ofAtom: name, at: sizes, depth: depth) else { return nil }
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

  /// Open sizes that an atom is computed from.
  static func openSizes(_ atom: String, depth: Int = 0) -> Set<String> {
    guard depth < maximumDepth else { return [atom] }
    if let (numerator, _) = floorParts(atom) {
      return Set(numerator.names.flatMap { openSizes($0, depth: depth + 1) })
    }
    for name in ["max", "min"] {
      guard let parts = operands(atom, of: name) else { continue }
      return Set(
        parts.flatMap { part in
          (parse(part)?.names ?? [part]).flatMap { openSizes($0, depth: depth + 1) }
        })
    }
    return [atom]
  }

  /// The same size with open sizes replaced by numbers.
  static func substituted(_ dimension: Dimension, _ sizes: [String: Int]) -> Dimension {
    guard case .symbolic(let name) = dimension, !sizes.isEmpty else { return dimension }
    if let size = sizes[name] { return .known(size) }
    return parse(name)?.value(at: sizes).map(Dimension.known) ?? dimension
  }
}
