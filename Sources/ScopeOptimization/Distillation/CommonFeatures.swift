import ScopeBytes
import ScopeGradients
import ScopeGraph

/// Inner values that student and teacher share, to be drawn together: few samples say much more by these than by
/// their logits alone.
enum CommonFeatures {
  /// As many as cost little beside the convolutions around them.
  static let limit = 9

  /// Names of at most ``limit`` values, evenly spread over the depth: those where residual branches join, or else the
  /// outputs of convolutions and matrix products, that have one name and one shape in both models.
  static func names(student: Model, teacher: Model, parameters: [String], logits: String) -> [String] {
    let weights = Set(parameters)
    let reached = Reach(student.graph, from: weights).values
    let own = ShapeInference.infer(student)
    let other = ShapeInference.infer(teacher)
    let produced = Set(teacher.graph.nodes.flatMap(\.outputs))
    func isShared(_ value: String) -> Bool {
      guard value != logits, reached.contains(value), produced.contains(value),
        own[value]?.dataType == .float32, other[value]?.dataType == .float32,
        let dimensions = own[value]?.shape?.dimensions, dimensions.count > 1
      else { return false }
      let sizes = dimensions.dropFirst()
      return sizes.allSatisfy { $0.value != nil } && Array(sizes) == sizesOf(other[value])
    }
    func outputs(_ operators: Set<String>, _ inputs: Int) -> [String] {
      student.graph.nodes.filter { node in
        operators.contains(node.opType) && node.domain.isEmpty
          && node.inputs.count { reached.contains($0) && !weights.contains($0) } >= inputs
      }.compactMap(\.outputs.first).filter(isShared)
    }
    var found = outputs(["Add"], 2)
    if found.isEmpty { found = outputs(["Conv", "Gemm", "MatMul"], 0) }
    guard found.count > limit else { return found }
    return (1...limit).map { found[$0 * found.count / limit - 1] }
  }

  private static func sizesOf(_ type: ValueType?) -> [Dimension]? {
    type?.shape.map { Array($0.dimensions.dropFirst()) }
  }
}
