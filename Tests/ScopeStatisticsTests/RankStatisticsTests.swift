import ScopeStatistics
import Testing

struct RankStatisticsTests {
  /// Pairs counted one by one.
  private func counted(_ positives: [Double], _ negatives: [Double]) -> Double {
    var wins = 0.0
    for positive in positives {
      for negative in negatives { wins += positive > negative ? 1 : positive == negative ? 0.5 : 0 }
    }
    return wins / Double(positives.count * negatives.count)
  }

  @Test func areaIsTheShareOfOrderedPairs() {
    var generator = SplitMix64(seed: 4)
    for size in [1, 3, 17] {
      // Few values, so that ties occur.
      let positives = (0..<size).map { _ in Double(Int(generator.unit() * 6)) }
      let negatives = (0..<size + 2).map { _ in Double(Int(generator.unit() * 5)) }
      let found = RankStatistics.areaUnderROC(positives: positives, negatives: negatives)
      #expect(abs(found - counted(positives, negatives)) < 1e-12)
    }
    #expect(RankStatistics.areaUnderROC(positives: [2, 3], negatives: [0, 1]) == 1)
    #expect(RankStatistics.areaUnderROC(positives: [], negatives: [1]) == 0.5)
  }
}
