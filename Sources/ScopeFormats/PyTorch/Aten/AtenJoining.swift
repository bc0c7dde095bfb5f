import ScopeBytes
import ScopeGraph

/// Joining, splitting, repeating and padding.
enum AtenJoining {
  static let operators: [AtenOperator] = [
    .tensor("cat concat concatenate", "tensors dim") { (builder, arguments) throws(ScopeError) in
      var tensors = try arguments.tensors("tensors")
      // An empty vector may be joined with anything and adds nothing.
      if tensors.count > 1 { tensors = tensors.filter { $0.shape?.sizes != [0] } }
      guard let first = tensors.first else { throw arguments.wrong("tensors", "at least one tensor") }
      let type = AtenPromotion.common(tensors.map { .tensor($0) })
      var axis = try arguments.int("dim", 0)
      if let rank = first.shape?.rank { axis = try arguments.axis(axis, "dim", rank: rank) }
      if tensors.count == 1 { return try builder.cast(first, type) }
      var operands: [AtenTensor] = []
      for tensor in tensors { operands.append(try builder.cast(tensor, type)) }
      return try builder.emit("Concat", operands, ["axis": .int(axis)])
    },
    .tensor("stack", "tensors dim") { (builder, arguments) throws(ScopeError) in
      let tensors = try arguments.tensors("tensors")
      guard let first = tensors.first else { throw arguments.wrong("tensors", "at least one tensor") }
      let axis = try arguments.axis("dim", 0, rank: try arguments.rank(first) + 1)
      let type = AtenPromotion.common(tensors.map { .tensor($0) })
      var rows: [AtenTensor] = []
      for tensor in tensors {
        rows.append(try builder.emit("Unsqueeze", [try builder.cast(tensor, type), builder.literal([axis])]))
      }
      return rows.count == 1 ? rows[0] : try builder.emit("Concat", rows, ["axis": .int(axis)])
    },
    AtenOperator("chunk", "self chunks dim") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let axis = try arguments.axis("dim", 0, rank: try arguments.rank(input))
      let (size, count) = (try arguments.size(input, axis), try arguments.int("chunks"))
      guard count > 0 else { throw arguments.wrong("chunks", "a positive number") }
      return [.list(try split(&builder, input, axis, every: max(1, (size - 1) / count + 1), size))]
    },
    AtenOperator("split", "self split_size dim") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let axis = try arguments.axis("dim", 0, rank: try arguments.rank(input))
      if case .list? = arguments["split_size"] {
        return [.list(try split(&builder, input, axis, sizes: try arguments.ints("split_size")))]
      }
      let step = try arguments.int("split_size")
      guard step > 0 else { throw arguments.wrong("split_size", "a positive number") }
      return [.list(try split(&builder, input, axis, every: step, try arguments.size(input, axis)))]
    },
    AtenOperator("split_with_sizes unsafe_split_with_sizes", "self split_sizes dim") {
      (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let axis = try arguments.axis("dim", 0, rank: try arguments.rank(input))
      return [.list(try split(&builder, input, axis, sizes: try arguments.ints("split_sizes")))]
    },
    AtenOperator("tensor_split", "self sections dim") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let axis = try arguments.axis("dim", 0, rank: try arguments.rank(input))
      let (size, count) = (try arguments.size(input, axis), try arguments.int("sections"))
      guard count > 0, count <= 4096 else { throw arguments.wrong("sections", "a positive number") }
      let sizes = (0..<count).map { size / count + ($0 < size % count ? 1 : 0) }
      return [.list(try split(&builder, input, axis, sizes: sizes))]
    },
    AtenOperator("unbind", "self dim") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let axis = try arguments.axis("dim", 0, rank: try arguments.rank(input))
      let size = try arguments.size(input, axis)
      guard size <= 4096 else { throw ScopeError(.limitExceeded, "too many parts", found: "\(size)") }
      var parts: [AtenValue] = []
      for index in 0..<size {
        parts.append(.tensor(try builder.select(input, axis: axis, index: .int(index))))
      }
      return [.list(parts)]
    },
    .tensor("repeat tile", "self repeats") { (builder, arguments) throws(ScopeError) in
      var input = try arguments.tensor("self")
      var repeats = try arguments.values("repeats")
      let rank = try arguments.rank(input)
      if repeats.count < rank {
        guard arguments.operation.hasSuffix("tile") else {
          throw arguments.wrong("repeats", "\(rank) numbers")
        }
        repeats = [AtenValue](repeating: .int(1), count: rank - repeats.count) + repeats
      }
      if repeats.count > rank {
        input = try builder.emit("Unsqueeze", [input, builder.literal(Array(0..<(repeats.count - rank)))])
      }
      if repeats.allSatisfy({ builder.number($0) == 1 }) { return try builder.emit("Identity", [input]) }
      return try builder.emit("Tile", [input, try builder.vector(repeats)])
    },
    .tensor("repeat_interleave", "self repeats dim output_size") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let axis = try arguments.axis("dim", rank: try arguments.rank(input))
      return try builder.repeatInterleaved(input, axis: axis, times: try arguments.int("repeats"))
    },
    .tensor("pad", "self pad mode value") { (builder, arguments) throws(ScopeError) in
      try pad(&builder, arguments, mode: try arguments.string("mode", "constant"))
    },
    .tensor("constant_pad_nd", "self pad value") { (builder, arguments) throws(ScopeError) in
      try pad(&builder, arguments, mode: "constant")
    },
    .tensor("reflection_pad1d reflection_pad2d reflection_pad3d", "self pad") {
      (builder, arguments) throws(ScopeError) in try pad(&builder, arguments, mode: "reflect")
    },
    .tensor("replication_pad1d replication_pad2d replication_pad3d", "self pad") {
      (builder, arguments) throws(ScopeError) in try pad(&builder, arguments, mode: "replicate")
    },
    .tensor("pixel_shuffle", "self upscale_factor") { (builder, arguments) throws(ScopeError) in
      try builder.emit(
        "DepthToSpace", [try arguments.tensor("self")],
        ["blocksize": .int(try arguments.int("upscale_factor")), "mode": .text("CRD")])
    },
    .tensor("pixel_unshuffle", "self downscale_factor") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let factor = try arguments.int("downscale_factor")
      guard try arguments.rank(input) == 4, factor > 0 else { throw arguments.wrong("self", "[N, C, H, W]") }
      let (channels, height, width) = (
        try arguments.size(input, 1), try arguments.size(input, 2), try arguments.size(input, 3)
      )
      let parts = [0, channels, height / factor, factor, width / factor, factor]
      let split = try builder.emit("Reshape", [input, builder.literal(parts)])
      let moved = try builder.transpose(split, [0, 1, 3, 5, 2, 4])
      return try builder.emit("Reshape", [moved, builder.literal([0, -1, height / factor, width / factor])])
    },
    .tensor("channel_shuffle", "self groups") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let (rank, groups) = (try arguments.rank(input), try arguments.int("groups"))
      let channels = try arguments.size(input, 1)
      guard groups > 0, channels % groups == 0, rank >= 3 else {
        throw arguments.wrong("groups", "a divisor")
      }
      var sizes = try builder.sizes(input)
      let whole = sizes
      sizes.replaceSubrange(1...1, with: [.int(groups), .int(channels / groups)])
      let split = try builder.reshape(input, sizes: sizes)
      let moved = try builder.transpose(split, [0, 2, 1] + Array(3..<(rank + 1)))
      return try builder.reshape(moved, sizes: whole)
    },
    AtenOperator("meshgrid", "tensors indexing") { (builder, arguments) throws(ScopeError) in
      let tensors = try arguments.tensors("tensors")
      guard tensors.count <= 8 else { throw arguments.wrong("tensors", "at most 8 tensors") }
      let swaps = try arguments.string("indexing", "ij") == "xy" && tensors.count > 1
      var axes = Array(tensors.indices)
      if swaps { axes.swapAt(0, 1) }
      var sizes = [AtenValue](repeating: .int(1), count: tensors.count)
      for (index, tensor) in tensors.enumerated() {
        sizes[axes[index]] = tensor.shape?.rank == 0 ? .int(1) : try builder.size(tensor, 0)
      }
      var grids: [AtenValue] = []
      for (index, tensor) in tensors.enumerated() {
        var shape = [Int](repeating: 1, count: tensors.count)
        shape[axes[index]] = -1
        let row = try builder.emit("Reshape", [tensor, builder.literal(shape)])
        grids.append(.tensor(try builder.emit("Expand", [row, try builder.vector(sizes)])))
      }
      return [.list(grids)]
    },
  ]

  private static func split(
    _ builder: inout AtenBuilder, _ input: AtenTensor, _ axis: Int, every step: Int, _ size: Int
  ) throws(ScopeError) -> [AtenValue] {
    guard size / step <= 4096 else {
      throw ScopeError(.limitExceeded, "too many parts", found: "\(size / step)")
    }
    var sizes = [Int](repeating: step, count: size / step)
    if size % step != 0 || sizes.isEmpty { sizes.append(size % step) }
    return try split(&builder, input, axis, sizes: sizes)
  }

  private static func split(
    _ builder: inout AtenBuilder, _ input: AtenTensor, _ axis: Int, sizes: [Int]
  ) throws(ScopeError) -> [AtenValue] {
    guard !sizes.isEmpty, sizes.count <= 4096, sizes.allSatisfy({ $0 >= 0 && $0 < 1 << 40 }) else {
      throw ScopeError(.malformed, "the sizes of a split are not possible", found: "\(sizes.count) parts")
    }
    if sizes.count == 1 { return [.tensor(input)] }
    let parts = try builder.emit(
      "Split", [input, builder.literal(sizes)], ["axis": .int(axis)], outputs: sizes.count)
    var start = 0
    for (part, size) in zip(parts, sizes) {
      builder.alias(part, of: input, .slice(axis: axis, start: start, end: start + size))
      start += size
    }
    return parts.map { .tensor($0) }
  }

  /// PyTorch gives pads from the last axis backwards, two for each.
  private static func pad(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments, mode: String
  ) throws(ScopeError) -> AtenTensor {
    let input = try arguments.tensor("self")
    let pads = try arguments.ints("pad")
    let rank = try arguments.rank(input)
    guard pads.count % 2 == 0, pads.count / 2 <= rank else { throw arguments.wrong("pad", "pairs of sizes") }
    if pads.allSatisfy({ $0 == 0 }) { return input }
    var begins = [Int](repeating: 0, count: rank)
    var ends = begins
    for pair in 0..<(pads.count / 2) {
      begins[rank - 1 - pair] = pads[2 * pair]
      ends[rank - 1 - pair] = pads[2 * pair + 1]
    }
    let modes = ["constant": "constant", "reflect": "reflect", "replicate": "edge"]
    guard let name = modes[mode] else {
      throw ScopeError(.unsupported, "padding of the mode \(mode.prefix(40)) is not converted")
    }
    let fill = try arguments.optionalDouble("value") ?? 0
    let value =
      mode == "constant" && fill != 0
      ? try builder.scalar(fill, input.dataType ?? .float32) : nil
    return try builder.emit(
      "Pad", [input, builder.literal(begins + ends), value], ["mode": .text(name)])
  }
}

extension AtenBuilder {
  /// Every element along an axis repeated in place.
  mutating func repeatInterleaved(
    _ value: AtenTensor, axis: Int, times: Int
  ) throws(ScopeError) -> AtenTensor {
    guard let shape = value.shape, times > 0, times < 1 << 30 else {
      throw ScopeError(.unsupported, "this repetition is not converted", found: "\(times) times")
    }
    if times == 1 { return value }
    let column = try emit("Unsqueeze", [value, literal([axis + 1])])
    var repeats = [Int](repeating: 1, count: shape.rank + 1)
    repeats[axis + 1] = times
    let tiled = try emit("Tile", [column, literal(repeats)])
    var sizes = try sizes(value)
    sizes[axis] =
      number(sizes[axis]).flatMap { size -> AtenValue? in
        let (product, overflow) = size.multipliedReportingOverflow(by: times)
        return overflow ? nil : .int(product)
      } ?? .int(-1)
    return try reshape(tiled, sizes: sizes)
  }
}
