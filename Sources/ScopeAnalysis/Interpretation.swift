import ScopeGraph
import ScopeRuntime

/// One sentence each, written from a value and its context.
public enum Interpretation {
  /// What the number of parameters means next to the arithmetic.
  public static func parameters(_ count: Int, weightBytes: Int, macs: Int?) -> String {
    let perParameter = count > 0 ? Double(weightBytes) * 8 / Double(count) : 0
    var text = "\(Format.count(count)) parameters in \(Format.bytes(weightBytes))"
    if perParameter > 0 {
      text += " (\(Format.decimal(perParameter, perParameter == perParameter.rounded() ? 0 : 1)) bits each)"
    }
    guard let macs, count > 0, macs > 0 else {
      return text + ", \(comparison(count, Known.parameters, unit: "parameters"))."
    }
    let reuse = Double(macs) / Double(count)
    let meaning =
      reuse < 3
      ? "each is used about \(Format.short(reuse)) times per inference, so reading the weights bounds the speed and smaller weights help most"
      : reuse < 50
        ? "each is used \(Format.short(reuse)) times per inference, so both memory traffic and arithmetic matter"
        : "each is used \(Format.short(reuse)) times per inference, so arithmetic bounds the speed and faster kernels help most"
    return text + "; " + meaning + "."
  }

  /// Where the model fits, from its weights and peak activations.
  public static func memory(weightBytes: Int, peakActivationBytes: Int?) -> String {
    let (sum, overflow) = weightBytes.addingReportingOverflow(peakActivationBytes ?? 0)
    let total = overflow ? Int.max : sum
    let device =
      switch total {
      case ..<(1 << 20): "fits a large microcontroller (1-2 MiB of SRAM)"
      case ..<(16 << 20): "fits small embedded Linux boards and every phone"
      case ..<(128 << 20): "fits phones and single-board computers without thought"
      case ..<(1 << 30): "fits phones and edge boxes, though it is felt next to other applications"
      case ..<(8 << 30): "needs a laptop, a server or an edge GPU"
      case ..<(80 << 30): "needs a workstation or data-centre GPU, or a server with much memory"
      default: "does not fit one accelerator of 80 GiB"
      }
    guard let peakActivationBytes else { return "\(Format.bytes(weightBytes)) of weights: \(device)." }
    let share = total > 0 ? Double(peakActivationBytes) / Double(total) : 0
    let lever =
      share > 0.5
      ? "activations are \(Format.percent(share)) of it, so a smaller input or batch saves more than smaller weights"
      : "weights are \(Format.percent(1 - share)) of it, so storing them in 8 bits would save up to \(Format.percent((1 - share) * 0.75))"
    return "\(Format.bytes(total)) for weights and peak activations \(device); \(lever)."
  }

  /// Arithmetic next to well-known models.
  public static func macs(_ operations: StructureAnalysis.CountedOperations) -> String {
    guard operations.macs > 0 else {
      return operations.isComplete
        ? "No convolution or matrix product: the work is \(Format.count(operations.otherOperations)) elementwise operations."
        : "Nothing could be counted; \(operations.nodesNotCounted) nodes use unknown operators or sizes."
    }
    let relation = comparison(operations.macs, Known.macs, unit: "MACs")
    let prefix =
      operations.isComplete ? "" : "At least; \(operations.nodesNotCounted) nodes are not counted. "
    let other = operations.otherOperations
    let share = Double(other) / (2 * Double(operations.macs) + Double(other))
    let rest =
      share > 0.05
      ? "; elementwise, normalisation and pooling add \(Format.percent(share)) of all operations, and more of the time since they are bound by memory"
      : "; all else is \(Format.percent(share)) of the operations"
    return prefix + capitalized(relation) + rest + "."
  }

  /// Whether a rate suits real-time use. `spread` is the interquartile range over the median.
  public static func latency(_ latency: LatencySummary, macs: Int?) -> String {
    self.latency(
      medianMilliseconds: latency.medianMilliseconds, relativeSpread: latency.relativeSpread,
      batch: latency.batch,
      threads: latency.threads, macs: macs)
  }

  /// - Parameters:
  ///   - relativeSpread: interquartile range over the median.
  ///   - macs: multiply-accumulates of one run, for the arithmetic rate.
  public static func latency(
    medianMilliseconds: Double, relativeSpread: Double, batch: Int, threads: Int, macs: Int?
  ) -> String {
    guard medianMilliseconds > 0, medianMilliseconds.isFinite else {
      return "The time could not be measured."
    }
    let rate = 1000 * Double(batch) / medianMilliseconds
    let use =
      batch > 1
      ? "\(Format.short(rate)) inputs/s in batches of \(batch)"
      : medianMilliseconds <= 1000 / 60
        ? "\(Format.short(rate)) inferences/s: keeps up with 60 fps video, using \(Format.percent(medianMilliseconds * 30 / 1000)) of each frame's time at 30 fps"
        : medianMilliseconds <= 1000 / 30
          ? "\(Format.short(rate)) inferences/s: keeps up with 30 fps video, with \(Format.short(1000 / 30 - medianMilliseconds)) ms per frame left for everything else"
          : medianMilliseconds <= 100
            ? "\(Format.short(rate)) inferences/s: feels immediate to a person, but is \(Format.short(medianMilliseconds * 30 / 1000)) times too slow for 30 fps video"
            : medianMilliseconds <= 1000
              ? "\(Format.short(rate)) inferences/s: suits interactive requests, not video"
              : "one answer takes \(Format.short(medianMilliseconds / 1000)) s: suits batch work"
    var text = use + " on \(threads) thread\(threads == 1 ? "" : "s")"
    if let macs, macs > 0 { text += " (\(Format.short(Double(macs) / medianMilliseconds / 1e6)) GMAC/s)" }
    if relativeSpread > 0.1 {
      text +=
        "; the spread of \(Format.percent(relativeSpread)) is large, so another load on the machine may have disturbed it"
    }
    return text + "."
  }

  /// What the number and kinds of layers say.
  public static func layers(_ layers: [WeightLayer], nodes: Int, computeNodes: Int) -> String {
    guard !layers.isEmpty else { return "No layer multiplies its input with stored weights." }
    let parts = WeightLayer.Kind.allCases.compactMap { kind -> String? in
      let count = layers.count { $0.kind == kind }
      guard count > 0 else { return nil }
      let name = kind == .transposedConvolution ? "transposed convolution" : kind.rawValue
      return "\(count) \(name)"
    }
    var text =
      "\(layers.count) weight layers (\(parts.joined(separator: ", "))) in \(computeNodes) nodes that compute"
    let total = layers.reduce(0) { $0 &+ ($1.macs ?? 0) }
    if let heaviest = layers.max(by: { ($0.macs ?? 0) < ($1.macs ?? 0) }), let macs = heaviest.macs,
      total > 0, layers.count > 1
    {
      text +=
        "; the heaviest, \(heaviest.nodeName.isEmpty ? heaviest.opType : heaviest.nodeName), does \(Format.percent(Double(macs) / Double(total))) of their arithmetic"
    }
    return text + "."
  }

  /// Where activations peak and what that means.
  public static func activations(_ memory: ActivationMemory) -> String {
    let peak = memory.naive
    let place = peak.nodeName.isEmpty ? peak.opType : "\(peak.nodeName) (\(peak.opType))"
    var text = "Reached at \(place)"
    if let largest = peak.values.first, peak.bytes > 0 {
      text +=
        ", where \(largest.name) alone takes \(Format.percent(Double(largest.bytes) / Double(peak.bytes)))"
    }
    if memory.inPlace.bytes < peak.bytes {
      text += "; overwriting inputs in place lowers it to \(Format.bytes(memory.inPlace.bytes))"
    }
    if memory.valuesNotCounted > 0 {
      text += "; \(memory.valuesNotCounted) values of unknown size are missing"
    }
    return text + "."
  }

  /// What the profile says about where to begin.
  public static func profile(_ profile: ProfileSummary) -> String {
    guard let first = profile.slowest.first, let type = profile.byOperator.first else {
      return "The profile holds no nodes."
    }
    let topShare = profile.slowest.reduce(0) { $0 + $1.share }
    var text = "\(type.opType) takes \(Format.percent(type.share)) of the kernel time"
    text += "; the slowest node, \(first.nodeName), takes \(Format.percent(first.share))"
    text +=
      " and the slowest \(profile.slowest.count) of \(profile.nodeCount) together \(Format.percent(topShare))"
    return text + (first.share > 0.25 ? ", so that one node is where to begin." : ".")
  }

  /// Models most practitioners know.
  private enum Known {
    static let macs = [
      ("MobileNetV3-Small", 56_510_400), ("EfficientNet-Lite0", 385_187_552), ("ResNet-18", 1_814_073_344),
      ("ResNet-50", 4_089_184_256), ("ViT-B/16", 17_563_828_224),
    ]
    static let parameters = [
      ("MobileNetV3-Small", 2_542_856), ("EfficientNet-Lite0", 4_652_008), ("ResNet-18", 11_689_512),
      ("ResNet-50", 25_557_032), ("ViT-B/16", 86_567_656),
    ]
  }

  /// `1.2 times the MACs of ResNet-18`, against the nearest known model.
  private static func comparison(_ value: Int, _ known: [(String, Int)], unit: String) -> String {
    var best: (name: String, ratio: Double)?
    for (name, reference) in known {
      let ratio = Double(value) / Double(reference)
      if let current = best, max(current.ratio, 1 / current.ratio) <= max(ratio, 1 / max(ratio, 1e-12)) {
        continue
      }
      best = (name, ratio)
    }
    guard let best else { return "" }
    if abs(best.ratio - 1) < 0.02 { return "as many \(unit) as \(best.name) at its usual input size" }
    if best.ratio < 1 {
      return "\(Format.percent(best.ratio)) of the \(unit) of \(best.name) at its usual input size"
    }
    return "\(Format.short(best.ratio)) times the \(unit) of \(best.name) at its usual input size"
  }

  private static func capitalized(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }
}
