/// Section 2: sizes, speedup, accuracy before and after, techniques, candidates.
enum OptimizationSection {
  static func blocks(_ report: Report) -> [Document.Block] {
    guard let optimization = report.optimization else {
      return Document.absentSection(.optimization, report, fallback: Commands(report).optimize())
    }
    var blocks: [Document.Block] = [.lead(OptimizationHeadline.text(optimization))]
    if let text = OptimizationHeadline.objective(optimization) { blocks.append(.paragraph(text)) }
    blocks.append(.rows(rows(optimization, report)))
    blocks += CandidateBlocks.blocks(optimization)
    if !optimization.explanations.isEmpty {
      blocks.append(
        .list("Why variants that should be faster are not", optimization.explanations.map(Format.ended)))
    }
    blocks += SensitivityBlocks.blocks(optimization)
    blocks += EngineBlocks.blocks(optimization)
    if !optimization.notes.isEmpty {
      blocks.append(.list("To know", optimization.notes.map(Format.statement)))
    }
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
    if optimization.accuracyDrop != nil {
      let name = optimization.originalAccuracy == nil ? "Predictions changed" : "Accuracy drop"
      var drop = Document.row(name, optimization.accuracyDrop, path + "accuracyDrop", report)
      if optimization.originalAccuracy != nil, let figure = optimization.accuracyDrop {
        drop.value = "\(Format.signedPoints(figure.value)) points"
        let interval = figure.interval.map {
          "\(Format.percent($0.level, 0)) interval \(Format.signedPoints($0.low)) to \(Format.signedPoints($0.high)) points"
        }
        drop.detail = [interval, figure.conditions].compactMap { $0 }.joined(separator: "; ")
      }
      rows.append(drop)
    }
    rows.append(Document.row("Agreement", optimization.agreement, path + "agreement", report))
    rows.append(
      Document.Row(
        name: "Techniques",
        value: optimization.techniques.isEmpty
          ? "none applied" : optimization.techniques.joined(separator: "; "),
        detail: optimization.optimizedPath.map { "written to \($0)" } ?? "",
        interpretation: optimization.isApproximate
          ? OptimizationNarrative.techniques(optimization)
          : "Exact: outputs equal the original's up to rounding."))
    return rows
  }
}
