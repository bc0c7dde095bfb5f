import ScopeGraph
import ScopeRuntime

/// One sentence for each kernel that costs much, derived from its place under the measured roofs.
public enum Bottlenecks {
  /// Bounds that choose the words.
  public enum Limit {
    /// Share of the time from which a kernel is worth a sentence: five such take a quarter of it.
    public static let share = 0.05
    /// At most so many sentences; at least ``minimum`` where there are as many kernels.
    public static let maximum = 6
    public static let minimum = 3
    /// Share of the roof from which the machine, not the kernel, is the limit: well-tuned kernels reach 60 to 80% of
    /// a roofline (Williams et al. 2009, section 6).
    public static let near = 0.6
    /// Share of the roof below which neither arithmetic nor traffic explains the time.
    public static let far = 0.25
    /// Part of the traffic from which the weights decide it.
    public static let weights = 0.5
  }

  /// - Parameters:
  ///   - times: microseconds by kernel.
  ///   - descriptions: ``KernelDescription`` by kernel.
  /// - Returns: position of the kernel and its sentence, slowest first.
  public static func sentences(
    times: [Double], costs: [KernelCost?], descriptions: [KernelDescription], roofs: MachineRoofs
  ) -> [(kernel: Int, sentence: String)] {
    let total = times.reduce(0, +)
    guard total > 0, times.count == costs.count, times.count == descriptions.count else { return [] }
    let order = times.indices.sorted { (times[$0], $1) > (times[$1], $0) }
    return order.prefix(Limit.maximum).enumerated().compactMap { rank, kernel in
      let share = times[kernel] / total
      guard times[kernel] > 0, share >= Limit.share || rank < Limit.minimum else { return nil }
      let place = costs[kernel].flatMap { RoofPlace($0, microseconds: times[kernel], roofs: roofs) }
      let head = "\(descriptions[kernel].text), \(percent(share)) of the time: "
      return (kernel, head + sentence(place, costs[kernel], descriptions[kernel]))
    }
  }

  static func sentence(_ place: RoofPlace?, _ cost: KernelCost?, _ kernel: KernelDescription) -> String {
    guard let place, let cost else {
      return kernel.isInserted
        ? "the engine changes the layout of a tensor here; it serves no layer of the model"
        : "its arithmetic or its traffic is not known, so nothing can be said of its limit"
    }
    let share = percent(place.roofShare)
    switch place.bound {
    case .overhead:
      return "takes no longer than the engine needs to start a kernel; only removing or fusing it would help"
    case .compute where place.roofShare >= Limit.near:
      return "compute-bound at \(share) of the measured peak; INT8 arithmetic can make it faster"
    case .compute where place.roofShare >= Limit.far:
      return
        "limited by arithmetic, at \(share) of the measured peak: its shape does not fill the processor; INT8 arithmetic can help, a better-fitting shape or a larger batch as well"
    case .memory where place.roofShare > 1.05:
      return
        "moves its data at \(factor(place.roofShare)) the memory's bandwidth, so they come from the caches; \(lessTraffic(cost))"
    case .memory where place.roofShare >= Limit.near:
      return "memory-bound at \(share) of the measured bandwidth; \(lessTraffic(cost))"
    case .memory where place.roofShare >= Limit.far:
      return
        "limited by memory traffic, at \(share) of the measured bandwidth\(kernel.isDepthwise ? " (depthwise: few operations per byte)" : ""); \(lessTraffic(cost))"
    default:
      return
        "far below both roofs (\(share)): neither arithmetic nor traffic explains its time, but how the kernel is written (strided access, little to do in parallel)"
    }
  }

  private static func lessTraffic(_ cost: KernelCost) -> String {
    Double(cost.weightBytes) >= Limit.weights * Double(cost.bytes ?? 0)
      ? "INT8 arithmetic will not make it faster, but 8-bit weights are a quarter of the bytes"
      : "INT8 arithmetic will not make it faster; fewer or smaller activations would"
  }

  static func percent(_ share: Double) -> String {
    let percent = share * 100
    guard percent.isFinite, abs(percent) < 1e9 else { return "?%" }
    return percent < 0.95
      ? "\((percent * 10).rounded() / 10)%" : "\(Int(percent.rounded()))%"
  }

  static func factor(_ value: Double) -> String {
    value.isFinite && value < 1e9 ? "\((value * 10).rounded() / 10)x" : "?x"
  }
}

/// What a kernel is, for a reader: the node that matters most among its sources.
public struct KernelDescription: Sendable, Hashable {
  /// Name of that node (or the value it makes); the engine's name for what it inserted.
  public var name: String
  /// Module of that node, see ``ModulePath``; empty when there is none.
  public var module: String
  /// Sizes that matter (`7x7, 3->64`); empty when the operator has none.
  public var sizes: String
  public var opType: String
  public var isDepthwise = false
  /// Made by the engine, for no node of the model.
  public var isInserted: Bool

  /// `layer1.0.conv1 (Conv, 3x3, 64->64)`.
  public var text: String {
    "\(module.isEmpty ? name : module) (\(([opType] + (sizes.isEmpty ? [] : [sizes])).joined(separator: ", ")))"
  }

  public init(
    _ kernel: KernelMapping.Kernel, graph: Graph, structure: StructureAnalysis, fallbackName: String
  ) {
    func weight(_ source: Int) -> (Int, Int, Int) {
      let cost =
        structure.nodeCosts.indices.contains(source) ? structure.nodeCosts[source].cost : nil
      return (cost?.macs ?? 0, cost?.otherOperations ?? 0, source)
    }
    guard let main = kernel.sources.max(by: { weight($0) < weight($1) }) else {
      self.init(name: fallbackName, opType: kernel.opType, isInserted: true)
      return
    }
    let node = graph.nodes[main]
    self.init(
      name: node.name.isEmpty ? node.outputs.first { !$0.isEmpty } ?? fallbackName : node.name,
      opType: node.opType, isInserted: false)
    module = ModulePath.of(node: node)
    guard
      let shape = [1, 0].lazy.compactMap({ node.input($0) }).compactMap({ structure.types[$0] }).first(
        where: {
          $0.constant != nil
        })?.shape?.sizes
    else { return }
    switch node.opType {
    case "Conv" where shape.count >= 3:
      let groups = node.int("group") ?? 1
      isDepthwise = groups > 1 && groups == shape[0]
      let window = shape.dropFirst(2).map(String.init).joined(separator: "x")
      let (channels, overflow) = shape[1].multipliedReportingOverflow(by: groups)
      sizes =
        "\(isDepthwise ? "depthwise " : "")\(window)" + (overflow ? "" : ", \(channels)->\(shape[0])")
    case "Gemm" where shape.count == 2:
      sizes = node.int("transB") == 1 ? "\(shape[1])->\(shape[0])" : "\(shape[0])->\(shape[1])"
    case "MatMul" where shape.count == 2: sizes = "\(shape[0])->\(shape[1])"
    default: break
    }
  }

  public init(name: String, module: String = "", sizes: String = "", opType: String, isInserted: Bool) {
    self.name = name
    self.module = module
    self.sizes = sizes
    self.opType = opType
    self.isInserted = isInserted
  }
}
