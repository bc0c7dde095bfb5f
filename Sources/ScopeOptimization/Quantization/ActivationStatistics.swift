/// Streaming statistics of one activation: extremes, a histogram whose range doubles when a larger value arrives, and
/// moments per channel. Memory does not grow with the data.
package struct ActivationStatistics: Sendable {
  /// Bins on each side of zero.
  package static let bins = 2048

  package private(set) var minimum: Float = .infinity
  package private(set) var maximum: Float = -.infinity
  package private(set) var count = 0
  /// The histogram covers [-limit, limit]; zero until the first value that is not zero.
  package private(set) var limit: Float = 0
  /// Counts of values x >= 0 by x / limit, and of values x < 0 by -x / limit.
  package private(set) var positive = [Int](repeating: 0, count: bins)
  package private(set) var negative = [Int](repeating: 0, count: bins)
  /// Values that are exactly zero; they are part of `positive[0]`.
  package private(set) var zeros = 0
  package private(set) var channelSums: [Double] = []
  package private(set) var channelSquares: [Double] = []
  /// Largest magnitude per channel.
  package private(set) var channelMagnitudes: [Float] = []
  package private(set) var samplesPerChannel = 0
  /// NaN or infinity was seen.
  package private(set) var hasInvalidValues = false

  package init() {}

  /// Mean per channel over all other axes; empty before any data.
  package var channelMeans: [Double] {
    samplesPerChannel > 0 ? channelSums.map { $0 / Double(samplesPerChannel) } : []
  }

  /// Mean square per channel over all other axes; empty before any data.
  package var channelSecondMoments: [Double] {
    samplesPerChannel > 0 ? channelSquares.map { $0 / Double(samplesPerChannel) } : []
  }

  /// Adds an activation of shape `dimensions`.
  ///
  /// - Parameter channelAxis: the axis of the channels: 1 for what convolutions read, [N, C, ...]; -1, the last, for what
  ///   matrix products read, [..., C].
  package mutating func add(_ values: [Float], dimensions: [Int], channelAxis: Int = 1) {
    guard !values.isEmpty else { return }
    let axis = channelAxis < 0 ? dimensions.count - 1 : channelAxis
    let channels = dimensions.indices.contains(axis) && dimensions.count > 1 ? dimensions[axis] : 1
    let plane = dimensions.indices.contains(axis) ? dimensions.dropFirst(axis + 1).reduce(1, *) : 1
    guard channels > 0, plane > 0, values.count % (channels * plane) == 0 else { return }
    if channelSums.count != channels {
      channelSums = [Double](repeating: 0, count: channels)
      channelSquares = channelSums
      channelMagnitudes = [Float](repeating: 0, count: channels)
      samplesPerChannel = 0
    }
    values.withUnsafeBufferPointer { buffer in
      if plane == 1, channels > 1 {
        merge(PlaneSummary(buffer))
        addRows(buffer)
      } else {
        var channel = 0
        for start in stride(from: 0, to: buffer.count, by: plane) {
          let summary = PlaneSummary(UnsafeBufferPointer(rebasing: buffer[start..<start + plane]))
          merge(summary)
          channelSums[channel] += summary.sum
          channelSquares[channel] += summary.squares
          channelMagnitudes[channel] = max(channelMagnitudes[channel], summary.maximum, -summary.minimum)
          channel = channel + 1 < channels ? channel + 1 : 0
        }
      }
    }
    samplesPerChannel += values.count / channels
    count += values.count
    guard !hasInvalidValues else { return }
    widen(to: max(maximum, -minimum))
    guard limit > 0 else {
      positive[0] += values.count
      return
    }
    values.withUnsafeBufferPointer { tally($0) }
  }

  private mutating func merge(_ summary: PlaneSummary) {
    minimum = min(minimum, summary.minimum)
    maximum = max(maximum, summary.maximum)
    zeros += summary.zeros
    if !summary.isFinite { hasInvalidValues = true }
  }

  /// Moments of rows whose last axis is the channels.
  private mutating func addRows(_ buffer: UnsafeBufferPointer<Float>) {
    let channels = channelSums.count
    channelSums.withUnsafeMutableBufferPointer { sums in
      channelSquares.withUnsafeMutableBufferPointer { squares in
        channelMagnitudes.withUnsafeMutableBufferPointer { magnitudes in
          for start in stride(from: 0, to: buffer.count, by: channels) {
            for channel in 0..<channels {
              let value = buffer[start + channel]
              let wide = Double(value)
              sums[channel] += wide
              squares[channel] += wide * wide
              let magnitude = abs(value)
              magnitudes[channel] = magnitude > magnitudes[channel] ? magnitude : magnitudes[channel]
            }
          }
        }
      }
    }
  }

  // MARK: Histogram

  /// Counts finite values, none beyond `limit`: bins by vector instructions, counts into two histograms in turn, because
  /// an increment must wait for the one before it in the same bin.
  private mutating func tally(_ buffer: UnsafeBufferPointer<Float>) {
    let scale = Float(Self.bins) / limit
    guard buffer.count >= 2 * Self.bins, let base = buffer.baseAddress else {
      for value in buffer {
        let bin = Int(min(max(abs(value) * scale - 0.5, 0), Float(Self.bins - 1)).rounded(.toNearestOrEven))
        if value < 0 { negative[bin] += 1 } else { positive[bin] += 1 }
      }
      return
    }
    let width = 16
    let block = 1024
    let raw = UnsafeRawPointer(base)
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 4 * Self.bins + block) { memory in
      memory.initialize(repeating: 0)
      let indices = UnsafeMutableBufferPointer(rebasing: memory[(4 * Self.bins)...])
      guard let indexBase = indices.baseAddress else { return }
      let target = UnsafeMutableRawPointer(indexBase)
      let highest = SIMD16<Float>(repeating: Float(Self.bins - 1))
      let half = SIMD16<Float>(repeating: 0.5)
      var position = 0
      while position < buffer.count {
        // The last block ends with the buffer; what overlaps the one before is skipped.
        let count = min(block, buffer.count - position)
        let whole = count / width * width
        for offset in stride(from: 0, to: whole, by: width) {
          let vector = raw.loadUnaligned(fromByteOffset: (position + offset) * 4, as: SIMD16<Float>.self)
          let below = vector .< 0
          var scaled = vector.replacing(with: -vector, where: below) * scale - half
          scaled.replace(with: 0, where: scaled .< 0)
          scaled.replace(with: highest, where: scaled .> highest)
          // Adding 2^23 leaves the rounded integer in the mantissa.
          var bins = unsafeBitCast(scaled + 0x1p23, to: SIMD16<UInt32>.self) & 0x7F_FFFF
          bins.replace(with: bins | UInt32(Self.bins), where: below)
          target.storeBytes(of: bins, toByteOffset: offset * 4, as: SIMD16<UInt32>.self)
        }
        for offset in whole..<count {
          let value = buffer[position + offset]
          let bin = UInt32(
            min(max(abs(value) * scale - 0.5, 0), Float(Self.bins - 1)).rounded(.toNearestOrEven))
          indices[offset] = value < 0 ? bin | UInt32(Self.bins) : bin
        }
        var offset = 0
        while offset + 1 < count {
          memory[Int(indices[offset])] &+= 1
          memory[Int(indices[offset + 1]) + 2 * Self.bins] &+= 1
          offset += 2
        }
        if offset < count { memory[Int(indices[offset])] &+= 1 }
        position += count
      }
      for bin in 0..<Self.bins {
        positive[bin] += Int(memory[bin]) + Int(memory[bin + 2 * Self.bins])
        negative[bin] += Int(memory[bin + Self.bins]) + Int(memory[bin + 3 * Self.bins])
      }
    }
  }

  /// Doubles the covered range until it holds `magnitude`, merging neighbouring bins.
  private mutating func widen(to magnitude: Float) {
    guard magnitude > limit else { return }
    guard limit > 0 else {
      // Below this the bins' width would be subnormal.
      limit = max(magnitude, 1e-30)
      return
    }
    while limit < magnitude {
      guard limit <= .greatestFiniteMagnitude / 2 else {
        limit = .greatestFiniteMagnitude
        return
      }
      limit *= 2
      for bin in 0..<Self.bins / 2 {
        positive[bin] = positive[2 * bin] + positive[2 * bin + 1]
        negative[bin] = negative[2 * bin] + negative[2 * bin + 1]
      }
      for bin in Self.bins / 2..<Self.bins {
        positive[bin] = 0
        negative[bin] = 0
      }
    }
  }
}

/// Extremes, sums and zeros of a run of numbers.
package struct PlaneSummary {
  package var minimum: Float
  package var maximum: Float
  package var sum: Double
  package var squares: Double
  package var zeros: Int
  /// Neither NaN nor infinity is among the numbers.
  package var isFinite: Bool

  package init(_ values: UnsafeBufferPointer<Float>) {
    var low = Float.infinity
    var high = -Float.infinity
    var total = 0.0
    var totalSquares = 0.0
    var zeros = 0
    var position = 0
    let width = 16
    if values.count >= width, let base = values.baseAddress {
      let raw = UnsafeRawPointer(base)
      var lows = SIMD16<Float>(repeating: .infinity)
      var highs = SIMD16<Float>(repeating: -.infinity)
      while position + width <= values.count {
        // Single-precision partial sums of at most 256 vectors, then double: no loss that matters.
        var partial = SIMD16<Float>()
        var partialSquares = SIMD16<Float>()
        var notZero = SIMD16<UInt32>()
        let start = position
        let end = min(position + width * 256, values.count / width * width)
        while position < end {
          let vector = raw.loadUnaligned(fromByteOffset: position * 4, as: SIMD16<Float>.self)
          lows.replace(with: vector, where: vector .< lows)
          highs.replace(with: vector, where: vector .> highs)
          partial += vector
          partialSquares += vector * vector
          notZero = notZero &+ SIMD16<UInt32>().replacing(with: 1, where: vector .!= 0)
          position += width
        }
        for lane in 0..<width {
          total += Double(partial[lane])
          totalSquares += Double(partialSquares[lane])
        }
        zeros += position - start - Int(notZero.wrappedSum())
      }
      for lane in 0..<width {
        if lows[lane] < low { low = lows[lane] }
        if highs[lane] > high { high = highs[lane] }
      }
    }
    while position < values.count {
      let value = values[position]
      if value < low { low = value }
      if value > high { high = value }
      if value == 0 { zeros += 1 }
      total += Double(value)
      totalSquares += Double(value) * Double(value)
      position += 1
    }
    isFinite = true
    if !total.isFinite || !totalSquares.isFinite {
      // Rare: huge numbers overflow the single-precision sums; NaN and infinity are told apart from them here.
      total = 0
      totalSquares = 0
      for value in values {
        if !value.isFinite { isFinite = false }
        total += Double(value)
        totalSquares += Double(value) * Double(value)
      }
    }
    minimum = low
    maximum = high
    sum = total
    squares = totalSquares
    self.zeros = zeros
  }
}
