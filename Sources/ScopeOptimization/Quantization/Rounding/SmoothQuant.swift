import ScopeBytes
import ScopeGraph
import ScopeRuntime

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Moves outlier channels of a normalised activation into the weights that read it: SmoothQuant (Xiao et al. 2022,
/// arXiv:2211.10438).
///
/// Channel j of the activation is divided by `s_j = max|x_j|^alpha / max|W_j|^(1 - alpha)` and row j of every weight that
/// multiplies it is multiplied by `s_j`; the network computes the same up to floating-point rounding. The division is
/// folded into the constants of the layer normalisation that makes the activation: `LayerNormalization`, or the constant
/// Mul (and Add) that end one that is written out. MatMul and Gemm with a constant second factor may read it, directly
/// or through a Transpose that keeps the last axis or a Reshape to a constant shape with the same last axis. Other
/// readers (the residual of a network that normalises after it) read the activation multiplied by `s` again, which adds
/// one Mul.
public enum SmoothQuant {
  /// Factors stay within 1 / this ... this.
  private static let largestFactor = 1e4

  /// A per-channel activation and who reads it.
  private struct Site {
    var value: String
    var channels: Int
    /// Nodes whose constant input `input` holds one number per channel that scales with the activation.
    var constants: [(node: Int, input: Int)]
    /// Nodes whose second input is the weight, with the axis of the activation's channels.
    var weights: [(node: Int, axis: Int)] = []
    /// Nodes that read the activation itself and are no such product.
    var others: [Int] = []
  }

  /// Whether `model` holds an activation that could be smoothed.
  static func hasSites(_ model: Model) -> Bool { !sites(GraphEditor(model.graph)).isEmpty }

  /// Smooths every site of `model`.
  ///
  /// - Parameters:
  ///   - alpha: 0 leaves the difficulty with the activations, 1 moves it into the weights.
  ///   - restoring: also smooths activations with other readers, at one Mul each.
  /// - Returns: The number of activations that were smoothed.
  /// - Throws: `invalidArgument` for an alpha outside 0 ... 1; `invalidData` without calibration samples; engine failures.
  public static func run(
    _ model: inout Model, context: OptimizationContext, alpha: Double = 0.5, restoring: Bool = true
  ) throws(ScopeError) -> Int {
    guard alpha >= 0, alpha <= 1 else {
      throw ScopeError(
        .invalidArgument, "SmoothQuant's alpha is a share", expected: "0 to 1", found: "\(alpha)")
    }
    guard !context.calibration.isEmpty else {
      throw ScopeError(.invalidData, "there are no calibration samples")
    }
    let editor = GraphEditor(model.graph)
    let sites = sites(editor).filter { restoring || $0.others.isEmpty }
    guard !sites.isEmpty else { return 0 }
    let maxima = try largestMagnitudes(sites.map(\.value), model, context)
    var nodes = model.graph.nodes
    var rows: [Int: (before: Int, node: Node)] = [:]
    var names = editor.names
    var count = 0
    for site in sites {
      guard let largest = maxima[site.value], largest.count == site.channels,
        let factors = factors(site, largest, nodes, model.graph, alpha: alpha)
      else { continue }
      count += 1
      for (index, input) in site.constants {
        guard let tensor = model.graph.initializers[nodes[index].inputs[input]] else { continue }
        let values = zip(try tensor.floats(), factors).map { Float(Double($0) / $1) }
        let name = names.fresh("\(nodes[index].inputs[input])_smooth")
        model.graph.initializers[name] = .floats(values, tensor.dimensions)
        nodes[index].inputs[input] = name
      }
      for (index, axis) in site.weights {
        guard let tensor = model.graph.initializers[nodes[index].inputs[1]] else { continue }
        var values = try tensor.floats()
        let columns = tensor.dimensions[1]
        for position in values.indices {
          let channel = axis == 0 ? position / columns : position % columns
          values[position] = Float(Double(values[position]) * factors[channel])
        }
        let name = names.fresh("\(nodes[index].inputs[1])_smooth")
        model.graph.initializers[name] = .floats(values, tensor.dimensions)
        nodes[index].inputs[1] = name
      }
      guard !site.others.isEmpty, let producer = editor.producers[site.value] else { continue }
      let scale = names.fresh("\(site.value)_factors")
      model.graph.initializers[scale] = .floats(factors.map { Float($0) }, [site.channels])
      let restored = names.fresh("\(site.value)_restored")
      rows[producer] = (producer, Node("Mul", inputs: [site.value, scale], outputs: [restored]))
      for index in site.others {
        nodes[index].inputs = nodes[index].inputs.map { $0 == site.value ? restored : $0 }
      }
    }
    guard count > 0 else { return 0 }
    model.graph.nodes = nodes.enumerated().flatMap { index, node in
      rows[index].map { [node, $0.node] } ?? [node]
    }
    _ = try EliminateDeadNodes().run(&model)
    try GraphValidation.check(model)
    return count
  }

  // MARK: Finding

  private static func sites(_ editor: GraphEditor) -> [Site] {
    var result: [Site] = []
    for index in editor.graph.nodes.indices {
      guard var site = source(index, editor), !editor.outputNames.contains(site.value),
        !editor.captured.contains(site.value)
      else { continue }
      follow(site.value, isSource: true, &site, editor, depth: 0)
      if !site.weights.isEmpty { result.append(site) }
    }
    return result
  }

  /// The activation that node `index` makes, when its last step is a constant scale (and offset) per channel of the last
  /// axis.
  private static func source(_ index: Int, _ editor: GraphEditor) -> Site? {
    let node = editor.graph.nodes[index]
    guard let output = node.outputs.first, node.outputs.dropFirst().allSatisfy(\.isEmpty) else { return nil }
    switch node.opType {
    case "LayerNormalization" where node.isStandard("LayerNormalization"):
      guard node.int("axis") ?? -1 == -1, let channels = vector(node.input(1), editor) else { return nil }
      var constants = [(node: index, input: 1)]
      if let bias = node.input(2) {
        guard vector(bias, editor) == channels else { return nil }
        constants.append((index, 2))
      }
      return Site(value: output, channels: channels, constants: constants)
    case "Mul" where node.isStandard("Mul"):
      guard let site = scale(index, editor) else { return nil }
      // With an offset behind it, that is the end of the normalisation.
      if let next = editor.soleConsumer(output), offset(next, of: output, site.channels, editor) != nil {
        return nil
      }
      return site
    case "Add" where node.isStandard("Add"):
      for value in node.inputs {
        guard let producer = editor.producers[value], editor.soleConsumer(value) == index,
          let site = scale(producer, editor), let position = offset(index, of: value, site.channels, editor)
        else { continue }
        return Site(value: output, channels: site.channels, constants: site.constants + [(index, position)])
      }
      return nil
    default: return nil
    }
  }

  /// A Mul of something that is not constant with one constant per channel.
  private static func scale(_ index: Int, _ editor: GraphEditor) -> Site? {
    let node = editor.graph.nodes[index]
    guard node.isStandard("Mul"), node.inputs.count == 2 else { return nil }
    for position in 0...1 {
      guard let channels = vector(node.inputs[position], editor), channels > 1,
        editor.constant(node.inputs[1 - position]) == nil
      else { continue }
      return Site(value: node.outputs[0], channels: channels, constants: [(index, position)])
    }
    return nil
  }

  /// The constant input of the Add at `index` that adds one number per channel to `value`.
  private static func offset(_ index: Int, of value: String, _ channels: Int, _ editor: GraphEditor) -> Int? {
    let node = editor.graph.nodes[index]
    guard node.isStandard("Add"), node.inputs.count == 2 else { return nil }
    return (0...1).first {
      node.inputs[1 - $0] == value && vector(node.inputs[$0], editor) == channels
    }
  }

  /// Length of a constant float32 vector.
  private static func vector(_ name: String?, _ editor: GraphEditor) -> Int? {
    guard let tensor = editor.constant(name), tensor.dataType == .float32, tensor.dimensions.count == 1
    else { return nil }
    return tensor.dimensions[0]
  }

  /// Sorts the readers of `value` into `site`. Something reached through a Transpose or Reshape that is read by anything
  /// but such products makes the first of these operators an "other" reader.
  private static func follow(
    _ value: String, isSource: Bool, _ site: inout Site, _ editor: GraphEditor, depth: Int
  ) {
    for index in editor.consumers[value] ?? [] {
      let node = editor.graph.nodes[index]
      if let axis = product(node, value, site.channels, editor) {
        site.weights.append((index, axis))
      } else if keepsLastAxis(node, site.channels, editor), node.input(0) == value, depth < 4,
        let output = node.outputs.first, !editor.outputNames.contains(output),
        !editor.captured.contains(output)
      {
        var inner = Site(value: output, channels: site.channels, constants: [])
        follow(output, isSource: false, &inner, editor, depth: depth + 1)
        if inner.others.isEmpty, !inner.weights.isEmpty {
          site.weights += inner.weights
        } else {
          site.others.append(index)
        }
      } else {
        site.others.append(index)
      }
    }
  }

  /// The axis of the weight's rows or columns that meet the activation's channels, when `node` multiplies it with a
  /// constant matrix and reads it nowhere else.
  private static func product(_ node: Node, _ value: String, _ channels: Int, _ editor: GraphEditor) -> Int? {
    guard node.isStandard("MatMul") || node.isStandard("Gemm"), node.input(0) == value,
      node.inputs.filter({ $0 == value }).count == 1, let tensor = editor.constant(node.input(1)),
      tensor.dataType == .float32, tensor.dimensions.count == 2, node.int("transA") ?? 0 == 0
    else { return nil }
    let axis = node.opType == "Gemm" && node.int("transB") ?? 0 != 0 ? 1 : 0
    return tensor.dimensions[axis] == channels ? axis : nil
  }

  private static func keepsLastAxis(_ node: Node, _ channels: Int, _ editor: GraphEditor) -> Bool {
    if node.isStandard("Transpose") {
      guard let order = node.ints("perm"), let last = order.last else { return false }
      return last == order.count - 1
    }
    if node.isStandard("Reshape") { return editor.integers(node.input(1))?.last == channels }
    return node.isStandard("Identity")
  }

  // MARK: Measuring

  /// Largest magnitude per channel of the last axis over the calibration samples.
  private static func largestMagnitudes(
    _ values: [String], _ model: Model, _ context: OptimizationContext
  ) throws(ScopeError) -> [String: [Float]] {
    let runner = try ModelRunner.observing(values, of: model, context: context)
    var result: [String: [Float]] = [:]
    try runner.forEachBatch(
      context.samples, context.calibration, batch: .outputBytes(Calibration.memoryLimit), fetch: values
    ) { (_, results, _) throws(ScopeError) in
      for value in values {
        guard let array = results[value], let width = array.dimensions.last, width > 0 else { continue }
        let floats = array.floats
        var largest = result[value] ?? [Float](repeating: 0, count: width)
        guard largest.count == width else { continue }
        floats.withUnsafeBufferPointer { floats in
          largest.withUnsafeMutableBufferPointer { largest in
            for start in stride(from: 0, to: floats.count, by: width) {
              for channel in 0..<width {
                let magnitude = abs(floats[start + channel])
                // Not a number stays: the site is then left alone.
                if !(magnitude <= largest[channel]) { largest[channel] = magnitude }
              }
            }
          }
        }
        result[value] = largest
      }
      return !context.isOverdue
    }
    return result
  }

  /// Nil when a number is not finite, or nothing would change.
  private static func factors(
    _ site: Site, _ largest: [Float], _ nodes: [Node], _ graph: Graph, alpha: Double
  ) -> [Double]? {
    var weights = [Float](repeating: 0, count: site.channels)
    for (index, axis) in site.weights {
      guard let tensor = graph.initializers[nodes[index].inputs[1]], let values = try? tensor.floats() else {
        return nil
      }
      let columns = tensor.dimensions[1]
      for position in values.indices {
        let channel = axis == 0 ? position / columns : position % columns
        guard values[position].isFinite else { return nil }
        weights[channel] = max(weights[channel], abs(values[position]))
      }
    }
    guard largest.allSatisfy(\.isFinite) else { return nil }
    let result = zip(largest, weights).map { activation, weight -> Double in
      guard activation > 0, weight > 0 else { return 1 }
      let factor = pow(Double(activation), alpha) / pow(Double(weight), 1 - alpha)
      return max(1 / largestFactor, min(largestFactor, factor))
    }
    return result.contains { abs($0 - 1) > 1e-6 } ? result : nil
  }
}
