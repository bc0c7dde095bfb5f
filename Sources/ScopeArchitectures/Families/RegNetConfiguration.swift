/// The sizes of a RegNet that are not in its names.
struct RegNetConfiguration: Sendable, Equatable {
  /// Blocks per stage.
  var depths: [Int]
  /// Channels per stage.
  var widths: [Int]
  /// Channels of one group of the 3x3 convolution, per stage.
  var groupWidths: [Int]
  /// Squeeze-and-excitation with a quarter of a block's input channels: RegNetY.
  var squeezes: Bool
  var stem = 32

  static let citation =
    "Radosavovic, Kosaraju, Girshick, He, Dollár: Designing Network Design Spaces, arXiv:2003.13678"
  static let summary =
    "Networks from a design space where stage widths follow a quantized linear function: simple, regular, fast."

  /// `X` or `Y`.
  var letter: String { squeezes ? "Y" : "X" }

  var description: String {
    "depths \(dashed(depths)), widths \(dashed(widths)), group widths \(dashed(groupWidths))"
      + (stem == 32 ? "" : ", stem \(stem)")
  }

  /// A size with one group width; stages narrower than it are one group.
  static func size(_ letter: String, _ depths: [Int], _ widths: [Int], group: Int) -> RegNetConfiguration {
    RegNetConfiguration(
      depths: depths, widths: widths, groupWidths: widths.map { min($0, group) }, squeezes: letter == "Y")
  }

  /// Whether every stage has blocks and whole groups, and few enough of both.
  var isPossible: Bool {
    !depths.isEmpty && depths.count <= 8 && depths.allSatisfy { $0 > 0 }
      && zip(widths, groupWidths).allSatisfy { $0 % $1 == 0 }
  }
}
