import ScopeBytes
import ScopeGraph

/// Parts of tensors, by position and by index tensors.
enum AtenIndexing {
  static let operators: [AtenOperator] = [
    AtenOperator("slice", "self dim start end step") { (builder, arguments) throws(ScopeError) in
      if case .list(let items)? = arguments["self"] {
        return [.list(try listSlice(items, arguments))]
      }
      return [.tensor(try slice(&builder, arguments))]
    },
    .tensor("narrow", "self dim start length") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let axis = try arguments.axis("dim", rank: try arguments.rank(input))
      let (start, length) = (try arguments.int("start"), try arguments.int("length"))
      let (end, overflow) = start.addingReportingOverflow(length)
      guard !overflow, length >= 0 else { throw arguments.wrong("length", "a length") }
      return try builder.slice(
        input, axis: axis, start: .int(start), end: .int(start < 0 && end == 0 ? .max : end), step: 1)
    },
    .tensor("select", "self dim index") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let axis = try arguments.axis("dim", rank: try arguments.rank(input))
      return try builder.select(input, axis: axis, index: try arguments.value("index"))
    },
    .tensor("index_select", "self dim index") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let axis = try arguments.axis("dim", rank: try arguments.rank(input))
      return try builder.emit("Gather", [input, try arguments.tensor("index")], ["axis": .int(axis)])
    },
    .tensor("gather take_along_dim", "self dim index sparse_grad") {
      (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      // take_along_dim has its arguments in another order.
      if case .tensor(let indices)? = arguments["dim"] {
        let axis = try arguments.axis("index", rank: try arguments.rank(input))
        return try builder.emit("GatherElements", [input, indices], ["axis": .int(axis)])
      }
      let axis = try arguments.axis("dim", rank: try arguments.rank(input))
      return try builder.emit("GatherElements", [input, try arguments.tensor("index")], ["axis": .int(axis)])
    },
    .tensor("scatter", "self dim index src reduce value") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let axis = try arguments.axis("dim", rank: try arguments.rank(input))
      let index = try arguments.tensor("index")
      guard arguments["reduce"] == nil else {
        throw ScopeError(.unsupported, "a scatter that reduces is not converted")
      }
      var source = try builder.operand(
        try arguments.value(arguments["src"] == nil ? "value" : "src"), input.dataType)
      if source.shape?.rank == 0 { source = try builder.expand(source, sizes: try builder.sizes(index)) }
      return try builder.emit("ScatterElements", [input, index, source], ["axis": .int(axis)])
    },
    .tensor("scatter_add", "self dim index src") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let axis = try arguments.axis("dim", rank: try arguments.rank(input))
      return try builder.emit(
        "ScatterElements", [input, try arguments.tensor("index"), try arguments.tensor("src")],
        ["axis": .int(axis), "reduction": .text("add")])
    },
    .tensor("slice_scatter", "self src dim start end step") { (builder, arguments) throws(ScopeError) in
      let (input, source) = (try arguments.tensor("self"), try arguments.tensor("src"))
      let axis = try arguments.axis("dim", 0, rank: try arguments.rank(input))
      guard try arguments.int("step", 1) == 1 else {
        throw ScopeError(.unsupported, "writing every other element of a slice is not converted")
      }
      let (start, end) = try builder.range(
        input, axis, try arguments.int("start", 0), try arguments.int("end", .max), arguments)
      return try builder.replacing(input, axis: axis, start: start, end: end, with: source)
    },
    .tensor("select_scatter", "self src dim index") { (builder, arguments) throws(ScopeError) in
      let (input, source) = (try arguments.tensor("self"), try arguments.tensor("src"))
      let axis = try arguments.axis("dim", rank: try arguments.rank(input))
      let index = try arguments.int("index")
      let (start, _) = try builder.range(input, axis, index, .max, arguments)
      let row = try builder.emit("Unsqueeze", [source, builder.literal([axis])])
      return try builder.replacing(input, axis: axis, start: start, end: start + 1, with: row)
    },
    .tensor("embedding", "weight indices padding_idx scale_grad_by_freq sparse") {
      (builder, arguments) throws(ScopeError) in
      try builder.emit(
        "Gather", [try arguments.tensor("weight"), try arguments.tensor("indices")], ["axis": .int(0 as Int)])
    },
    .tensor("tril", "self diagonal") { (builder, arguments) throws(ScopeError) in
      try triangle(&builder, arguments, upper: 0)
    },
    .tensor("triu", "self diagonal") { (builder, arguments) throws(ScopeError) in
      try triangle(&builder, arguments, upper: 1)
    },
    .tensor("flip", "self dims") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let axes = try arguments.ints("dims")
      let last = builder.literal([Int](repeating: -1, count: axes.count))
      let beforeFirst = builder.literal([Int](repeating: .min + 1, count: axes.count))
      return try builder.emit("Slice", [input, last, beforeFirst, builder.literal(axes), last])
    },
    .tensor("roll", "self shifts dims", roll),
    .tensor("index _unsafe_index", "self indices", AtenAdvancedIndexing.read),
    .tensor("index_put _unsafe_index_put", "self indices values accumulate", AtenAdvancedIndexing.write),
  ]

  private static func listSlice(
    _ items: [AtenValue], _ arguments: AtenArguments
  ) throws(ScopeError) -> [AtenValue] {
    // slice(list, start, end, step): the arguments lie one position further to the left.
    func bound(_ value: AtenValue?, _ fallback: Int) -> Int {
      guard let number = value.flatMap(AtenArguments.int) else { return fallback }
      return min(max(number < 0 ? number + items.count : number, 0), items.count)
    }
    let start = bound(arguments["dim"], 0)
    let end = max(bound(arguments["start"], items.count), start)
    guard arguments["end"].flatMap(AtenArguments.int) ?? 1 == 1 else {
      throw ScopeError(.unsupported, "a list slice with a step is not converted")
    }
    return Array(items[start..<end])
  }

  private static func slice(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenTensor {
    let input = try arguments.tensor("self")
    let dim = try arguments.int("dim", 0)
    let axis = try input.shape.map { (shape) throws(ScopeError) in
      try arguments.axis(dim, "dim", rank: shape.rank)
    }
    return try builder.slice(
      input, axis: axis ?? dim, start: arguments["start"] ?? .int(0), end: arguments["end"] ?? .int(.max),
      step: try arguments.int("step", 1))
  }

  private static func triangle(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments, upper: Int
  ) throws(ScopeError) -> AtenTensor {
    let diagonal = builder.literal(.int64s([try arguments.int("diagonal", 0)], []))
    return try builder.emit("Trilu", [try arguments.tensor("self"), diagonal], ["upper": .int(upper)])
  }

  @Sendable private static func roll(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenTensor {
    let input = try arguments.tensor("self")
    let rank = try arguments.rank(input)
    let shifts = try arguments.ints("shifts")
    let dims = try arguments.optionalInts("dims") ?? []
    guard !dims.isEmpty, dims.count == shifts.count else {
      throw ScopeError(.unsupported, "a roll over all elements at once is not converted")
    }
    var result = input
    for (dim, shift) in zip(dims, shifts) {
      let axis = try arguments.axis(dim, "dims", rank: rank)
      let size = try arguments.size(input, axis)
      guard size > 0 else { continue }
      let start = ((shift % size) + size) % size
      if start == 0 { continue }
      let axes = builder.literal([axis])
      let tail = try builder.emit(
        "Slice", [result, builder.literal([size - start]), builder.literal([.max]), axes])
      let head = try builder.emit(
        "Slice", [result, builder.literal([0]), builder.literal([size - start]), axes])
      result = try builder.emit("Concat", [tail, head], ["axis": .int(axis)])
    }
    return result
  }
}

extension AtenBuilder {
  /// `value[..., start:end:step, ...]` along one axis; the whole when nothing is cut off.
  mutating func slice(
    _ value: AtenTensor, axis: Int, start: AtenValue, end: AtenValue, step: Int
  ) throws(ScopeError) -> AtenTensor {
    guard step > 0 else {
      throw ScopeError(.malformed, "the step of a slice is not positive", found: "\(step)")
    }
    let size = value.shape.flatMap { (shape) -> Int? in
      shape.dimensions.indices.contains(axis) ? shape.dimensions[axis].value : nil
    }
    var (first, last) = (number(start), number(end))
    if let size {
      // Bounds are cut to the axis, as PyTorch does.
      first = first.map { min(max($0 < 0 ? $0 + size : $0, 0), size) }
      last = last.map { min(max($0 < 0 ? $0 + size : $0, 0), size) }
      if let a = first, let b = last, b < a { last = a }
    }
    if step == 1, first == 0, let last, last == .max || last == size { return value }
    if case .symbolicInt = end, step == 1, first == 0, let shape = value.shape,
      shape.dimensions.indices.contains(axis), shape.dimensions[axis] != .unknown,
      dimension(end) == shape.dimensions[axis]
    {
      return value
    }
    let starts = try vector([first.map { .int($0) } ?? start])
    let ends = try vector([last.map { .int($0) } ?? end])
    let result = try emit(
      "Slice", [value, starts, ends, literal([axis])] + (step == 1 ? [] : [literal([step])]))
    if let first, let last, first >= 0, last >= first, step == 1 {
      alias(result, of: value, .slice(axis: axis, start: first, end: last))
    } else {
      alias(result, of: value, .other)
    }
    return result
  }

  /// `value[..., index, ...]` along one axis, which goes away.
  mutating func select(
    _ value: AtenTensor, axis: Int, index: AtenValue
  ) throws(ScopeError) -> AtenTensor {
    let size = value.shape.flatMap { (shape) -> Int? in
      shape.dimensions.indices.contains(axis) ? shape.dimensions[axis].value : nil
    }
    guard let position = number(index) else {
      let result = try emit("Gather", [value, try operand(index, .int64)], ["axis": .int(axis)])
      alias(result, of: value, .other)
      return result
    }
    var row = position
    if let size {
      guard position >= -size, position < size else {
        throw ScopeError(.malformed, "the index is outside the tensor", found: "\(position) of \(size)")
      }
      row = position < 0 ? position + size : position
    }
    let result = try emit("Gather", [value, try scalar(row, .int64)], ["axis": .int(axis)])
    alias(result, of: value, row >= 0 ? .select(axis: axis, index: row) : .other)
    return result
  }

  /// Bounds counted from the front and cut to the axis.
  func range(
    _ value: AtenTensor, _ axis: Int, _ start: Int, _ end: Int, _ arguments: AtenArguments
  ) throws(ScopeError) -> (start: Int, end: Int) {
    if start >= 0, end >= start, end == .max || value.shape?.dimensions[axis].value == nil {
      return (start, end)
    }
    let size = try arguments.size(value, axis)
    let first = min(max(start < 0 ? start + size : start, 0), size)
    let last = min(max(end < 0 ? end + size : end, first), size)
    return (first, last)
  }
}
