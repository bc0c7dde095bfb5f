/// A rectangle divided in proportion to values, squarified (Bruls, Huizing and van Wijk 2000): no slivers.
package enum Treemap {
  package struct Tile: Sendable {
    package var index: Int
    package var x: Double
    package var y: Double
    package var width: Double
    package var height: Double
  }

  /// Tiles of the positive, finite values, largest first; together they fill the rectangle.
  package static func tiles(_ values: [Double], width: Double, height: Double) -> [Tile] {
    let items = values.enumerated().filter { $0.element > 0 && $0.element.isFinite }
      .sorted { ($1.element, $0.offset) < ($0.element, $1.offset) }
    let total = items.reduce(0) { $0 + $1.element }
    guard total > 0, total.isFinite, width > 0, height > 0 else { return [] }
    let areas = items.map { (index: $0.offset, area: $0.element / total * width * height) }
    var tiles: [Tile] = []
    var x = 0.0
    var y = 0.0
    var (wide, high) = (width, height)
    var next = 0
    while next < areas.count {
      // A strip along the shorter side grows while its worst tile gets squarer.
      let side = min(wide, high)
      var end = next + 1
      while end < areas.count,
        worst(areas[next...end].map(\.area), side) <= worst(areas[next..<end].map(\.area), side)
      {
        end += 1
      }
      let strip = areas[next..<end]
      let thickness = side > 0 ? strip.reduce(0) { $0 + $1.area } / side : 0
      var along = 0.0
      for item in strip {
        let length = thickness > 0 ? item.area / thickness : 0
        tiles.append(
          wide >= high
            ? Tile(index: item.index, x: x, y: y + along, width: thickness, height: length)
            : Tile(index: item.index, x: x + along, y: y, width: length, height: thickness))
        along += length
      }
      if wide >= high {
        x += thickness
        wide -= thickness
      } else {
        y += thickness
        high -= thickness
      }
      next = end
    }
    return tiles
  }

  /// The largest aspect ratio in a strip of these areas along `side`.
  private static func worst(_ areas: [Double], _ side: Double) -> Double {
    let sum = areas.reduce(0, +)
    guard let largest = areas.max(), let smallest = areas.min(), sum > 0, smallest > 0 else {
      return .infinity
    }
    return max(side * side * largest / (sum * sum), sum * sum / (side * side * smallest))
  }

  /// Modules to show as tiles: the largest is opened while there is room, so that blocks are told apart.
  package static func modules(
    _ tree: ModuleTree, _ list: LayerList, atMost limit: Int = 36, value: (ModuleTree.Child) -> Double
  ) -> [ModuleTree.Child] {
    var shown = tree.modules.first?.children ?? []
    while true {
      let openable = shown.enumerated().filter { item in
        guard case .module(let index) = item.element else { return false }
        return shown.count - 1 + tree.modules[index].children.count <= limit
      }
      guard let largest = openable.max(by: { value($0.element) < value($1.element) }),
        value(largest.element) > 0, case .module(let index) = largest.element
      else { break }
      shown.replaceSubrange(largest.offset...largest.offset, with: tree.modules[index].children)
    }
    return shown
  }
}
