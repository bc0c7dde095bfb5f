import ScopeBytes
import ScopeGraph

/// Shortens the way from a shape to a new shape: a single element that is gathered and then unsqueezed is gathered as a
/// vector at once, and neighbouring elements of one shape that are concatenated are gathered together.
///
/// Applies to vectors of whole numbers only.
public struct MergeGatheredSizes: Pass {
  public let name = "merge-gathered-sizes"
  public let summary = "Sizes taken from one shape taken together"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    guard model.opset >= 13, model.graph.nodes.contains(where: { $0.isStandard("Gather") }) else {
      return false
    }
    let facts = ShapeFacts(model)
    var editor = GraphEditor(model.graph)
    for (index, node) in model.graph.nodes.enumerated() {
      if node.isStandard("Unsqueeze") {
        guard facts.axes(node, rank: 1) == [0], let input = node.input(0),
          let (source, indices) = Self.gathered(input, facts, editor), facts.rank(input) == 0
        else { continue }
        let name = editor.addInitializer(.int64s(indices), "index")
        editor.replace(
          index,
          with: [
            Node(
              "Gather", name: node.name, inputs: [source, name], outputs: node.outputs,
              attributes: ["axis": .int(0)])
          ])
      } else if node.isStandard("Concat"), facts.rank(node.outputs[0]) == 1 {
        guard let inputs = Self.joined(node, facts, &editor) else { continue }
        var concat = node
        var gathers: [Node] = []
        concat.inputs = inputs.map { input in
          switch input {
          case .value(let name): return name
          case .gather(let source, let indices):
            let output = editor.names.fresh("sizes")
            gathers.append(
              Node(
                "Gather", inputs: [source, editor.addInitializer(.int64s(indices), "index")],
                outputs: [output],
                attributes: ["axis": .int(0)]))
            return output
          }
        }
        editor.replace(index, with: gathers + [concat])
      }
    }
    return editor.apply(to: &model)
  }

  private enum Part {
    case value(String)
    case gather(String, [Int])
  }

  /// The vector and the positions that a value is gathered from.
  private static func gathered(_ value: String, _ facts: ShapeFacts, _ editor: GraphEditor) -> (
    String, [Int]
  )? {
    guard let producer = editor.producers[value] else { return nil }
    let node = editor.graph.nodes[producer]
    guard node.isStandard("Gather"), let source = node.input(0), facts.rank(source) == 1,
      facts.dataType(source) == .int64, let indices = editor.integers(node.input(1))
    else { return nil }
    return (source, indices)
  }

  /// The inputs of a Concat with neighbours from one source joined; nil when nothing can be joined.
  private static func joined(_ node: Node, _ facts: ShapeFacts, _ editor: inout GraphEditor) -> [Part]? {
    var result: [Part] = []
    var joins = 0
    var last: (source: String, indices: [Int], isAlone: Bool, value: String)?
    func flush() {
      guard let run = last else { return }
      result.append(run.isAlone ? .value(run.value) : .gather(run.source, run.indices))
      last = nil
    }
    for input in node.inputs {
      // A gathered vector that others read as well stays as it is.
      guard facts.rank(input) == 1, editor.soleConsumer(input) != nil,
        let (source, indices) = gathered(input, facts, editor)
      else {
        flush()
        result.append(.value(input))
        continue
      }
      if let run = last, run.source == source {
        last = (source, run.indices + indices, false, input)
        joins += 1
      } else {
        flush()
        last = (source, indices, true, input)
      }
    }
    flush()
    return joins > 0 ? result : nil
  }
}
