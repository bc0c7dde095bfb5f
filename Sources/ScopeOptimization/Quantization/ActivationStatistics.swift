/// Streaming statistics of one activation: extremes, a histogram whose range doubles when a larger value arrives, and
/// the mean per channel. Memory does not grow with the data.
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
  package private(set) var channelSums: [Double] = []
  package private(set) var samplesPerChannel = 0
  /// NaN or infinity was seen.
  package private(set) var hasInvalidValues = false

  package init() {}

  /// Mean per channel (axis 1) over batch and space; empty before any data.
  package var channelMeans: [Double] {
    samplesPerChannel > 0 ? channelSums.map { $0 / Double(samplesPerChannel) } : []
  }

  /// Adds an activation of shape `dimensions`, [N, C, ...].
  ///
  /// - Parameter histogramStride: every how many elements one enters the histogram; extremes and means use all.
  package mutating func add(_ values: [Float], dimensions: [Int], histogramStride: Int) {
    guard !values.isEmpty else { return }
    let channels = dimensions.count >= 2 ? dimensions[1] : 1
    let plane = max(dimensions.dropFirst(2).reduce(1, *), 1)
    if channelSums.count != channels {
      channelSums = [Double](repeating: 0, count: channels)
      samplesPerChannel = 0
    }
    var low = minimum
    var high = maximum
    values.withUnsafeBufferPointer { buffer in
      for (index, start) in stride(from: 0, to: buffer.count, by: plane).enumerated() {
        let summary = PlaneSummary(
          UnsafeBufferPointer(rebasing: buffer[start..<min(start + plane, buffer.count)]))
        low = summary.minimum < low ? summary.minimum : low
        high = summary.maximum > high ? summary.maximum : high
        if !summary.sum.isFinite { hasInvalidValues = true }
        channelSums[index % channels] += summary.sum
      }
    }
    samplesPerChannel += values.count / channels
    count += values.count
    minimum = low
    maximum = high
    guard !hasInvalidValues, high.isFinite, low.isFinite else {
      hasInvalidValues = true
      return
    }
    widen(to: max(high, -low))
    guard limit > 0 else {
      positive[0] += (values.count + histogramStride - 1) / histogramStride
      return
    }
    let scale = Float(Self.bins) / limit
    let last = Self.bins - 1
    values.withUnsafeBufferPointer { buffer in
      positive.withUnsafeMutableBufferPointer { positive in
        negative.withUnsafeMutableBufferPointer { negative in
          var position = 0
          while position < buffer.count {
            let value = buffer[position]
            if value >= 0 {
              positive[min(Int(value * scale), last)] += 1
            } else {
              negative[min(Int(-value * scale), last)] += 1
            }
            position += histogramStride
          }
        }
      }
    }
  }

  /// Doubles the covered range until it holds `magnitude`, merging neighbouring bins.
  private mutating func widen(to magnitude: Float) {
    guard magnitude > limit else { return }
    guard limit > 0 else {
      limit = magnitude
      return
    }
    while limit < magnitude {
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

/// Minimum, maximum and sum of a run of numbers.
package struct PlaneSummary {
  package var minimum: Float
  package var maximum: Float
  package var sum: Double

  package init(_ values: UnsafeBufferPointer<Float>) {
    var low = Float.infinity
    var high = -Float.infinity
    var total = 0.0
    var position = 0
    let width = 16
    if values.count >= width, let base = values.baseAddress {
      let raw = UnsafeRawPointer(base)
      var lows = SIMD16<Float>(repeating: .infinity)
      var highs = SIMD16<Float>(repeating: -.infinity)
      while position + width <= values.count {
        // Single-precision partial sums of at most 256 vectors, then double: no loss that matters.
        var partial = SIMD16<Float>()
        let end = min(position + width * 256, values.count / width * width)
        while position < end {
          let vector = raw.loadUnaligned(fromByteOffset: position * 4, as: SIMD16<Float>.self)
          lows.replace(with: vector, where: vector .< lows)
          highs.replace(with: vector, where: vector .> highs)
          partial += vector
          position += width
        }
        for lane in 0..<width { total += Double(partial[lane]) }
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
      total += Double(value)
      position += 1
    }
    minimum = low
    maximum = high
    sum = total
  }
}
