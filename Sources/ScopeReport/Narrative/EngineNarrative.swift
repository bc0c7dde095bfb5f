/// What to deploy with, and only as much of it as the intervals support.
enum EngineNarrative {
  static func text(_ table: Report.EngineTable) -> String {
    var text = "Deploy with \(table.best)."
    let best = table.rows.first(where: \.isBest)
    if let speedup = best?.speedup, let interval = speedup.interval, interval.low > 1 {
      let against = speedup.conditions.map { "; \($0)" } ?? ""
      text +=
        " Side by side it is \(speedup.text) as fast (\(Format.percent(interval.level, 0)) interval "
        + "\(speedup.intervalText ?? "")\(against))."
    } else if table.rows.count > 1 {
      text += " No other setting of that engine is proven faster than its default."
    }
    if let ratio = table.openVINOOverONNXRuntime, let interval = ratio.interval {
      let shown = ratio.intervalText ?? ""
      if interval.low > 1 {
        text += " OpenVINO's best is \(ratio.text) as fast as ONNX Runtime's (\(shown))."
      } else if interval.high < 1, ratio.value > 0, interval.low > 0 {
        text +=
          " ONNX Runtime's best is \(Format.ratio(1 / ratio.value)) as fast as OpenVINO's "
          + "(\(Format.ratio(1 / interval.high)) to \(Format.ratio(1 / interval.low)))."
      } else {
        text += " Between the best of OpenVINO and of ONNX Runtime no difference is proven (\(shown))."
      }
    }
    let slower = table.rows.filter { ($0.speedup?.interval?.high ?? 2) < 1 }.count
    if slower > 0 {
      text +=
        " \(Format.plural(slower, "setting")) \(slower == 1 ? "is" : "are") proven slower than what was measured beside them."
    }
    return text
  }
}
