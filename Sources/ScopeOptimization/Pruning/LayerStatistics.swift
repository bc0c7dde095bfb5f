import ScopeRuntime

/// Sums over sampled rows of a layer's input patches and of the outputs wanted from it.
struct LayerStatistics: Sendable {
  /// X^T X, [features, features].
  var gram: Matrix
  /// X^T T, [features, outputs].
  var cross: Matrix
  var inputSums: [Double]
  var targetSums: [Double]
  var targetSquares = 0.0
  var rows = 0

  init(features: Int, outputs: Int) {
    gram = Matrix(rows: features, columns: features)
    cross = Matrix(rows: features, columns: outputs)
    inputSums = [Double](repeating: 0, count: features)
    targetSums = [Double](repeating: 0, count: outputs)
  }

  /// - Parameters:
  ///   - inputs: [rows, features], row-major.
  ///   - targets: [rows, outputs], row-major.
  mutating func add(_ inputs: [Float], _ targets: [Float], rows: Int, _ algebra: LinearAlgebra) {
    algebra.addGram(inputs, rows: rows, to: &gram)
    algebra.addCross(inputs, targets, rows: rows, to: &cross)
    Self.addColumns(inputs, to: &inputSums)
    Self.addColumns(targets, to: &targetSums)
    for value in targets { targetSquares += Double(value) * Double(value) }
    self.rows += rows
  }

  mutating func add(_ other: LayerStatistics) {
    for index in gram.values.indices { gram.values[index] += other.gram.values[index] }
    for index in cross.values.indices { cross.values[index] += other.cross.values[index] }
    for index in inputSums.indices { inputSums[index] += other.inputSums[index] }
    for index in targetSums.indices { targetSums[index] += other.targetSums[index] }
    targetSquares += other.targetSquares
    rows += other.rows
  }

  private static func addColumns(_ values: [Float], to sums: inout [Double]) {
    guard !sums.isEmpty else { return }
    var start = 0
    while start + sums.count <= values.count {
      for column in sums.indices { sums[column] += Double(values[start + column]) }
      start += sums.count
    }
  }

  /// Sums of squares and products less those of the means: what a layer with a free bias has to fit.
  var centered: LayerStatistics {
    var result = self
    let scale = 1 / Double(max(rows, 1))
    for row in inputSums.indices {
      for column in inputSums.indices {
        result.gram[row, column] -= inputSums[row] * inputSums[column] * scale
      }
      for column in targetSums.indices {
        result.cross[row, column] -= inputSums[row] * targetSums[column] * scale
      }
    }
    result.targetSquares -= targetSums.reduce(0) { $0 + $1 * $1 } * scale
    return result
  }

  /// ||X W^T - T||^2 from the sums.
  ///
  /// - Parameter weight: [outputs, features].
  func squaredError(_ weight: Matrix, _ algebra: LinearAlgebra) -> Double {
    let product = algebra.multiply(weight, gram)
    var error = targetSquares
    for output in 0..<weight.rows {
      for feature in 0..<weight.columns {
        error += weight[output, feature] * (product[output, feature] - 2 * cross[feature, output])
      }
    }
    return max(error, 0)
  }

  /// The weight that fits the targets best, held near `start`: ||X W^T - T||^2 + ridge ||W - start||^2.
  func fit(from start: Matrix, ridge: Double, _ algebra: LinearAlgebra) -> Matrix? {
    var residual = cross
    let explained = algebra.multiply(gram, start.transposed)
    for index in residual.values.indices { residual.values[index] -= explained.values[index] }
    guard let change = algebra.leastSquares(gram: gram, cross: residual, ridge: ridge) else { return nil }
    var result = start
    let transposed = change.transposed
    for index in result.values.indices { result.values[index] += transposed.values[index] }
    return result
  }
}

/// The order in which a group's channels are removed, and what that costs.
struct EliminationCurve: Sendable {
  /// Channel numbers, the first to go first.
  var order: [Int]
  /// Error after removing the first k + 1 of `order`, relative to the variance of the following layers' outputs.
  var errors: [Double]
  /// The readers' weights, [outputs, features] each, refitted after some of the removals; zero where channels went.
  var fitted: [Matrix] = []

  func error(removing count: Int) -> Double { count > 0 ? errors[min(count, errors.count) - 1] : 0 }
}

/// Greedy removal of the channels whose loss the remaining weights of the following layers can make up for best.
///
/// With H = X^T X + ridge and a layer's weights W, removing the features S and refitting the others optimally costs
/// tr(W_S (H^-1_SS)^-1 W_S^T) (optimal brain surgeon, Hassibi & Stork 1993, for groups of weights).
struct ChannelElimination {
  /// A layer that reads the channels.
  struct Reader {
    var node: Int
    /// Mean of each feature.
    var means: [Double]
    /// Centred, [features, features].
    var gram: Matrix
    /// [outputs, features].
    var weight: Matrix
    /// Features of each channel.
    var positions: [[Int]]
  }

  private struct State {
    var inverse: Matrix
    var weight: Matrix
    let positions: [[Int]]
    let scale: Double
  }

  /// - Parameters:
  ///   - snapshot: removals after which the refitted weights are kept.
  ///   - stopsAtSnapshot: leaves the other channels out of the curve.
  /// - Returns: nil when a reader's sums are not numbers.
  static func curve(
    _ readers: [Reader], channels: Int, ridge: Double, snapshot: Int, stopsAtSnapshot: Bool = false,
    _ algebra: LinearAlgebra
  )
    -> EliminationCurve?
  {
    var states: [State] = []
    for reader in readers {
      let product = algebra.multiply(reader.weight, reader.gram)
      var variance = 0.0
      for index in product.values.indices { variance += product.values[index] * reader.weight.values[index] }
      let size = reader.gram.rows
      let mean = (0..<size).reduce(0) { $0 + reader.gram[$1, $1] } / Double(max(size, 1))
      guard mean.isFinite, variance.isFinite else { return nil }
      var damped = reader.gram
      for index in 0..<size { damped[index, index] += max(ridge * mean, 1e-12) }
      guard let inverse = algebra.inverse(damped) else { return nil }
      states.append(
        State(
          inverse: inverse, weight: reader.weight, positions: reader.positions,
          scale: 1 / max(variance, .leastNormalMagnitude)))
    }
    var remaining = Array(0..<channels)
    var result = EliminationCurve(order: [], errors: [])
    var total = 0.0
    // Several at a time where there are many: each round costs the square of the features.
    let perRound = max(1, channels / 48)
    while !remaining.isEmpty {
      var losses: [(loss: Double, channel: Int)] = []
      for channel in remaining {
        var loss = 0.0
        for state in states { loss += Self.loss(state, channel, algebra) * state.scale }
        losses.append((loss.isFinite ? loss : .greatestFiniteMagnitude, channel))
      }
      losses.sort { ($0.loss, $0.channel) < ($1.loss, $1.channel) }
      for (_, channel) in losses.prefix(perRound) {
        for index in states.indices {
          total += Self.loss(states[index], channel, algebra) * states[index].scale
          Self.remove(&states[index], channel, algebra)
        }
        result.order.append(channel)
        result.errors.append(total)
        remaining.removeAll { $0 == channel }
        if result.order.count == snapshot {
          result.fitted = states.map(\.weight)
          if stopsAtSnapshot { return result }
        }
      }
    }
    return result
  }

  private static func loss(_ state: State, _ channel: Int, _ algebra: LinearAlgebra) -> Double {
    let positions = state.positions[channel]
    guard let first = positions.first else { return 0 }
    if positions.count == 1 {
      var sum = 0.0
      for output in 0..<state.weight.rows { sum += state.weight[output, first] * state.weight[output, first] }
      return sum / max(state.inverse[first, first], .leastNormalMagnitude)
    }
    guard let block = algebra.inverse(state.inverse.submatrix(positions)) else { return 0 }
    let weights = state.weight.submatrix(Array(0..<state.weight.rows), columns: positions)
    let product = algebra.multiply(weights, block)
    var sum = 0.0
    for index in product.values.indices { sum += product.values[index] * weights.values[index] }
    return sum
  }

  /// Refits the remaining weights and takes the channel out of the inverse.
  private static func remove(_ state: inout State, _ channel: Int, _ algebra: LinearAlgebra) {
    let positions = state.positions[channel]
    guard !positions.isEmpty, let block = algebra.inverse(state.inverse.submatrix(positions)) else { return }
    let rows = state.inverse.submatrix(positions, columns: Array(0..<state.inverse.columns))  // [S, features]
    let step = algebra.multiply(block, rows)
    let weights = state.weight.submatrix(Array(0..<state.weight.rows), columns: positions)
    let change = algebra.multiply(weights, step)
    for index in state.weight.values.indices { state.weight.values[index] -= change.values[index] }
    let shrink = algebra.multiply(rows.transposed, step)
    for index in state.inverse.values.indices { state.inverse.values[index] -= shrink.values[index] }
    // What is gone stays gone in spite of rounding.
    for position in positions {
      for output in 0..<state.weight.rows { state.weight[output, position] = 0 }
      for other in 0..<state.inverse.columns {
        state.inverse[position, other] = 0
        state.inverse[other, position] = 0
      }
      state.inverse[position, position] = 1
    }
  }
}
