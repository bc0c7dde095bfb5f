import ScopeBytes

/// Strings and tokens. Their work is not arithmetic and costs nothing here.
enum TextOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("StringNormalizer", infer: inferNormalizer),
    OperatorDefinition("StringConcat", infer: inferConcat),
    OperatorDefinition("StringSplit", infer: inferSplit),
    OperatorDefinition("RegexFullMatch", infer: { (c) throws(ScopeError) in [ValueType(.bool, c.shape(0))] }),
    OperatorDefinition(
      "TfIdfVectorizer", infer: inferTfIdf, cost: OperatorDefinition.perOutputElement(1, .other)),
    OperatorDefinition("Tokenizer", domain: "com.microsoft", infer: inferTokenizer),
  ]

  /// Without stop words every string stays; with them some may go.
  @Sendable static func inferNormalizer(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard var shape = context.shape(0), context.node.attributes["stopwords"] != nil, shape.rank > 0 else {
      return [ValueType(.string, context.shape(0))]
    }
    shape.dimensions[shape.rank - 1] = .unknown
    return [ValueType(.string, shape)]
  }

  @Sendable static func inferConcat(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [ValueType(.string, try Broadcasting.shape([context.shape(0), context.shape(1)], at: context))]
  }

  @Sendable static func inferSplit(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [
      ValueType(.string, context.shape(0).map { Shape($0.dimensions + [.unknown]) }),
      ValueType(.int64, context.shape(0)),
    ]
  }

  @Sendable static func inferTfIdf(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let columns = (context.node.ints("ngram_indexes")?.max()).flatMap {
      $0 >= 0 && $0 < 1 << 40 ? $0 + 1 : nil
    }
    let last: Dimension = columns.map { .known($0) } ?? .unknown
    return [ValueType(.float32, context.shape(0).map { Shape($0.dimensions.dropLast() + [last]) })]
  }

  @Sendable static func inferTokenizer(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [ValueType(.string, context.shape(0).map { Shape($0.dimensions + [.unknown]) })]
  }
}
