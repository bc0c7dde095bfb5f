/// The shortest step from a point in [0, 1]^n to a hyperplane that stays inside the box.
///
/// Croce & Hein 2020, arXiv:1907.02044 (FAB), equations 6 to 8: minimise ||d|| subject to w . (point + d) = b and
/// point + d in the box; where the hyperplane misses the box, the corner nearest to it.
package enum BoxProjection {
  /// - Parameters:
  ///   - normal: w, [n].
  ///   - offset: w . point - b, the distance to go times ||w||.
  /// - Returns: d, [n].
  package static func step(
    from point: [Float], normal: [Float], offset: Double, norm: PerturbationNorm
  ) -> [Float] {
    // Seen from the side where w . point >= b: every value moves against the sign of w, as far as its wall.
    let sign: Float = offset >= 0 ? 1 : -1
    let need = offset.magnitude
    let count = point.count
    var room = [Float](repeating: 0, count: count)
    var reach = 0.0
    for index in 0..<count {
      let weight = sign * normal[index]
      guard weight != 0 else { continue }
      room[index] = weight > 0 ? point[index] : 1 - point[index]
      reach += Double(weight.magnitude) * Double(room[index])
    }
    var step = [Float](repeating: 0, count: count)
    func move(_ index: Int, _ length: Float) { step[index] = sign * normal[index] > 0 ? -length : length }
    if reach <= need {
      for index in 0..<count { move(index, room[index]) }
      return step
    }
    switch norm {
    case .linf:
      let bound = level(need: need, room: room, normal: normal) { room, _ in room }
      for index in 0..<count where normal[index] != 0 { move(index, min(bound, room[index])) }
    case .l2:
      // d_i = min(bound * |w_i|, room_i).
      let bound = level(need: need, room: room, normal: normal) { room, weight in room / weight }
      for index in 0..<count where normal[index] != 0 {
        move(index, min(bound * normal[index].magnitude, room[index]))
      }
    case .l1:
      // The values with the largest weights first, each to its wall.
      var left = need
      for index in (0..<count).sorted(by: { normal[$0].magnitude > normal[$1].magnitude })
      where left > need * 1e-7 {
        let weight = Double(normal[index].magnitude)
        guard weight > 0 else { break }
        let length = min(Double(room[index]), left / weight)
        move(index, Float(length))
        left -= length * weight
      }
    }
    return step
  }

  /// The bound at which the moves add up to `need`: each value stops at the bound where it meets its wall, given by
  /// `stop(room, |w|)`, and until then gains at the rate |w| (Linf) or |w|^2 (L2) per unit of bound.
  private static func level(
    need: Double, room: [Float], normal: [Float], stop: (Float, Float) -> Float
  ) -> Float {
    var moves: [(stop: Float, rate: Double)] = []
    moves.reserveCapacity(room.count)
    var rate = 0.0
    for index in room.indices where normal[index] != 0 {
      let weight = normal[index].magnitude
      let end = stop(room[index], weight)
      // gain at the stop = |w| * room; rate = gain / stop.
      let own = end > 0 ? Double(weight) * Double(room[index]) / Double(end) : 0
      guard own > 0 else { continue }
      moves.append((end, own))
      rate += own
    }
    moves.sort { $0.stop < $1.stop }
    var (level, gained) = (Float(0), 0.0)
    for move in moves {
      let next = gained + rate * Double(move.stop - level)
      if next >= need { break }
      (level, gained) = (move.stop, next)
      rate -= move.rate
    }
    return rate > 0 ? level + Float((need - gained) / rate) : level
  }
}
