import ScopeBytes
import ScopeGraph

/// How calls of one PyTorch operator (all of its overloads) become ONNX nodes.
struct AtenOperator: Sendable {
  typealias Lowering = @Sendable (inout AtenBuilder, AtenArguments) throws(ScopeError) -> [AtenValue]

  /// Without namespace and overload.
  let names: [String]
  /// Argument names of the schema in order, those of other overloads after them.
  let parameters: [String]
  let lower: Lowering

  /// - Parameters:
  ///   - names: separated by spaces; in-place forms (`relu_`) are found under the name without the underscore.
  ///   - parameters: separated by spaces.
  init(_ names: String, _ parameters: String, _ lower: @escaping Lowering) {
    self.names = names.split(separator: " ").map(String.init)
    self.parameters = parameters.split(separator: " ").map(String.init)
    self.lower = lower
  }

  /// An operator with one tensor result.
  static func tensor(
    _ names: String, _ parameters: String,
    _ lower: @escaping @Sendable (inout AtenBuilder, AtenArguments) throws(ScopeError) -> AtenTensor
  ) -> AtenOperator {
    AtenOperator(names, parameters) { (builder, arguments) throws(ScopeError) in
      [.tensor(try lower(&builder, arguments))]
    }
  }
}

/// All PyTorch operators that are converted.
enum AtenRegistry {
  /// One entry per family file of this folder.
  static let families: [[AtenOperator]] = [
    AtenConvolution.operators, AtenLinear.operators, AtenNormalization.operators, AtenActivation.operators,
    AtenPooling.operators, AtenAdaptivePooling.operators, AtenReshaping.operators, AtenIndexing.operators,
    AtenJoining.operators, AtenReduction.operators, AtenArithmetic.operators, AtenElementary.operators,
    AtenComparison.operators, AtenAttention.operators, AtenCreation.operators, AtenConversion.operators,
    AtenResize.operators, AtenScalars.operators,
  ]

  private static let byName: [String: AtenOperator] = {
    var result: [String: AtenOperator] = [:]
    for entry in families.flatMap({ $0 }) { for name in entry.names { result[name] = entry } }
    return result
  }()

  /// The entry of `aten::relu_`, `relu`, `aten::add.Tensor`, and whether the call changes its first argument.
  static func find(_ operation: String) -> (AtenOperator, inPlace: Bool)? {
    var name = operation[...]
    if name.hasPrefix("aten::") { name = name.dropFirst(6) }
    if let dot = name.firstIndex(of: ".") { name = name[..<dot] }
    if let entry = byName[String(name)] { return (entry, name == "index_put_" || name == "copy_") }
    guard name.hasSuffix("_"), !name.hasSuffix("__"), let entry = byName[String(name.dropLast())] else {
      return nil
    }
    return (entry, true)
  }
}
