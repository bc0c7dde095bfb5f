/// Section 2: sizes, speedup, accuracy before and after, techniques, candidates.
enum OptimizationSection {
  static func blocks(_ report: Report) -> [Document.Block] {
    guard let optimization = report.optimization else {
      return Document.absentSection(.optimization, report, fallback: Commands(report).optimize())
    }
    var blocks: [Document.Block] = [.rows(rows(optimization, report))]
    if !optimization.candidates.isEmpty {
      blocks.append(.heading("Candidates tried"))
      if let text = OptimizationNarrative.candidates(optimization) { blocks.append(.paragraph(text)) }
      blocks.append(.chart(.candidates(optimization.candidates)))
      blocks.append(.table(candidates(optimization)))
    }
    blocks += optimization.notes.map { .paragraph($0) }
    return blocks
  }

  private static func rows(_ optimization: Report.Optimization, _ report: Report) -> [Document.Row] {
    let path = "optimization."
    var rows = [
      Document.row("Original Size", optimization.originalBytes, path + "originalBytes", report),
      Document.row("Optimized Size", optimization.optimizedBytes, path + "optimizedBytes", report),
      Document.row("Size Reduction", optimization.sizeReduction, path + "sizeReduction", report),
    ]
    var speedup = Document.row("Inference Speedup", optimization.speedup, path + "speedup", report)
    if let before = optimization.originalP50Milliseconds, let after = optimization.optimizedP50Milliseconds {
      speedup.detail = (["\(before.text) → \(after.text)", speedup.detail]).filter { !$0.isEmpty }.joined(
        separator: "; ")
    }
    rows.append(speedup)
    rows.append(
      Document.row("Accuracy before", optimization.originalAccuracy, path + "originalAccuracy", report))
    rows.append(
      Document.row("Accuracy after", optimization.optimizedAccuracy, path + "optimizedAccuracy", report))
    let counts = [
      optimization.evaluationImages.map { "\(Format.plural($0, "image")) evaluated" },
      optimization.calibrationImages.map { "\(Format.integer($0)) others calibrated" },
    ].compactMap { $0 }
    for index in rows.indices.suffix(2) where rows[index].value != Document.absentValue {
      rows[index].detail = ([rows[index].detail] + counts).filter { !$0.isEmpty }.joined(separator: "; ")
    }
    rows.append(Document.row("Agreement", optimization.agreement, path + "agreement", report))
    rows.append(
      Document.Row(
        name: "Techniques",
        value: optimization.techniques.isEmpty
          ? "none applied" : optimization.techniques.joined(separator: ", "),
        detail: optimization.optimizedPath.map { "written to \($0)" } ?? "",
        interpretation: optimization.isApproximate
          ? "Quantization changes results slightly; the accuracy rows are the proof that it may."
          : "Exact: outputs equal the original's up to rounding."))
    return rows
  }

  private static func candidates(_ optimization: Report.Optimization) -> Document.Table {
    Document.Table(
      caption: "Candidates, measured here",
      columns: [
        .init(title: "Candidate", isNumber: false), .init(title: "Size", isNumber: true),
        .init(title: "Accuracy", isNumber: true), .init(title: "Agreement", isNumber: true),
        .init(title: "Median", isNumber: true), .init(title: "Speedup", isNumber: true),
        .init(title: "Verdict", isNumber: false),
      ],
      rows: optimization.candidates.map { candidate in
        [
          candidate.name, candidate.bytes?.text ?? "–", candidate.accuracy?.text ?? "–",
          candidate.agreement?.text ?? "–",
          candidate.p50Milliseconds?.text ?? "–", candidate.speedup?.text ?? "–", candidate.verdict,
        ]
      },
      emphasized: optimization.candidates.firstIndex { $0.isChosen }, summaryRows: nil)
  }
}
