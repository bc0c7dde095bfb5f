import ScopePolicy

/// The text of a commented policy that a report keeps, with headroom: what `neural-scope init` writes.
public enum PolicyTemplate {
  /// Linf radius of the robust accuracy: hardly visible on photographs, and where plain models already lose most.
  public static let epsilon = "2/255"

  public static func render(_ report: Report) -> String {
    let date = String(report.conditions.date.prefix(10))
    var lines = [
      "# What this model must keep to before it ships. Check it with:",
      "#   neural-scope validate MODEL --policy neural-scope.yml [--data DIR] [--baseline REPORT.json]",
      "# Written by neural-scope \(report.conditions.tool.version) on \(Escape.visible(date)) from what was measured of",
      "# \(Escape.visible(report.model.name)), with headroom. Change the limits to what you need.",
      "# level: error fails the check, warn only shows it, off does not measure it.",
      "version: 1", "", "security:",
      "  # Findings of this severity or above fail: critical, high, medium or low. With --baseline only new ones do.",
      "  fail-on: medium", "  level: error",
      "  # A valid signature (neural-scope sign); give the key with --public-key.", "  signature: off",
    ]
    if let security = report.security, security.verdict != .safe {
      lines.append(
        "  # Today's verdict is \(security.verdict.rawValue): neural-scope security MODEL says why.")
    }
    lines += [
      "  # Findings that somebody has looked at and accepts for a while:", "  # suppressions:",
      "  #   - rule: PKL001", "  #     path: legacy/*.pt", "  #     reason: converted next quarter",
      "  #     expires: 2027-03-31", "", "budgets:",
    ]
    lines += budgets(report)
    return lines.joined(separator: "\n") + "\n"
  }

  private static func budgets(_ report: Report) -> [String] {
    var lines: [String] = []
    func add(
      _ key: String, today: String, _ limit: String, relative: String?, level: String = "error",
      extra: [String] = []
    ) {
      lines += ["  # Today: \(today)", "  \(key):", "    \(limit)"] + extra.map { "    \($0)" }
      if let relative { lines.append("    # \(relative)   # than the report given with --baseline") }
      lines.append("    level: \(level)")
    }
    func bytes(_ value: Double) -> String {
      value < 1e5 ? "\(Int(value.rounded(.up))) B" : plain((value / 1e4).rounded(.up) / 100) + " MB"
    }
    add(
      "size", today: Figure.bytes(report.model.bytes).text, "max: \(bytes(Double(report.model.bytes) * 1.1))",
      relative: "max-increase: 5%")
    if let figure = report.figure(for: .init(.parameters)) {
      add(
        "parameters", today: figure.text, "max: \(whole(figure.value * 1.05))", relative: "max-increase: 5%")
    }
    if let figure = report.figure(for: .init(.macs)) {
      add("macs", today: figure.text, "max: \(whole(figure.value * 1.05))", relative: "max-increase: 5%")
    }
    if let figure = report.figure(for: .init(.peakMemory)) {
      add(
        "peak-memory", today: "\(figure.text), weights and peak activations",
        "max: \(bytes(figure.value * 1.1))", relative: "max-increase: 10%")
    }
    // Times of other machines are other times: these only warn until the pipeline's machine is known.
    let machine =
      ", on \(Escape.visible(report.conditions.machine.cpu)), \(report.conditions.machine.cores) cores"
    for metric in [Budget.Metric.latencyP50, .latencyP95] {
      guard let figure = report.figure(for: .init(metric)) else { continue }
      add(
        metric.rawValue, today: figure.fullText + machine,
        "max: \(plain(rounded(1.5 * (figure.interval?.high ?? figure.value), up: true))) ms",
        relative: "max-increase: 10%", level: "warn")
    }
    if let figure = report.figure(for: .init(.accuracy)) {
      add(
        "accuracy", today: figure.fullText + images(figure),
        "min: \(percent((figure.interval?.low ?? figure.value) - 0.01))", relative: "max-decrease: 1 point")
    } else {
      lines += [
        "  # Not measured: needs labelled images (--data DIR).", "  # accuracy:", "  #   min: 80%",
        "  #   level: error",
      ]
    }
    if let figure = report.figure(for: .init(.calibrationError)) {
      add(
        "calibration-error", today: figure.text, "max: \(percent(1.5 * figure.value + 0.01))", relative: nil,
        level: "warn")
    }
    if let figure = report.figure(for: .init(.robustAccuracy, epsilon: epsilon)) {
      let low = (figure.interval?.low ?? figure.value) - 0.02
      if low < 0.001 {
        lines += [
          "  # Robust accuracy at \(epsilon) is \(figure.text) today: any limit would fail.",
          "  # robust-accuracy:",
          "  #   min: 20%", "  #   epsilon: \(epsilon)", "  #   level: error",
        ]
      } else {
        add(
          "robust-accuracy", today: figure.fullText + images(figure), "min: \(percent(low))",
          relative: "max-decrease: 3 points", level: "warn", extra: ["epsilon: \(epsilon)"])
      }
    }
    return lines
  }

  private static func images(_ figure: Figure) -> String {
    figure.samples.map { ", \(Format.plural($0, "image"))" } ?? ""
  }

  private static func percent(_ share: Double) -> String {
    plain((max(0, min(1, share)) * 1000).rounded(.down) / 10) + "%"
  }

  private static func whole(_ value: Double) -> String { plain(value.rounded(.up)) }

  /// Three significant digits, never closer than the value.
  private static func rounded(_ value: Double, up: Bool) -> Double {
    guard value > 0, value.isFinite else { return value }
    var scale = 1.0
    while value * scale < 100, scale < 1e6 { scale *= 10 }
    return (value * scale).rounded(up ? .up : .down) / scale
  }

  /// Digits as the policy reads them: no group separators, no exponent.
  private static func plain(_ value: Double) -> String {
    var text = Format.fixed(value, 6)
    text.removeAll { $0 == "," }
    return Format.trimmed(text)
  }
}
