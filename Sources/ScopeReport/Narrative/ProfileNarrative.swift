/// Sentences on where the time goes and what limits it.
enum ProfileNarrative {
  static func profile(_ profile: Report.Profile) -> String? {
    let slowest = ProfileBlocks.slowest(profile).prefix(ProfileBlocks.shownKernels).map {
      profile.kernels[$0]
    }
    guard let first = slowest.first else { return nil }
    let total = slowest.reduce(0) { $0 + $1.share }
    var text =
      slowest.count == profile.kernels.count
      ? "The engine runs \(Format.plural(slowest.count, "kernel"))"
      : "The \(slowest.count) slowest of \(Format.integer(profile.kernels.count)) kernels take \(Format.percent(total, 0)) of the time"
    if let leading = profile.byOperator.first {
      text += "; \(leading.name) takes \(Format.percent(leading.share, 0)) over all"
    }
    let name = ProfileBlocks.title(first)
    text +=
      first.share >= Thresholds.dominantNode
      ? ". \(name) alone takes \(Format.percent(first.share, 0)) and is the place to start."
      : ". The slowest, \(name), takes \(Format.percent(first.share)), so no single kernel is a bottleneck."
    let inserted = profile.kernels.filter { $0.sources.isEmpty }
    let share = inserted.reduce(0) { $0 + $1.share }
    if share >= Thresholds.notableReorders {
      text +=
        " \(Format.percent(share, 0)) of the time goes to \(Format.plural(inserted.count, "kernel")) that the engine inserted "
        + "to change the layout of tensors."
    }
    return text
  }

  /// Which share of the time each limit takes, what pays, and how close the kernels come to the roofs.
  static func roofline(_ analysis: Report.Analysis) -> String? {
    guard let roofline = analysis.roofline else { return nil }
    var text =
      "This machine does \(roofline.peakCompute.text) at most and moves \(roofline.bandwidth.text): below "
      + "\(Format.significant(roofline.ridge)) operations per byte memory limits a kernel, above it arithmetic."
    let kernels = analysis.profile?.kernels ?? []
    func time(_ bound: Report.Kernel.Bound) -> Double {
      kernels.filter { $0.bound == bound }.reduce(0) { $0 + $1.share }
    }
    let shares = [Report.Kernel.Bound.compute, .memory, .overhead].map { ($0, time($0)) }
    guard let (bound, share) = shares.max(by: { $0.1 < $1.1 }), share > 0 else { return text }
    text += " \(Format.percent(share, 0)) of the time is in kernels bound by \(RooflineBlocks.word(bound))"
    switch bound {
    case .compute: text += ": fewer operations, INT8 arithmetic or more cores pay."
    case .memory: text += ": smaller types, fusion and smaller activations pay, faster arithmetic does not."
    case .overhead: text += ": fewer and larger kernels (fusion, larger batches) pay."
    }
    let placed = kernels.filter { $0.roofShare != nil && $0.share > 0 }
    let weight = placed.reduce(0) { $0 + $1.share }
    if weight > 0 {
      let reached = placed.reduce(0) { $0 + $1.share * ($1.roofShare ?? 0) } / weight
      text +=
        reached >= Thresholds.nearRoof
        ? " Over the time, kernels reach \(Format.percent(reached, 0)) of what the roofs allow: little is left to gain "
          + "without changing the model."
        : " Over the time, kernels reach \(Format.percent(reached, 0)) of what the roofs allow."
    }
    return text
  }

  /// The first two bottlenecks, as sentences.
  static func bottlenecks(_ analysis: Report.Analysis) -> String? {
    let sentences = analysis.bottlenecks.prefix(2).map { Format.ended($0.sentence) }
    return sentences.isEmpty ? nil : sentences.joined(separator: " ")
  }
}
