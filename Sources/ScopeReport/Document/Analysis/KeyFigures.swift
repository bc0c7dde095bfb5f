/// The numbers that matter, a line each: what `analyze` prints first.
package enum KeyFigures {
  package static func rows(_ report: Report) -> [Document.Row] {
    guard let analysis = report.analysis else { return [] }
    var rows: [Document.Row] = []
    var lastReason = ""
    func add(_ name: String, _ value: String?, _ detail: String?..., path: String) {
      if let value {
        let text = AnalysisSection.joined(detail)
        rows.append(Document.Row(name: name, value: value, detail: text, interpretation: ""))
      } else if report.notMeasured.contains(where: { path == $0.path || path.hasPrefix($0.path + ".") }) {
        var row = Document.missing(name, path, report)
        row.detail = [row.detail, row.interpretation].filter { !$0.isEmpty }.joined(separator: ". ")
        row.interpretation = ""
        if row.detail == lastReason {
          row.detail = "for the same reason"
        } else {
          lastReason = row.detail
        }
        rows.append(row)
      }
    }
    let detail = analysis.parameterDetail
    add(
      "Parameters", Format.integer(analysis.parameters.value),
      analysis.buffers.flatMap { $0.value > 0 ? "\($0.text) more in buffers" : nil },
      detail.flatMap { $0.shared > 0 ? "\(Format.compact($0.shared)) shared" : nil },
      path: "analysis.parameters")
    add(
      "Layers", analysis.weightLayers.map { Format.plural(Int($0.value), "weight layer") }, layers(analysis),
      path: "analysis.weightLayers")
    add("Architecture", report.model.architecture ?? "not recognised", path: "")
    add(
      "MACs", analysis.macs.map { (analysis.macsComplete == false ? "at least " : "") + $0.text },
      CoverageNarrative.share(analysis), analysis.macsFormula, path: "analysis.macs")
    add(
      "Weights", analysis.weightBytes.map { Format.binaryBytes($0.value) },
      Format.list(detail.map { $0.byType.map(\.type) } ?? analysis.weightTypes), path: "analysis.weightBytes")
    add(
      "Peak activations", analysis.peakActivationBytes.map { Format.binaryBytes($0.value) },
      analysis.peakActivationBytesNaive.flatMap {
        $0.value == analysis.peakActivationBytes?.value
          ? nil : "\(Format.binaryBytes($0.value)) without in-place reuse"
      },
      analysis.memory?.enginePeakBytes.map { "the engine's arena \(Format.binaryBytes($0.value))" },
      path: "analysis.peakActivationBytes")
    add(
      "Latency", analysis.latency.map { "\($0.p50Milliseconds.text) median" }, analysis.latency.map(latency),
      analysis.latency == nil ? nil : machine(report), path: "analysis.latency")
    if let latency = analysis.latency {
      let best = ThroughputBlocks.best(analysis)
      let rate =
        latency.imagesPerSecond?.value ?? 1000 * Double(latency.batch)
        / max(latency.p50Milliseconds.value, 1e-9)
      add(
        "Throughput", "\(Format.significant(rate)) images/s",
        best.map {
          "best \(Format.significant($0.imagesPerSecond.value)) at \(ThroughputBlocks.point($0.batch, $0.threads))"
        },
        path: "analysis.throughput")
      let first = latency.firstInferenceMilliseconds.map { "first inference \($0.text)" }
      add(
        "Start-up", latency.loadMilliseconds.map { "\($0.text) to load" } ?? first,
        latency.loadMilliseconds == nil ? nil : first, path: "analysis.latency.loadMilliseconds")
    }
    if let deployment = analysis.deployment {
      add(
        "Deployment", "\(deployment.imagesPerSecondPerCore.text) per core",
        deployment.costPerMillion.map { "\(Format.significant($0.value)) per million inferences" },
        path: "analysis.deployment")
    }
    if let model = analysis.languageModel {
      add(
        "Key-value cache", "\(Format.binaryBytes(model.cacheBytesPerToken.value)) per token",
        model.contexts.last.map {
          "\(Format.binaryBytes(Double($0.totalBytes))) with weights at \(Format.integer($0.tokens)) tokens"
        }, path: "analysis.languageModel")
    }
    add("File", Format.decimalBytes(Double(report.model.bytes)), input(analysis), path: "")
    return rows
  }

  private static func layers(_ analysis: Report.Analysis) -> String {
    [
      analysis.parameterisedModules.map { "\($0.text) parameterised modules" },
      analysis.modules.map { "\($0.text) modules" },
      analysis.graphNodes.map { nodes in
        "\(nodes.text) graph nodes" + (analysis.computeNodes.map { " (\($0.text) compute)" } ?? "")
      },
      analysis.optimizedNodes.map { "\($0.text) after the engine's optimization" },
    ].compactMap { $0 }.joined(separator: ", ")
  }

  private static func latency(_ latency: Report.Latency) -> String {
    [
      latency.p50Milliseconds.intervalText.map { "95% interval \($0)" },
      latency.p90Milliseconds.map { "p90 \($0.text)" }, latency.p99Milliseconds.map { "p99 \($0.text)" },
      "\(Format.plural(latency.threads, "thread")), batch \(latency.batch), \(Format.plural(latency.samples, "run"))",
    ].compactMap { $0 }.joined(separator: "; ")
  }

  /// The machine that the times hold for.
  private static func machine(_ report: Report) -> String? {
    let machine = report.conditions.machine
    return ([machine.cpu] + [machine.fingerprint.map { "machine \($0)" }].compactMap { $0 }).joined(
      separator: ", ")
  }

  private static func input(_ analysis: Report.Analysis) -> String? {
    let inputs = analysis.inputs.prefix(3).map { "\($0.name) \($0.shape.joined(separator: "×"))" }
    return inputs.isEmpty ? nil : "input \(inputs.joined(separator: ", "))"
  }

  /// A few sentences on what the numbers mean.
  package static func reading(_ report: Report) -> [String] {
    guard let analysis = report.narrated().analysis else { return [] }
    return [
      CoverageNarrative.missing(analysis), analysis.peakActivationBytes?.interpretation,
      analysis.latency?.p50Milliseconds.interpretation ?? analysis.parameters.interpretation,
      ProfileNarrative.bottlenecks(analysis) ?? analysis.profile.flatMap(ProfileNarrative.profile),
      ThroughputNarrative.deployment(analysis),
      analysis.languageModel.flatMap { LanguageModelNarrative.memory($0, analysis) },
    ].compactMap { $0 }
  }
}
