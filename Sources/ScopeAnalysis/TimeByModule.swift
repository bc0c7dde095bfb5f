/// Kernel times summed by module path.
public enum TimeByModule {
  public struct Group: Sendable, Hashable {
    public var name: String
    public var kernels: Int
    public var time: Double

    public init(name: String, kernels: Int, time: Double) {
      self.name = name
      self.kernels = kernels
      self.time = time
    }
  }

  /// What the engine put between layers.
  public static let inserted = "(inserted by the engine)"
  /// Nodes of the model itself, and of models that do not say.
  public static let outside = "(no module)"
  /// Share of the time that a module which could be split may have at most.
  package static let largestShare = 0.25
  static let mostGroups = 64

  /// At the smallest depth of the paths at which no module that has parts takes more than a quarter of the time; blocks
  /// of a network are told apart there.
  ///
  /// - Parameter entries: per kernel its module (nil for inserted ones) and time.
  /// - Returns: largest first.
  public static func group(_ entries: [(module: String?, time: Double)]) -> [Group] {
    let paths = entries.map { $0.module.map { $0.split(separator: ".") } }
    let deepest = paths.compactMap { $0?.count }.max() ?? 0
    let total = entries.reduce(0) { $0 + $1.time }
    var best = cut(entries, paths, depth: 1)
    for depth in stride(from: 1, through: max(deepest, 1), by: 1) {
      let groups = cut(entries, paths, depth: depth)
      if depth > 1, groups.count > mostGroups { break }
      best = groups
      let isFine = groups.allSatisfy { $0.group.time <= largestShare * total || !$0.hasParts }
      if isFine { break }
    }
    return best.map(\.group).sorted { ($0.time, $1.name) > ($1.time, $0.name) }
  }

  private static func cut(
    _ entries: [(module: String?, time: Double)], _ paths: [[Substring]?], depth: Int
  ) -> [(group: Group, hasParts: Bool)] {
    var result: [(group: Group, hasParts: Bool)] = []
    var positions: [String: Int] = [:]
    for (entry, path) in zip(entries, paths) {
      let name =
        path.map { $0.isEmpty ? outside : $0.prefix(depth).joined(separator: ".") } ?? inserted
      let position = positions[name] ?? result.count
      if position == result.count {
        positions[name] = position
        result.append((Group(name: name, kernels: 0, time: 0), false))
      }
      result[position].group.kernels += 1
      result[position].group.time += entry.time
      if (path?.count ?? 0) > depth { result[position].hasParts = true }
    }
    return result
  }
}
