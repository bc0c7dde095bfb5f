/// Tables 1 and 2 of the MobileNetV3 paper, what no tensor shows.
struct MobileNetV3Table: Sendable, Equatable {
  struct Row: Sendable, Equatable {
    let kernel: Int
    let expanded: Int
    let output: Int
    let squeezes: Bool
    /// Hard-swish instead of ReLU.
    let hard: Bool
    let stride: Int

    init(_ kernel: Int, _ expanded: Int, _ output: Int, _ squeezes: Bool, _ hard: Bool, _ stride: Int) {
      self.kernel = kernel
      self.expanded = expanded
      self.output = output
      self.squeezes = squeezes
      self.hard = hard
      self.stride = stride
    }
  }

  let name: String
  let rows: [Row]
  /// Blocks per stage in timm's numbering.
  let stages: [Int]
  /// Width of the layer before the classifier.
  let hidden: Int

  static let large = MobileNetV3Table(
    name: "MobileNetV3-Large",
    rows: [
      Row(3, 16, 16, false, false, 1), Row(3, 64, 24, false, false, 2), Row(3, 72, 24, false, false, 1),
      Row(5, 72, 40, true, false, 2), Row(5, 120, 40, true, false, 1), Row(5, 120, 40, true, false, 1),
      Row(3, 240, 80, false, true, 2), Row(3, 200, 80, false, true, 1), Row(3, 184, 80, false, true, 1),
      Row(3, 184, 80, false, true, 1), Row(3, 480, 112, true, true, 1), Row(3, 672, 112, true, true, 1),
      Row(5, 672, 160, true, true, 2), Row(5, 960, 160, true, true, 1), Row(5, 960, 160, true, true, 1),
    ], stages: [1, 2, 3, 4, 2, 3], hidden: 1280)

  static let small = MobileNetV3Table(
    name: "MobileNetV3-Small",
    rows: [
      Row(3, 16, 16, true, false, 2), Row(3, 72, 24, false, false, 2), Row(3, 88, 24, false, false, 1),
      Row(5, 96, 40, true, true, 2), Row(5, 240, 40, true, true, 1), Row(5, 240, 40, true, true, 1),
      Row(5, 120, 48, true, true, 1), Row(5, 144, 48, true, true, 1), Row(5, 288, 96, true, true, 2),
      Row(5, 576, 96, true, true, 1), Row(5, 576, 96, true, true, 1),
    ], stages: [1, 2, 3, 2, 3], hidden: 1024)

  static let all = [large, small]

  static let citation =
    "Howard, Sandler, Chu, Chen, Chen, Tan, Wang, Zhu, Pang, Vasudevan, Le, Adam: Searching for "
    + "MobileNetV3, arXiv:1905.02244"
  static let summary =
    "MobileNetV2 tuned by architecture search for phones, with squeeze and excitation and hard-swish."

  /// The published network at a width; expanded and squeezed channels as torchvision rounds them.
  func scaled(percent: Int) -> MobileNetV3Configuration {
    var channels = WidthMultiplier.scaled(16, percent: percent)
    let stem = channels
    let blocks = rows.map { row in
      let expanded = WidthMultiplier.scaled(row.expanded, percent: percent)
      defer { channels = WidthMultiplier.scaled(row.output, percent: percent) }
      return MobileNetV3Configuration.Block(
        expanded: expanded, expands: expanded != channels,
        squeezed: row.squeezes ? WidthMultiplier.scaled(expanded / 4, percent: 100) : nil,
        output: WidthMultiplier.scaled(row.output, percent: percent))
    }
    return MobileNetV3Configuration(
      table: self, stem: stem, blocks: blocks, last: channels * 6,
      hidden: WidthMultiplier.scaled(hidden, percent: percent))
  }
}

/// A MobileNetV3 of any widths.
struct MobileNetV3Configuration: Sendable, Equatable {
  struct Block: Sendable, Equatable {
    let expanded: Int
    /// Whether a 1x1 convolution makes the expanded channels.
    let expands: Bool
    /// Channels inside squeeze and excitation; nil without it.
    let squeezed: Int?
    let output: Int
  }

  let table: MobileNetV3Table
  var inputChannels = 3
  let stem: Int
  let blocks: [Block]
  /// Channels before the global pooling.
  let last: Int
  /// Width of the layer before the classifier.
  let hidden: Int

  /// `MobileNetV3-Large`, `MobileNetV3-Small (width 0.75)`.
  var name: String {
    // The multiplier of the blocks; stem and head differ between libraries.
    let percent = WidthMultiplier.percent(
      table.rows.map(\.output), found: blocks.map(\.output), usual: [100, 75, 50, 125, 150])
    return percent == 100
      ? table.name
      : percent.map { "\(table.name) (width \(WidthMultiplier.text($0)))" } ?? "\(table.name) (own widths)"
  }
}
