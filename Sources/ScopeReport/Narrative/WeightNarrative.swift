/// What the statistics of the tensors say about the file.
enum WeightNarrative {
  static func tensors(_ tensors: [Report.TensorStatistics]) -> String? {
    guard !tensors.isEmpty else { return nil }
    func names(_ items: [Report.TensorStatistics]) -> String {
      Format.list(items.prefix(3).map(\.name)) + (items.count > 3 ? " and \(items.count - 3) more" : "")
    }
    var text: [String] = []
    let broken = tensors.filter { $0.nanCount > 0 || $0.infinityCount > 0 }
    if !broken.isEmpty {
      text.append(
        "\(Format.plural(broken.count, "tensor")) with NaN or infinity: \(names(broken)). Predictions of this file are not to be trusted."
      )
    }
    let constant = tensors.filter { $0.elements > 1 && $0.zeroFraction == 1 }
    if !constant.isEmpty { text.append("Entirely zero: \(names(constant)).") }
    let dead = tensors.filter { ($0.deadChannels ?? 0) > 0 && $0.zeroFraction != 1 }
    if !dead.isEmpty {
      let channels = dead.reduce(0.0) { $0 + Double($1.deadChannels ?? 0) }
      text.append(
        "\(Format.integer(channels)) output channels are all zero, in \(names(dead)): they can be removed without any change."
      )
    }
    if text.isEmpty { text.append("No tensor holds NaN or infinity, and no channel is all zero.") }
    return text.joined(separator: " ")
  }
}
