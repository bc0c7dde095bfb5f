/// Choosing part of a data set.
enum Subset {
  /// `limit` positions, spread over the classes and the same on every run: each class gives its first image before
  /// any gives its second; a last round that does not fit is thinned evenly over the classes.
  ///
  /// - Returns: positions in ascending order.
  static func classSpread(labels: [Int], limit: Int) -> [Int] {
    guard limit < labels.count else { return Array(labels.indices) }
    var byClass: [Int: [Int]] = [:]
    for (position, label) in labels.enumerated() { byClass[label, default: []].append(position) }
    let classes = byClass.keys.sorted()
    var chosen: [Int] = []
    var round = 0
    while chosen.count < max(0, limit) {
      let candidates = classes.compactMap { label -> Int? in
        guard let positions = byClass[label], round < positions.count else { return nil }
        return positions[round]
      }
      let wanted = min(limit - chosen.count, candidates.count)
      for index in 0..<wanted { chosen.append(candidates[index * candidates.count / wanted]) }
      round += 1
    }
    return chosen.sorted()
  }
}
