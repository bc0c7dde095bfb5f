import ScopeBytes

/// Evaluates single operators on constants.
public enum ConstantFolding {
  /// The outputs of a node computed from constant inputs, or nil when the operator (or this form of it) is not
  /// evaluated here or a tensor is larger than `maximumElements`.
  ///
  /// Results equal the operator's definition in the tensor's type: sums, products and roots are rounded once from
  /// double precision.
  ///
  /// - Parameter inputs: one per input of the node, nil where an optional input is omitted.
  /// - Throws: `invalidGraph` when the node contradicts its operator's definition.
  public static func fold(
    _ node: Node, inputs: [Tensor?], opset: Int, maximumElements: Int = 1 << 24
  ) throws(ScopeError) -> [Tensor]? {
    guard let definition = OperatorRegistry.definition(of: node), inputs.count == node.inputs.count else {
      return nil
    }
    for tensor in inputs { if let tensor, tensor.elementCount > maximumElements { return nil } }
    let context = OperatorContext(
      node: node, opset: opset, inputs: inputs.map { $0.map { ValueType(constant: $0) } })
    do throws(ScopeError) {
      let outputs = try definition.inferOutputs(context)
      for output in outputs.prefix(node.outputs.count) {
        guard let count = output.shape?.elementCount, count <= maximumElements else { return nil }
      }
      let known = outputs.prefix(node.outputs.count).compactMap(\.constant)
      if known.count == node.outputs.count { return known }
      guard let fold = definition.fold else { return nil }
      return try fold(context)
    } catch {
      if error.code == .unsupported { return nil }
      throw error
    }
  }
}
