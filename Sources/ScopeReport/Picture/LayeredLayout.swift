/// Boxes in rows from top to bottom, each below everything it reads, after Sugiyama, Tagawa and Toda (1981).
///
/// Edges between neighbouring rows are curves in the gap between them. Longer edges leave into the gap below their
/// source, go down in a lane to the right of the rows they pass, and enter from the gap above their target: no edge
/// crosses a box. Edges of one source share a lane, those into one target a track, so that the many edges of densely
/// connected graphs read as buses. Edges of a cycle (a module that is used twice) go up and are marked.
package struct LayeredLayout: Sendable {
  package struct Size: Sendable {
    package var width: Int
    package var height: Int
    package init(width: Int, height: Int) {
      self.width = width
      self.height = height
    }
  }

  package struct Box: Sendable {
    package var x = 0
    package var y = 0
    package var width: Int
    package var height: Int
    package var row = 0
  }

  package struct Edge: Sendable, Hashable {
    package var from: Int
    package var to: Int
    package init(_ from: Int, _ to: Int) {
      self.from = from
      self.to = to
    }
  }

  package struct Route: Sendable {
    package var edge: Edge
    /// Corners from the source's bottom to the target's top.
    package var points: [(x: Int, y: Int)]
    /// Whether it closes a cycle and so goes up.
    package var goesUp: Bool
  }

  /// Boxes of one row; a wider rank continues in the next row.
  package static let rowLimit = 10
  static let columnGap = 22
  static let rowGap = 30
  static let laneGap = 8
  static let margin = 12

  package private(set) var boxes: [Box]
  package private(set) var routes: [Route] = []
  package private(set) var width = 0
  package private(set) var height = 0

  /// - Parameters:
  ///   - sizes: of the boxes, in graph order, which also breaks cycles.
  ///   - edges: repeated ones, loops and those outside `sizes` are left out.
  package init(sizes: [Size], edges given: [Edge]) {
    boxes = sizes.map { Box(width: max($0.width, 1), height: max($0.height, 1)) }
    guard !boxes.isEmpty else { return }
    var seen: Set<Edge> = []
    let edges = given.filter {
      boxes.indices.contains($0.from) && boxes.indices.contains($0.to) && $0.from != $0.to
        && seen.insert($0).inserted
    }
    let (order, up) = LayeredLayout.order(boxes.count, edges)
    let down = edges.filter { !up.contains($0) }
    var rows = LayeredLayout.rows(boxes.count, order, down)
    for (row, members) in rows.enumerated() { for box in members { boxes[box].row = row } }
    LayeredLayout.untangle(&rows, down)
    placeColumns(rows)
    let plan = Plan(edges, up, boxes)
    placeRows(rows, plan)
    route(edges, up, plan, rows)
    normalise()
  }

  /// A topological order, earlier boxes first; where a cycle blocks it, the earliest box is freed and the edges into it
  /// that are still open go up.
  private static func order(_ count: Int, _ edges: [Edge]) -> (order: [Int], up: Set<Edge>) {
    var incoming = [[Int]](repeating: [], count: count)
    var outgoing = incoming
    for edge in edges {
      incoming[edge.to].append(edge.from)
      outgoing[edge.from].append(edge.to)
    }
    var open = incoming.map(\.count)
    var done = [Bool](repeating: false, count: count)
    var order: [Int] = []
    var up: Set<Edge> = []
    while order.count < count {
      let free = (0..<count).first { !done[$0] && open[$0] == 0 }
      guard let next = free ?? (0..<count).first(where: { !done[$0] }) else { break }
      if free == nil { for source in incoming[next] where !done[source] { up.insert(Edge(source, next)) } }
      done[next] = true
      order.append(next)
      for target in outgoing[next] where !done[target] { open[target] -= 1 }
    }
    return (order, up)
  }

  /// Rows by longest path from a source; a source comes down to the row above its first reader.
  private static func rows(_ count: Int, _ order: [Int], _ edges: [Edge]) -> [[Int]] {
    var incoming = [[Int]](repeating: [], count: count)
    var outgoing = incoming
    for edge in edges {
      incoming[edge.to].append(edge.from)
      outgoing[edge.from].append(edge.to)
    }
    var rank = [Int](repeating: 0, count: count)
    for box in order { rank[box] = (incoming[box].map { rank[$0] + 1 }.max()) ?? 0 }
    for box in order.reversed() where incoming[box].isEmpty {
      if let first = outgoing[box].map({ rank[$0] }).min() { rank[box] = max(first - 1, 0) }
    }
    var ranks = [[Int]](repeating: [], count: (rank.max() ?? 0) + 1)
    for box in 0..<count { ranks[rank[box]].append(box) }
    return ranks.flatMap { members in
      stride(from: 0, to: members.count, by: rowLimit).map {
        Array(members[$0..<min($0 + rowLimit, members.count)])
      }
    }
  }

  /// Orders each row by the mean place of its neighbours, sweeping down and up.
  private static func untangle(_ rows: inout [[Int]], _ edges: [Edge]) {
    var neighbours: [Int: (above: [Int], below: [Int])] = [:]
    for edge in edges {
      neighbours[edge.to, default: ([], [])].above.append(edge.from)
      neighbours[edge.from, default: ([], [])].below.append(edge.to)
    }
    var place: [Int: Double] = [:]
    func note(_ row: [Int]) {
      for (index, box) in row.enumerated() { place[box] = Double(2 * index + 1) / Double(2 * row.count) }
    }
    rows.forEach(note)
    for sweep in 0..<4 {
      let downwards = sweep % 2 == 0
      for index in downwards ? Array(rows.indices) : rows.indices.reversed() where rows[index].count > 1 {
        let mean = rows[index].map { box -> (box: Int, mean: Double, now: Double) in
          let near = downwards ? neighbours[box]?.above ?? [] : neighbours[box]?.below ?? []
          let now = place[box] ?? 0
          return (
            box, near.isEmpty ? now : near.reduce(0) { $0 + (place[$1] ?? 0) } / Double(near.count), now
          )
        }
        rows[index] = mean.sorted { ($0.mean, $0.now) < ($1.mean, $1.now) }.map(\.box)
        note(rows[index])
      }
    }
  }

  /// Each row centred on x = 0.
  private mutating func placeColumns(_ rows: [[Int]]) {
    for row in rows {
      let total = row.reduce(0) { $0 + boxes[$1].width } + LayeredLayout.columnGap * (row.count - 1)
      var x = -total / 2
      for box in row {
        boxes[box].x = x
        x += boxes[box].width + LayeredLayout.columnGap
      }
    }
  }

  /// Which sources and targets need a track in which gap. Gap `i` lies above row `i`.
  private struct Plan {
    var leaving: [Int: Int] = [:]
    var entering: [Int: Int] = [:]
    var tracks: [Int: Int] = [:]

    init(_ edges: [Edge], _ up: Set<Edge>, _ boxes: [Box]) {
      for edge in edges where LayeredLayout.isLong(edge, up, boxes) {
        if leaving[edge.from] == nil { leaving[edge.from] = take(boxes[edge.from].row + 1) }
        if entering[edge.to] == nil { entering[edge.to] = take(boxes[edge.to].row) }
      }
    }

    private mutating func take(_ gap: Int) -> Int {
      let track = tracks[gap, default: 0]
      tracks[gap] = track + 1
      return track
    }
  }

  private static func isLong(_ edge: Edge, _ up: Set<Edge>, _ boxes: [Box]) -> Bool {
    up.contains(edge) || boxes[edge.to].row != boxes[edge.from].row + 1
  }

  private mutating func placeRows(_ rows: [[Int]], _ plan: Plan) {
    var y = 0
    for (index, row) in rows.enumerated() {
      y += LayeredLayout.rowGap + LayeredLayout.laneGap * plan.tracks[index, default: 0]
      for box in row { boxes[box].y = y }
      y += row.map { boxes[$0].height }.max() ?? 0
    }
  }

  private mutating func route(_ edges: [Edge], _ up: Set<Edge>, _ plan: Plan, _ rows: [[Int]]) {
    let bottom = rows.map { row in row.map { boxes[$0].y + boxes[$0].height }.max() ?? 0 }
    let right = rows.map { row in row.map { boxes[$0].x + boxes[$0].width }.max() ?? 0 }
    func centre(_ box: Int) -> Int { boxes[box].x + boxes[box].width / 2 }
    /// The y of a track; tracks fill the lower end of a gap upwards.
    func track(_ gap: Int, _ number: Int) -> Int {
      (gap > 0 ? bottom[gap - 1] : 0) + LayeredLayout.rowGap / 2 + LayeredLayout.laneGap * number
    }
    let lanes = LayeredLayout.lanes(edges.filter { LayeredLayout.isLong($0, up, boxes) }, boxes, right)
    for edge in edges {
      let from = boxes[edge.from]
      let to = boxes[edge.to]
      let start = (x: centre(edge.from), y: from.y + from.height)
      let end = (x: centre(edge.to), y: to.y)
      var points = [start, end]
      if LayeredLayout.isLong(edge, up, boxes), let leaving = plan.leaving[edge.from],
        let entering = plan.entering[edge.to], let lane = lanes[edge.from]
      {
        let out = track(from.row + 1, leaving)
        let into = track(to.row, entering)
        points = [start, (start.x, out), (lane, out), (lane, into), (end.x, into), end]
      }
      routes.append(Route(edge: edge, points: points, goesUp: up.contains(edge)))
    }
  }

  /// A lane per source, right of every row it passes, short spans inside. Lanes whose spans meet keep a distance.
  private static func lanes(_ edges: [Edge], _ boxes: [Box], _ right: [Int]) -> [Int: Int] {
    var spans: [Int: ClosedRange<Int>] = [:]
    for edge in edges {
      let ends = [boxes[edge.from].row + 1, boxes[edge.to].row].sorted()
      let old = spans[edge.from]
      spans[edge.from] = min(ends[0], old?.lowerBound ?? ends[0])...max(ends[1], old?.upperBound ?? ends[1])
    }
    var lanes: [Int: Int] = [:]
    var taken: [(span: ClosedRange<Int>, x: Int)] = []
    for (source, span) in spans.sorted(by: { ($0.value.count, $0.key) < ($1.value.count, $1.key) }) {
      // The rows between the gaps of the span; one gap alone passes none.
      let passed = span.lowerBound..<max(span.upperBound, span.lowerBound)
      var x = (passed.map { right[min($0, right.count - 1)] }.max() ?? 0) + 2 * laneGap
      let near = taken.filter { $0.span.overlaps(span) }.map(\.x).sorted()
      for other in near where abs(other - x) < laneGap { x = other + laneGap }
      lanes[source] = x
      taken.append((span, x))
    }
    return lanes
  }

  /// Moves everything into the first quadrant.
  private mutating func normalise() {
    let xs = boxes.flatMap { [$0.x, $0.x + $0.width] } + routes.flatMap { $0.points.map(\.x) }
    let ys = boxes.flatMap { [$0.y, $0.y + $0.height] } + routes.flatMap { $0.points.map(\.y) }
    let left = (xs.min() ?? 0) - LayeredLayout.margin
    let top = (ys.min() ?? 0) - LayeredLayout.margin
    for index in boxes.indices {
      boxes[index].x -= left
      boxes[index].y -= top
    }
    for index in routes.indices {
      routes[index].points = routes[index].points.map { ($0.x - left, $0.y - top) }
    }
    width = (xs.max() ?? 0) - left + LayeredLayout.margin
    height = (ys.max() ?? 0) - top + LayeredLayout.margin
  }
}
