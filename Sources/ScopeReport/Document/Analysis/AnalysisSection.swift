/// Section 1: Parameters, Layers, Architecture, Memory Usage, MACs, Inference Time.
enum AnalysisSection {
  static func blocks(_ report: Report) -> [Document.Block] {
    guard let analysis = report.analysis else {
      return Document.absentSection(.analysis, report, fallback: Commands(report).analyze)
    }
    var blocks: [Document.Block] = [.rows(rows(analysis, report))]
    blocks += LanguageModelBlocks.blocks(analysis)
    blocks += ProfileBlocks.blocks(analysis)
    blocks += RooflineBlocks.blocks(report)
    blocks += MemoryBlocks.blocks(report)
    blocks += ThroughputBlocks.blocks(report)
    blocks += LayerBlocks.blocks(analysis)
    blocks += WorkBlocks.blocks(analysis)
    blocks += WeightBlocks.blocks(report)
    if !analysis.inputs.isEmpty || !analysis.outputs.isEmpty {
      blocks.append(.heading("Input and output"))
      blocks.append(.table(signature(analysis)))
    }
    blocks += analysis.notes.map { .paragraph(Format.statement($0)) }
    return blocks
  }

  /// Says why a part is absent, when this run looked at the graph it would be about.
  static func absentPart(_ path: String, _ report: Report) -> [Document.Block] {
    guard let known = report.notMeasured.first(where: { $0.path == path }) else { return [] }
    return [.paragraph("Not measured: \(known.reason). To measure it: \(known.remedy)")]
  }

  private static func rows(_ analysis: Report.Analysis, _ report: Report) -> [Document.Row] {
    var rows: [Document.Row] = []
    var parameters = Document.row("Parameters", analysis.parameters, "analysis.parameters", report)
    let extra = [
      analysis.trainableParameters.flatMap {
        $0.value == analysis.parameters.value ? nil : "\($0.text) trainable"
      },
      analysis.buffers.flatMap { $0.value > 0 ? "\($0.text) further elements in buffers" : nil },
    ].compactMap { $0 }
    parameters.detail = ([parameters.detail] + extra).filter { !$0.isEmpty }.joined(separator: "; ")
    rows.append(parameters)
    rows.append(layers(analysis, report))
    rows.append(
      Document.Row(
        name: "Architecture", value: report.model.architecture ?? "not recognised",
        detail: analysis.opset.map { "ONNX opset \($0)" } ?? "",
        interpretation: AnalysisNarrative.architecture(report)))
    rows.append(
      Document.row(
        "Memory Usage: weights", analysis.weightBytes, "analysis.weightBytes", report,
        value: analysis.weightBytes.map { Format.binaryBytes($0.value) }))
    if !analysis.weightTypes.isEmpty, let last = rows.indices.last, analysis.weightBytes != nil {
      rows[last].detail = ([rows[last].detail, Format.list(analysis.weightTypes)]).filter { !$0.isEmpty }
        .joined(separator: "; ")
    }
    var peak = Document.row(
      "Memory Usage: peak activations", analysis.peakActivationBytes, "analysis.peakActivationBytes", report,
      value: analysis.peakActivationBytes.map { Format.binaryBytes($0.value) })
    if let naive = analysis.peakActivationBytesNaive, analysis.peakActivationBytes != nil,
      naive.value != analysis.peakActivationBytes?.value
    {
      peak.detail = ([peak.detail, "\(Format.binaryBytes(naive.value)) without in-place reuse"]).filter {
        !$0.isEmpty
      }
      .joined(separator: "; ")
    }
    rows.append(peak)
    var macs = Document.row(
      "MACs", analysis.macs, "analysis.macs", report,
      value: analysis.macs.map { (analysis.macsComplete == false ? "at least " : "") + $0.text })
    if analysis.macs != nil {
      macs.detail = joined([
        macs.detail, CoverageNarrative.share(analysis),
        analysis.macsFormula.map { "as a function of the input: \($0)" },
      ])
    }
    rows.append(macs)
    rows += latency(analysis, report)
    rows += optional(
      "Throughput", ThroughputBlocks.best(analysis)?.imagesPerSecond, "analysis.throughput", report
    ) {
      ThroughputBlocks.row(analysis, $0)
    }
    rows += optional("Deployment", analysis.deployment?.imagesPerSecondPerCore, "analysis.deployment", report)
    {
      ThroughputBlocks.deployment(analysis, $0)
    }
    if let file = analysis.fileBytes {
      rows.append(
        Document.Row(
          name: "File size", value: file.text, detail: file.conditions ?? "",
          interpretation: file.interpretation ?? ""))
    }
    return rows
  }

  /// The row of a figure that is only shown when it was measured or when the run says why it was not.
  private static func optional(
    _ name: String, _ figure: Figure?, _ path: String, _ report: Report, _ row: (Figure) -> Document.Row
  ) -> [Document.Row] {
    if let figure { return [row(figure)] }
    return report.notMeasured.contains { $0.path == path } ? [Document.missing(name, path, report)] : []
  }

  static func joined(_ parts: [String?]) -> String {
    parts.compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: "; ")
  }

  private static func layers(_ analysis: Report.Analysis, _ report: Report) -> Document.Row {
    let counts = [
      analysis.weightLayers.map { "\($0.text) weight layers" }, analysis.modules.map { "\($0.text) modules" },
      analysis.graphNodes.map { "\($0.text) graph nodes" },
      analysis.optimizedNodes.map { "\($0.text) after the engine's optimization" },
    ].compactMap { $0 }
    guard !counts.isEmpty else { return Document.missing("Layers", "analysis.weightLayers", report) }
    var definitions = "weight layers are convolutions and linear layers"
    if analysis.modules != nil { definitions += "; modules as PyTorch counts them, containers included" }
    if let own = analysis.parameterisedModules { definitions += " (\(own.text) own parameters)" }
    if analysis.graphNodes != nil {
      definitions += "; graph nodes are ONNX operators"
      if let compute = analysis.computeNodes { definitions += ", \(compute.text) of them compute" }
    }
    return Document.Row(
      name: "Layers", value: counts.joined(separator: ", "), detail: definitions,
      interpretation: analysis.weightLayers?.interpretation ?? "")
  }

  private static func latency(_ analysis: Report.Analysis, _ report: Report) -> [Document.Row] {
    guard let latency = analysis.latency else {
      return [Document.missing("Inference Time", "analysis.latency", report)]
    }
    var details = [
      "\(Format.plural(latency.threads, "thread")), batch \(latency.batch), \(Format.plural(latency.samples, "run"))"
        + (latency.warmupRuns.map { " after \($0) to warm up" } ?? "")
    ]
    if let spread = latency.interquartileRangeMilliseconds {
      details.append("interquartile range \(spread.text)")
    }
    if let p90 = latency.p90Milliseconds { details.append("p90 \(p90.text)") }
    if let p99 = latency.p99Milliseconds { details.append("p99 \(p99.text)") }
    let rate =
      latency.imagesPerSecond?.value ?? 1000 * Double(latency.batch)
      / max(latency.p50Milliseconds.value, 1e-9)
    var rows = [
      Document.Row(
        name: "Inference Time",
        value: "\(latency.p50Milliseconds.text) median, \(Format.significant(rate)) images/s",
        detail: details.joined(separator: "; "), interpretation: latency.p50Milliseconds.interpretation ?? "")
    ]
    let start = [
      latency.loadMilliseconds.map { "\($0.text) to load" },
      latency.firstInferenceMilliseconds.map { "\($0.text) first inference" },
    ].compactMap { $0 }
    if !start.isEmpty {
      rows.append(
        Document.Row(
          name: "Start-up", value: start.joined(separator: ", "), detail: "",
          interpretation: latency.firstInferenceMilliseconds?.interpretation ?? ""))
    }
    return rows
  }

  private static func signature(_ analysis: Report.Analysis) -> Document.Table {
    let lines = analysis.inputs.map { ("input", $0) } + analysis.outputs.map { ("output", $0) }
    return Document.Table(
      caption: "Input and output signature",
      columns: ["Direction", "Name", "Type", "Shape"].map { .init(title: $0, isNumber: false) },
      rows: lines.map { [$0.0, $0.1.name, $0.1.dataType, "[" + $0.1.shape.joined(separator: ", ") + "]"] },
      emphasized: nil, summaryRows: nil)
  }
}
