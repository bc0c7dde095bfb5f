extension Document {
  /// Two models side by side: which is faster, every figure, what differs in the graphs and in the weights.
  package init(_ comparison: Comparison) {
    title = "\(comparison.before.name) → \(comparison.after.name)"
    subtitle = [comparison.before, comparison.after].map { model in
      "\(model.path): \(model.format), \(Format.decimalBytes(Double(model.bytes)))"
        + (model.architecture.map { ", \($0)" } ?? "")
    }
    decision = nil
    headline = Document.headline(comparison)
    lead = Document.lead(comparison)
    gauges = []
    sections = []
    func add(_ title: String, _ blocks: [Block]) {
      if !blocks.isEmpty {
        sections.append(Section(id: .analysis, number: sections.count + 1, title: title, blocks: blocks))
      }
    }
    add("Figures", [.table(Document.figures(comparison.figures))])
    add("Structure", comparison.structure.map(Document.structure) ?? [])
    add("Weights", comparison.weights.map(Document.weights) ?? [])
    add("Outputs", Document.outputs(comparison))
    let warnings = comparison.conditions.warnings.map { Block.paragraph($0) }
    add("Warnings", warnings)
    if !comparison.notMeasured.isEmpty { add("Not measured", [.notMeasured(comparison.notMeasured)]) }
  }

  /// `1.79× as fast, 95% interval 1.74× to 1.85×: faster`.
  private static func headline(_ comparison: Comparison) -> String {
    guard let latency = comparison.latency else {
      return comparison.structure.map { $0.isEmpty ? "The graphs are the same" : "The graphs differ" }
        ?? "Compared by their weights"
    }
    let interval = latency.speedup.intervalText.map { ", 95% CI \($0)" } ?? ""
    let verdict: String =
      switch latency.verdict {
      case .faster: "faster: yes"
      case .slower: "faster: no, slower"
      case .inconclusive: "faster: inconclusive"
      }
    return "\(latency.speedup.text)\(interval); \(verdict)"
  }

  private static func lead(_ comparison: Comparison) -> [String] {
    var sentences: [String] = []
    if let latency = comparison.latency {
      sentences.append(
        "\(latency.before.text) against \(latency.after.text) per run, \(latency.rounds) rounds in turn"
          + (latency.speedup.conditions.map { " (\($0))" } ?? "") + ".")
      if latency.verdict == .inconclusive {
        sentences.append(
          "The interval of the ratio lies on both sides of 1: measure longer with --latency-seconds, on a quiet machine."
        )
      }
    }
    if let accuracy = comparison.accuracy {
      sentences.append(
        "Top-1 accuracy \(accuracy.before.text) against \(accuracy.after.text) on \(accuracy.before.samples ?? 0) images, "
          + "the same answer on \(accuracy.agreement.text) of them.")
    }
    return sentences
  }

  private static func figures(_ rows: [Comparison.Row]) -> Table {
    Table(
      caption: "Figures side by side",
      columns: [
        .init(title: "Figure", isNumber: false), .init(title: "Before", isNumber: true),
        .init(title: "After", isNumber: true), .init(title: "Change", isNumber: true),
      ],
      rows: rows.map { row in
        [row.name, row.before?.text ?? "–", row.after?.text ?? "–", change(row)]
      }, emphasized: nil, summaryRows: nil)
  }

  /// Relative change; for shares the difference in points.
  private static func change(_ row: Comparison.Row) -> String {
    guard let before = row.before, let after = row.after else { return "–" }
    if before.value == after.value { return "same" }
    if before.unit == .fraction {
      return (after.value > before.value ? "+" : "−") + Format.points(after.value - before.value)
    }
    guard let change = row.change else { return "–" }
    return (change > 0 ? "+" : "−") + Format.percent(abs(change))
  }

  private static func structure(_ structure: Comparison.Structure) -> [Block] {
    if structure.isEmpty {
      return [.paragraph("The same \(Format.plural(structure.unchangedNodes, "node")) on both sides.")]
    }
    var blocks: [Block] = [
      .paragraph(
        "\(Format.plural(structure.removedCount, "node")) removed, \(structure.addedCount) added, "
          + "\(structure.changedCount) changed, \(structure.unchangedNodes) unchanged.")
    ]
    if !structure.operators.isEmpty {
      blocks.append(
        .table(
          Table(
            caption: "Operators whose count differs",
            columns: [
              .init(title: "Operator", isNumber: false), .init(title: "Before", isNumber: true),
              .init(title: "After", isNumber: true),
            ],
            rows: structure.operators.map { [$0.opType, "\($0.before)", "\($0.after)"] }, emphasized: nil,
            summaryRows: 20)))
    }
    let changes =
      structure.changed.map { ["changed", $0.node.name, $0.node.opType, $0.changes.joined(separator: "; ")] }
      + structure.removed.map { ["removed", $0.name, $0.opType, ""] }
      + structure.added.map { ["added", $0.name, $0.opType, ""] }
    blocks.append(
      .table(
        Table(
          caption: "Nodes",
          columns: ["", "Node", "Operator", "What"].map { .init(title: $0, isNumber: false) }, rows: changes,
          emphasized: nil, summaryRows: 30)))
    return blocks
  }

  private static func weights(_ weights: Comparison.Weights) -> [Block] {
    var blocks: [Block] = [
      .paragraph(
        "\(Format.plural(weights.unchangedCount, "tensor")) unchanged, \(weights.changedCount) changed, "
          + "\(weights.reshapedCount) of another shape, \(weights.removedCount) removed, \(weights.addedCount) added."
      )
    ]
    if !weights.changed.isEmpty {
      blocks.append(
        .table(
          Table(
            caption: "Changed weights, largest relative difference first",
            columns: [
              .init(title: "Tensor", isNumber: false), .init(title: "Shape", isNumber: false),
              .init(title: "Types", isNumber: false), .init(title: "‖B−A‖", isNumber: true),
              .init(title: "‖B−A‖/‖A‖", isNumber: true), .init(title: "max |B−A|", isNumber: true),
            ],
            rows: weights.changed.map { change in
              [
                change.name, change.shape.map(String.init).joined(separator: "×"),
                change.types.first == change.types.last
                  ? change.types.first ?? "" : change.types.joined(separator: " → "),
                Format.scientific(change.differenceNorm),
                change.relativeDifference.map(Format.scientific) ?? "–",
                Format.scientific(change.largestDifference),
              ]
            }, emphasized: nil, summaryRows: 20)))
    }
    let others =
      weights.reshaped.map { ["other shape", $0.name, "\($0.before) → \($0.after)"] }
      + weights.removed.map { ["removed", $0, ""] } + weights.added.map { ["added", $0, ""] }
      + weights.unread.map { ["not read", $0, ""] }
    if !others.isEmpty {
      blocks.append(
        .table(
          Table(
            caption: "Tensors of one model only",
            columns: ["", "Tensor", "What"].map { .init(title: $0, isNumber: false) }, rows: others,
            emphasized: nil, summaryRows: 20)))
    }
    return blocks
  }

  private static func outputs(_ comparison: Comparison) -> [Block] {
    guard !comparison.outputs.isEmpty else { return [] }
    return [
      .table(
        Table(
          caption: "Outputs for the same input",
          columns: [
            .init(title: "Output", isNumber: false), .init(title: "Elements", isNumber: true),
            .init(title: "max |B−A|", isNumber: true), .init(title: "max |A|", isNumber: true),
            .init(title: "SNR", isNumber: true),
          ],
          rows: comparison.outputs.map { output in
            [
              Set(output.names).count == 1 ? output.names[0] : output.names.joined(separator: " → "),
              Format.integer(output.elements), Format.scientific(output.largestDifference),
              Format.scientific(output.largestValue),
              output.signalToNoiseDecibels.map { Format.fixed($0, 1) + " dB" } ?? "equal",
            ]
          }, emphasized: nil, summaryRows: nil))
    ]
  }
}
