import ScopeBytes
import ScopeGraph

/// Convolutions of one input whose results are added become one: kernels are added, smaller ones in the middle of larger
/// ones. The input itself (a skip connection, or its batch normalisation, as in RepVGG) counts as a 1x1 convolution.
///
/// Declines unless strides, dilations and groups are the same, the kernels are odd in size and padded alike around their
/// centre, and no result is read elsewhere. An activation between keeps the branches apart.
public struct MergeParallelConvolutions: Pass {
  public let name = "merge-parallel-conv"
  public let summary = "Parallel convolutions of one input merged"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    guard model.graph.nodes.contains(where: { $0.isStandard("Conv") }) else { return false }
    var editor = GraphEditor(model.graph)
    for (index, node) in model.graph.nodes.enumerated()
    where node.isStandard("Add") && node.inputs.count == 2 && node.inputs[0] != node.inputs[1] {
      guard
        let left = Self.branch(node.inputs[0], index, editor) ?? Self.branch(node.inputs[1], index, editor),
        !editor.isEdited(left.node)
      else { continue }
      let other = node.inputs[0] == model.graph.nodes[left.node].outputs[0] ? node.inputs[1] : node.inputs[0]
      var removed: [Int] = []
      var right: Branch
      if let branch = Self.branch(other, index, editor) {
        guard branch.input == left.input, !editor.isEdited(branch.node) else { continue }
        right = branch
        removed = [branch.node]
      } else if other == left.input {
        guard let skip = Self.identity(like: left, factor: nil, shift: nil) else { continue }
        right = skip
      } else if let producer = editor.producers[other], !editor.isEdited(producer),
        editor.soleConsumer(other) == index, model.graph.nodes[producer].input(0) == left.input,
        let norm = BatchNormCoefficients(model.graph.nodes[producer], editor),
        let skip = Self.identity(like: left, factor: norm.factor, shift: norm.shift)
      {
        right = skip
        removed = [producer]
      } else {
        continue
      }
      guard let (merged, geometry) = Self.merged(left, right) else { continue }
      var conv = model.graph.nodes[left.node]
      merged.store(in: &conv, &editor)
      conv.attributes["pads"] = .ints(geometry.pads)
      conv.attributes["kernel_shape"] = .ints(geometry.kernel)
      conv.attributes["auto_pad"] = nil
      conv.outputs = node.outputs
      for branch in removed + [left.node] { editor.remove(branch) }
      editor.replace(index, with: [conv])
    }
    return editor.apply(to: &model)
  }

  /// A convolution that only the sum reads.
  private struct Branch {
    var node: Int
    var input: String
    var parameters: ConvParameters
    var strides: [Int]
    var dilations: [Int]
    /// Begin of every spatial axis, then end.
    var pads: [Int]
    var kernel: [Int] { Array(parameters.dimensions[2...]) }
  }

  private static func branch(_ value: String, _ sum: Int, _ editor: GraphEditor) -> Branch? {
    guard let producer = editor.producers[value], editor.soleConsumer(value) == sum else { return nil }
    let node = editor.graph.nodes[producer]
    guard let input = node.input(0), node.isStandard("Conv"),
      ["NOTSET", "VALID"].contains(node.string("auto_pad") ?? "NOTSET"),
      let parameters = ConvParameters(node, editor)
    else { return nil }
    let rank = parameters.dimensions.count - 2
    let isValid = node.string("auto_pad") == "VALID"
    let pads = isValid ? [] : node.ints("pads") ?? []
    return Branch(
      node: producer, input: input, parameters: parameters,
      strides: node.ints("strides") ?? [Int](repeating: 1, count: rank),
      dilations: node.ints("dilations") ?? [Int](repeating: 1, count: rank),
      pads: pads.isEmpty ? [Int](repeating: 0, count: 2 * rank) : pads)
  }

  /// The 1x1 convolution that scales and shifts each channel.
  private static func identity(like branch: Branch, factor: [Double]?, shift: [Double]?) -> Branch? {
    let dimensions = branch.parameters.dimensions
    let perGroup = dimensions[1]
    let channels = perGroup * branch.parameters.group
    guard channels == dimensions[0], branch.strides.allSatisfy({ $0 == 1 }),
      factor.map({ $0.count == channels }) ?? true
    else { return nil }
    var result = branch
    result.parameters.dimensions = dimensions.prefix(2) + dimensions.dropFirst(2).map { _ in 1 }
    result.parameters.weight = [Float](repeating: 0, count: channels * perGroup)
    for channel in 0..<channels {
      result.parameters.weight[channel * perGroup + channel % perGroup] = Float(factor?[channel] ?? 1)
    }
    result.parameters.bias = shift ?? [Double](repeating: 0, count: channels)
    result.pads = branch.pads.map { _ in 0 }
    result.dilations = branch.dilations.map { _ in 1 }
    return result
  }

  private static func merged(_ first: Branch, _ second: Branch) -> (
    ConvParameters, (kernel: [Int], pads: [Int])
  )? {
    let isFirstLarger = zip(first.kernel, second.kernel).allSatisfy { $0 >= $1 }
    let (large, small) = isFirstLarger ? (first, second) : (second, first)
    let rank = large.kernel.count
    guard small.kernel.count == rank, zip(large.kernel, small.kernel).allSatisfy({ $0 >= $1 }),
      large.parameters.group == small.parameters.group,
      large.parameters.dimensions.prefix(2) == small.parameters.dimensions.prefix(2),
      large.strides == small.strides, large.pads.count == 2 * rank, small.pads.count == 2 * rank,
      large.strides.count == rank, large.dilations.count == rank, small.dilations.count == rank
    else { return nil }
    var offsets: [Int] = []
    for axis in 0..<rank {
      let margin = large.kernel[axis] - small.kernel[axis]
      // The centres must meet: what the larger kernel reaches further is padded further.
      guard small.kernel[axis] == 1 || large.dilations[axis] == small.dilations[axis], margin % 2 == 0 else {
        return nil
      }
      let reach = margin / 2 * large.dilations[axis]
      guard large.pads[axis] == small.pads[axis] + reach,
        large.pads[rank + axis] == small.pads[rank + axis] + reach
      else { return nil }
      offsets.append(margin / 2)
    }
    var sum = large.parameters
    let strides = TensorLayout.strides(large.kernel)
    let places = TensorLayout.positions(
      small.kernel, offset: zip(offsets, strides).reduce(0) { $0 + $1.0 * $1.1 }, strides: strides)
    let (largeCount, smallCount) = (large.kernel.reduce(1, *), small.kernel.reduce(1, *))
    guard largeCount > 0, smallCount > 0 else { return nil }
    for row in 0..<small.parameters.weight.count / smallCount {
      for (position, place) in places.enumerated() {
        sum.weight[row * largeCount + place] += small.parameters.weight[row * smallCount + position]
      }
    }
    for channel in sum.bias.indices { sum.bias[channel] += small.parameters.bias[channel] }
    return (sum, (large.kernel, large.pads))
  }
}
