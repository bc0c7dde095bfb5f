/// The report as it is read: sections of rows, tables, paragraphs and charts. Built once, rendered as terminal text,
/// Markdown and HTML, so that all three have the same sections and rows in the same order.
///
/// All text is raw; each renderer escapes it.
package struct Document: Sendable {
  package var title: String
  package var subtitle: [String]
  package var decision: Report.Conclusion.Decision?
  package var headline: String
  package var lead: [String]
  package var gauges: [Gauge]
  /// What changed against a baseline report, or from the original to the optimized model.
  package var delta: Delta?
  /// The recommendations in short, largest gain first.
  package var actions: [Action] = []
  package var sections: [Section]

  package struct Section: Sendable {
    package var id: Report.Section
    package var number: Int
    package var title: String
    package var blocks: [Block]
  }

  package enum Block: Sendable {
    /// Name, value, interpretation.
    case rows([Row])
    case table(Table)
    case heading(String)
    case paragraph(String)
    /// The section's result in one line.
    case lead(String)
    /// Folded where that is possible, left out on a terminal.
    indirect case details(String, [Block])
    /// A titled list of sentences.
    case list(String, [String])
    /// Titled paragraphs.
    case assessments([Report.Assessment])
    case findings([Report.Finding])
    case recommendations([Report.Recommendation])
    /// Shown where pictures can be shown; its figures are always in a table or row beside it.
    case chart(Chart)
    case samples([Report.Sample])
    /// Every node of the graph; a renderer shows as many as it has room for, the costliest first.
    case layers(LayerList)
    case notMeasured([Report.NotMeasured])
  }

  package struct Row: Sendable {
    package var name: String
    package var value: String
    /// Spread, interval, conditions.
    package var detail: String
    package var interpretation: String
  }

  package struct Table: Sendable {
    package var caption: String
    package var columns: [Column]
    package var rows: [[String]]
    /// Index of the row to emphasise.
    package var emphasized: Int?
    /// Only its first rows are needed in a summary.
    package var summaryRows: Int?
    /// Repeats a chart in figures: shown folded where there are charts.
    package var isSupplement = false
    /// Cells are cut rather than continued on the next line: many rows that are read down a column.
    package var isDense = false

    package struct Column: Sendable {
      package var title: String
      package var isNumber: Bool
    }
  }

  /// A figure at a glance, with what it was computed from.
  package struct Gauge: Sendable {
    package enum Tone: String, Sendable { case good, fair, bad, none }
    package var id: String
    package var title: String
    package var value: String
    package var detail: String
    /// Share of the ring that is filled, nil when not measured.
    package var fill: Double?
    package var tone: Tone
    package var target: Report.Section
    /// How the ring and the tone follow from the evidence, one sentence.
    package var formula: String
    package var evidence: [Evidence]
  }

  /// A figure that a gauge rests on, what it is compared with, and where that threshold comes from.
  package struct Evidence: Sendable, Hashable {
    package var name: String
    package var value: String
    /// Empty where the figure is compared with nothing.
    package var threshold: String
    package var source: String
    /// Nil where nothing was compared, or the figure is absent.
    package var passed: Bool?
  }

  /// The same figures of two models, and the change.
  package struct Delta: Sendable {
    package var title: String
    /// `46.7 MB → 11.8 MB (−74.6%), p50 24.1 → 13.4 ms`.
    package var headline: String
    package var rows: [DeltaRow]
    /// What was not compared, and why.
    package var notes: [String]
  }

  package struct DeltaRow: Sendable {
    package var name: String
    package var before: String
    package var after: String
    package var change: String
    package var tone: Gauge.Tone
  }

  /// One thing to do.
  package struct Action: Sendable {
    package var title: String
    /// The figure that motivates it.
    package var gain: String
    /// Position in section 6, from 1.
    package var number: Int
  }

  package enum Chart: Sendable {
    /// Horizontal bars: label, value in `unit`, text beside the bar.
    case bars(title: String, items: [BarItem])
    /// Candidates: size over median time, by where they stand.
    case candidates([Report.Candidate])
    /// Accuracy over epsilon, a line per attack.
    case curves(title: String, clean: Double, curves: [Curve])
    /// Live activations over the nodes of the graph, with the name of each node's outermost module.
    case memory(Report.Memory, modules: [String])
    /// Kernels under the machine's two roofs.
    case roofline(Report.Roofline, [Report.Kernel])
    /// Images per second over the batch size, a line per thread count.
    case throughput([Report.Throughput])
    /// Modules by parameters, and by time where it was measured.
    case treemap(LayerList)
    /// The graph, collapsed by module.
    case graph(Report.Analysis)
  }

  package struct BarItem: Sendable {
    package var label: String
    package var kind: String
    package var value: Double
    package var text: String
  }

  package struct Curve: Sendable {
    package var name: String
    /// Colour and marker; the same attack looks the same in every chart.
    package var look: Int
    package var points: [(epsilon: Double, label: String, accuracy: Double)]
  }
}
