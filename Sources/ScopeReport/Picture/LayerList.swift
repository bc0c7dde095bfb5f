/// The layers of a report, each with the time that the profile attributes to it.
///
/// A kernel that computes several layers is attributed to the one with the most multiply-accumulates (the first where
/// none has any); the others name that layer instead of a time, so that no time is counted twice.
package struct LayerList: Sendable {
  package struct Entry: Sendable {
    package var layer: Report.Layer
    /// Median time of the kernel; nil when not profiled, removed by the engine, or counted at another layer.
    package var milliseconds: Double?
    /// Share of all kernels' time, 0 to 1.
    package var share: Double?
    /// Name of the layer at which this layer's kernel is counted.
    package var computedWith: String?
  }

  package private(set) var entries: [Entry]
  package let isProfiled: Bool

  package init(_ analysis: Report.Analysis) {
    let kernels = analysis.profile?.kernels ?? []
    isProfiled = !kernels.isEmpty
    var carrier: [Int: Int] = [:]
    for (index, layer) in analysis.layers.enumerated() {
      guard let kernel = layer.kernel, kernels.indices.contains(kernel) else { continue }
      if let other = carrier[kernel], (analysis.layers[other].macs ?? 0) >= (layer.macs ?? 0) { continue }
      carrier[kernel] = index
    }
    entries = analysis.layers.enumerated().map { index, layer in
      var entry = Entry(layer: layer)
      guard let kernel = layer.kernel, kernels.indices.contains(kernel), let at = carrier[kernel] else {
        return entry
      }
      if at == index {
        entry.milliseconds = kernels[kernel].milliseconds
        entry.share = kernels[kernel].share
      } else {
        entry.computedWith = analysis.layers[at].name
      }
      return entry
    }
  }

  /// Positions of the costliest layers: by time where it was measured, otherwise by arithmetic, then by parameters.
  package func costliest(_ count: Int) -> [Int] {
    func cost(_ entry: Entry) -> (Double, Double, Double) {
      (entry.milliseconds ?? 0, Double(entry.layer.macs ?? 0), Double(entry.layer.parameters))
    }
    let ranked = entries.indices.sorted {
      let (one, other) = (cost(entries[$0]), cost(entries[$1]))
      return one == other ? $0 < $1 : one > other
    }
    return Array(ranked.prefix(max(count, 0)))
  }
}
