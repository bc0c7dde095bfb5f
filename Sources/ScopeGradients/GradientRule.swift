import ScopeBytes
import ScopeGraph

/// How the gradient passes backwards through one family of operators, as ONNX nodes.
///
/// A rule reads the node's static shapes from the context, appends backward nodes there and returns, for each
/// input of the node, the name of d(loss)/d(input). It never changes forward values.
package protocol GradientRule: Sendable {
  /// Operator types of the default ONNX domain.
  static var operators: [String] { get }

  /// - Returns: one name per node input; nil where no gradient was asked for (``Application/isWanted(_:)``).
  /// - Throws: `unsupported` for a form of the operator the rule does not cover, naming the node.
  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
}

/// What a gradient is built for: the words of its refusals.
package enum GradientPurpose: Sendable {
  case attack, training

  /// What remains possible for a model whose gradient cannot be built.
  package var remedy: String {
    switch self {
    case .attack:
      "White-box attacks need this gradient; analysis, optimization, security and clean accuracy work without it"
    case .training: "Fine-tuning needs this gradient; every other optimization works without it"
    }
  }

  /// What the gradient leads to.
  var source: String { self == .attack ? "the image" : "the trained weights" }
}

/// One node to be differentiated.
package struct Application {
  package let node: Node
  /// Position among the forward nodes.
  package let index: Int
  /// d(loss)/d(output) per output; nil where the loss does not depend on it.
  package let outputGradients: [String?]
  /// Per input, whether the differentiated values reach it.
  package let wanted: [Bool]
  /// The gradient of the first output. Rules of operators with one output use this.
  package let gradient: String
  package let purpose: GradientPurpose

  package func isWanted(_ input: Int) -> Bool { input < wanted.count && wanted[input] }

  /// The result of a rule that only differentiates the first input.
  package func first(_ gradient: String) -> [String?] {
    [gradient] + Array(repeating: nil, count: max(node.inputs.count - 1, 0))
  }

  package var place: String { Self.place(of: node, index) }

  package static func place(of node: Node, _ index: Int) -> String {
    "\(node.opType) node \(node.name.isEmpty ? "\(index)" : "'\(node.name)'")"
  }

  /// The error for a form of the operator that has no gradient here.
  package func unsupported(_ what: String, found: String? = nil, remedy: String? = nil) -> ScopeError {
    ScopeError(
      .unsupported, "the gradient cannot pass through this \(node.opType): \(what)", place: place,
      found: found,
      remedy: remedy ?? purpose.remedy)
  }

  /// Only the inputs at `positions` (the first unless given) may depend on what is differentiated.
  package func requireOnly(_ positions: Set<Int> = [0]) throws(ScopeError) {
    for (position, isWanted) in wanted.enumerated() where isWanted && !positions.contains(position) {
      throw unsupported("its input \(position) depends on \(purpose.source)")
    }
  }

  package func requireOnlyFirstInput() throws(ScopeError) { try requireOnly() }
}
