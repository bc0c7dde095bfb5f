import ScopeBytes

/// `GraphSignature` of torch.export's schema: what the graph's inputs and outputs mean.
struct ExportSignature {
  enum Input {
    case user
    case parameter(String)
    case buffer(String)
    case constant(String)
    /// A value that was fixed when the program was exported.
    case fixed
    case other(String)
  }

  enum Output {
    case user
    case other(String)
  }

  private(set) var inputs: [Input] = []
  private(set) var outputs: [Output] = []
  private(set) var buffers: Set<String> = []

  private static let limit = 1_000_000

  init(_ program: JSONValue) throws(ScopeError) {
    let signature = program["graph_module"]?["signature"]
    guard case .array(let inputSpecs)? = signature?["input_specs"],
      case .array(let outputSpecs)? = signature?["output_specs"], inputSpecs.count <= Self.limit
    else {
      throw ScopeError(
        .malformed, "the program has no signature", place: "graph_module > signature",
        expected: "input_specs and output_specs")
    }
    for (index, spec) in inputSpecs.enumerated() {
      guard case .object(let members) = spec, let (kind, value) = members.elements.first else {
        throw ScopeError(
          .malformed, "an input's meaning is not as PyTorch writes it", place: "input_specs[\(index)]")
      }
      func name(_ key: String) throws(ScopeError) -> String {
        guard case .string(let text)? = value[key] else {
          throw ScopeError(.malformed, "an input has no \(key)", place: "input_specs[\(index)]")
        }
        return text
      }
      switch kind {
      case "user_input": inputs.append(.user)
      case "parameter": inputs.append(.parameter(try name("parameter_name")))
      case "buffer":
        let buffer = try name("buffer_name")
        buffers.insert(buffer)
        inputs.append(.buffer(buffer))
      case "tensor_constant": inputs.append(.constant(try name("tensor_constant_name")))
      case "constant_input": inputs.append(.fixed)
      default: inputs.append(.other(kind))
      }
    }
    for (index, spec) in outputSpecs.enumerated() {
      guard case .object(let members) = spec, let kind = members.keys.first else {
        throw ScopeError(
          .malformed, "an output's meaning is not as PyTorch writes it", place: "output_specs[\(index)]")
      }
      outputs.append(kind == "user_output" ? .user : .other(kind))
    }
  }
}
