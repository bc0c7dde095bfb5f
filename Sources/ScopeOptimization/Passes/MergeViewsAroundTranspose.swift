import ScopeBytes
import ScopeGraph

/// Of a reshape before and a reshape after a Transpose, one is enough when the later one only inserts or removes axes of
/// size 1: the Transpose then works on those axes too. This is how `nn.MultiheadAttention` is exported.
///
/// Declines when a value between is read elsewhere, or the target of the first reshape cannot be a constant.
public struct MergeViewsAroundTranspose: Pass {
  public let name = "merge-views-around-transpose"
  public let summary = "Reshapes on both sides of a transpose merged"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    guard model.opset >= 5, model.graph.nodes.contains(where: { $0.isStandard("Transpose") }) else {
      return false
    }
    let facts = ShapeFacts(model)
    var editor = GraphEditor(model.graph)
    for (index, node) in model.graph.nodes.enumerated() {
      guard let permutation = EliminateTranspose.permutation(node, facts), let middle = node.input(0),
        let before = editor.producers[middle], !editor.isEdited(before), !editor.isEdited(index),
        MergeViews.isView(model.graph.nodes[before]), editor.soleConsumer(middle) == index,
        let after = editor.soleConsumer(node.outputs[0]), !editor.isEdited(after),
        MergeViews.isView(model.graph.nodes[after]), model.graph.nodes[after].input(0) == node.outputs[0],
        let source = model.graph.nodes[before].input(0), let input = facts.shape(source),
        let own = facts.shape(middle), let wanted = facts.shape(model.graph.nodes[after].outputs[0]),
        let (shape, order) = Self.plan(own, permutation, wanted),
        let target = ReshapeTarget.make(from: input, to: shape)
      else { continue }
      let name = editor.names.fresh("\(middle)_merged")
      let reshape = Node(
        "Reshape", name: model.graph.nodes[before].name,
        inputs: [source, editor.addInitializer(.int64s(target), "shape")], outputs: [name])
      let transpose = Node(
        "Transpose", name: node.name, inputs: [name], outputs: model.graph.nodes[after].outputs,
        attributes: ["perm": .ints(order)])
      editor.replace(before, with: [reshape])
      editor.remove(index)
      editor.replace(after, with: [transpose])
    }
    return editor.apply(to: &model)
  }

  /// The shape to transpose and the permutation that give `wanted` at once.
  private static func plan(_ own: Shape, _ permutation: [Int], _ wanted: Shape) -> (Shape, [Int])? {
    guard !own.dimensions.contains(.unknown), !wanted.dimensions.contains(.unknown) else { return nil }
    // Axes of the tensor before the Transpose, in the order of the result, without those of size 1.
    let moved = permutation.filter { own.dimensions[$0] != .known(1) }
    let kept = wanted.dimensions.indices.filter { wanted.dimensions[$0] != .known(1) }
    guard moved.count == kept.count,
      zip(moved, kept).allSatisfy({ own.dimensions[$0] == wanted.dimensions[$1] })
    else { return nil }
    // Axes of size 1 go to the front; the others keep the order they have in memory.
    let units = wanted.dimensions.indices.filter { wanted.dimensions[$0] == .known(1) }
    let inMemory = moved.sorted()
    let shape = Shape(units.map { _ in .known(1) } + inMemory.map { own.dimensions[$0] })
    var order = [Int](repeating: 0, count: wanted.rank)
    for (position, axis) in units.enumerated() { order[axis] = position }
    for (axis, origin) in zip(kept, moved) {
      order[axis] = units.count + (inMemory.firstIndex(of: origin) ?? 0)
    }
    return (shape, order)
  }
}
