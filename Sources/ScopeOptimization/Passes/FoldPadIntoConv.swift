import ScopeBytes
import ScopeGraph

/// A Pad with zeros in space before a Conv becomes the convolution's own padding.
///
/// Declines for other modes and values, negative padding, padding of batch or channels, and automatic padding.
public struct FoldPadIntoConv: Pass {
  public let name = "fold-pad"
  public let summary = "Zero padding folded into the convolution after it"
  public let safety = PassSafety.exact

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    var editor = GraphEditor(model.graph)
    for (index, node) in model.graph.nodes.enumerated() where node.isStandard("Conv") {
      guard let input = node.input(0), let producer = editor.producers[input] else { continue }
      let pad = model.graph.nodes[producer]
      guard let amounts = Self.zeroPadding(pad, editor), amounts.count >= 6 else { continue }
      let rank = amounts.count / 2
      let automatic = node.string("auto_pad") ?? "NOTSET"
      let own = automatic == "VALID" ? [] : node.ints("pads") ?? []
      guard automatic == "NOTSET" || automatic == "VALID", own.isEmpty || own.count == (rank - 2) * 2,
        amounts.allSatisfy({ $0 >= 0 }), amounts[0] == 0, amounts[1] == 0, amounts[rank] == 0, amounts[rank + 1] == 0
      else { continue }
      var sum = Array(amounts[2..<rank] + amounts[(rank + 2)...])
      for axis in own.indices { sum[axis] += own[axis] }
      var conv = node
      conv.inputs[0] = pad.inputs[0]
      conv.attributes["auto_pad"] = nil
      conv.attributes["pads"] = .ints(sum)
      editor.replace(index, with: [conv])
    }
    return editor.apply(to: &model)
  }

  /// The amounts [begin of each axis, end of each axis] of a constant zero Pad, from attribute or input.
  private static func zeroPadding(_ node: Node, _ editor: GraphEditor) -> [Int]? {
    guard node.isStandard("Pad"), node.string("mode") ?? "constant" == "constant", node.input(3) == nil else { return nil }
    if let value = node.float("value"), value != 0 { return nil }
    if let name = node.input(2) {
      guard let value = editor.floats(name), value.allSatisfy({ $0 == 0 }) else { return nil }
    }
    return node.ints("pads") ?? editor.integers(node.input(1))
  }
}
