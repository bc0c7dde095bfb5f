import ScopeReport
import Testing

@Suite struct PictureTests {
  typealias Edge = LayeredLayout.Edge

  static let graphs: [(count: Int, edges: [Edge])] = [
    (1, []), (5, [Edge(0, 1), Edge(1, 2), Edge(0, 2), Edge(2, 3), Edge(3, 4), Edge(0, 4)]),
    // Every box reads all before it.
    (24, (0..<24).flatMap { to in (0..<to).map { Edge($0, to) } }),
    // More sources than a row holds.
    (31, (0..<30).map { Edge($0, 30) }),
    // Nothing connected.
    (48, []),
    // Branches that join, and a residual around them.
    (
      8,
      [
        Edge(0, 1), Edge(0, 2), Edge(0, 3), Edge(1, 4), Edge(2, 4), Edge(3, 4), Edge(0, 5), Edge(4, 5),
        Edge(5, 6), Edge(0, 7), Edge(6, 7),
      ]
    ),
  ]

  @Test(arguments: graphs)
  func boxesDoNotOverlapAndEdgesGoDown(count: Int, edges: [Edge]) {
    let layout = LayeredLayout(
      sizes: (0..<count).map { .init(width: 90 + 17 * ($0 % 5), height: 46) }, edges: edges)
    #expect(layout.boxes.count == count && layout.routes.count == edges.count)
    for (index, one) in layout.boxes.enumerated() {
      #expect(
        one.x >= 0 && one.y >= 0 && one.x + one.width <= layout.width && one.y + one.height <= layout.height)
      for other in layout.boxes[..<index] {
        #expect(
          one.x >= other.x + other.width || other.x >= one.x + one.width || one.y >= other.y + other.height
            || other.y >= one.y + one.height)
      }
    }
    for route in layout.routes {
      let from = layout.boxes[route.edge.from]
      let to = layout.boxes[route.edge.to]
      #expect(!route.goesUp && from.y + from.height < to.y)
      #expect(route.points.first.map { $0.y } == from.y + from.height)
      #expect(route.points.last.map { $0.y } == to.y)
      #expect(zip(route.points, route.points.dropFirst()).allSatisfy { $0.y <= $1.y })
      crossesNoBox(route, layout)
    }
  }

  /// Straight pieces; a curve between neighbouring rows stays in the gap between them.
  private func crossesNoBox(_ route: LayeredLayout.Route, _ layout: LayeredLayout) {
    guard route.points.count > 2 else { return }
    for (one, other) in zip(route.points, route.points.dropFirst()) {
      #expect(one.x == other.x || one.y == other.y)
      for box in layout.boxes {
        let beside = max(one.x, other.x) <= box.x || min(one.x, other.x) >= box.x + box.width
        let apart = max(one.y, other.y) <= box.y || min(one.y, other.y) >= box.y + box.height
        #expect(beside || apart)
      }
    }
  }

  @Test func aCycleIsDrawnUpwardsOnce() {
    let layout = LayeredLayout(
      sizes: (0..<3).map { _ in .init(width: 100, height: 46) },
      edges: [Edge(0, 1), Edge(1, 2), Edge(2, 1), Edge(1, 1), Edge(0, 9)])
    #expect(layout.routes.count == 3)
    #expect(layout.routes.filter(\.goesUp).map(\.edge) == [Edge(2, 1)])
  }

  @Test func treemapFillsItsRectangle() {
    let values = [6, 6, 4, 3, 2, 2, 1, 0, -1, .nan]
    let tiles = Treemap.tiles(values, width: 600, height: 400)
    #expect(tiles.count == 7)
    for tile in tiles {
      // The example of the paper: areas in proportion.
      #expect(abs(tile.width * tile.height - values[tile.index] * 10_000) < 1e-6)
      #expect(
        tile.x >= -1e-9 && tile.y >= -1e-9 && tile.x + tile.width <= 600.000_1
          && tile.y + tile.height <= 400.000_1)
      #expect(max(tile.width / tile.height, tile.height / tile.width) < 3)
    }
    #expect(Treemap.tiles([0, .infinity], width: 10, height: 10).isEmpty)
  }

  @Test func modulesHoldEveryLayerOnce() {
    for report in [
      SampleGraphs.resNet(), SampleGraphs.transformer(), SampleGraphs.transformer(withModules: false),
      SampleGraphs.hostile(),
    ] {
      guard let analysis = report.analysis else { continue }
      let tree = ModuleTree(LayerList(analysis))
      var seen = [Int](repeating: 0, count: analysis.layers.count)
      for (index, module) in tree.modules.enumerated() {
        #expect(module.children.count <= ModuleTree.limit)
        for child in module.children {
          switch child {
          case .layer(let layer): seen[layer] += 1
          case .module(let inner): #expect(tree.modules[inner].parent == index && inner > index)
          }
        }
      }
      #expect(seen.allSatisfy { $0 == 1 })
      #expect(tree.modules[0].layers == analysis.layers.count)
      #expect(tree.modules[0].parameters == Double(analysis.layers.reduce(0) { $0 + $1.parameters }))
    }
  }

  @Test func theLevelsOfResNet() throws {
    let analysis = try #require(SampleGraphs.resNet().analysis)
    let picture = GraphPicture(analysis)
    #expect(
      picture.levels[0].boxes.map(\.label)
        == [
          "input", "conv1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool", "Flatten",
          "fc", "output",
        ])
    // A block: its input, two convolutions, the shortcut, the sum, its output.
    let block = try #require(picture.levels.first { $0.path == "layer2.0" })
    #expect(block.boxes.first?.kind == .outside && block.boxes.last?.kind == .outside)
    #expect(block.boxes.contains { $0.label == "downsample.0" })
    #expect(picture.levels[block.parent].path == "layer2")
    #expect(picture.showsTime)
  }

  /// Fused layers name the one that carries the time, and no time counts twice.
  @Test func timesAreCountedOnce() throws {
    let analysis = try #require(SampleGraphs.resNet().analysis)
    let list = LayerList(analysis)
    let counted = list.entries.compactMap(\.milliseconds).reduce(0, +)
    let attributed = try #require(analysis.profile).kernels.filter { !$0.sources.isEmpty }.reduce(0) {
      $0 + $1.milliseconds
    }
    #expect(abs(counted - attributed) < 1e-9)
    let relu = try #require(list.entries.first { $0.layer.opType == "Relu" })
    #expect(relu.milliseconds == nil && relu.computedWith == "/conv1/Conv")
  }

  @Test func twoThousandNodesFit() throws {
    for report in [SampleGraphs.transformer(), SampleGraphs.transformer(withModules: false)] {
      #expect(try #require(report.analysis).layers.count >= 1990)
      let start = ContinuousClock.now
      let html = HTMLRenderer.render(report)
      #expect(html.utf8.count < 1_000_000, "\(html.utf8.count) bytes")
      #expect(ContinuousClock.now - start < .seconds(10))
      #expect(HTMLChecker.check(html).isEmpty)
    }
    #expect(HTMLRenderer.render(SampleGraphs.resNet()).utf8.count < 300_000)
  }
}
