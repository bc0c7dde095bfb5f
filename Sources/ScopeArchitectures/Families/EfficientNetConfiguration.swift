/// The sizes of an EfficientNet that are not in its names.
struct EfficientNetConfiguration: Sendable, Equatable {
  struct Stage: Sendable, Equatable {
    enum Kind: Sendable, Equatable {
      /// 1x1 expansion, depthwise convolution, squeeze-and-excitation, 1x1 projection.
      case inverted
      /// The same without expansion (the first stage).
      case separable
      /// One k x k convolution instead of expansion and depthwise convolution (EfficientNetV2).
      case fused
      /// A plain k x k convolution.
      case plain
    }

    var kind: Kind
    var repeats: Int
    var kernel = 3
    /// Hidden channels as a multiple of a block's input.
    var expansion = 1
    var filters: Int
  }

  var stem: Int
  var stages: [Stage]
  var head: Int

  /// Stride of the first block of each stage, in all versions.
  static let strides = [1, 2, 2, 2, 1, 2, 1]

  var depths: [Int] { stages.map(\.repeats) }
  var isSecondVersion: Bool { stages.contains { $0.kind == .fused || $0.kind == .plain } }

  /// `stem 32, stages 16x1, 24x2 ...`.
  var description: String {
    let text = stages.map { "\($0.filters)x\($0.repeats)" }.joined(separator: ", ")
    return "stem \(stem), stages \(text), head \(head)"
  }

  /// The name's end of a published size (`B0`, `V2-S`) and its configuration.
  static let published: [(name: String, configuration: EfficientNetConfiguration)] =
    (0...8).map { ("-B\($0)", scaled(width: multipliers[$0].0, depth: multipliers[$0].1)) } + [
      ("V2-S", second(24, [2, 4, 4, 6, 9, 15], [24, 48, 64, 128, 160, 256], 1280)),
      ("V2-M", second(24, [3, 5, 5, 7, 14, 18, 5], [24, 48, 80, 160, 176, 304, 512], 1280)),
      ("V2-L", second(32, [4, 7, 7, 10, 19, 25, 7], [32, 64, 96, 192, 224, 384, 640], 1280)),
      ("V2-XL", second(32, [4, 8, 8, 16, 24, 32, 8], [32, 64, 96, 192, 256, 512, 640], 1280)),
      ("V2-B0", second(32, [1, 2, 2, 3, 5, 8], [16, 32, 48, 96, 112, 192], 1280)),
      ("V2-B1", second(32, [2, 3, 3, 4, 6, 9], [16, 32, 48, 96, 112, 192], 1280)),
      ("V2-B2", second(32, [2, 3, 3, 4, 6, 10], [16, 32, 56, 104, 120, 208], 1408)),
      ("V2-B3", second(40, [2, 3, 3, 5, 7, 12], [16, 40, 56, 112, 136, 232], 1536)),
      ("V2-RW-T", second(24, [2, 4, 4, 6, 9, 14], [24, 40, 48, 104, 128, 208], 1024)),
      ("V2-RW-S", second(24, [2, 4, 4, 6, 9, 15], [24, 48, 64, 128, 160, 272], 1792, first: .fused)),
      ("V2-RW-M", second(32, [3, 5, 5, 8, 15, 24], [32, 56, 80, 152, 192, 328], 2152, first: .fused)),
    ]

  static func published(_ name: String) -> EfficientNetConfiguration? {
    published.first { $0.name == name }?.configuration
  }

  var publishedName: String? { Self.published.first { $0.configuration == self }?.name }

  /// Width and depth multipliers of B0 to B8 in tenths, so that rounding is exact.
  private static let multipliers = [
    (10, 10), (10, 11), (11, 12), (12, 14), (14, 18), (16, 22), (18, 26), (20, 31), (22, 36),
  ]

  /// Compound scaling of B0 (section 3 of the paper).
  private static func scaled(width: Int, depth: Int) -> EfficientNetConfiguration {
    let base: [(repeats: Int, kernel: Int, filters: Int)] = [
      (1, 3, 16), (2, 3, 24), (2, 5, 40), (3, 3, 80), (3, 5, 112), (4, 5, 192), (1, 3, 320),
    ]
    /// Rounded to a multiple of 8, never down by more than 10%.
    func channels(_ filters: Int) -> Int {
      let exact = filters * width
      var rounded = max(8, (exact + 40) / 80 * 8)
      if rounded * 100 < exact * 9 { rounded += 8 }
      return rounded
    }
    return EfficientNetConfiguration(
      stem: channels(32),
      stages: base.enumerated().map { index, stage in
        Stage(
          kind: index == 0 ? .separable : .inverted, repeats: (stage.repeats * depth + 9) / 10,
          kernel: stage.kernel, expansion: index == 0 ? 1 : 6, filters: channels(stage.filters))
      }, head: channels(1280))
  }

  /// EfficientNetV2: three stages of fused blocks (the first without expansion), then inverted ones.
  private static func second(
    _ stem: Int, _ repeats: [Int], _ filters: [Int], _ head: Int, first: Stage.Kind = .plain
  ) -> EfficientNetConfiguration {
    let stages = zip(repeats, filters).enumerated().map { index, stage in
      Stage(
        kind: index == 0 ? first : index < 3 ? .fused : .inverted, repeats: stage.0,
        expansion: index == 0 ? 1 : index < 4 ? 4 : 6, filters: stage.1)
    }
    return EfficientNetConfiguration(stem: stem, stages: stages, head: head)
  }

  var citation: String {
    isSecondVersion
      ? "Tan, Le: EfficientNetV2: Smaller Models and Faster Training, arXiv:2104.00298"
      : "Tan, Le: EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, arXiv:1905.11946"
  }

  var summary: String {
    isSecondVersion
      ? "EfficientNet searched for training speed: plain convolutions in the early stages, progressive image sizes."
      : "Depth, width and image size scaled together from one searched base network."
  }
}
