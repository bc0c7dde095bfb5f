import ScopeBytes
import ScopeGraph
import ScopeRuntime

/// Runs a model over the calibration samples piece by piece, first node to last, while the part ahead still changes.
///
/// The values that later nodes read are kept from piece to piece where they fit into memory; otherwise the next piece
/// begins where they last did.
struct SequentialRunner {
  private let context: OptimizationContext
  /// Samples of each run, filled up where the model fixes its batch.
  private let runs: [(samples: [Int], real: Int)]
  private let imageInput: String
  private let types: InferredTypes
  /// Nodes before this one are done with.
  private var cut = 0
  /// Per run, what nodes from `cut` on read; nil at the graph's inputs.
  private var cached: [[String: HostArray]]?

  /// Values kept between pieces take at most this many bytes.
  static let memoryLimit = 256 << 20

  /// - Parameter model: as it is before any layer changes; names and nodes stay the same.
  init(_ model: Model, _ sampler: PlaceSampler) {
    context = sampler.context
    let inputs = model.graph.requiredInputs
    imageInput = inputs.first?.name ?? ""
    let fixed = inputs.first?.shape?.dimensions.first?.value
    let batch = fixed ?? sampler.batch
    var runs: [(samples: [Int], real: Int)] = []
    for start in stride(from: 0, to: context.calibration.count, by: batch) {
      var chosen = Array(context.calibration[start..<min(start + batch, context.calibration.count)])
      let real = chosen.count
      if fixed != nil { while chosen.count < batch { chosen.append(chosen[chosen.count - 1]) } }
      runs.append((chosen, real))
    }
    self.runs = runs
    types = ShapeInference.infer(model)
  }

  /// Values that nodes from `node` on read.
  private func live(_ graph: Graph, before node: Int) -> Set<String> {
    var used = Set(graph.outputs.map(\.name))
    for reader in graph.nodes[node...] {
      used.formUnion(reader.inputs)
      used.formUnion(reader.subgraphs.flatMap(\.captures))
    }
    var made = Set(graph.requiredInputs.map(\.name))
    for maker in graph.nodes[..<node] { made.formUnion(maker.outputs) }
    return used.intersection(made).subtracting([""])
  }

  /// Calls `body` with the number of each run, `wanted` values and the number of samples that are not padding.
  ///
  /// - Parameter node: values made before it are available; nodes before it must not change any more.
  mutating func run(
    _ model: Model, before node: Int, wanted: Set<String>,
    _ body: (Int, [String: HostArray], Int) throws(ScopeError) -> Void
  ) throws(ScopeError) {
    let live = live(model.graph, before: node)
    let known = cached?.first.map { Set($0.keys) } ?? Set(model.graph.requiredInputs.map(\.name))
    let computed = live.union(wanted).subtracting(known).sorted()
    var segment = model
    segment.graph.nodes = Array(model.graph.nodes[cut..<node])
    segment.graph.outputs = computed.map {
      ValueInfo(name: $0, dataType: types.dataType($0) ?? .float32, shape: nil)
    }
    segment.graph.valueInfo = []
    _ = try EliminateDeadNodes().run(&segment)
    let used = Set(segment.graph.nodes.flatMap { $0.inputs + $0.subgraphs.flatMap(\.captures) })
    if let first = cached?.first {
      segment.graph.inputs = first.sorted { $0.key < $1.key }.filter { used.contains($0.key) }.map {
        name, array in
        ValueInfo(
          name: name, dataType: array.dataType,
          shape: Shape([Dimension](repeating: .unknown, count: array.dimensions.count)))
      }
    } else {
      segment.graph.inputs = segment.graph.requiredInputs.filter { used.contains($0.name) }
    }
    let fed = Set(segment.graph.inputs.map(\.name))
    let session =
      computed.isEmpty
      ? nil : try Session(engine: context.engine, model: segment, options: context.sessionOptions)
    var next: [[String: HostArray]]? = []
    var bytes = 0
    for (number, run) in runs.enumerated() {
      var values = cached?[number] ?? context.samples.feed(run.samples, input: imageInput)
      if let session {
        for (name, array) in try session.run(values.filter { fed.contains($0.key) }) { values[name] = array }
      }
      try body(number, values.filter { wanted.contains($0.key) }, run.real)
      guard next != nil else { continue }
      let kept = values.filter { live.contains($0.key) }
      bytes += kept.values.reduce(0) { $0 + $1.dataType.byteCount(elements: $1.elementCount) }
      if bytes > Self.memoryLimit { next = nil } else { next?.append(kept) }
    }
    if let next {
      cached = next
      cut = node
    }
  }
}
