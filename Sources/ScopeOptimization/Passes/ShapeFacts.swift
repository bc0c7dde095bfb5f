import ScopeBytes
import ScopeGraph

/// What shape inference knows of a model, in the form that rewrites ask for.
struct ShapeFacts {
  let types: InferredTypes

  init(_ model: Model) { types = ShapeInference.infer(model) }

  func shape(_ value: String?) -> Shape? { value.flatMap { types.shape($0) } }
  func sizes(_ value: String?) -> [Int]? { shape(value)?.sizes }
  func rank(_ value: String?) -> Int? { shape(value)?.rank }
  func dataType(_ value: String?) -> DataType? { value.flatMap { types.dataType($0) } }

  /// Whether both surely have the same shape: every size is known, or open under the same name.
  func haveSameShape(_ left: String, _ right: String) -> Bool {
    guard let a = shape(left), let b = shape(right) else { return false }
    return Self.isSame(a, b)
  }

  static func isSame(_ left: Shape, _ right: Shape) -> Bool {
    left.rank == right.rank && !left.dimensions.contains(.unknown) && left == right
  }

  /// Elements of a whole-number tensor that do not depend on the inputs.
  func integers(_ value: String?) -> [Int]? { value.flatMap { types[$0]?.integers } }

  /// The axes of Squeeze or Unsqueeze, counted from the front where `rank` is known.
  func axes(_ node: Node, rank: Int?) -> [Int]? {
    guard let axes = node.ints("axes") ?? integers(node.input(1)) else { return nil }
    var result: [Int] = []
    for axis in axes {
      guard axis < 0 else {
        result.append(axis)
        continue
      }
      guard let rank, axis + rank >= 0 else { return nil }
      result.append(axis + rank)
    }
    return Set(result).count == result.count ? result : nil
  }
}

/// The constant second input that makes a Reshape produce a wanted shape.
enum ReshapeTarget {
  /// - Parameters:
  ///   - input: shape of what is reshaped.
  ///   - output: the wanted shape.
  ///   - mayInfer: whether -1 may stand beside sizes that are copied from open ones. It then fails for tensors without
  ///     elements, so this is only for replacing a Reshape that already infers a size.
  /// - Returns: One entry per axis: a size, 0 to copy the input's size, or one -1 to infer the size; nil when open
  ///   sizes remain or the tensor has no elements.
  static func make(from input: Shape, to output: Shape, mayInfer: Bool = false) -> [Int]? {
    var result: [Int] = []
    var copies = false
    var infers = false
    for (axis, dimension) in output.dimensions.enumerated() {
      if let size = dimension.value {
        guard size > 0 else { return nil }
        result.append(size)
      } else if dimension != .unknown, axis < input.rank, input.dimensions[axis] == dimension {
        result.append(0)
        copies = true
      } else {
        guard !infers else { return nil }
        result.append(-1)
        infers = true
      }
    }
    return infers && copies && !mayInfer ? nil : result
  }
}
