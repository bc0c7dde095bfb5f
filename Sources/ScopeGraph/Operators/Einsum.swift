import ScopeBytes

/// Sums of products by index notation. Cost: the product of all index sizes for each operand after the first.
enum EinsumOperators {
  static let definitions: [OperatorDefinition] = [OperatorDefinition("Einsum", infer: infer, cost: cost)]

  private struct Equation {
    var sizes: [Character: Dimension] = [:]
    var output: [Character] = []
  }

  /// Nil for an ellipsis or operands of unknown rank.
  private static func parse(_ context: OperatorContext) throws(ScopeError) -> Equation? {
    guard let text = context.node.string("equation") else {
      throw context.invalid("Einsum needs an equation")
    }
    let compact = text.filter { $0 != " " }
    guard !compact.contains(".") else { return nil }
    let pieces = compact.split(separator: ">", omittingEmptySubsequences: false)
    let left = pieces[0].hasSuffix("-") ? pieces[0].dropLast() : pieces[0]
    let terms = left.split(separator: ",", omittingEmptySubsequences: false)
    guard terms.count == context.inputs.count else {
      throw context.invalid(
        "the equation does not fit the inputs", expected: "\(context.inputs.count) terms", found: text)
    }
    var equation = Equation()
    var counts: [Character: Int] = [:]
    for (index, term) in terms.enumerated() {
      guard let shape = context.shape(index) else { return nil }
      guard shape.rank == term.count else {
        throw context.invalid("term \(term) does not fit its operand", found: "\(shape)")
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
    equation.output =
      pieces.count > 1 ? Array(pieces[1]) : counts.filter { $0.value == 1 }.keys.sorted()
    return equation
  }

  @Sendable static func infer(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let equation = try parse(context) else { return [ValueType(context.dataType(0))] }
    return [ValueType(context.dataType(0), Shape(equation.output.map { equation.sizes[$0] ?? .unknown }))]
  }

  @Sendable static func cost(_ context: OperatorContext, _ outputs: [ValueType]) -> OperatorCost? {
    guard let equation = try? parse(context), let all = Shape(Array(equation.sizes.values)).elementCount,
      let macs = checkedCount(all, max(context.inputs.count - 1, 0))
    else { return nil }
    return context.inputs.count > 1 ? OperatorCost(macs: macs) : OperatorCost(otherOperations: all)
  }
}
