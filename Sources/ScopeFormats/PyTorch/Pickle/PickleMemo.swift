/// The memo of a pickle: dense for the indices that picklers write, sparse for the ones that attackers do.
struct PickleMemo {
  private var dense: [Int32] = []
  private var sparse: [Int: Int32] = [:]
  private(set) var count = 0

  subscript(index: Int) -> PickleID? {
    if index >= 0, index < dense.count, dense[index] >= 0 { return PickleID(Int(dense[index])) }
    return sparse.isEmpty ? nil : sparse[index].map { PickleID(Int($0)) }
  }

  mutating func set(_ index: Int, _ id: PickleID) {
    if self[index] == nil { count += 1 }
    // Bounded by the entries written, so that a few opcodes cannot ask for gigabytes.
    guard index <= 2 * count + 1024 else {
      sparse[index] = id.index
      return
    }
    while dense.count <= index { dense.append(-1) }
    dense[index] = id.index
    if !sparse.isEmpty { sparse[index] = nil }
  }
}
