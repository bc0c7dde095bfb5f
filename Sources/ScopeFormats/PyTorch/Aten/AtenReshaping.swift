import ScopeBytes
import ScopeGraph

/// The same elements under another shape or in another order of axes.
enum AtenReshaping {
  static let operators: [AtenOperator] = [
    .tensor("view reshape _unsafe_view _reshape_alias", "self size stride") {
      (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      // `view(dtype)` reads the same bytes as another type.
      if case .dataType? = arguments["size"] {
        throw ScopeError(.unsupported, "a view as another element type is not converted")
      }
      let result = try builder.reshape(input, sizes: try arguments.values("size"))
      builder.alias(result, of: input, .reshape)
      return result
    },
    .tensor("view_as reshape_as", "self other") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let result = try builder.reshape(input, sizes: try builder.sizes(try arguments.tensor("other")))
      builder.alias(result, of: input, .reshape)
      return result
    },
    .tensor("flatten", "self start_dim end_dim", flatten),
    .tensor("unflatten", "self dim sizes") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let axis = try arguments.axis("dim", rank: try arguments.rank(input))
      var sizes = try builder.sizes(input)
      sizes.replaceSubrange(axis...axis, with: try arguments.values("sizes"))
      let result = try builder.reshape(input, sizes: sizes)
      builder.alias(result, of: input, .reshape)
      return result
    },
    .tensor("permute", "self dims") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let dims = try arguments.ints("dims")
      let order = try dims.map { (axis) throws(ScopeError) in
        try arguments.axis(axis, "dims", rank: dims.count)
      }
      guard Set(order).count == order.count else { throw arguments.wrong("dims", "every axis once") }
      return try permuted(&builder, input, order)
    },
    .tensor("transpose swapaxes swapdims", "self dim0 dim1") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let rank = try arguments.rank(input)
      var order = Array(0..<rank)
      let (first, second) = (try arguments.axis("dim0", rank: rank), try arguments.axis("dim1", rank: rank))
      if rank > 0 { order.swapAt(first, second) }
      return try permuted(&builder, input, order)
    },
    .tensor("t mT numpy_T", "self") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let rank = try arguments.rank(input)
      if rank < 2 { return input }
      var order = Array(0..<rank)
      if arguments.operation.hasSuffix("numpy_T") {
        order.reverse()
      } else {
        order.swapAt(rank - 2, rank - 1)
      }
      return try permuted(&builder, input, order)
    },
    .tensor("movedim moveaxis", "self source destination") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let rank = try arguments.rank(input)
      let from = try arguments.ints("source").map { (a) throws(ScopeError) in
        try arguments.axis(a, "source", rank: rank)
      }
      let to = try arguments.ints("destination").map { (a) throws(ScopeError) in
        try arguments.axis(a, "destination", rank: rank)
      }
      guard from.count == to.count, Set(from).count == from.count, Set(to).count == to.count else {
        throw arguments.wrong("destination", "as many axes as source")
      }
      var rest = (0..<rank).filter { !from.contains($0) }.makeIterator()
      let order = (0..<rank).map { axis in to.firstIndex(of: axis).map { from[$0] } ?? rest.next() ?? axis }
      return try permuted(&builder, input, order)
    },
    .tensor("squeeze", "self dim", squeeze),
    .tensor("unsqueeze", "self dim") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let axis = try arguments.int("dim")
      let result = try builder.emit("Unsqueeze", [input, builder.literal([axis])])
      builder.alias(result, of: input, .reshape)
      return result
    },
    .tensor("expand", "self size implicit") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let result = try builder.expand(input, sizes: try arguments.values("size"))
      builder.alias(result, of: input, .other)
      return result
    },
    .tensor("expand_as broadcast_to", "self other") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let sizes: [AtenValue]
      if case .tensor(let other)? = arguments["other"] {
        sizes = try builder.sizes(other)
      } else {
        sizes = try arguments.values("other")
      }
      let result = try builder.expand(input, sizes: sizes)
      builder.alias(result, of: input, .other)
      return result
    },
  ]

  private static func permuted(
    _ builder: inout AtenBuilder, _ input: AtenTensor, _ order: [Int]
  ) throws(ScopeError) -> AtenTensor {
    if order == [1, 0], input.constant?.dimensions.count == 2 {
      return try builder.transposedMatrix(input)
    }
    let result = try builder.transpose(input, order)
    builder.alias(result, of: input, .permute(order))
    return result
  }

  @Sendable private static func flatten(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenTensor {
    let input = try arguments.tensor("self")
    let (first, last) = (try arguments.int("start_dim", 0), try arguments.int("end_dim", -1))
    let result: AtenTensor
    if first == 1, last == -1 || last == input.shape.map({ $0.rank - 1 }), input.shape?.rank != 1 {
      result = input.shape?.rank == 2 ? input : try builder.emit("Flatten", [input], ["axis": .int(1 as Int)])
    } else {
      let rank = try arguments.rank(input)
      if rank == 0 { return try builder.emit("Reshape", [input, builder.literal([1])]) }
      let (start, end) = (
        try arguments.axis(first, "start_dim", rank: rank), try arguments.axis(last, "end_dim", rank: rank)
      )
      guard start <= end else { throw arguments.wrong("end_dim", "an axis after start_dim") }
      if start == end { return input }
      var sizes: [AtenValue] = []
      for axis in 0..<start { sizes.append(try builder.size(input, axis)) }
      var product: Int? = 1
      for axis in start...end {
        product = input.shape?.dimensions[axis].value.flatMap { size in
          product.flatMap { (p) -> Int? in
            let (next, overflow) = p.multipliedReportingOverflow(by: size)
            return overflow ? nil : next
          }
        }
      }
      sizes.append(.int(product ?? -1))
      for axis in (end + 1)..<max(rank, end + 1) { sizes.append(try builder.size(input, axis)) }
      result = try builder.reshape(input, sizes: sizes)
    }
    builder.alias(result, of: input, .reshape)
    return result
  }

  @Sendable private static func squeeze(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenTensor {
    let input = try arguments.tensor("self")
    let rank = try arguments.rank(input)
    let dimensions = input.shape?.dimensions ?? []
    var axes = Array(0..<rank)
    if let given = try arguments.optionalInts("dim") {
      if rank == 0 { return input }
      axes = try given.map { (axis) throws(ScopeError) in try arguments.axis(axis, "dim", rank: rank) }
    }
    guard !axes.contains(where: { dimensions[$0] == .unknown }) else {
      throw ScopeError(
        .unsupported, "whether an axis can be squeezed is known only at run time", found: input.name)
    }
    // An open size is not one: PyTorch specialises such programs.
    axes = axes.filter { dimensions[$0] == .known(1) }
    if axes.isEmpty { return input }
    let result = try builder.emit("Squeeze", [input, builder.literal(axes)])
    builder.alias(result, of: input, .reshape)
    return result
  }
}
