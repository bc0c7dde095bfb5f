import ScopeRobustness
import ScopeStatistics
import Testing

/// The optimality conditions of each projection, which determine it.
@Suite struct BoxProjectionTests {
  @Test(arguments: PerturbationNorm.allCases)
  func stepsAreShortestInTheBox(_ norm: PerturbationNorm) {
    var generator = SplitMix64(seed: 5)
    for round in 0..<200 {
      let count = 1 + round % 12
      let point = (0..<count).map { _ in generator.unit() }
      let normal = (0..<count).map { _ in
        round % 7 == 0 && generator.unit() < 0.3 ? 0 : 2 * generator.unit() - 1
      }
      let offset = Double(2 * generator.unit() - 1) * 1.5
      let step = BoxProjection.step(from: point, normal: normal, offset: offset, norm: norm)
      let sign: Float = offset >= 0 ? 1 : -1
      var gained = 0.0
      var reach = 0.0
      var rooms: [Float] = []
      for index in 0..<count {
        let room = normal[index] == 0 ? 0 : sign * normal[index] > 0 ? point[index] : 1 - point[index]
        rooms.append(room)
        let moved = point[index] + step[index]
        #expect(moved > -1e-5 && moved < 1 + 1e-5)
        gained -= Double(sign * normal[index] * step[index])
        reach += Double(normal[index].magnitude * room)
      }
      guard reach > abs(offset) else {
        // The corner.
        for index in 0..<count { #expect(abs(step[index].magnitude - rooms[index]) < 1e-5) }
        continue
      }
      #expect(abs(gained - abs(offset)) < 1e-4, "round \(round)")
      let rates = (0..<count).map { index -> Float in
        switch norm {
        case .linf: normal[index] == 0 ? 0 : step[index].magnitude
        case .l2: normal[index] == 0 ? 0 : step[index].magnitude / normal[index].magnitude
        case .l1: step[index].magnitude
        }
      }
      let inner = (0..<count).filter {
        normal[$0] != 0 && rates[$0] > 0 && step[$0].magnitude < rooms[$0] - 1e-5
      }
      switch norm {
      case .linf, .l2:
        // Whoever is not at a wall moves at the common level, and nobody beyond it.
        let level = rates.max() ?? 0
        if norm == .linf || !inner.isEmpty {
          for index in inner { #expect(abs(rates[index] - (norm == .linf ? level : rates[inner[0]])) < 1e-3) }
        }
        if let first = inner.first {
          for index in 0..<count where normal[index] != 0 { #expect(rates[index] <= rates[first] + 1e-3) }
        }
      case .l1:
        // At most one value stops on the way; all with larger weights are at their walls, smaller ones rest.
        #expect(inner.count <= 1)
        if let partial = inner.first {
          for index in 0..<count where index != partial {
            if normal[index].magnitude > normal[partial].magnitude {
              #expect(abs(step[index].magnitude - rooms[index]) < 1e-5)
            } else if normal[index].magnitude < normal[partial].magnitude {
              #expect(step[index] == 0)
            }
          }
        }
      }
    }
  }

  @Test(arguments: PerturbationNorm.allCases)
  func projectionsAndStartsStayInBallAndBox(_ norm: PerturbationNorm) {
    var generator = SplitMix64(seed: 9)
    for _ in 0..<50 {
      let center = (0..<40).map { _ in generator.unit() }
      let ball = Ball(center: center, norm: norm, radius: 0.3)
      var far = center.map { $0 + 2 * generator.unit() - 1 }
      ball.project(&far)
      var again = far
      ball.project(&again)
      for point in [far, ball.randomPoint(&generator)] {
        #expect(ball.distance(point) <= 0.3001)
        #expect(point.allSatisfy { $0 >= 0 && $0 <= 1 })
      }
      #expect(zip(far, again).allSatisfy { abs($0 - $1) < 1e-4 }, "a projection does not move its result")
      let near = center.map { min(max($0 + 1e-4, 0), 1) }
      var kept = near
      ball.project(&kept)
      #expect(zip(near, kept).allSatisfy { abs($0 - $1) < 1e-6 }, "a point inside stays")
    }
  }
}
