/// What optimization gave in one line, and what it was told to look for.
enum OptimizationHeadline {
  /// `18.83 MB → 5.10 MB (−72.9%), p50 11.3 → 8.14 ms (1.39×), accuracy drop 0.25 points, 95% CI −0.4 to 0.9 (400 samples),
  /// agreement 98.5%`.
  static func text(_ optimization: Report.Optimization) -> String {
    [size(optimization), time(optimization), loss(optimization), agreement(optimization)]
      .compactMap { $0 }.joined(separator: ", ")
  }

  private static func size(_ optimization: Report.Optimization) -> String {
    let change = -optimization.sizeReduction.value
    let sign = abs(change) < 0.0005 ? "" : change < 0 ? "−" : "+"
    let text = sign + Format.percent(abs(change))
    return "\(optimization.originalBytes.text) → \(optimization.optimizedBytes.text) (\(text))"
  }

  private static func time(_ optimization: Report.Optimization) -> String? {
    let ratio = optimization.speedup.map { speedup in
      let isProven = speedup.interval.map { $0.low > 1 || $0.high < 1 } ?? true
      return speedup.text + (isProven ? "" : ", not told from 1×")
    }
    guard let before = optimization.originalP50Milliseconds?.value,
      let after = optimization.optimizedP50Milliseconds?.value
    else { return ratio.map { "speed \($0)" } }
    // The unit stands once where both have it.
    let isShort = abs(before) < 10_000 && abs(after) < 10_000
    let times =
      "\(isShort ? Format.significant(before) : Format.milliseconds(before)) → \(Format.milliseconds(after))"
    return "p50 \(times)" + (ratio.map { " (\($0))" } ?? "")
  }

  /// With labels the accuracy that was lost, without them the predictions that changed.
  static func loss(_ optimization: Report.Optimization) -> String {
    let images = optimization.evaluationImages ?? optimization.accuracyDrop?.samples
    let samples = images.map { " (\(Format.plural($0, "sample")))" } ?? ""
    if optimization.originalAccuracy == nil {
      guard let changed = OptimizationNarrative.changed(optimization) else { return "accuracy: not measured" }
      let interval = changed.interval.map {
        ", \(level($0)) CI \(Format.percent(max($0.low, 0))) to \(Format.percent($0.high))"
      }
      return "predictions changed \(Format.percent(changed.value))" + (interval ?? "") + samples
    }
    guard let drop = OptimizationNarrative.drop(optimization) else { return "accuracy: not measured" }
    let interval = optimization.accuracyDrop?.interval.map {
      ", \(level($0)) CI \(Format.signedPoints($0.low)) to \(Format.signedPoints($0.high))"
    }
    return "accuracy drop \(Format.signedPoints(drop)) point\(abs(abs(drop) - 0.01) < 1e-9 ? "" : "s")"
      + (interval ?? "") + samples
  }

  private static func level(_ interval: Figure.Interval) -> String { Format.percent(interval.level, 0) }

  private static func agreement(_ optimization: Report.Optimization) -> String? {
    guard optimization.originalAccuracy != nil else { return nil }
    return optimization.agreement.map { "agreement \($0.text)" }
  }

  /// What decided among the variants, and whether any of them met it.
  static func objective(_ optimization: Report.Optimization) -> String? {
    guard let objective = optimization.objective else { return nil }
    let what =
      switch objective {
      case "latency": "the fastest"
      case "size": "the smallest that is not slower"
      case "balanced": "the best product of speedup and size ratio"
      default: "the best by this measure"
      }
    var among = "among the variants"
    if let budget = optimization.maximumAccuracyDrop, OptimizationNarrative.isJudged(optimization) {
      among +=
        optimization.originalAccuracy == nil
        ? " that change at most \(Format.percent(budget)) of the predictions"
        : " that lose at most \(Format.points(budget)) of accuracy"
    } else {
      among += " that keep the scores: no data judged them"
    }
    let result =
      optimization.isApproximate
      ? "" : " None did better than the exact rewrites, so those were written."
    return "Objective: \(objective), \(what) \(among).\(result)"
  }
}

extension Format {
  /// A signed difference of fractions in percentage points, without the unit: `0.25`, `−0.4`.
  package static func signedPoints(_ difference: Double) -> String {
    let size = abs(difference) * 100
    let text = trimmed(fixed(size, size < 1 ? 2 : 1))
    return (difference < 0 && text != "0" ? "−" : "") + text
  }
}
