import ScopeBytes
import ScopeGraph

/// Pooling to a given size: output i covers the elements floor(i in / out) ..< ceil((i + 1) in / out).
enum AtenAdaptivePooling {
  static let operators: [AtenOperator] = [
    .tensor(
      "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d _adaptive_avg_pool2d _adaptive_avg_pool3d",
      "self output_size", average),
    AtenOperator("adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d", "self output_size") {
      (builder, arguments) throws(ScopeError) in
      [.tensor(try maximum(&builder, arguments)), .none]
    },
  ]

  /// The output sizes; nil keeps the size of the input.
  private static func outputSizes(_ arguments: AtenArguments) throws(ScopeError) -> [Int?] {
    let axes = AtenPooling.axes(arguments.operation)
    var sizes: [Int?] = []
    for value in try arguments.values("output_size") {
      if case .none = value {
        sizes.append(nil)
        continue
      }
      guard let size = AtenArguments.int(value), size > 0, size <= 4096 else {
        throw arguments.wrong("output_size", "sizes from 1 to 4096")
      }
      sizes.append(size)
    }
    if sizes.count == 1 { sizes = [Int?](repeating: sizes[0], count: axes) }
    guard sizes.count == axes else { throw arguments.wrong("output_size", "\(axes) sizes") }
    return sizes
  }

  @Sendable private static func average(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenTensor {
    let wanted = try outputSizes(arguments)
    let axes = wanted.count
    let (input, isSingle) = try builder.batched(try arguments.tensor("self"), spatialAxes: axes)
    var output: AtenTensor
    if wanted.allSatisfy({ $0 == 1 }) {
      output = try builder.emit("GlobalAveragePool", [input])
    } else {
      var sizes: [(input: Int, output: Int)] = []
      for (axis, size) in wanted.enumerated() {
        let own = try arguments.size(input, axis + 2)
        sizes.append((own, size ?? own))
      }
      if sizes.allSatisfy({ $0.input % $0.output == 0 }) {
        let kernel = sizes.map { $0.input / $0.output }
        guard kernel.allSatisfy({ $0 > 0 }) else { throw arguments.wrong("self", "an input with elements") }
        output =
          kernel.allSatisfy { $0 == 1 }
          ? input
          : try builder.emit(
            "AveragePool", [input], ["kernel_shape": .ints(kernel), "strides": .ints(kernel)])
      } else {
        guard axes <= 2 else {
          throw ScopeError(
            .unsupported, "adaptive pooling of three axes to sizes that do not divide them is not converted")
        }
        // The mean over a rectangle is the mean of the means over its columns.
        output = input
        for (axis, size) in sizes.enumerated() where size.input != size.output {
          let matrix = try weights(size.input, size.output, isTransposed: axis == axes - 1)
          let operand = try builder.cast(builder.constant(matrix), input.dataType ?? .float32)
          output = try builder.emit("MatMul", axis == axes - 1 ? [output, operand] : [operand, output])
        }
      }
    }
    return isSingle ? try builder.emit("Squeeze", [output, builder.literal([0])]) : output
  }

  /// [out, in] (or its transposed form): row i averages the elements of window i.
  private static func weights(_ size: Int, _ count: Int, isTransposed: Bool) throws(ScopeError) -> Tensor {
    let total = try checkedProduct([size, count], what: "adaptive pooling")
    guard total <= 1 << 22 else {
      throw ScopeError(.limitExceeded, "adaptive pooling of so many elements is not converted")
    }
    var values = [Float](repeating: 0, count: total)
    for row in 0..<count {
      let (start, end) = window(row, size, count)
      for column in start..<end {
        values[isTransposed ? column * count + row : row * size + column] = 1 / Float(end - start)
      }
    }
    return .floats(values, isTransposed ? [size, count] : [count, size])
  }

  private static func window(_ index: Int, _ size: Int, _ count: Int) -> (start: Int, end: Int) {
    (index * size / count, ((index + 1) * size + count - 1) / count)
  }

  @Sendable private static func maximum(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenTensor {
    let wanted = try outputSizes(arguments)
    let axes = wanted.count
    let (input, isSingle) = try builder.batched(try arguments.tensor("self"), spatialAxes: axes)
    var output = input
    if wanted.allSatisfy({ $0 == 1 }) {
      output = try builder.emit("GlobalMaxPool", [input])
    } else {
      for (axis, size) in wanted.enumerated() {
        let own = try arguments.size(input, axis + 2)
        guard let size, size != own else { continue }
        guard size <= 64, own > 0 else {
          throw ScopeError(.unsupported, "adaptive maximum pooling to so many elements is not converted")
        }
        var parts: [AtenTensor] = []
        for index in 0..<size {
          let (start, end) = window(index, own, size)
          let part = try builder.emit(
            "Slice",
            [output, builder.literal([start]), builder.literal([end]), builder.literal([axis + 2])])
          parts.append(
            try builder.emit("ReduceMax", [part, builder.literal([axis + 2])], ["keepdims": .int(1 as Int)]))
        }
        output = parts.count == 1 ? parts[0] : try builder.emit("Concat", parts, ["axis": .int(axis + 2)])
      }
    }
    return isSingle ? try builder.emit("Squeeze", [output, builder.literal([0])]) : output
  }
}
