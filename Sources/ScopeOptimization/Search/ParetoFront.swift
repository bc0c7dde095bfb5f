/// The variants that no other beats in everything at once.
package enum ParetoFront {
  /// Smaller is better in each.
  package struct Point {
    package var bytes: Double
    package var milliseconds: Double
    package var drop: Double

    package init(bytes: Double, milliseconds: Double, drop: Double) {
      self.bytes = bytes
      self.milliseconds = milliseconds
      self.drop = drop
    }
  }

  /// Times closer than this share are the same.
  package static let timeTolerance = 0.03

  /// Indices of points that are not dominated: no other is at least as good in size, time and accuracy and better in one.
  /// Of equal points the first stays.
  package static func indices(_ points: [Point]) -> [Int] {
    points.indices.filter { index in
      !points.indices.contains { other in
        other != index && dominates(points[other], points[index], isEarlier: other < index)
      }
    }
  }

  private static func dominates(_ a: Point, _ b: Point, isEarlier: Bool) -> Bool {
    let noSlower = a.milliseconds <= b.milliseconds * (1 + timeTolerance)
    guard a.bytes <= b.bytes, noSlower, a.drop <= b.drop else { return false }
    let better = a.bytes < b.bytes || a.milliseconds < b.milliseconds * (1 - timeTolerance) || a.drop < b.drop
    return better || isEarlier
  }
}
