import ScopeStatistics

/// Random search with square patches: sees only the logits, so it does not care about broken gradients.
///
/// Andriushchenko et al. 2020, arXiv:1912.00049, algorithms 1 to 3, on the margin of the label, with the sizes of
/// AutoAttack (initial share 0.8, schedule rescaled to the queries).
package struct SquareAttack: ImageAttack {
  private let image: AttackedImage
  private let ball: Ball
  private let queries: Int
  private var generator: SplitMix64
  private var asked = 0
  private var best: [Float]
  private var bestMargin = Float.infinity
  /// Pixels that the point asked about differs from ``best`` in; the rest need not be copied back.
  package private(set) var point: [Float]
  package private(set) var adversarial: [Float]?

  package init(
    _ image: AttackedImage, norm: PerturbationNorm, epsilon: Float, queries: Int, seed: UInt64
  ) {
    self.image = image
    self.queries = queries
    ball = Ball(center: image.pixels, norm: norm, radius: epsilon)
    generator = SplitMix64(seed: seed, stream: UInt64(image.position))
    best = image.pixels
    point = image.pixels
    if norm == .linf { startWithStripes() } else { startWithTiles() }
  }

  package var query: AttackQuery { .logits }

  package mutating func receive(_ answer: AttackAnswer) -> Bool {
    let margin = answer.margin(image.label)
    asked += 1
    if margin <= 0 {
      adversarial = point
      return true
    }
    if margin < bestMargin {
      bestMargin = margin
      best = point
    } else {
      point = best
    }
    guard asked < queries else { return true }
    if ball.norm == .linf { proposeSquare() } else { proposeBump() }
    return false
  }

  /// Share of the image that a patch covers, halved along the way.
  private var share: Float {
    let progress = Int(Double(asked - 1) / Double(queries) * 10_000)
    let halvings = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000].count { progress > $0 }
    return 0.8 / Float(1 << halvings)
  }

  private mutating func sign() -> Float { generator.next() & 1 == 0 ? 1 : -1 }

  private mutating func place(_ size: Int, in extent: Int) -> Int {
    extent > size ? Int.random(in: 0..<extent - size, using: &generator) : 0
  }

  // MARK: Linf

  /// Vertical stripes of +- epsilon, a sign per channel and column.
  private mutating func startWithStripes() {
    for channel in 0..<image.channels {
      for column in 0..<image.width {
        let change = ball.radius * sign()
        for row in 0..<image.height {
          point[(channel * image.height + row) * image.width + column] += change
        }
      }
    }
    ball.project(&point)
    best = point
  }

  /// A square set to +- epsilon around the original, a sign per channel.
  private mutating func proposeSquare() {
    let area = share * Float(image.height * image.width)
    let side = min(max(Int(area.squareRoot().rounded()), 1), image.height, image.width)
    let (top, left) = (place(side, in: image.height), place(side, in: image.width))
    for channel in 0..<image.channels {
      let change = 2 * ball.radius * sign()
      for row in top..<top + side {
        for column in left..<left + side {
          let index = (channel * image.height + row) * image.width + column
          let low = max(image.pixels[index] - ball.radius, 0)
          let high = min(image.pixels[index] + ball.radius, 1)
          point[index] = min(max(point[index] + change, low), high)
        }
      }
    }
  }

  // MARK: L2

  /// A tiling of bumps, scaled to the ball's surface.
  private mutating func startWithTiles() {
    let side = max(image.height / 5, 1)
    var change = [Float](repeating: 0, count: point.count)
    let margin = max((image.height - side * 5) / 2, 0)
    for tileRow in 0..<image.height / side {
      for tileColumn in 0..<image.width / side {
        let bump = bump(side)
        for channel in 0..<image.channels {
          let own = sign()
          for row in 0..<side {
            for column in 0..<side {
              let (y, x) = (margin + tileRow * side + row, margin + tileColumn * side + column)
              guard y < image.height, x < image.width else { continue }
              change[(channel * image.height + y) * image.width + x] += own * bump[row * side + column]
            }
          }
        }
      }
    }
    apply(change)
    best = point
  }

  /// point = the original plus the change stretched to the ball's surface, within [0, 1].
  private mutating func apply(_ change: [Float]) {
    var squares = 0.0
    for value in change { squares += Double(value) * Double(value) }
    let scale = ball.radius / (Float(squares.squareRoot()) + 1e-12)
    for index in point.indices { point[index] = min(max(image.pixels[index] + change[index] * scale, 0), 1) }
  }

  /// Moves the energy of one window into another, where it is added to what is there as a bump.
  private mutating func proposeBump() {
    let area = share * Float(image.height * image.width)
    var side = max(Int(area.squareRoot().rounded()), 3)
    if side % 2 == 0 { side += 1 }
    side = min(side, image.height, image.width)
    let (top, left) = (place(side, in: image.height), place(side, in: image.width))
    let (otherTop, otherLeft) = (place(side, in: image.height), place(side, in: image.width))
    var change = zip(best, image.pixels).map { $0 - $1 }
    let radius = Double(ball.radius)
    let whole = change.reduce(0.0) { $0 + Double($1) * Double($1) }
    var inWindows = 0.0
    for channel in 0..<image.channels {
      for y in 0..<image.height {
        for x in 0..<image.width {
          let isFirst = (top..<top + side).contains(y) && (left..<left + side).contains(x)
          let isOther = (otherTop..<otherTop + side).contains(y) && (otherLeft..<otherLeft + side).contains(x)
          guard isFirst || isOther else { continue }
          let value = Double(change[(channel * image.height + y) * image.width + x])
          inWindows += value * value
        }
      }
    }
    let spare = max(radius * radius - whole, 0) / Double(image.channels)
    let energy = Float((spare + inWindows).squareRoot())
    let bump = bump(side)
    var fresh: [[Float]] = []
    for channel in 0..<image.channels {
      var old = [Float](repeating: 0, count: side * side)
      for row in 0..<side {
        for column in 0..<side {
          old[row * side + column] =
            change[(channel * image.height + top + row) * image.width + left + column]
        }
      }
      let oldLength = Self.length(old)
      let own = sign()
      var sum = bump.indices.map { own * bump[$0] + old[$0] / (oldLength + 1e-12) }
      let length = Self.length(sum)
      for index in sum.indices { sum[index] *= energy / (length + 1e-12) }
      fresh.append(sum)
    }
    for channel in 0..<image.channels {
      for row in 0..<side {
        for column in 0..<side {
          change[(channel * image.height + otherTop + row) * image.width + otherLeft + column] = 0
        }
      }
    }
    for channel in 0..<image.channels {
      for row in 0..<side {
        for column in 0..<side {
          change[(channel * image.height + top + row) * image.width + left + column] =
            fresh[channel][row * side + column]
        }
      }
    }
    apply(change)
  }

  private static func length(_ values: [Float]) -> Float {
    Float(values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
  }

  /// Two opposite pyramids side by side of length one, turned at random.
  private mutating func bump(_ side: Int) -> [Float] {
    var values = [Float](repeating: 0, count: side * side)
    func pyramid(rows: Range<Int>, sign: Float) {
      guard !rows.isEmpty else { return }
      let (height, width) = (rows.count, side)
      let (centerRow, centerColumn) = (height / 2 + 1, width / 2 + 1)
      var part = [Float](repeating: 0, count: height * width)
      var (y, x) = (centerRow - 1, centerColumn - 1)
      for ring in 0..<max(centerRow, centerColumn) {
        let size = 2 * ring + 1
        for row in max(y, 0)..<max(min(y + size, height), max(y, 0)) {
          for column in max(x, 0)..<max(min(x + size, width), max(x, 0)) {
            part[row * width + column] += 1 / Float((ring + 1) * (ring + 1))
          }
        }
        y -= 1
        x -= 1
      }
      let length = Self.length(part)
      for row in 0..<height {
        for column in 0..<width {
          values[(rows.lowerBound + row) * side + column] = sign * part[row * width + column] / length
        }
      }
    }
    pyramid(rows: 0..<side / 2, sign: 1)
    pyramid(rows: side / 2..<side, sign: -1)
    let length = Self.length(values)
    for index in values.indices { values[index] /= length }
    if generator.next() & 1 == 1 {
      var turned = values
      for row in 0..<side {
        for column in 0..<side { turned[column * side + row] = values[row * side + column] }
      }
      return turned
    }
    return values
  }
}
