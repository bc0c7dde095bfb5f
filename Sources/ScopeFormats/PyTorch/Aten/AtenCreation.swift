import ScopeBytes
import ScopeGraph

/// Tensors made from nothing.
enum AtenCreation {
  private static let options = " dtype layout device pin_memory requires_grad memory_format names"

  static let operators: [AtenOperator] = [
    filled("zeros empty new_zeros new_empty", 0), filled("ones new_ones", 1),
    filledLike("zeros_like empty_like", 0), filledLike("ones_like", 1),
    .tensor("full", "size fill_value" + options) { (builder, arguments) throws(ScopeError) in
      let value = try arguments.value("fill_value")
      let type = try arguments.dataType("dtype") ?? AtenPromotion.common([value])
      return try builder.full(try arguments.values("size"), value, type)
    },
    .tensor("new_full", "self size fill_value" + options) { (builder, arguments) throws(ScopeError) in
      let own = try arguments.tensor("self").dataType
      let type = try arguments.dataType("dtype") ?? own ?? .float32
      return try builder.full(try arguments.values("size"), try arguments.value("fill_value"), type)
    },
    .tensor("full_like", "self fill_value" + options) { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let type = try arguments.dataType("dtype") ?? input.dataType ?? .float32
      return try builder.full(try builder.sizes(input), try arguments.value("fill_value"), type)
    },
    .tensor("fill", "self value") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      return try builder.full(
        try builder.sizes(input), try arguments.value("value"), input.dataType ?? .float32)
    },
    .tensor("zero", "self") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      return try builder.full(try builder.sizes(input), .int(0), input.dataType ?? .float32)
    },
    .tensor("arange", "start end step" + options, range),
    .tensor("linspace", "start end steps" + options) { (builder, arguments) throws(ScopeError) in
      let (start, end) = (try arguments.double("start"), try arguments.double("end"))
      let count = try arguments.int("steps")
      guard (0...(1 << 20)).contains(count) else { throw arguments.wrong("steps", "a possible number") }
      let step = count > 1 ? (end - start) / Double(count - 1) : 0
      // PyTorch counts the second half from the end, so that the end is met exactly.
      let values = (0..<count).map { index in
        Float(index < count / 2 ? start + step * Double(index) : end - step * Double(count - 1 - index))
      }
      let type = try arguments.dataType("dtype") ?? .float32
      return try builder.cast(builder.constant(.floats(values, [count])), type)
    },
    .tensor("eye", "n m" + options) { (builder, arguments) throws(ScopeError) in
      let rows = try arguments.int("n")
      let columns = try arguments.int("m", rows)
      let count = try checkedProduct([rows, columns], what: "identity matrix")
      guard count <= 1 << 22 else { throw ScopeError(.limitExceeded, "the identity matrix is too large") }
      var values = [Float](repeating: 0, count: count)
      for index in 0..<min(rows, columns) { values[index * columns + index] = 1 }
      let type = try arguments.dataType("dtype") ?? .float32
      return try builder.cast(builder.constant(.floats(values, [rows, columns])), type)
    },
    .tensor("one_hot", "self num_classes") { (builder, arguments) throws(ScopeError) in
      let classes = try arguments.int("num_classes")
      guard classes > 0 else {
        throw ScopeError(.unsupported, "one_hot without the number of classes is not converted")
      }
      return try builder.emit(
        "OneHot",
        [try arguments.tensor("self"), try builder.scalar(classes, .int64), builder.literal([0, 1])],
        ["axis": .int(-1)])
    },
  ]

  /// `zeros(size)` and `x.new_zeros(size)`.
  private static func filled(_ names: String, _ value: Int) -> AtenOperator {
    .tensor(names, "size size2" + options) { (builder, arguments) throws(ScopeError) in
      var type = try arguments.dataType("dtype")
      var sizes = "size"
      if case .tensor(let input)? = arguments["size"], arguments["size2"] != nil {
        type = type ?? input.dataType
        sizes = "size2"
      }
      return try builder.full(try arguments.values(sizes), .int(value), type ?? .float32)
    }
  }

  private static func filledLike(_ names: String, _ value: Int) -> AtenOperator {
    .tensor(names, "self" + options) { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let type = try arguments.dataType("dtype") ?? input.dataType ?? .float32
      return try builder.full(try builder.sizes(input), .int(value), type)
    }
  }

  /// `arange(end)`, `arange(start, end)`, `arange(start, end, step)`.
  @Sendable private static func range(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenTensor {
    let hasStart = arguments["end"] != nil && arguments["start"] != nil
    let start = hasStart ? try arguments.value("start") : .int(0)
    let end = try arguments.value(hasStart || arguments["start"] == nil ? "end" : "start")
    let step = arguments["step"] ?? .int(1)
    let type = try arguments.dataType("dtype") ?? AtenPromotion.common([start, end, step])
    let computed: DataType = type.isFloatingPoint ? .float32 : .int64
    let result = try builder.emit(
      "Range",
      [
        try builder.operand(start, computed), try builder.operand(end, computed),
        try builder.operand(step, computed),
      ])
    return try builder.cast(result, type)
  }
}

extension AtenBuilder {
  /// A tensor of equal elements, with memory of its own.
  mutating func full(
    _ sizes: [AtenValue], _ value: AtenValue, _ type: DataType
  ) throws(ScopeError) -> AtenTensor {
    guard sizes.count <= 64 else { throw ScopeError(.malformed, "the rank is not possible") }
    for size in sizes where number(size).map({ $0 < 0 }) ?? false {
      throw ScopeError(.malformed, "a size is negative")
    }
    var scalar = try operand(value, type)
    if let rank = scalar.shape?.rank, rank > 0 { scalar = try emit("Reshape", [scalar, literal([])]) }
    return try emit("Expand", [scalar, try vector(sizes)])
  }
}
