/// Sentences on the memory of one inference.
enum MemoryNarrative {
  static func timeline(_ analysis: Report.Analysis) -> String? {
    guard let memory = analysis.memory else { return nil }
    var text: [String] = []
    let sizes = memory.timeline.map { Double($0.bytes) }
    if let peak = sizes.max(), peak > 0, let at = sizes.firstIndex(of: peak) {
      var sentence = "Activations peak at \(Format.binaryBytes(peak))"
      if let node = memory.peakNode { sentence += " in \(node)" }
      sentence += ", \(Format.percent(Double(at + 1) / Double(sizes.count), 0)) into the graph"
      let median = sizes.sorted()[sizes.count / 2]
      if median > 0 {
        sentence +=
          peak / median >= Thresholds.shortPeak
          ? "; half of the nodes need less than \(Format.binaryBytes(median)), so a few wide layers decide the memory: a smaller "
            + "input or a larger first stride lowers it."
          : "; half of the nodes need \(Format.binaryBytes(median)) or more, so the memory is evenly used."
      } else {
        sentence += "."
      }
      text.append(sentence)
    }
    if let engine = memory.enginePeakBytes?.value, let bound = analysis.peakActivationBytes?.value, bound > 0
    {
      text.append(
        engine / bound >= Thresholds.arenaOverhead
          ? "The engine used \(Format.fixed(engine / bound, 1)) times that bound (\(Format.binaryBytes(engine))): it also holds "
            + "buffers of its own (packed inputs, unfolded convolutions)."
          : "The engine used \(Format.binaryBytes(engine)), close to that bound.")
    }
    return text.isEmpty ? nil : text.joined(separator: " ")
  }

  /// What a larger batch adds to one image.
  static func batches(_ analysis: Report.Analysis) -> String? {
    guard let batches = analysis.memory?.batches, let first = batches.first, let last = batches.last,
      first.batch < last.batch, last.batch > 0
    else { return nil }
    let weights = Double(last.totalBytes) - Double(last.activationBytes)
    let each = Double(last.activationBytes) / Double(last.batch)
    guard each > 0 else { return nil }
    var text = "Each further image of a batch adds about \(Format.binaryBytes(each))"
    text +=
      weights > each
      ? "; the weights stay the larger part up to a batch of \(Format.integer((weights / each).rounded(.down)))."
      : "; activations, not weights, decide the memory at any batch size."
    return text
  }
}
