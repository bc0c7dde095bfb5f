/// The original beside the optimized model, when an optimization ran.
enum OptimizationDelta {
  static func make(_ report: Report) -> Document.Delta? {
    guard let optimization = report.optimization else { return nil }
    var size = DeltaRows.relative(
      "Size", optimization.originalBytes, optimization.optimizedBytes, isProven: true)
    if abs(optimization.sizeReduction.value) < Thresholds.worthwhileReduction { size.tone = .none }
    var rows = [size]
    if let before = optimization.originalP50Milliseconds, let after = optimization.optimizedP50Milliseconds {
      // The quotient was measured side by side; its interval, not that of either time, says what is proven.
      let proven = optimization.speedup?.interval.map { $0.low > 1 || $0.high < 1 } ?? false
      rows.append(DeltaRows.relative("Median time", before, after, isProven: proven))
    }
    if let before = optimization.originalAccuracy, let after = optimization.optimizedAccuracy {
      let budget = optimization.maximumAccuracyDrop ?? Thresholds.accuracyDrop
      rows.append(DeltaRows.points("Accuracy", before, after, tolerance: budget))
    }
    if let robustness = report.robustness, let under = robustness.optimizedComparison.first {
      rows.append(
        DeltaRows.points(
          "Accuracy under \(under.attack) at \(Format.epsilon(under.epsilon))", under.originalRobustAccuracy,
          under.optimizedRobustAccuracy, tolerance: Thresholds.optimizedExtraLoss))
    }
    return Document.Delta(
      title: "Original against optimized", headline: OptimizationHeadline.text(optimization), rows: rows,
      notes: [])
  }
}

/// Rows of a delta: two figures, the change, and whether it is good.
enum DeltaRows {
  /// Smaller is better (bytes, times).
  static func relative(
    _ name: String, _ before: Figure, _ after: Figure, isProven: Bool
  ) -> Document.DeltaRow {
    let change = before.value > 0 ? (after.value - before.value) / before.value : nil
    return Document.DeltaRow(
      name: name, before: before.text, after: after.text,
      change: change.map { Format.signedPercent($0) + (isProven ? "" : ", not proven") } ?? "–",
      tone: !isProven ? .none : (change ?? 0) <= 0 ? .good : .bad)
  }

  /// Larger is better; a loss up to `tolerance` (a fraction) is no alarm.
  static func points(
    _ name: String, _ before: Figure, _ after: Figure, tolerance: Double
  ) -> Document.DeltaRow {
    let change = after.value - before.value
    let sign = abs(change) < 1e-9 ? "" : change < 0 ? "−" : "+"
    return Document.DeltaRow(
      name: name, before: before.text, after: after.text, change: sign + Format.points(change),
      tone: change < -tolerance - 1e-9 ? .bad : change < -1e-9 ? .fair : .good)
  }
}
