/// Sentences for section 1, each from a figure and a threshold of ``Thresholds``.
enum AnalysisNarrative {
  static func interpret(_ analysis: inout Report.Analysis, in report: Report) {
    let source = analysis
    analysis.parameters.interpretation = parameters(source)
    analysis.weightLayers?.interpretation = layers(source)
    analysis.weightBytes?.interpretation = weights(source, report)
    analysis.peakActivationBytes?.interpretation = activations(source)
    analysis.macs?.interpretation = macs(source)
    if let measured = analysis.latency {
      var latency = measured
      latency.p50Milliseconds.interpretation = rate(measured, source)
      latency.firstInferenceMilliseconds?.interpretation = start(measured)
      analysis.latency = latency
    }
  }

  static func parameters(_ analysis: Report.Analysis) -> String {
    let count = analysis.parameters.value
    let size = Format.large(count)
    switch count {
    case ..<Thresholds.tinyParameters:
      return
        "\(size) parameters are microcontroller class: the MLPerf Tiny reference networks stay below 0.5 million."
    case ..<Thresholds.mobileParameters:
      return "\(size) parameters are in the range of networks made for phones "
        + "(MobileNetV2 has 3.5 million, EfficientNet-Lite4 13 million)."
    case ..<Thresholds.serverParameters:
      return "\(size) parameters are in the range of server and desktop networks "
        + "(ResNet-50 has 25.6 million, ViT-B/16 86.6 million)."
    default:
      return
        "\(size) parameters are beyond ViT-B/16 (86.6 million): plan memory and start-up time for each replica."
    }
  }

  static func layers(_ analysis: Report.Analysis) -> String? {
    guard let weight = analysis.weightLayers?.value, weight > 0 else { return nil }
    var text = "\(Format.integer(weight)) convolution and linear layers carry the computation"
    if let nodes = analysis.graphNodes?.value {
      let ratio = nodes / weight
      text +=
        ratio > Thresholds.fusibleNodeRatio
        ? ", \(Format.fixed(ratio, 1)) graph nodes for each: most nodes are bookkeeping that folding and fusion remove, "
          + "which shortens loading more than inference."
        : ", with only \(Format.fixed(ratio, 1)) graph nodes for each: little is left to fuse."
    } else {
      text += "."
    }
    return text
  }

  /// Architecture has no figure of its own; the row's text comes from the recognition.
  static func architecture(_ report: Report) -> String {
    let model = report.model
    guard model.architecture != nil else {
      return
        "Not recognised from parameter names and shapes: structure, size and security are reported from the file. "
        + "Export the model to ONNX to have it executed."
    }
    var text: [String] = []
    if let known = model.architectureDescription { text.append(Format.ended(known)) }
    if let year = model.architectureYear {
      let age = (reportYear(report) ?? year) - year
      let source = model.architectureSource.map { " (\($0))" } ?? ""
      text.append(
        age >= Thresholds.oldArchitectureYears
          ? "Introduced in \(year)\(source), \(age) years before this report: compare a newer family on the same data "
            + "before settling."
          : "Introduced in \(year)\(source).")
    }
    if let evidence = model.architectureEvidence { text.append("Recognised: \(Format.ended(evidence))") }
    return text.isEmpty ? "Recognised from parameter names and shapes." : text.joined(separator: " ")
  }

  static func weights(_ analysis: Report.Analysis, _ report: Report) -> String? {
    guard let bytes = analysis.weightBytes?.value else { return nil }
    var text: String
    switch bytes {
    case ..<Thresholds.microcontrollerBytes:
      text = "The weights fit the flash of a large microcontroller (2 MB)."
    case ..<Thresholds.serverlessBytes:
      text =
        "The weights use \(Format.percent(bytes / Thresholds.serverlessBytes)) of the 250 MB that a serverless "
        + "function may unpack, so phones and small containers hold them."
    default:
      text =
        "The weights exceed the 250 MB that a serverless function may unpack: plan for a host with its own disk."
    }
    if let optimization = report.optimization,
      optimization.sizeReduction.value > Thresholds.worthwhileReduction
    {
      text += " The optimized file built in this run takes \(optimization.optimizedBytes.text)."
    }
    return text
  }

  static func activations(_ analysis: Report.Analysis) -> String? {
    guard let peak = analysis.peakActivationBytes?.value else { return nil }
    var text = "One image needs \(Format.binaryBytes(peak)) beside the weights"
    if let tensor = analysis.peakActivationTensor { text += ", at its peak in \(tensor)" }
    if let weights = analysis.weightBytes?.value, weights > 0 {
      text +=
        peak > weights
        ? "; that is \(Format.fixed(peak / weights, 1)) times the weights, so activations and the batch size, "
          + "not the weights, decide the memory."
        : "; the weights are \(Format.fixed(weights / max(peak, 1), 1)) times larger and decide the memory at batch 1."
    } else {
      text += "."
    }
    return text
  }

  static func macs(_ analysis: Report.Analysis) -> String? {
    guard let macs = analysis.macs?.value else { return nil }
    var text: [String] = []
    if let missing = CoverageNarrative.missing(analysis) {
      text.append(missing)
    } else if analysis.macsComplete == false {
      let unknown = analysis.macsUnknownOperators
      text.append(
        "A lower bound: the cost of \(unknown.isEmpty ? "some operators" : Format.list(Array(unknown.prefix(4)))) is unknown."
      )
    }
    if analysis.parameters.value > 0 {
      let reuse = macs / analysis.parameters.value
      text.append(
        reuse > Thresholds.weightReuse
          ? "Each weight is used \(Format.significant(reuse)) times per image: arithmetic limits the speed, so fewer or "
            + "narrower operations pay."
          : "Each weight is used only \(Format.significant(reuse)) times per image: reading the weights limits the speed, so "
            + "smaller weights and larger batches pay.")
    }
    if let median = analysis.latency?.p50Milliseconds.value, median > 0, analysis.latency?.batch == 1 {
      text.append(
        "At the measured median this machine does \(Format.significant(macs / median / 1e6)) billion MACs per second."
      )
    }
    return text.isEmpty ? nil : text.joined(separator: " ")
  }

  static func rate(_ latency: Report.Latency, _ analysis: Report.Analysis) -> String {
    let median = max(latency.p50Milliseconds.value, 1e-9)
    let perSecond = latency.imagesPerSecond?.value ?? 1000 * Double(latency.batch) / median
    var text: [String] = []
    switch perSecond {
    case Thresholds.highVideoRate...:
      text.append(
        "\(Format.significant(perSecond)) images per second follow 60 frames/s video with "
          + "\(Format.fixed(perSecond / Thresholds.highVideoRate, 1))× the rate needed.")
    case Thresholds.videoRate...:
      text.append("\(Format.significant(perSecond)) images per second follow 30 frames/s video, not 60.")
    default:
      text.append(
        median <= Thresholds.immediateMilliseconds
          ? "\(Format.significant(perSecond)) images per second are below 30 frames/s video; a single answer still "
            + "arrives within the 100 ms that feel immediate."
          : "\(Format.significant(perSecond)) images per second suit batch work: a single answer takes longer than the "
            + "100 ms that feel immediate.")
    }
    if let spread = latency.interquartileRangeMilliseconds?.value ?? latency.p50Milliseconds.spread {
      let relative = spread / median
      text.append(
        relative > Thresholds.noisySpread
          ? "The middle half of the runs spreads over \(Format.percent(relative, 0)) of the median: the machine was busy, "
            + "repeat on a quiet one before comparing."
          : "The runs are steady (middle half within \(Format.percent(relative)) of the median).")
    }
    if let tail = latency.p99Milliseconds?.value, tail / median > Thresholds.heavyTail {
      text.append(
        "One run in a hundred takes \(Format.fixed(tail / median, 1))× the median: set time limits by p99.")
    }
    return text.joined(separator: " ")
  }

  static func start(_ latency: Report.Latency) -> String? {
    guard let first = latency.firstInferenceMilliseconds?.value else { return nil }
    let factor = first / max(latency.p50Milliseconds.value, 1e-9)
    return factor > Thresholds.heavyTail
      ? "The first inference takes \(Format.fixed(factor, 1))× the steady time: warm up before taking traffic."
      : "The first inference is close to the steady time; no warm-up request is needed."
  }

  static func reportYear(_ report: Report) -> Int? { Int(report.conditions.date.prefix(4)) }
}
