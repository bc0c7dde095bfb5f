import ScopeBytes

/// Multidirectional (NumPy) broadcasting, ONNX "Broadcasting in ONNX".
enum Broadcasting {
  /// The common shape; nil when one operand's rank is not known.
  ///
  /// - Throws: `invalidGraph` when two known sizes differ and neither is 1.
  static func shape(_ shapes: [Shape?], at context: OperatorContext) throws(ScopeError) -> Shape? {
    var result: Shape = []
    for (index, shape) in shapes.enumerated() {
      guard let shape else { return nil }
      if index == 0 {
        result = shape
        continue
      }
      let rank = max(result.rank, shape.rank)
      var dimensions: [Dimension] = []
      dimensions.reserveCapacity(rank)
      for axis in 0..<rank {
        let left = axis + result.rank - rank
        let right = axis + shape.rank - rank
        let a: Dimension = left < 0 ? .known(1) : result.dimensions[left]
        let b: Dimension = right < 0 ? .known(1) : shape.dimensions[right]
        guard let common = dimension(a, b) else {
          throw context.invalid("the operands' shapes do not broadcast", found: "\(result) and \(shape)")
        }
        dimensions.append(common)
      }
      result = Shape(dimensions)
    }
    return result
  }

  /// Nil when the two cannot be the same.
  static func dimension(_ left: Dimension, _ right: Dimension) -> Dimension? {
    if left == right { return left }
    switch (left, right) {
    case (.known(1), let other), (let other, .known(1)): return other
    case (.known, .known): return nil
    case (.known, _): return left
    case (_, .known): return right
    case (.unknown, _), (_, .unknown): return .unknown
    // Two open sizes are the same, or one of them is 1.
    case (.symbolic, .symbolic): return SizeExpression.extreme(left, right, isMaximum: true)
    }
  }

  /// Strides, in elements, that read a packed tensor of `dimensions` as one of the larger shape `target`.
  static func strides(_ dimensions: [Int], to target: [Int]) -> [Int] {
    let own = TensorLayout.strides(dimensions)
    let skipped = target.count - dimensions.count
    return target.indices.map { axis in
      axis < skipped || dimensions[axis - skipped] == 1 ? 0 : own[axis - skipped]
    }
  }
}
