import ScopeBytes

/// What the operator registries of ONNX and ONNX Runtime say about a node's form: how many inputs it needs, how many
/// outputs it can have, the types of its attributes.
enum OperatorSignatures {
  enum AttributeKind: String, Sendable {
    case float = "a number"
    case int = "an integer"
    case string = "a text"
    case tensor = "a tensor"
    case graph = "a graph"
    case floats = "a list of numbers"
    case ints = "a list of integers"
    case strings = "a list of texts"
  }

  private static let least: [String: Int] = expanded(leastInputs)
  private static let most: [String: Int] = expanded(mostOutputs)
  private static let kinds: [String: AttributeKind] = expanded(attributeKinds)

  private static func expanded<Value>(_ table: [(Value, String)]) -> [String: Value] {
    var result: [String: Value] = [:]
    for (value, names) in table {
      for name in names.utf8.split(whereSeparator: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }) {
        result[String(name) ?? ""] = value
      }
    }
    return result
  }

  /// - Throws: `invalidGraph` when the node has too few inputs, too many outputs or an attribute of another type than
  ///   its operator defines. Operators without an entry pass.
  static func check(_ node: Node) throws(ScopeError) {
    let key = node.domain.isEmpty || node.domain == "ai.onnx" ? node.opType : "\(node.domain)::\(node.opType)"
    guard let mostOutputs = most[key] ?? least[key].map({ _ in Int.max }) else { return }
    func invalid(_ message: String, _ expected: String, _ found: String) -> ScopeError {
      ScopeError(
        .invalidGraph, message, place: OperatorContext.place(node), expected: expected, found: found)
    }
    if let needed = least[key] {
      guard node.inputs.count >= needed else {
        throw invalid("the node has too few inputs", "at least \(needed)", "\(node.inputs.count)")
      }
    }
    guard node.outputs.count <= mostOutputs else {
      throw invalid("the node has too many outputs", "at most \(mostOutputs)", "\(node.outputs.count)")
    }
    for (name, value) in node.attributes {
      guard let expected = kinds[name], let found = kind(value), found != expected else { continue }
      // Empty lists are written without their type by some exporters.
      if case .floats(let values) = value, values.isEmpty { continue }
      if case .ints(let values) = value, values.isEmpty { continue }
      if case .strings(let values) = value, values.isEmpty { continue }
      // A single axis where a list is meant is read as one by every engine.
      if expected == .ints, found == .int { continue }
      throw invalid("the attribute \(name) has the wrong type", expected.rawValue, found.rawValue)
    }
  }

  private static func kind(_ value: AttributeValue) -> AttributeKind? {
    switch value {
    case .float: .float
    case .int: .int
    case .string: .string
    case .tensor: .tensor
    case .graph: .graph
    case .floats: .floats
    case .ints: .ints
    case .strings: .strings
    default: nil
    }
  }
}
