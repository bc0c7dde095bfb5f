import ScopeBytes

/// Sums of products by index notation. Cost: the product of all index sizes for each operand after the first.
enum EinsumOperators {
  static let definitions: [OperatorDefinition] = [OperatorDefinition("Einsum", infer: infer, cost: cost)]

  private struct Equation {
    var sizes: [Character: Dimension] = [:]
    var output: [Character] = []
  }

  /// Nil for operands of unknown rank. The dimensions that an ellipsis stands for become indices of their own,
  /// aligned at the right.
  private static func parse(_ context: OperatorContext) throws(ScopeError) -> Equation? {
    guard let text = context.node.string("equation") else {
      throw context.invalid("Einsum needs an equation")
    }
    let compact = text.filter { $0 != " " }
    let pieces = compact.split(separator: ">", omittingEmptySubsequences: false)
    let left = pieces[0].hasSuffix("-") ? pieces[0].dropLast() : pieces[0]
    let terms = left.split(separator: ",", omittingEmptySubsequences: false)
    guard terms.count == context.inputs.count else {
      throw context.invalid(
        "the equation does not fit the inputs", expected: "\(context.inputs.count) terms", found: text)
    }
    var equation = Equation()
    var counts: [Character: Int] = [:]
    let ellipsis = "..."
    var hidden = 0
    func expanded(_ term: Substring, _ count: Int) -> [Character] {
      guard let range = term.firstRange(of: ellipsis) else { return Array(term) }
      let own = (0..<count).reversed().map { Character(UnicodeScalar(UInt8($0) + 128)) }
      return Array(term[..<range.lowerBound]) + own + Array(term[range.upperBound...])
    }
    for (index, raw) in terms.enumerated() {
      guard let shape = context.shape(index) else { return nil }
      let hasEllipsis = raw.firstRange(of: ellipsis) != nil
      let count = hasEllipsis ? shape.rank - (raw.count - 3) : 0
      guard count >= 0, count <= 64 else {
        throw context.invalid("term \(raw) does not fit its operand", found: "\(shape)")
      }
      hidden = max(hidden, count)
      let term = expanded(raw, count)
      guard shape.rank == term.count else {
        throw context.invalid("term \(raw) does not fit its operand", found: "\(shape)")
      }
      for (letter, dimension) in zip(term, shape.dimensions) {
        counts[letter, default: 0] += 1
        let known = equation.sizes[letter] ?? .known(1)
        guard let common = Broadcasting.dimension(known, dimension) else {
          throw context.invalid("index \(letter) has two sizes", found: "\(known) and \(dimension)")
        }
        equation.sizes[letter] = common
      }
    }
    // Without an output term: the ellipsis first, then the indices that occur once, in alphabetical order.
    let all = expanded("...", hidden)
    equation.output =
      pieces.count > 1
      ? expanded(pieces[1], hidden)
      : all + counts.filter { $0.value == 1 && !all.contains($0.key) }.keys.sorted()
    return equation
  }

  @Sendable static func infer(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let equation = try parse(context) else { return [ValueType(context.dataType(0))] }
    return [ValueType(context.dataType(0), Shape(equation.output.map { equation.sizes[$0] ?? .unknown }))]
  }

  @Sendable static func cost(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    guard let equation = try? parse(context), let all = Shape(Array(equation.sizes.values)).symbolicCount,
      let macs = counted(all, SymbolicCount(max(context.inputs.count - 1, 0)))
    else { return nil }
    return context.inputs.count > 1 ? SymbolicCost(macs: macs) : SymbolicCost(.reduction, all)
  }
}
