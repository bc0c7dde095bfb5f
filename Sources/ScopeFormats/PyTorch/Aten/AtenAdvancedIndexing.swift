import ScopeBytes
import ScopeGraph

/// Indexing by tensors (`x[:, i, j]`), as NumPy defines it.
enum AtenAdvancedIndexing {
  /// Index tensors with the axes they index; a mask that is known becomes the positions it holds.
  private struct Indices {
    var axes: [Int]
    var tensors: [AtenTensor]
    /// A mask whose elements are known only at run time.
    var mask: (axis: Int, tensor: AtenTensor)?
  }

  private static func indices(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments, rank: Int
  ) throws(ScopeError) -> Indices {
    var result = Indices(axes: [], tensors: [])
    var axis = 0
    for value in try arguments.values("indices") {
      switch value {
      case .none: axis += 1
      case .tensor(let tensor) where tensor.dataType == .bool || tensor.dataType == .uint8:
        let maskRank = try arguments.rank(tensor)
        guard result.mask == nil, maskRank >= 1 else {
          throw ScopeError(.unsupported, "indexing by several masks is not converted")
        }
        result.mask = (axis, try builder.cast(tensor, .bool))
        axis += maskRank
      case .tensor(let tensor):
        result.axes.append(axis)
        result.tensors.append(try builder.cast(tensor, .int64))
        axis += 1
      case .int, .symbolicInt:
        result.axes.append(axis)
        result.tensors.append(try builder.operand(value, .int64))
        axis += 1
      default: throw arguments.wrong("indices", "tensors")
      }
    }
    guard axis <= rank, result.mask == nil || result.tensors.isEmpty,
      result.mask != nil || !result.tensors.isEmpty
    else { throw ScopeError(.unsupported, "this combination of indices is not converted") }
    return result
  }

  /// The shape that index tensors have in common.
  private static func broadcast(_ tensors: [AtenTensor]) throws(ScopeError) -> [Dimension] {
    var common: [Dimension] = []
    for tensor in tensors {
      guard let shape = tensor.shape else {
        throw ScopeError(.unsupported, "the rank of an index is not known", found: tensor.name)
      }
      var own = shape.dimensions
      while own.count < common.count { own.insert(.known(1), at: 0) }
      while common.count < own.count { common.insert(.known(1), at: 0) }
      common = zip(common, own).map { left, right in
        if left == .known(1) { right } else if right == .known(1) || left == right { left } else { .unknown }
      }
    }
    return common
  }

  /// [B..., m]: the positions that m index tensors name together.
  private static func stacked(
    _ builder: inout AtenBuilder, _ tensors: [AtenTensor], _ shape: [Dimension]
  ) throws(ScopeError) -> AtenTensor {
    var columns: [AtenTensor] = []
    for tensor in tensors {
      var column = tensor
      if tensor.shape?.dimensions != shape {
        guard shape.allSatisfy({ $0.value != nil }) || tensors.count == 1 else {
          // Open sizes come from the tensors that have them: adding zero times each broadcasts.
          for other in tensors where other.name != tensor.name {
            let zero = try builder.emit("Mul", [other, try builder.scalar(0, .int64)])
            column = try builder.emit("Add", [column, zero])
          }
          columns.append(try builder.emit("Unsqueeze", [column, builder.literal([-1])]))
          continue
        }
        column = try builder.emit("Expand", [tensor, builder.literal(shape.map { $0.value ?? 1 })])
      }
      columns.append(try builder.emit("Unsqueeze", [column, builder.literal([-1])]))
    }
    return columns.count == 1 ? columns[0] : try builder.emit("Concat", columns, ["axis": .int(-1)])
  }

  @Sendable static func read(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenTensor {
    let input = try arguments.tensor("self")
    let rank = try arguments.rank(input)
    let found = try indices(&builder, arguments, rank: rank)
    if let mask = found.mask {
      guard mask.axis == 0 else {
        throw ScopeError(.unsupported, "indexing by a mask behind other axes is not converted")
      }
      let positions = try builder.emit("NonZero", [mask.tensor])
      return try builder.emit(
        "GatherND", [input, try builder.emit("Transpose", [positions], ["perm": .ints([1, 0])])])
    }
    if found.tensors.count == 1 {
      return try builder.emit("Gather", [input, found.tensors[0]], ["axis": .int(found.axes[0])])
    }
    let shape = try broadcast(found.tensors)
    let rest = (0..<rank).filter { !found.axes.contains($0) }
    let front = try builder.transpose(input, found.axes + rest)
    let result = try builder.emit("GatherND", [front, try stacked(&builder, found.tensors, shape)])
    // Neighbouring indices leave their result where they stand, others put it first.
    let first = found.axes[0]
    guard first > 0, found.axes == Array(first..<(first + found.axes.count)) else { return result }
    let count = shape.count
    let order =
      Array(count..<(count + first)) + Array(0..<count)
      + Array((count + first)..<(count + rest.count))
    return try builder.transpose(result, order)
  }

  @Sendable static func write(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenTensor {
    let input = try arguments.tensor("self")
    let rank = try arguments.rank(input)
    let found = try indices(&builder, arguments, rank: rank)
    let values = try builder.operand(try arguments.value("values"), input.dataType)
    let accumulates = try arguments.bool("accumulate", false)
    if let mask = found.mask {
      guard values.shape?.elementCount == 1, !accumulates, mask.axis == 0 else {
        throw ScopeError(.unsupported, "writing several values through a mask is not converted")
      }
      let missing = rank - (try arguments.rank(mask.tensor))
      let condition =
        missing == 0
        ? mask.tensor
        : try builder.emit(
          "Unsqueeze", [mask.tensor, builder.literal((0..<missing).map { rank - missing + $0 })])
      let value = try builder.emit("Reshape", [values, builder.literal([])])
      return try builder.emit("Where", [condition, value, input])
    }
    let shape = try broadcast(found.tensors)
    let rest = (0..<rank).filter { !found.axes.contains($0) }
    let order = found.axes + rest
    guard found.axes == Array(0..<found.axes.count) || shape.isEmpty || found.axes.count == 1 else {
      throw ScopeError(.unsupported, "writing through these indices is not converted")
    }
    let front = try builder.transpose(input, order)
    let positions = try stacked(&builder, found.tensors, shape)
    let inner = rest.map { input.shape?.dimensions[$0] ?? .unknown }
    var updates = values
    // Values broadcast to the indexed positions in front of the axes that are left.
    if values.shape?.dimensions != shape + inner {
      if found.axes[0] != 0, let own = values.shape, own.rank > inner.count {
        throw ScopeError(.unsupported, "writing through these indices is not converted")
      }
      guard (shape + inner).allSatisfy({ $0.value != nil }) else {
        throw ScopeError(.unsupported, "the number of values written is known only at run time")
      }
      updates = try builder.emit("Expand", [values, builder.literal((shape + inner).map { $0.value ?? 1 })])
    }
    let result = try builder.emit(
      "ScatterND", [front, positions, updates], accumulates ? ["reduction": .text("add")] : [:])
    var inverse = [Int](repeating: 0, count: rank)
    for (position, axis) in order.enumerated() { inverse[axis] = position }
    return try builder.transpose(result, inverse)
  }
}
