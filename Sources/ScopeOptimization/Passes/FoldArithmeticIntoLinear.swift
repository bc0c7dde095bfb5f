import ScopeBytes
import ScopeGraph

/// Constant scales, offsets and batch normalisations after a linear layer (MatMul or Gemm with a constant weight) are
/// folded into its weight and bias, also through reshapes and transposes that lie between, as in attention
/// (`q * d^-0.5`) and LeViT (Linear, flatten, BatchNorm).
///
/// Declines when a value on the way or the weight is read elsewhere, and when the constant varies along another axis
/// than the layer's outputs.
public struct FoldArithmeticIntoLinear: Pass {
  public let name = "fold-linear"
  public let summary = "Constant scales and offsets folded into the linear layer before them"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    guard model.graph.nodes.contains(where: { $0.isStandard("MatMul") || $0.isStandard("Gemm") }) else {
      return false
    }
    let facts = ShapeFacts(model)
    var editor = GraphEditor(model.graph)
    for (index, node) in model.graph.nodes.enumerated() where !editor.isEdited(index) {
      guard let output = node.outputs.first, let rank = facts.rank(output),
        let affine = ConstantAffine(node, rank: rank, editor), facts.rank(affine.input) == rank,
        let path = LinearPath(above: affine, of: index, rank, facts, editor),
        path.nodes.allSatisfy({ !editor.isEdited($0) })
      else { continue }
      path.fold(affine, index, &editor)
    }
    return editor.apply(to: &model)
  }
}

/// The way from a value up to the linear layer that it comes from.
private struct LinearPath {
  /// The MatMul or Gemm.
  var linear: Int
  /// The addition of a bias on the way, with its constant.
  var bias: (node: Int, shift: [Double])?
  /// Reshapes and transposes on the way, nearest first.
  var views: [Int] = []
  var parameters: LinearParameters

  var nodes: [Int] { [linear] + (bias.map { [$0.node] } ?? []) }

  private static let maximumLength = 8

  init?(above affine: ConstantAffine, of index: Int, _ rank: Int, _ facts: ShapeFacts, _ editor: GraphEditor)
  {
    var value = affine.input
    var reader = index
    var bias: (node: Int, shift: [Double])?
    var isLast = affine.axis.map { $0 == rank - 1 } ?? true
    for _ in 0..<Self.maximumLength {
      guard isLast, let producer = editor.producers[value], editor.soleConsumer(value) == reader else {
        return nil
      }
      let node = editor.graph.nodes[producer]
      if let parameters = LinearParameters(node, editor) {
        guard affine.expanded(parameters.columns) != nil,
          bias.map({ $0.shift.count == 1 || $0.shift.count == parameters.columns }) ?? true
        else { return nil }
        linear = producer
        self.bias = bias
        self.parameters = parameters
        return
      }
      guard let input = node.input(0) else { return nil }
      if MergeViews.isView(node) || node.isStandard("Transpose") {
        if !affine.isScalar || bias.map({ $0.shift.count > 1 }) ?? false {
          isLast = Self.keepsLastAxis(node, input, facts)
        }
        views.append(producer)
        value = input
      } else if bias == nil, node.isStandard("Add"), let valueRank = facts.rank(value),
        let own = ConstantAffine(node, rank: valueRank, editor), facts.rank(own.input) == valueRank,
        own.axis.map({ $0 == valueRank - 1 }) ?? true
      {
        bias = (producer, own.shift)
        value = own.input
      } else {
        return nil
      }
      reader = producer
    }
    return nil
  }

  /// Whether the last axis stays the last one and whole.
  private static func keepsLastAxis(_ node: Node, _ input: String, _ facts: ShapeFacts) -> Bool {
    guard let before = facts.shape(input), let after = facts.shape(node.outputs[0]),
      let last = before.dimensions.last?.value, after.dimensions.last == .known(last), last > 1
    else { return false }
    guard node.isStandard("Transpose") else { return true }
    return node.ints("perm")?.last == before.rank - 1
  }

  func fold(_ affine: ConstantAffine, _ index: Int, _ editor: inout GraphEditor) {
    guard let (factor, shift) = affine.expanded(parameters.columns) else { return }
    let graph = editor.graph
    let node = graph.nodes[index]
    var rest: [Node] = []
    if bias == nil, parameters.addend == nil, shift.contains(where: { $0 != 0 }) {
      // A MatMul without a bias: what is left of a normalisation is the offset.
      guard !node.isStandard("Add"), !node.isStandard("Sub") else { return }
      let name = editor.addInitializer(
        .floats(affine.shift.map { Float($0) }, [affine.shift.count]), "\(node.outputs[0])_shift")
      rest = [Node("Add", name: node.name, inputs: [affine.input, name], outputs: [node.outputs[0]])]
    }
    let zeros = [Double](repeating: 0, count: shift.count)
    guard
      var scaled = parameters.scaled(graph.nodes[linear], by: factor, bias == nil ? shift : zeros, &editor)
    else { return }
    // The node just before takes over the name of the result, which may have to stay.
    let isNext = rest.isEmpty ? editor.producers[affine.input] : nil
    if isNext == linear { scaled.outputs = [node.outputs[0]] }
    editor.replace(linear, with: [scaled])
    if let bias {
      var add = graph.nodes[bias.node]
      let constant = editor.constant(add.inputs[1]) != nil ? 1 : 0
      // One number stays one number: the bias may lie in another shape than the layer's result.
      let isScalar = affine.isScalar && bias.shift.count == 1
      let sums = (0..<(isScalar ? 1 : parameters.columns)).map {
        Float(bias.shift[bias.shift.count == 1 ? 0 : $0] * factor[$0] + shift[$0])
      }
      add.inputs[constant] = editor.replaceInitializer(
        add.inputs[constant], with: .floats(sums, isScalar ? [] : [parameters.columns]))
      if isNext == bias.node { add.outputs = [node.outputs[0]] }
      editor.replace(bias.node, with: [add])
    }
    if rest.isEmpty, isNext != linear, isNext == nil || isNext != bias?.node {
      editor.redirect(node.outputs[0], to: affine.input)
      if editor.outputNames.contains(node.outputs[0]) || editor.captured.contains(node.outputs[0]) {
        // The result's name has to stay.
        rest = [Node("Identity", inputs: [affine.input], outputs: [node.outputs[0]])]
      }
    }
    editor.replace(index, with: rest)
  }
}
