/// `measurements.csv`: one row per figure of a report, in the report's order (RFC 4180).
///
/// The rows are found by walking the report's value, so a figure that a later version adds is in the table without a change
/// here. Columns: the model; the figure's JSON path; what it is about (candidate, attack, layer); value, unit, interval
/// and its method; spread; samples; conditions; machine, engine and date of the run.
public enum CSVRenderer {
  static let columns = [
    "model", "path", "subject", "value", "unit", "interval_low", "interval_high", "interval_level",
    "interval_method", "spread", "samples", "conditions", "machine", "engine", "date",
  ]

  public static func render(_ report: Report) -> String {
    let conditions = report.conditions
    let place = [
      conditions.machine.fingerprint ?? conditions.machine.cpu,
      conditions.engine.map { "\($0.name) \($0.version)" } ?? "", conditions.date,
    ].map(text)
    let model = text(report.model.name)
    var lines = [columns.joined(separator: ",")]
    let file = Entry(path: "model.bytes", subject: "", figure: .bytes(report.model.bytes))
    for entry in [file] + entries(report, path: "", subject: "") {
      let figure = entry.figure
      let cells = [
        model, text(entry.path), text(entry.subject), number(figure.value), text(figure.unit.rawValue),
        number(figure.interval?.low), number(figure.interval?.high), number(figure.interval?.level),
        text(figure.interval?.method ?? ""), number(figure.spread), figure.samples.map { String($0) } ?? "",
        text(figure.conditions ?? ""),
      ]
      lines.append((cells + place).joined(separator: ","))
    }
    return lines.map { $0 + "\r\n" }.joined()
  }

  private struct Entry {
    var path: String
    var subject: String
    var figure: Figure
  }

  private static func entries(_ value: Any, path: String, subject: String) -> [Entry] {
    if let figure = value as? Figure { return [Entry(path: path, subject: subject, figure: figure)] }
    let mirror = Mirror(reflecting: value)
    switch mirror.displayStyle {
    case .optional:
      return mirror.children.first.map { entries($0.value, path: path, subject: subject) } ?? []
    case .collection:
      return mirror.children.enumerated().flatMap { index, child in
        entries(child.value, path: "\(path)[\(index)]", subject: subject)
      }
    case .struct:
      let own = self.subject(mirror)
      let subject = own.isEmpty ? subject : own
      return mirror.children.flatMap { child in
        guard let label = child.label else { return [Entry]() }
        return entries(child.value, path: path.isEmpty ? label : "\(path).\(label)", subject: subject)
      }
    default: return []
    }
  }

  /// The names by which people know an element of a list: `PGD-10 Linf 2/255`.
  private static func subject(_ mirror: Mirror) -> String {
    let labels = ["name", "attack", "configuration", "norm", "epsilon"]
    return labels.compactMap { label -> String? in
      let value = mirror.children.first { $0.label == label }?.value
      if let epsilon = value as? Double { return Format.epsilon(epsilon) }
      return value as? String
    }.joined(separator: " ")
  }

  private static func number(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "" }
    return value == value.rounded() && abs(value) < 9e15 ? String(Int64(value)) : "\(value)"
  }

  /// A quoted cell. What a spreadsheet would run as a formula starts with an apostrophe instead.
  private static func text(_ raw: String) -> String {
    var text = Escape.visible(raw)
    let first = text.first { $0 != " " }
    if let first, "=+-@|".contains(first) { text = "'" + text }
    return "\"" + Escape.replacing(text, "\"", "\"\"") + "\""
  }
}
