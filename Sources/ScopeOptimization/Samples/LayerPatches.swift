import ScopeGraph
import ScopeRuntime
import ScopeStatistics

/// What a Conv, Gemm or MatMul multiplies its weight with: rows of input patches at chosen output positions.
///
/// A row's order is that of the weight behind its output channel: [C / group, kh, kw] for a convolution, the input
/// features for a matrix product.
package struct LayerPatches: Sendable {
  /// An output position: sample, and row and column for a convolution; for a matrix product the flat row index.
  package struct Position: Sendable, Hashable {
    package var sample: Int
    package var row = 0
    package var column = 0
  }

  package let isConvolution: Bool
  package let group: Int
  /// Input channels of one group, or input features.
  package let inputs: Int
  private let kernel: (height: Int, width: Int)
  private let strides: (height: Int, width: Int)
  private let dilations: (height: Int, width: Int)
  /// Nil with an automatic padding other than VALID.
  private let pads: (top: Int, left: Int, bottom: Int, right: Int)?
  private let padsAtStart: Bool

  /// Length of a row.
  package var length: Int { inputs * kernel.height * kernel.width }

  /// Nil for other operators and for convolutions over more than two axes.
  ///
  /// - Parameter weightDimensions: of the weight as it is stored.
  package init?(_ node: Node, weightDimensions dimensions: [Int]) {
    func pair(_ values: [Int]?) -> (height: Int, width: Int)? {
      guard let values else { return (1, 1) }
      switch values.count {
      case 1: return (1, values[0])
      case 2: return (values[0], values[1])
      default: return nil
      }
    }
    if node.isStandard("Conv") {
      guard dimensions.count == 3 || dimensions.count == 4, let kernel = pair(Array(dimensions.dropFirst(2))),
        let strides = pair(node.ints("strides")), let dilations = pair(node.ints("dilations"))
      else { return nil }
      isConvolution = true
      group = max(node.int("group") ?? 1, 1)
      inputs = dimensions[1]
      self.kernel = kernel
      self.strides = strides
      self.dilations = dilations
      padsAtStart = node.string("auto_pad") == "SAME_LOWER"
      let spatial = dimensions.count - 2
      let list = node.ints("pads") ?? [Int](repeating: 0, count: 2 * spatial)
      switch node.string("auto_pad") ?? "NOTSET" {
      case "NOTSET":
        guard list.count == 2 * spatial else { return nil }
        pads = spatial == 1 ? (0, list[0], 0, list[1]) : (list[0], list[1], list[2], list[3])
      case "VALID": pads = (0, 0, 0, 0)
      default: pads = nil
      }
    } else if node.isStandard("Gemm") || node.isStandard("MatMul") {
      guard dimensions.count == 2, node.int("transA") ?? 0 == 0 else { return nil }
      isConvolution = false
      group = 1
      inputs = node.int("transB") ?? 0 == 0 ? dimensions[0] : dimensions[1]
      (kernel, strides, dilations) = ((1, 1), (1, 1), (1, 1))
      pads = (0, 0, 0, 0)
      padsAtStart = false
    } else {
      return nil
    }
  }

  /// Height and width of the output and the padding before its first row and column.
  private func extent(_ dimensions: [Int]) -> (height: Int, width: Int, top: Int, left: Int) {
    let (height, width) = Self.plane(dimensions)
    func size(_ input: Int, _ kernel: Int, _ stride: Int, _ dilation: Int, _ padding: Int?) -> (Int, Int) {
      let window = (kernel - 1) * dilation + 1
      if let padding { return (max((input + padding - window) / stride + 1, 0), 0) }
      let output = (input + stride - 1) / stride
      let total = max((output - 1) * stride + window - input, 0)
      return (output, padsAtStart ? total - total / 2 : total / 2)
    }
    let (rows, top) = size(
      height, kernel.height, strides.height, dilations.height, pads.map { $0.top + $0.bottom })
    let (columns, left) = size(
      width, kernel.width, strides.width, dilations.width, pads.map { $0.left + $0.right })
    return (rows, columns, pads?.top ?? top, pads?.left ?? left)
  }

  /// [.., C, H, W] or [.., C, W] as a plane.
  private static func plane(_ dimensions: [Int]) -> (height: Int, width: Int) {
    dimensions.count >= 4 ? (dimensions[2], dimensions[3]) : (1, dimensions.last ?? 1)
  }

  /// Output positions for an input of shape `dimensions`: all of them, or `limit` drawn without order.
  package func positions(
    _ dimensions: [Int], limit: Int, using generator: inout SplitMix64
  ) -> [Position] {
    let samples = dimensions.first ?? 0
    guard isConvolution else {
      let rows = dimensions.dropLast().reduce(1, *)
      guard rows > limit else { return (0..<rows).map { Position(sample: $0) } }
      return (0..<limit).map { _ in Position(sample: Int.random(in: 0..<rows, using: &generator)) }
    }
    let (height, width, _, _) = extent(dimensions)
    let total = samples * height * width
    func position(_ index: Int) -> Position {
      Position(sample: index / (height * width), row: index / width % height, column: index % width)
    }
    guard total > limit else { return (0..<total).map(position) }
    return (0..<limit).map { _ in position(Int.random(in: 0..<total, using: &generator)) }
  }

  /// Patches at `positions` of one group's channels, [positions.count, length] row-major; padding is zero.
  package func rows(_ input: HostArray, at positions: [Position], group index: Int = 0) -> [Float] {
    let values = input.floats
    guard isConvolution else {
      var result: [Float] = []
      result.reserveCapacity(positions.count * inputs)
      for position in positions {
        result.append(contentsOf: values[position.sample * inputs..<(position.sample + 1) * inputs])
      }
      return result
    }
    let (height, width) = Self.plane(input.dimensions)
    let (_, _, top, left) = extent(input.dimensions)
    let channels = input.dimensions.count > 1 ? input.dimensions[1] : 1
    var result = [Float](repeating: 0, count: positions.count * length)
    values.withUnsafeBufferPointer { values in
      result.withUnsafeMutableBufferPointer { result in
        for (number, position) in positions.enumerated() {
          let firstRow = position.row * strides.height - top
          let firstColumn = position.column * strides.width - left
          for channel in 0..<inputs {
            let plane = (position.sample * channels + index * inputs + channel) * height * width
            var target = number * length + channel * kernel.height * kernel.width
            for y in 0..<kernel.height {
              let row = firstRow + y * dilations.height
              guard row >= 0, row < height else {
                target += kernel.width
                continue
              }
              for x in 0..<kernel.width {
                let column = firstColumn + x * dilations.width
                if column >= 0, column < width { result[target] = values[plane + row * width + column] }
                target += 1
              }
            }
          }
        }
      }
    }
    return result
  }

  /// Values of `channels` of the layer's output, or of anything of that shape, at `positions`:
  /// [positions.count, channels.count] row-major.
  package func outputs(_ output: HostArray, at positions: [Position], channels: [Int]) -> [Float] {
    let values = output.floats
    var result: [Float] = []
    result.reserveCapacity(positions.count * channels.count)
    if isConvolution {
      let (height, width) = Self.plane(output.dimensions)
      let count = output.dimensions.count > 1 ? output.dimensions[1] : 1
      for position in positions {
        let offset = position.row * width + position.column
        for channel in channels {
          result.append(values[(position.sample * count + channel) * height * width + offset])
        }
      }
    } else {
      let width = output.dimensions.last ?? 1
      for position in positions {
        for channel in channels { result.append(values[position.sample * width + channel]) }
      }
    }
    return result
  }
}
