/// Statistics of order alone.
public enum RankStatistics {
  /// Area under the ROC curve: the chance that a positive scores higher than a negative, ties counting half (the
  /// Mann-Whitney statistic over the number of pairs). 0.5 when either is empty.
  public static func areaUnderROC(positives: [Double], negatives: [Double]) -> Double {
    guard !positives.isEmpty, !negatives.isEmpty else { return 0.5 }
    let all = positives.map { ($0, true) } + negatives.map { ($0, false) }
    let order = all.indices.sorted { all[$0].0 < all[$1].0 }
    var sum = 0.0
    var first = 0
    while first < order.count {
      var end = first
      while end < order.count, all[order[end]].0 == all[order[first]].0 { end += 1 }
      // Equal scores share their ranks' mean; ranks begin at 1.
      let rank = Double(first + 1 + end) / 2
      for position in first..<end where all[order[position]].1 { sum += rank }
      first = end
    }
    let count = Double(positives.count)
    return (sum - count * (count + 1) / 2) / (count * Double(negatives.count))
  }
}
