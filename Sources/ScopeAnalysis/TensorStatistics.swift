import ScopeBytes
import ScopeGraph

/// What the numbers of one tensor are like. Reads every element, a block at a time.
public struct TensorStatistics: Sendable, Hashable {
  /// Of the finite elements; nil without any.
  public var minimum: Double?
  public var maximum: Double?
  public var mean: Double?
  /// Population standard deviation of the finite elements.
  public var standardDeviation: Double?
  public var zeroCount = 0
  public var nanCount = 0
  public var infinityCount = 0
  public var elementCount = 0
  /// Slices along the first axis, of tensors of two or more dimensions, that hold zeros only.
  public var deadChannels: Int?

  /// Share of elements that are exactly zero; nil without elements.
  public var zeroFraction: Double? { elementCount > 0 ? Double(zeroCount) / Double(elementCount) : nil }

  /// - Throws: `unsupported` for strings, complex numbers, packed formats whose elements are not read here, and
  ///   external data that was not opened.
  public init(_ tensor: Tensor) throws(ScopeError) {
    let bytes = try tensor.packedBytes()
    elementCount = tensor.elementCount
    let channels = tensor.dimensions.count >= 2 ? tensor.dimensions[0] : 0
    let channelLength = channels > 0 ? elementCount / channels : 0
    var running = Running()
    // A channel is dead until an element differs from zero.
    var alive = [Bool](repeating: false, count: min(channels, elementCount))
    let width = tensor.dataType.bitWidth
    // Whole bytes for types of less than a byte.
    let block = 1 << 18
    var start = 0
    while start < elementCount {
      let count = min(block, elementCount - start)
      let part = try Tensor(
        dataType: tensor.dataType, dimensions: [count],
        storage: .packed(
          try bytes.slice(at: start * width / 8, count: tensor.dataType.byteCount(elements: count))))
      if tensor.dataType == .float64 {
        running.add(part.storageDoubles)
      } else {
        running.add(try part.floats())
      }
      if channelLength > 0 {
        Self.mark(&alive, running.lastNonZero, start: start, channelLength: channelLength)
      }
      start += count
    }
    zeroCount = running.zeros
    nanCount = running.nans
    infinityCount = running.infinities
    let finite = elementCount - running.nans - running.infinities
    if finite > 0 {
      minimum = running.minimum
      maximum = running.maximum
      mean = running.mean
      standardDeviation = (running.squares / Double(finite)).squareRoot()
    }
    if channels > 0, elementCount > 0 { deadChannels = alive.count { !$0 } }
  }

  /// Marks the channels of the elements that differ from zero.
  private static func mark(_ alive: inout [Bool], _ nonZero: [Bool], start: Int, channelLength: Int) {
    var index = 0
    while index < nonZero.count {
      let channel = (start + index) / channelLength
      guard channel < alive.count else { return }
      if alive[channel] || nonZero[index] {
        alive[channel] = true
        // Nothing more to learn about this channel.
        index = (channel + 1) * channelLength - start
      } else {
        index += 1
      }
    }
  }

  /// Sums over the blocks, merged by the pairwise formula of Chan, Golub and LeVeque (1979).
  private struct Running {
    var count = 0
    var mean = 0.0
    /// Sum of squared deviations from the mean.
    var squares = 0.0
    var minimum = Double.infinity
    var maximum = -Double.infinity
    var zeros = 0
    var nans = 0
    var infinities = 0
    /// Of the last block.
    var lastNonZero: [Bool] = []

    mutating func add<Number: BinaryFloatingPoint>(_ values: [Number]) {
      var sum = 0.0
      var finite = 0
      lastNonZero = [Bool](repeating: true, count: values.count)
      for (index, value) in values.enumerated() {
        if value == 0 {
          zeros += 1
          lastNonZero[index] = false
        }
        guard value.isFinite else {
          if value.isNaN { nans += 1 } else { infinities += 1 }
          continue
        }
        let number = Double(value)
        sum += number
        finite += 1
        minimum = Swift.min(minimum, number)
        maximum = Swift.max(maximum, number)
      }
      guard finite > 0 else { return }
      let blockMean = sum / Double(finite)
      var blockSquares = 0.0
      for value in values where value.isFinite {
        let deviation = Double(value) - blockMean
        blockSquares += deviation * deviation
      }
      let total = count + finite
      let delta = blockMean - mean
      squares += blockSquares + delta * delta * Double(count) * Double(finite) / Double(total)
      mean += delta * Double(finite) / Double(total)
      count = total
    }
  }
}

extension Tensor {
  /// The elements of a packed float64 tensor, unrounded.
  fileprivate var storageDoubles: [Double] {
    if case .packed(let bytes) = storage { bytes.elements(as: Double.self) } else { [] }
  }
}
