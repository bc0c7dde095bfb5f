import ScopeBytes

/// Operators of ai.onnx.ml: linear models, support vector machines, trees and their preprocessing.
enum MachineLearningOperators {
  private static let domain = "ai.onnx.ml"

  static let definitions: [OperatorDefinition] = [
    define("Binarizer", same(nil), OperatorDefinition.perOutputElement(1, .elementwise)),
    define("Imputer", same(nil), OperatorDefinition.perOutputElement(1, .elementwise)),
    define("Normalizer", same(.float32), OperatorDefinition.perOutputElement(3, .normalisation)),
    define("Scaler", same(.float32), OperatorDefinition.perOutputElement(2, .elementwise)),
    define("LabelEncoder", labels, OperatorDefinition.free),
    define("CategoryMapper", categories, OperatorDefinition.free),
    define("OneHotEncoder", oneHot, OperatorDefinition.free),
    define("ArrayFeatureExtractor", extract, OperatorDefinition.free),
    define("FeatureVectorizer", vectorize, OperatorDefinition.free),
    define("DictVectorizer", dictionary, OperatorDefinition.free),
    define("CastMap", castMap, OperatorDefinition.free),
    define(
      "ZipMap", { (_) throws(ScopeError) in [ValueType(.sequence([ValueType(.map)], isLengthKnown: false))] },
      OperatorDefinition.free),
    define("LinearClassifier", classifier, linear),
    define("LinearRegressor", regressor, linear),
    define("SVMClassifier", classifier, OperatorDefinition.notCounted),
    define("SVMRegressor", regressor, OperatorDefinition.notCounted),
    define("TreeEnsembleClassifier", classifier, OperatorDefinition.notCounted),
    define("TreeEnsembleRegressor", regressor, OperatorDefinition.notCounted),
    define("TreeEnsemble", regressor, OperatorDefinition.notCounted),
  ]

  private static func define(
    _ name: String, _ infer: @escaping OperatorDefinition.Inference, _ cost: @escaping OperatorDefinition.Cost
  ) -> OperatorDefinition {
    OperatorDefinition(name, domain: domain, infer: infer, cost: cost)
  }

  private static func same(_ type: DataType?) -> OperatorDefinition.Inference {
    { (context) throws(ScopeError) in [ValueType(type ?? context.dataType(0), context.shape(0))] }
  }

  private static func strings(_ node: Node, _ attribute: String) -> Int? {
    if case .strings(let values)? = node.attributes[attribute], !values.isEmpty { values.count } else { nil }
  }

  @Sendable private static func labels(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let node = context.node
    let type: DataType? =
      node.tensor("values_tensor")?.dataType
      ?? (strings(node, "values_strings") != nil
        ? .string
        : node.ints("values_int64s") != nil
          ? .int64
          : node.floats("values_floats") != nil
            ? .float32
            // Version 1: a list of classes, texts to numbers or back.
            : strings(node, "classes_strings") != nil
              ? (context.dataType(0) == .string ? .int64 : .string) : nil)
    return [ValueType(type, context.shape(0))]
  }

  @Sendable private static func categories(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [ValueType(context.dataType(0) == .string ? .int64 : .string, context.shape(0))]
  }

  @Sendable private static func oneHot(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let count = strings(context.node, "cats_strings") ?? context.node.ints("cats_int64s")?.count
    let last: Dimension = count.map { .known($0) } ?? .unknown
    return [ValueType(.float32, context.shape(0).map { Shape($0.dimensions + [last]) })]
  }

  @Sendable private static func extract(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0) else { return [ValueType(context.dataType(0))] }
    let count = context.shape(1).map { Dimension.product($0.dimensions) } ?? .unknown
    // A vector is taken for a matrix of one row.
    let front = input.rank <= 1 ? [.known(1)] : Array(input.dimensions.dropLast())
    return [ValueType(context.dataType(0), Shape(front + [count]))]
  }

  @Sendable private static func vectorize(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    var width = 0
    for size in context.node.ints("inputdimensions") ?? [] {
      guard size >= 0, size < 1 << 32, width < 1 << 40 else {
        throw context.invalid("an input's width is not possible", found: "\(size)")
      }
      width += size
    }
    let rows = context.shape(0)?.dimensions.first ?? .unknown
    return [
      ValueType(.float32, Shape([(context.shape(0)?.rank ?? 2) >= 2 ? rows : .known(1), .known(width)]))
    ]
  }

  @Sendable private static func dictionary(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let count = strings(context.node, "string_vocabulary") ?? context.node.ints("int64_vocabulary")?.count
    return [ValueType(nil, Shape([.known(1), count.map { .known($0) } ?? .unknown]))]
  }

  @Sendable private static func castMap(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let type: DataType? = ["TO_FLOAT": .float32, "TO_INT64": .int64, "TO_STRING": .string][
      context.node.string("cast_to") ?? "TO_FLOAT"]
    return [ValueType(type, Shape([.known(1), .unknown]))]
  }

  private static func rows(_ context: OperatorContext) -> Dimension {
    guard let shape = context.shape(0) else { return .unknown }
    return shape.rank >= 2 ? shape.dimensions[0] : .known(1)
  }

  /// Labels [N] and scores [N, classes].
  @Sendable private static func classifier(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let node = context.node
    let texts = strings(node, "classlabels_strings")
    let count = texts ?? node.ints("classlabels_ints")?.count ?? node.ints("classlabels_int64s")?.count
    let classes: Dimension = count.map { .known($0) } ?? .unknown
    return [
      ValueType(texts != nil ? .string : .int64, Shape([rows(context)])),
      ValueType(.float32, Shape([rows(context), classes])),
    ]
  }

  @Sendable private static func regressor(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let count = context.node.int("n_targets") ?? context.node.int("targets") ?? 1
    guard count > 0 else {
      throw context.invalid("the number of targets must be positive", found: "\(count)")
    }
    let type = context.node.opType == "TreeEnsemble" ? context.dataType(0) : .float32
    return [ValueType(type, Shape([rows(context), .known(count)]))]
  }

  /// One multiply-accumulate per row and coefficient.
  @Sendable private static func linear(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    guard let coefficients = context.node.floats("coefficients")?.count,
      let macs = counted(rows(context).count, SymbolicCount(coefficients))
    else { return nil }
    let bias = context.node.floats("intercepts").flatMap {
      counted(rows(context).count, SymbolicCount($0.count))
    }
    return SymbolicCost(macs: macs, bias: bias)
  }
}
