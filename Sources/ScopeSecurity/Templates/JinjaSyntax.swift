/// An expression of a Jinja template.
indirect enum JinjaExpression {
  case text(String)
  case number(Double)
  case name(String)
  case attribute(JinjaExpression, String)
  case subscripted(JinjaExpression, JinjaExpression)
  case slice([JinjaExpression?])
  case call(JinjaExpression, [JinjaArgument])
  case filter(JinjaExpression?, String, [JinjaArgument])
  case test(JinjaExpression, String, [JinjaArgument])
  case unary(String, JinjaExpression)
  case binary(String, JinjaExpression, JinjaExpression)
  /// A chain of comparisons, `in` and `not in` included.
  case compare(JinjaExpression, [(String, JinjaExpression)])
  case list([JinjaExpression])
  case dictionary([(JinjaExpression, JinjaExpression)])
  case conditional(JinjaExpression, JinjaExpression, JinjaExpression?)
}

struct JinjaArgument {
  var name: String?
  var value: JinjaExpression
}

/// A statement or output of a Jinja template.
struct JinjaNode {
  indirect enum Kind {
    case literal(String)
    case output(JinjaExpression)
    case set([JinjaExpression], JinjaExpression)
    case setBlock(JinjaExpression, [JinjaNode])
    /// Conditions with their bodies; the last may be without one.
    case branch([(JinjaExpression?, [JinjaNode])])
    case loop([String], JinjaExpression, JinjaExpression?, [JinjaNode])
    /// `macro`, `call`: names it binds, expressions it evaluates, body.
    case block([String], [JinjaExpression], [JinjaNode])
    /// `include`, `import`, `from`, `extends`.
    case foreign(String, JinjaExpression?)
  }

  var kind: Kind
  var line: Int
}
