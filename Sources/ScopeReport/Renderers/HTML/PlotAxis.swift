/// An axis over positive values, with a margin; logarithmic where they span much, so that neighbours stay apart.
struct PlotAxis {
  /// Largest over smallest value from which the axis is logarithmic.
  private static let spanOfLogarithm = 6.0

  let low: Double
  let high: Double
  let isLogarithmic: Bool

  init(_ values: [Double]) {
    let values = values.filter { $0.isFinite && $0 > 0 }
    let smallest = values.min() ?? 1
    let largest = values.max() ?? 1
    isLogarithmic = largest / smallest > PlotAxis.spanOfLogarithm
    if isLogarithmic {
      let margin = 0.08 * (PlotMath.log10(largest) - PlotMath.log10(smallest))
      low = PlotMath.power10(PlotMath.log10(smallest) - margin)
      high = PlotMath.power10(PlotMath.log10(largest) + margin)
    } else {
      let margin = 0.1 * max(largest - smallest, 0.2 * largest)
      low = max(0, smallest - margin)
      high = largest + margin
    }
  }

  /// Share of the axis, 0 to 1 for what lies on it.
  func place(_ value: Double) -> Double {
    guard high > low else { return 0.5 }
    if isLogarithmic {
      let start = PlotMath.log10(low)
      return (PlotMath.log10(value) - start) / (PlotMath.log10(high) - start)
    }
    return (value - low) / (high - low)
  }

  /// 1, 2 or 5 times powers of ten, at most about eight.
  var ticks: [Double] {
    if isLogarithmic {
      let exponents = stride(from: PlotMath.floorLog(low), through: PlotMath.ceilLog(high), by: 1)
      let factors: [Double] = high / low > 1000 ? [1] : [1, 2, 5]
      return exponents.flatMap { exponent in factors.map { $0 * PlotMath.power10(exponent) } }
        .filter { $0 >= low && $0 <= high }
    }
    let power = PlotMath.power10(PlotMath.floorLog((high - low) / 5))
    let step = [1.0, 2, 5, 10].map { $0 * power }.first { (high - low) / $0 <= 6 } ?? 10 * power
    guard step > 0, step.isFinite else { return [] }
    return stride(from: (low / step).rounded(.up) * step, through: high, by: step).map { $0 }
  }
}
