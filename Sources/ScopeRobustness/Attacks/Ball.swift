import ScopeStatistics

/// The ball around an image within [0, 1] that a perturbation may not leave.
package struct Ball: Sendable {
  package let center: [Float]
  package let norm: PerturbationNorm
  package let radius: Float

  package init(center: [Float], norm: PerturbationNorm, radius: Float) {
    self.center = center
    self.norm = norm
    self.radius = radius
  }

  /// Length of `point - center` in the ball's norm.
  package func distance(_ point: [Float]) -> Float {
    switch norm {
    case .linf:
      var largest: Float = 0
      for index in point.indices { largest = max(largest, (point[index] - center[index]).magnitude) }
      return largest
    case .l2:
      var squares = 0.0
      for index in point.indices {
        let change = Double(point[index] - center[index])
        squares += change * change
      }
      return Float(squares.squareRoot())
    case .l1:
      var sum = 0.0
      for index in point.indices { sum += Double((point[index] - center[index]).magnitude) }
      return Float(sum)
    }
  }

  /// The point moved back into the ball and into [0, 1].
  package func project(_ point: inout [Float]) {
    switch norm {
    case .linf:
      center.withUnsafeBufferPointer { center in
        point.withUnsafeMutableBufferPointer { point in
          for index in point.indices {
            let low = max(center[index] - radius, 0)
            let high = min(center[index] + radius, 1)
            point[index] = min(max(point[index], low), high)
          }
        }
      }
    case .l2:
      let length = distance(point)
      let factor = length > radius ? radius / (length + 1e-12) : 1
      center.withUnsafeBufferPointer { center in
        point.withUnsafeMutableBufferPointer { point in
          for index in point.indices {
            point[index] = min(max(center[index] + (point[index] - center[index]) * factor, 0), 1)
          }
        }
      }
    case .l1: projectL1(&point)
    }
  }

  /// The nearest point (in L2) of the intersection of the L1 ball and the box (Croce & Hein 2021, arXiv:2103.01208,
  /// proposition 1): each change shrinks by the same amount, after the box cut it.
  private func projectL1(_ point: inout [Float]) {
    // With u = |point - center| and r = room to the wall: sum min(max(u - shift, 0), r) = radius for some shift.
    var steps: [(size: Float, room: Float)] = []
    steps.reserveCapacity(point.count)
    var total = 0.0
    for index in point.indices {
      let change = point[index] - center[index]
      let room = change > 0 ? 1 - center[index] : center[index]
      steps.append((change.magnitude, max(room, 0)))
      total += Double(min(change.magnitude, room))
    }
    var shift: Float = 0
    if total > Double(radius) {
      var (low, high) = (Float(0), steps.reduce(Float(0)) { max($0, $1.size) })
      for _ in 0..<60 where high - low > 1e-9 {
        let middle = (low + high) / 2
        var sum = 0.0
        for step in steps { sum += Double(min(max(step.size - middle, 0), step.room)) }
        if sum > Double(radius) { low = middle } else { high = middle }
      }
      shift = high
    }
    for index in point.indices {
      let size = min(max(steps[index].size - shift, 0), steps[index].room)
      point[index] = center[index] + (point[index] < center[index] ? -size : size)
    }
  }

  /// A random point: uniform per value and stretched to the surface for Linf, a normal direction of the ball's radius
  /// for L2, a projected normal step for L1, as the reference implementation of AutoAttack starts.
  package func randomPoint(_ generator: inout SplitMix64) -> [Float] {
    var point = center
    switch norm {
    case .linf:
      let noise = point.map { _ in 2 * generator.unit() - 1 }
      let scale = radius / (noise.reduce(Float(0)) { max($0, $1.magnitude) } + 1e-12)
      for index in point.indices { point[index] += noise[index] * scale }
    case .l2:
      let noise = point.map { _ in generator.normal() }
      let length = noise.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      let scale = radius / (Float(length) + 1e-12)
      for index in point.indices { point[index] += noise[index] * scale }
    case .l1:
      for index in point.indices { point[index] += generator.normal() }
    }
    project(&point)
    return point
  }
}
