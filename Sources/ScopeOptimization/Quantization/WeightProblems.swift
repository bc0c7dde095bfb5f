import ScopeBytes
import ScopeGraph

/// Weights that cannot be quantized as they are.
public struct WeightProblem: Sendable, Hashable {
  public enum Kind: String, Sendable, Hashable, Codable {
    /// NaN or infinity.
    case notFinite
    /// Stored in half precision; quantization reads float32.
    case halfPrecision
  }

  public var kind: Kind
  public var tensor: String
  /// Flat index of the first such number; nil when it is the whole tensor.
  public var position: Int?
  /// Numbers concerned.
  public var count: Int
  /// `nan`, `inf`, `-inf`, or the element type.
  public var value: String

  /// Position along every axis of the tensor.
  public var index: [Int]?

  public var description: String {
    switch kind {
    case .notFinite:
      "weight \(tensor) holds \(value) at \(index.map { "\($0)" } ?? "\(position ?? 0)")"
        + (count > 1 ? " and \(count - 1) more that are not finite" : "")
    case .halfPrecision: "weight \(tensor) is stored as \(value)"
    }
  }

  /// As an error for a caller that cannot go on.
  public var error: ScopeError {
    switch kind {
    case .notFinite:
      ScopeError(
        .invalidData, "a weight is not a finite number", place: "tensor \(tensor), position \(index ?? [])",
        expected: "finite numbers", found: value, remedy: "Export the model again from a healthy checkpoint")
    case .halfPrecision:
      ScopeError(
        .unsupported, "weights in half precision are not quantized to INT8", place: "tensor \(tensor)",
        expected: "float32", found: value, remedy: "Export the model in float32")
    }
  }
}

public enum WeightProblems {
  /// Every floating-point initializer with NaN or infinity, and every half-precision weight of a convolution or matrix
  /// product, in the order of the graph; nested graphs included.
  ///
  /// - Throws: when a tensor cannot be read.
  public static func find(_ model: Model) throws(ScopeError) -> [WeightProblem] {
    var problems: [WeightProblem] = []
    try find(model.graph, &problems, depth: 0)
    return problems
  }

  private static func find(
    _ graph: Graph, _ problems: inout [WeightProblem], depth: Int
  ) throws(ScopeError) {
    guard depth < 16 else { return }
    var weights: Set<String> = []
    for node in graph.nodes where ["Conv", "Gemm", "MatMul", "ConvTranspose"].contains(node.opType) {
      weights.formUnion(node.inputs.dropFirst())
    }
    for (name, tensor) in graph.initializers {
      if [.float16, .bfloat16].contains(tensor.dataType), weights.contains(name) {
        problems.append(
          WeightProblem(
            kind: .halfPrecision, tensor: name, position: nil, count: tensor.dimensions.reduce(1, *),
            value: tensor.dataType.name))
      }
      guard [.float32, .float64, .float16, .bfloat16].contains(tensor.dataType) else { continue }
      let values = try tensor.floats()
      var first: Int?
      var count = 0
      for (position, value) in values.enumerated() where !value.isFinite {
        first = first ?? position
        count += 1
      }
      guard let first else { continue }
      let value = values[first]
      problems.append(
        WeightProblem(
          kind: .notFinite, tensor: name, position: first, count: count,
          value: value.isNaN ? "nan" : value > 0 ? "inf" : "-inf",
          index: coordinates(first, tensor.dimensions)))
    }
    for node in graph.nodes {
      for nested in node.subgraphs { try find(nested, &problems, depth: depth + 1) }
    }
  }

  private static func coordinates(_ position: Int, _ dimensions: [Int]) -> [Int] {
    var rest = position
    var result: [Int] = []
    for size in dimensions.reversed() where size > 0 {
      result.insert(rest % size, at: 0)
      rest /= size
    }
    return result
  }
}
