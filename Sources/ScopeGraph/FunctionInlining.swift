import ScopeBytes

/// Replaces calls of model-local functions by their bodies, so that every node of the graph is an operator.
public enum FunctionInlining {
  private static let maximumDepth = 32
  private static let maximumNodes = 1_000_000

  /// The model without the calls that can be replaced. A call stays when its function imports another version of an
  /// operator set than the model does.
  ///
  /// - Throws: `limitExceeded` when functions call each other without end, or unfold to more than a million nodes.
  public static func inline(_ model: Model) throws(ScopeError) -> Model {
    guard !model.functions.isEmpty else { return model }
    var result = model
    var functions: [String: FunctionDefinition] = [:]
    for function in model.functions {
      functions[key(function.domain, function.name, function.overload)] = function
    }
    var names = NameAllocator(model.graph)
    var nodes: [Node] = []
    for node in model.graph.nodes { try expand(node, model, functions, &names, &nodes, depth: 0) }
    result.graph.nodes = nodes
    return result
  }

  private static func key(_ domain: String, _ name: String, _ overload: String) -> String {
    "\(domain == "ai.onnx" ? "" : domain)::\(name)::\(overload)"
  }

  private static func expand(
    _ node: Node, _ model: Model, _ functions: [String: FunctionDefinition], _ names: inout NameAllocator,
    _ result: inout [Node], depth: Int
  ) throws(ScopeError) {
    guard let function = functions[key(node.domain, node.opType, node.overload)],
      function.opsets.allSatisfy({ domain, version in model.opsets[domain].map { $0 == version } ?? false }),
      !function.nodes.contains(where: { !$0.subgraphs.isEmpty })
    else {
      guard result.count < maximumNodes else {
        throw ScopeError(
          .limitExceeded, "the model's functions unfold to too many nodes",
          expected: "at most \(maximumNodes)")
      }
      result.append(node)
      return
    }
    guard depth < maximumDepth else {
      throw ScopeError(
        .limitExceeded, "the model's functions call each other too deeply", place: OperatorContext.place(node)
      )
    }
    var renamed: [String: String] = ["": ""]
    for (index, name) in function.inputs.enumerated() {
      renamed[name] = index < node.inputs.count ? node.inputs[index] : ""
    }
    for (index, name) in function.outputs.enumerated() where renamed[name] == nil {
      if index < node.outputs.count, !node.outputs[index].isEmpty { renamed[name] = node.outputs[index] }
    }
    // Bounded, so that long names do not multiply with the nodes.
    let prefix = String((node.name.isEmpty ? node.outputs.first ?? function.name : node.name).prefix(200))
    func name(_ inner: String, _ names: inout NameAllocator) -> String {
      if let outer = renamed[inner] { return outer }
      let fresh = names.fresh("\(prefix)/\(inner.prefix(200))")
      renamed[inner] = fresh
      return fresh
    }
    for inner in function.nodes {
      var copy = resolved(inner, call: node, function)
      copy.inputs = inner.inputs.map { name($0, &names) }
      copy.outputs = inner.outputs.map { name($0, &names) }
      copy.name = "\(prefix)/\((inner.name.isEmpty ? inner.opType : inner.name).prefix(200))"
      try expand(copy, model, functions, &names, &result, depth: depth + 1)
    }
    // A function may return one of its inputs.
    for (index, inner) in function.outputs.enumerated()
    where index < node.outputs.count && !node.outputs[index].isEmpty {
      if let source = renamed[inner], source != node.outputs[index] {
        result.append(
          Node("Identity", name: "\(prefix)/\(inner)", inputs: [source], outputs: [node.outputs[index]]))
      }
    }
  }

  /// The node with references to the function's attributes replaced by the call's attributes or the defaults.
  static func resolved(_ node: Node, call: Node, _ function: FunctionDefinition) -> Node {
    var node = node
    for (name, value) in node.attributes {
      if case .reference(let parameter, type: _) = value {
        node.attributes[name] = call.attributes[parameter] ?? function.attributeDefaults[parameter]
      }
    }
    return node
  }
}
