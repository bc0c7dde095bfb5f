import ScopeBytes
import ScopeGraph

/// Nodes that apply the same operator with the same attributes to the same values are computed once.
///
/// Declines for operators that draw random numbers, nodes with nested graphs or tensor attributes, operators outside
/// the default domain, and results that are graph outputs or read by nested graphs.
public struct EliminateCommonSubexpressions: Pass {
  public let name = "eliminate-common-subexpressions"
  public let summary = "Repeated computations done once"
  public let safety = PassSafety.exact

  private static let random: Set<String> = [
    "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli",
    "Dropout",
  ]

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    var editor = GraphEditor(model.graph)
    var first: [String: [String]] = [:]
    for (index, node) in model.graph.nodes.enumerated() {
      guard !Self.random.contains(node.opType), let key = Self.signature(node) else { continue }
      if let originals = first[key] {
        guard originals.count == node.outputs.count,
          node.outputs.allSatisfy({ !editor.outputNames.contains($0) && !editor.captured.contains($0) }),
          zip(originals, node.outputs).allSatisfy({ $0.isEmpty == $1.isEmpty })
        else { continue }
        for (original, copy) in zip(originals, node.outputs) where !copy.isEmpty {
          editor.redirect(copy, to: original)
        }
        editor.remove(index)
      } else {
        first[key] = node.outputs
      }
    }
    return editor.apply(to: &model)
  }

  /// Equal for nodes that do the same to the same inputs; nil where that is not known.
  static func signature(_ node: Node) -> String? {
    guard node.domain.isEmpty || node.domain == "ai.onnx", node.unknownFields.isEmpty, !node.inputs.isEmpty
    else {
      return nil
    }
    var text = node.opType
    for input in node.inputs { text += "\u{1}\(input)" }
    for (name, value) in node.attributes.sorted(by: { $0.key < $1.key }) {
      switch value {
      case .float(let number): text += "\u{2}\(name)=\(number.bitPattern)"
      case .int(let number): text += "\u{2}\(name)=i\(number)"
      case .ints(let numbers): text += "\u{2}\(name)=\(numbers)"
      case .floats(let numbers): text += "\u{2}\(name)=f\(numbers.map(\.bitPattern))"
      case .string(let bytes): text += "\u{2}\(name)=s\(bytes.array)"
      default: return nil
      }
    }
    return text
  }
}
