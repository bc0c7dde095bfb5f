/// Where the time goes: kernels, operators, modules.
enum ProfileBlocks {
  static let shownKernels = 10
  static let shownGroups = 12

  static func blocks(_ analysis: Report.Analysis) -> [Document.Block] {
    guard let profile = analysis.profile, !profile.kernels.isEmpty else { return [] }
    var blocks: [Document.Block] = [.heading("Where the time goes")]
    if let text = ProfileNarrative.profile(profile) { blocks.append(.paragraph(text)) }
    let slowest = slowest(profile).prefix(shownKernels).map { profile.kernels[$0] }
    blocks.append(.chart(.bars(title: "The slowest kernels", items: slowest.map(bar))))
    if profile.byModule.count > 1 {
      blocks.append(.chart(.bars(title: "By module", items: profile.byModule.prefix(shownKernels).map(bar))))
    }
    var kernels = table(Array(slowest), caption: "The slowest kernels")
    kernels.isSupplement = true
    kernels.summaryRows = 5
    blocks.append(.table(kernels))
    if !profile.byOperator.isEmpty { blocks.append(.table(shares("By operator", profile.byOperator))) }
    if profile.byModule.count > 1 {
      var modules = shares("By module", profile.byModule)
      modules.isSupplement = true
      blocks.append(.table(modules))
    }
    return blocks
  }

  /// Positions of the kernels, slowest first.
  static func slowest(_ profile: Report.Profile) -> [Int] {
    profile.kernels.indices.sorted {
      (profile.kernels[$1].milliseconds, $0) < (profile.kernels[$0].milliseconds, $1)
    }
  }

  /// The layers a kernel computes; its own name for what the engine inserted.
  static func title(_ kernel: Report.Kernel) -> String {
    guard let first = kernel.sources.first else { return kernel.name }
    return kernel.sources.count == 1 ? first : "\(first) + \(kernel.sources.count - 1)"
  }

  static func table(_ kernels: [Report.Kernel], caption: String) -> Document.Table {
    Document.Table(
      caption: caption,
      columns: [
        .init(title: "Layers", isNumber: false), .init(title: "Kernel", isNumber: false),
        .init(title: "Time", isNumber: true), .init(title: "Share", isNumber: true),
        .init(title: "MACs", isNumber: true),
      ],
      rows: kernels.map {
        [
          title($0), $0.opType, Format.milliseconds($0.milliseconds), Format.percent($0.share),
          $0.macs.map { Format.integer($0) } ?? "–",
        ]
      }, emphasized: nil, summaryRows: nil)
  }

  static func shares(_ caption: String, _ items: [Report.TimeShare]) -> Document.Table {
    Document.Table(
      caption: caption,
      columns: [
        .init(title: caption == "By operator" ? "Operator" : "Module", isNumber: false),
        .init(title: "Kernels", isNumber: true), .init(title: "Time", isNumber: true),
        .init(title: "Share", isNumber: true),
      ],
      rows: items.prefix(shownGroups).map {
        [
          $0.name.isEmpty ? "(no module)" : $0.name, Format.integer($0.kernels),
          Format.milliseconds($0.milliseconds), Format.percent($0.share),
        ]
      }, emphasized: nil, summaryRows: 5)
  }

  private static func bar(_ kernel: Report.Kernel) -> Document.BarItem {
    Document.BarItem(
      label: title(kernel), kind: kernel.opType, value: kernel.share,
      text: "\(Format.milliseconds(kernel.milliseconds)) · \(Format.percent(kernel.share))")
  }

  private static func bar(_ item: Report.TimeShare) -> Document.BarItem {
    Document.BarItem(
      label: item.name.isEmpty ? "(no module)" : item.name, kind: Format.plural(item.kernels, "kernel"),
      value: item.share, text: "\(Format.milliseconds(item.milliseconds)) · \(Format.percent(item.share))")
  }
}
