import ScopeBytes
import ScopeGraph

/// Reductions over axes, cumulative sums, and the largest elements.
enum AtenReduction {
  private static let parameters = "self dim keepdim dtype"

  static let operators: [AtenOperator] = [
    .tensor("mean", parameters) { (builder, arguments) throws(ScopeError) in
      let input = try typed(&builder, arguments)
      guard input.dataType?.isFloatingPoint ?? true else {
        throw ScopeError(.malformed, "the mean of integers is not defined")
      }
      return try builder.reduce("ReduceMean", input, try axes(arguments), try keeps(arguments))
    },
    .tensor("sum nansum", parameters) { (builder, arguments) throws(ScopeError) in
      try builder.reduce(
        "ReduceSum", try summable(&builder, arguments), try axes(arguments), try keeps(arguments))
    },
    .tensor("prod", parameters) { (builder, arguments) throws(ScopeError) in
      try builder.reduce(
        "ReduceProd", try summable(&builder, arguments), try axes(arguments), try keeps(arguments))
    },
    .tensor("amax", parameters) { (builder, arguments) throws(ScopeError) in
      try builder.reduce("ReduceMax", try arguments.tensor("self"), try axes(arguments), try keeps(arguments))
    },
    .tensor("amin", parameters) { (builder, arguments) throws(ScopeError) in
      try builder.reduce("ReduceMin", try arguments.tensor("self"), try axes(arguments), try keeps(arguments))
    },
    .tensor("logsumexp", parameters) { (builder, arguments) throws(ScopeError) in
      try builder.reduce(
        "ReduceLogSumExp", try arguments.tensor("self"), try axes(arguments), try keeps(arguments))
    },
    extreme("max", "ReduceMax", "ArgMax", "Max"), extreme("min", "ReduceMin", "ArgMin", "Min"),
    position("argmax", "ArgMax"), position("argmin", "ArgMin"),
    .tensor("any", parameters) { (builder, arguments) throws(ScopeError) in
      try truth(&builder, arguments, "ReduceMax")
    },
    .tensor("all", parameters) { (builder, arguments) throws(ScopeError) in
      try truth(&builder, arguments, "ReduceMin")
    },
    .tensor("var", "self dim unbiased keepdim correction") { (builder, arguments) throws(ScopeError) in
      try variance(&builder, arguments).variance
    },
    .tensor("std", "self dim unbiased keepdim correction") { (builder, arguments) throws(ScopeError) in
      try builder.emit("Sqrt", [try variance(&builder, arguments).variance])
    },
    AtenOperator("var_mean", "self dim unbiased keepdim correction") {
      (builder, arguments) throws(ScopeError) in
      let (variance, mean) = try variance(&builder, arguments)
      return [.tensor(variance), .tensor(mean)]
    },
    AtenOperator("std_mean", "self dim unbiased keepdim correction") {
      (builder, arguments) throws(ScopeError) in
      let (variance, mean) = try variance(&builder, arguments)
      return [.tensor(try builder.emit("Sqrt", [variance])), .tensor(mean)]
    },
    .tensor("linalg_vector_norm norm", "self ord dim keepdim dtype", norm),
    .tensor("cumsum", "self dim dtype") { (builder, arguments) throws(ScopeError) in
      let input = try summable(&builder, arguments)
      let axis = try arguments.axis("dim", rank: try arguments.rank(input))
      return try builder.emit("CumSum", [input, builder.literal(.int64s([axis], []))])
    },
    AtenOperator("topk", "self k dim largest sorted") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      return try builder.emit(
        "TopK", [input, try builder.vector([try arguments.value("k")])],
        [
          "axis": .int(try arguments.int("dim", -1)),
          "largest": .int(try arguments.bool("largest", true) ? 1 : 0),
        ], outputs: 2
      ).map { .tensor($0) }
    },
    AtenOperator("sort", "self dim descending stable") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let axis = try arguments.axis("dim", -1, rank: try arguments.rank(input))
      return try builder.emit(
        "TopK", [input, try builder.vector([try builder.size(input, axis)])],
        ["axis": .int(axis), "largest": .int(try arguments.bool("descending", false) ? 1 : 0)], outputs: 2
      ).map { .tensor($0) }
    },
  ]

  /// The input, in the element type that is asked for.
  private static func typed(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenTensor {
    let input = try arguments.tensor("self")
    guard let type = try arguments.dataType("dtype") else { return input }
    return try builder.cast(input, type)
  }

  /// Sums of integers and truth values are int64.
  private static func summable(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenTensor {
    let input = try typed(&builder, arguments)
    guard arguments["dtype"] == nil, let type = input.dataType, !type.isFloatingPoint else { return input }
    return try builder.cast(input, .int64)
  }

  /// Nil for all axes.
  private static func axes(_ arguments: AtenArguments) throws(ScopeError) -> [Int]? {
    guard let list = try arguments.optionalInts("dim"), !list.isEmpty else { return nil }
    return list
  }

  private static func keeps(_ arguments: AtenArguments) throws(ScopeError) -> Bool {
    try arguments.bool("keepdim", false)
  }

  /// `max(x)`, `max(x, dim)` with positions, `max(x, y)`.
  private static func extreme(
    _ name: String, _ reduction: String, _ position: String, _ binary: String
  ) -> AtenOperator {
    AtenOperator(name, "self dim keepdim other") { (builder, arguments) throws(ScopeError) in
      let other = arguments["other"] ?? arguments["dim"]
      if case .tensor(let tensor)? = other, arguments["keepdim"] == nil,
        arguments["other"] != nil || tensor.shape?.rank != 0 || tensor.constant == nil
      {
        let (left, right, _) = try builder.promoted(try arguments.value("self"), .tensor(tensor))
        return [.tensor(try builder.emit(binary, [left, right]))]
      }
      if case .int(let left)? = arguments["self"], let right = other.flatMap(AtenArguments.int) {
        return [.int(binary == "Max" ? max(left, right) : min(left, right))]
      }
      let input = try arguments.tensor("self")
      guard let axis = try arguments.optionalInt("dim") else {
        return [.tensor(try builder.reduce(reduction, input, nil, false))]
      }
      let keeps = try keeps(arguments)
      let values = try builder.reduce(reduction, input, [axis], keeps)
      let indices = try builder.emit(
        position, [input], ["axis": .int(axis), "keepdims": .int(keeps ? 1 : 0)])
      return [.tensor(values), .tensor(indices)]
    }
  }

  private static func position(_ name: String, _ opType: String) -> AtenOperator {
    .tensor(name, "self dim keepdim") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      guard let axis = try arguments.optionalInt("dim") else {
        let flat = try builder.emit("Reshape", [input, builder.literal([-1])])
        return try builder.emit(opType, [flat], ["axis": .int(0 as Int), "keepdims": .int(0 as Int)])
      }
      let keeps = try keeps(arguments)
      return try builder.emit(opType, [input], ["axis": .int(axis), "keepdims": .int(keeps ? 1 : 0)])
    }
  }

  /// Whether any or all elements are not zero, through the largest or smallest of 0 and 1.
  private static func truth(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments, _ reduction: String
  ) throws(ScopeError) -> AtenTensor {
    let flags = try builder.cast(try arguments.tensor("self"), .bool)
    let numbers = try builder.cast(flags, .int32)
    return try builder.cast(
      try builder.reduce(reduction, numbers, try axes(arguments), try keeps(arguments)), .bool)
  }

  private static func variance(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> (variance: AtenTensor, mean: AtenTensor) {
    let input = try arguments.tensor("self")
    let type = input.dataType ?? .float32
    let rank = try arguments.rank(input)
    var correction = 1.0
    var list: [Int]?
    if case .bool(let unbiased)? = arguments["dim"] {
      correction = unbiased ? 1 : 0
    } else {
      list = try axes(arguments)
      if let given = try arguments.optionalDouble("correction") {
        correction = given
      } else {
        correction = try arguments.bool("unbiased", true) ? 1 : 0
      }
    }
    let keeps = try keeps(arguments)
    let mean = try builder.reduce("ReduceMean", input, list, true)
    let deviation = try builder.emit("Sub", [input, mean])
    let square = try builder.emit("Mul", [deviation, deviation])
    var result = try builder.reduce("ReduceMean", square, list, keeps)
    if correction != 0 {
      var count = 1.0
      for axis in list ?? Array(0..<rank) {
        count *= Double(try arguments.size(input, try arguments.axis(axis, "dim", rank: rank)))
      }
      result = try builder.emit("Mul", [result, try builder.scalar(count / (count - correction), type)])
    }
    let outputMean = keeps ? mean : try builder.reduce("ReduceMean", input, list, false)
    return (result, outputMean)
  }

  @Sendable private static func norm(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenTensor {
    let input = try typed(&builder, arguments)
    let (list, keeps) = (try axes(arguments), try keeps(arguments))
    let order: Double
    if case .string(let name)? = arguments["ord"] {
      guard name == "fro" else { throw arguments.wrong("ord", "fro or a number") }
      order = 2
    } else {
      order = try arguments.double("ord", 2)
    }
    switch order {
    case 1: return try builder.reduce("ReduceL1", input, list, keeps)
    case 2: return try builder.reduce("ReduceL2", input, list, keeps)
    case .infinity:
      return try builder.reduce("ReduceMax", try builder.emit("Abs", [input]), list, keeps)
    default:
      guard order > 0, order.isFinite else {
        throw ScopeError(.unsupported, "this norm is not converted", found: "order \(order)")
      }
      let type = input.dataType ?? .float32
      let powers = try builder.emit(
        "Pow", [try builder.emit("Abs", [input]), try builder.scalar(order, type)])
      return try builder.emit(
        "Pow",
        [try builder.reduce("ReduceSum", powers, list, keeps), try builder.scalar(1 / order, type)])
    }
  }
}

extension AtenBuilder {
  /// - Parameter axes: nil for all.
  mutating func reduce(
    _ opType: String, _ value: AtenTensor, _ axes: [Int]?, _ keeps: Bool
  ) throws(ScopeError) -> AtenTensor {
    if value.shape?.rank == 0 { return value }
    return try emit(
      opType, [value, axes.map { literal($0) }], ["keepdims": .int(keeps ? 1 : 0)])
  }
}
