import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Converts PyTorch operator calls, one after the other, into an ONNX graph.
struct AtenBuilder {
  private(set) var graph: Graph

  init(name: String) { graph = Graph(name: name) }

  /// Converts one call.
  ///
  /// - Parameters:
  ///   - operation: The operator without overload, `aten::conv2d`.
  ///   - arguments: Positional arguments in schema order; trailing defaults may be left out.
  ///   - named: Keyword arguments.
  ///   - place: Where in the program, for messages (`code/__torch__/model.py line 12`, `node conv2d_3`).
  /// - Returns: The results; one entry unless the operator returns several.
  /// - Throws: `unsupported` naming the operator and the place.
  mutating func call(
    _ operation: String, _ arguments: [AtenValue], named: [String: AtenValue] = [:], at place: String
  ) throws(ScopeError) -> [AtenValue] {
    throw ScopeError(.unsupported, "the operator \(operation) is not converted", place: place)
  }
}
