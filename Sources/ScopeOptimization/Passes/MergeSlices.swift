import ScopeBytes
import ScopeGraph

/// A Slice of a Slice along other axes becomes one Slice.
///
/// Declines when the inner result is read elsewhere, when both cut the same axis, and when a limit is not constant.
public struct MergeSlices: Pass {
  public let name = "merge-slices"
  public let summary = "Slices along different axes merged"
  public let safety = PassSafety.exact

  private struct Cuts {
    var starts: [Int]
    var ends: [Int]
    var axes: [Int]
    var steps: [Int]
  }

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    guard model.opset >= 10 else { return false }
    var editor = GraphEditor(model.graph)
    let pairs = model.graph.nodes.indices.compactMap { index -> (Int, Int)? in
      let node = model.graph.nodes[index]
      guard node.isStandard("Slice"), let input = node.input(0), let producer = editor.producers[input],
        model.graph.nodes[producer].isStandard("Slice"), editor.soleConsumer(input) == index
      else { return nil }
      return (producer, index)
    }
    guard !pairs.isEmpty else { return false }
    let facts = ShapeFacts(model)
    for (first, second) in pairs where !editor.isEdited(first) && !editor.isEdited(second) {
      let inner = model.graph.nodes[first]
      let outer = model.graph.nodes[second]
      guard let rank = facts.rank(inner.input(0)), let a = Self.cuts(inner, rank, editor),
        let b = Self.cuts(outer, rank, editor), Set(a.axes).isDisjoint(with: b.axes)
      else { continue }
      let arguments = [a.starts + b.starts, a.ends + b.ends, a.axes + b.axes, a.steps + b.steps]
      let names = zip(["starts", "ends", "axes", "steps"], arguments).map {
        editor.addInitializer(.int64s($1), $0)
      }
      editor.remove(first)
      editor.replace(
        second,
        with: [
          Node("Slice", name: outer.name, inputs: [inner.inputs[0]] + names, outputs: outer.outputs)
        ])
    }
    return editor.apply(to: &model)
  }

  private static func cuts(_ node: Node, _ rank: Int, _ editor: GraphEditor) -> Cuts? {
    guard let starts = editor.integers(node.input(1)), let ends = editor.integers(node.input(2)) else {
      return nil
    }
    var axes = Array(starts.indices)
    if let name = node.input(3) {
      guard let values = editor.integers(name) else { return nil }
      axes = values.map { $0 < 0 ? $0 + rank : $0 }
    }
    var steps = [Int](repeating: 1, count: starts.count)
    if let name = node.input(4) {
      guard let values = editor.integers(name) else { return nil }
      steps = values
    }
    guard ends.count == starts.count, axes.count == starts.count, steps.count == starts.count else {
      return nil
    }
    return Cuts(starts: starts, ends: ends, axes: axes, steps: steps)
  }
}
