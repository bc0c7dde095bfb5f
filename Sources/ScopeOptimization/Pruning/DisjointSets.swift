/// Union-find over dense indices; the smallest member stands for a set, so results do not depend on the order of merges.
struct DisjointSets: Sendable {
  private var parent: [Int32] = []

  var count: Int { parent.count }

  /// Adds `count` sets of one member.
  mutating func add(_ count: Int) -> Range<Int> {
    let start = parent.count
    parent.append(contentsOf: (start..<start + count).map { Int32($0) })
    return start..<start + count
  }

  mutating func find(_ member: Int) -> Int {
    var root = member
    while Int(parent[root]) != root { root = Int(parent[root]) }
    var current = member
    while Int(parent[current]) != root {
      let next = Int(parent[current])
      parent[current] = Int32(root)
      current = next
    }
    return root
  }

  /// - Returns: Whether two different sets became one.
  @discardableResult mutating func merge(_ a: Int, _ b: Int) -> Bool {
    let (first, second) = (find(a), find(b))
    guard first != second else { return false }
    parent[max(first, second)] = Int32(min(first, second))
    return true
  }
}
