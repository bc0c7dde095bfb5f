/// A Hugging Face model card: YAML front matter whose `model-index` holds measured values only, and a text in the order of
/// the card template (huggingface_hub, `modelcard_template.md`).
///
/// What only a human knows (licence, intended use, training data) is marked ``toBeFilledIn``, never guessed.
public enum ModelCardRenderer {
  public static let toBeFilledIn = "to be filled in by a human"

  public static func render(_ report: Report) -> String {
    let report = report.narrated()
    return (metadata(report) + text(report)).joined(separator: "\n") + "\n"
  }

  // MARK: YAML

  private struct Metric {
    var type: String
    var name: String
    var figure: Figure
  }

  private static func metadata(_ report: Report) -> [String] {
    var lines = [
      "---", "# license: \(toBeFilledIn)", "# language: \(toBeFilledIn)",
      "# datasets (training): \(toBeFilledIn)",
      "tags:", "- neural-scope",
    ]
    if report.model.format == "onnx" { lines.append("- onnx") }
    let accuracies = accuracies(report)
    // Accuracy on images is a task; without it the card claims none, and `model-index` needs one.
    guard !accuracies.isEmpty, let data = report.conditions.data else { return lines + ["---", ""] }
    let name = data.path.split(separator: "/").last.map(String.init) ?? data.path
    lines += [
      "pipeline_tag: image-classification", "model-index:",
      "- name: \(quoted(report.model.architecture ?? report.model.name))", "  results:", "  - task:",
      "      type: image-classification", "    dataset:", "      name: \(quoted(name))",
      "      type: \(quoted("local folder of \(Format.plural(data.images, "image"))"))", "    metrics:",
    ]
    for metric in accuracies + costs(report) {
      lines += [
        "    - type: \(metric.type)", "      value: \(number(metric.figure.value))",
        "      name: \(quoted(metric.name))",
      ]
    }
    return lines + ["---", ""]
  }

  private static func accuracies(_ report: Report) -> [Metric] {
    var metrics: [Metric] = []
    if let accuracy = Assessments.accuracy(report), accuracy.value.isFinite {
      metrics.append(Metric(type: "accuracy", name: "Top-1 accuracy", figure: accuracy))
    }
    if let accuracy = report.optimization?.optimizedAccuracy {
      metrics.append(
        Metric(type: "accuracy", name: "Top-1 accuracy of the optimized model", figure: accuracy))
    }
    for attack in report.robustness?.attacks ?? [] {
      let radius = attack.epsilonText ?? Format.epsilon(attack.epsilon)
      metrics.append(
        Metric(
          type: "accuracy", name: "Top-1 accuracy under \(attack.name) (\(attack.norm) \(radius))",
          figure: attack.robustAccuracy))
    }
    return metrics.filter { $0.figure.value.isFinite }
  }

  private static func costs(_ report: Report) -> [Metric] {
    let all: [(String, String, Figure?)] = [
      ("file_size_bytes", "File size", .bytes(report.model.bytes)),
      ("optimized_file_size_bytes", "File size of the optimized model", report.optimization?.optimizedBytes),
      ("latency_p50_milliseconds", "Median time of one inference", report.analysis?.latency?.p50Milliseconds),
      (
        "optimized_latency_p50_milliseconds", "Median time of one inference of the optimized model",
        report.optimization?.optimizedP50Milliseconds
      ),
      ("parameters", "Parameters", report.analysis?.parameters), ("macs", "MACs", report.analysis?.macs),
    ]
    return all.compactMap { type, name, figure in
      figure.flatMap { $0.value.isFinite ? Metric(type: type, name: name, figure: $0) : nil }
    }
  }

  private static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 9e15 ? String(Int64(value)) : Format.plain(value, 6)
  }

  /// A double-quoted scalar (YAML 1.2, 7.3.1).
  private static func quoted(_ raw: String) -> String {
    let text = Escape.replacing(Escape.visible(raw), "\\", "\\\\")
    return "\"" + Escape.replacing(text, "\"", "\\\"") + "\""
  }

  // MARK: Text

  private static func text(_ report: Report) -> [String] {
    let model = report.model
    var lines = ["# \(Escape.markdown(model.architecture ?? model.name))", ""]
    if let description = model.architectureDescription { lines += [Escape.markdown(description), ""] }
    lines += ["## Model Details", ""]
    lines += list([
      ("Developed by", nil), ("License", nil), ("File", model.name),
      ("Format", model.formatDetail ?? model.format),
      ("SHA-256", model.sha256 ?? Document.absentValue), ("Paper or source", model.architectureSource),
      ("Parameters", report.analysis?.parameters.text ?? Document.absentValue),
    ])
    lines += ["## Uses", "", marked("Direct use"), marked("Out-of-scope use"), ""]
    lines += ["## Bias, Risks, and Limitations", ""]
    lines += limitations(report).map { "- \(Escape.markdown($0))" } + [marked("Social bias"), ""]
    lines += ["## Training Details", "", marked("Training data"), marked("Training procedure"), ""]
    lines += ["## Evaluation", ""] + evaluation(report)
    lines += ["## Technical Specifications", ""] + conditions(report)
    return lines
  }

  private static func marked(_ name: String) -> String { "- **\(name)**: *\(toBeFilledIn)*" }

  private static func list(_ items: [(String, String?)]) -> [String] {
    items.map { name, value in value.map { "- **\(name)**: \(Escape.markdown($0))" } ?? marked(name) } + [""]
  }

  private static func limitations(_ report: Report) -> [String] {
    var texts = report.conclusion?.sentences ?? []
    texts += (report.security?.findings ?? []).prefix(10).map {
      "\(Format.sentence($0.severity.rawValue)): \($0.title). \(Format.ended($0.mitigation))"
    }
    return texts
  }

  private static func evaluation(_ report: Report) -> [String] {
    let metrics = accuracies(report) + costs(report)
    var lines = ["| Metric | Value | 95% interval | Samples |", "|---|---:|---:|---:|"]
    lines += metrics.map { metric in
      let figure = metric.figure
      let cells = [
        metric.name, figure.text, figure.intervalText ?? "–", figure.samples.map(Format.integer) ?? "–",
      ]
      return "| \(cells.map(Escape.markdown).joined(separator: " | ")) |"
    }
    lines.append("")
    if let data = report.conditions.data {
      lines += [
        Escape.markdown(
          "Measured on \(Format.plural(data.images, "labelled image")) of \(Format.plural(data.classes, "class", "classes")); "
            + "preprocessing: \(data.preprocessing)."), "",
      ]
    }
    return lines
  }

  private static func conditions(_ report: Report) -> [String] {
    let conditions = report.conditions
    return list([
      ("Machine", "\(conditions.machine.cpu), \(Format.plural(conditions.machine.cores, "core"))"),
      ("Engine", conditions.engine.map { "\($0.name) \($0.version)" } ?? "none"),
      ("Measured by", "\(conditions.tool.name) \(conditions.tool.version), \(conditions.date)"),
      (
        "Not measured",
        report.notMeasured.isEmpty ? "–" : report.notMeasured.map(\.path).joined(separator: ", ")
      ),
    ])
  }
}

extension Format {
  /// A plain decimal number for other programs: no grouping, up to `decimals` decimals, an exponent where that loses it.
  static func plain(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite, abs(value) < 1e9, value == 0 || abs(value) >= 1e-3 else { return "\(value)" }
    return Escape.replacing(trimmed(fixed(value, decimals)), ",", "")
  }
}
