import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Walks the graph of an exported program and hands its calls to ``AtenBuilder``.
struct ExportConversion {
  private let program: JSONValue
  private let signature: ExportSignature
  private let weights: OrderedDictionary<String, Tensor>
  private let constants: OrderedDictionary<String, Tensor>
  private var builder = AtenBuilder(name: "exported_program")
  /// Values by their names in the program.
  private var values: [String: AtenValue] = [:]
  private var metadata: [String: JSONValue] = [:]
  /// Names of open sizes, by PyTorch's symbols.
  private var symbols: [String: String] = [:]

  init(
    _ program: JSONValue, _ signature: ExportSignature, weights: OrderedDictionary<String, Tensor>,
    constants: OrderedDictionary<String, Tensor>
  ) {
    self.program = program
    self.signature = signature
    self.weights = weights
    self.constants = constants
  }

  private static func list(_ value: JSONValue?, _ what: String) throws(ScopeError) -> [JSONValue] {
    guard case .array(let items)? = value else {
      throw ScopeError(.malformed, "the program has no list of \(what)", place: "graph_module > graph")
    }
    return items
  }

  /// - Throws: `unsupported` naming the operator and the node; `malformed` for a program that contradicts itself.
  mutating func model() throws(ScopeError) -> Model {
    let graph = program["graph_module"]?["graph"]
    if case .object(let values)? = graph?["tensor_values"] {
      for (name, value) in values { metadata[name] = value }
    }
    let nodes = try Self.list(graph?["nodes"], "nodes")
    builder.isFunctional = !nodes.contains { node in
      if case .string(let target)? = node["target"] { Self.changesInPlace(target) } else { false }
    }
    try addInputs(try Self.list(graph?["inputs"], "inputs"))
    for (index, node) in nodes.enumerated() { try convert(node, index) }
    let outputs = try Self.list(graph?["outputs"], "outputs")
    guard outputs.count == signature.outputs.count else {
      throw ScopeError(
        .malformed, "the signature does not fit the graph's outputs", expected: "\(outputs.count) outputs",
        found: "\(signature.outputs.count)")
    }
    var results: [AtenValue] = []
    for (output, meaning) in zip(outputs, signature.outputs) {
      if case .other(let kind) = meaning {
        throw ScopeError(
          .unsupported, "the program has an output of the kind \(kind.prefix(40))",
          expected: "a program that changes no state",
          remedy: "Call model.eval() before exporting, or export the model to ONNX")
      }
      let value = try argument(output)
      switch value {
      case .none, .string, .ignored: continue
      case .list(let items), .tuple(let items): results += items
      default: results.append(value)
      }
    }
    guard !results.isEmpty else { throw ScopeError(.malformed, "the program has no outputs") }
    let isSingle = results.count == 1
    var version = ""
    if case .string(let text)? = program["torch_version"] { version = text }
    return try builder.finish(
      outputs: results.enumerated().map { (isSingle ? "output" : "output_\($0.offset)", $0.element) },
      producerVersion: version)
  }

  private static func changesInPlace(_ target: String) -> Bool {
    let parts = target.split(separator: ".")
    guard parts.count >= 2 else { return false }
    let name = parts[parts.count - 2]
    return name.hasSuffix("_") && !name.hasSuffix("__")
  }

  // MARK: Inputs

  private mutating func addInputs(_ inputs: [JSONValue]) throws(ScopeError) {
    guard inputs.count == signature.inputs.count else {
      throw ScopeError(
        .malformed, "the signature does not fit the graph's inputs", expected: "\(inputs.count) inputs",
        found: "\(signature.inputs.count)")
    }
    // Parameters come first, so that no other value takes their names.
    for isUser in [false, true] {
      for (index, (input, meaning)) in zip(inputs, signature.inputs).enumerated() {
        if case .user = meaning { if !isUser { continue } } else if isUser { continue }
        do throws(ScopeError) {
          try addInput(input, meaning)
        } catch {
          throw error.at("inputs[\(index)]")
        }
      }
    }
  }

  private mutating func addInput(_ input: JSONValue, _ meaning: ExportSignature.Input) throws(ScopeError) {
    var name = ""
    if case .string(let text)? = input["as_tensor"]?["name"] { name = text }
    switch meaning {
    case .parameter(let parameter), .buffer(let parameter):
      guard let tensor = weights[parameter] ?? constants[parameter] else {
        throw ScopeError(.malformed, "the archive holds no tensor of the name \(parameter.prefix(200))")
      }
      values[name] = .tensor(builder.parameter(parameter, tensor))
    case .constant(let constant):
      guard let tensor = constants[constant] ?? weights[constant] else {
        throw ScopeError(.malformed, "the archive holds no tensor of the name \(constant.prefix(200))")
      }
      values[name] = .tensor(builder.constant(tensor, named: constant))
    case .user:
      if !name.isEmpty {
        guard let meta = metadata[name] else {
          throw ScopeError(.malformed, "nothing tells the sizes of the input \(name.prefix(200))")
        }
        let type = try ExportTensorMeta(meta)
        values[name] = .tensor(builder.input(name, type.dataType, named(type.shape)))
      } else if case .string(let size)? = input["as_sym_int"]?["as_name"] {
        values[size] = .symbolicInt(builder.input(size, .int64, []))
      }
    case .fixed: break
    case .other(let kind):
      throw ScopeError(.unsupported, "an input of the kind \(kind.prefix(40)) is not converted")
    }
  }

  /// Open sizes under names of our own: the first is the batch, `N`.
  private mutating func named(_ shape: Shape) -> Shape {
    Shape(
      shape.dimensions.map { dimension in
        guard case .symbolic(let symbol) = dimension else { return dimension }
        if let known = symbols[symbol] { return .symbolic(known) }
        let name = symbols.isEmpty ? "N" : symbol
        symbols[symbol] = name
        return .symbolic(name)
      })
  }

  // MARK: Nodes

  private mutating func convert(_ node: JSONValue, _ index: Int) throws(ScopeError) {
    guard case .string(let target)? = node["target"], case .array(let inputs)? = node["inputs"],
      case .array(let outputs)? = node["outputs"], inputs.count <= 1000
    else {
      throw ScopeError(
        .malformed, "a node is not as PyTorch writes it", place: "nodes[\(index)]",
        expected: "target, inputs and outputs")
    }
    let place = Self.place(node, outputs, index)
    let operation = try Self.operation(target, place)
    builder.module = Self.modulePath(node)
    var positional: [AtenValue] = []
    var named: [String: AtenValue] = [:]
    let parameters = AtenRegistry.find(operation)?.0.parameters ?? []
    for input in inputs {
      guard let encoded = input["arg"] else {
        throw ScopeError(.malformed, "an argument has no value", place: place)
      }
      let value: AtenValue
      do throws(ScopeError) {
        value = try argument(encoded)
      } catch {
        throw error.at(place)
      }
      var name = ""
      if case .string(let text)? = input["name"] { name = text }
      var isKeyword = false
      if case .integer(let kind)? = input["kind"] {
        isKeyword = kind == 2
      } else if let position = parameters.firstIndex(of: name) {
        // Older programs give names only.
        isKeyword = position != positional.count
      }
      if isKeyword || !named.isEmpty { named[name] = value } else { positional.append(value) }
    }
    let results: [AtenValue]
    if operation == "getitem" {
      results = [try item(positional, place)]
    } else if operation == "aten::as_strided", let input = try restrided(inputs, positional) {
      results = [input]
    } else {
      results = try builder.call(operation, positional, named: named, at: place)
    }
    try bind(results, outputs, place)
  }

  /// `torch.ops.aten.conv2d.default` and `_operator.mul` by the operator's name.
  private static func operation(_ target: String, _ place: String) throws(ScopeError) -> String {
    let parts = target.split(separator: ".").map(String.init)
    if parts.count >= 4, parts[0] == "torch", parts[1] == "ops" {
      if parts[2] == "aten" { return "aten::\(parts[3])" }
      throw ScopeError(
        .unsupported,
        parts[2] == "higher_order"
          ? "the control flow \(parts[3].prefix(80)) is not converted"
          : "the operator \(parts[2].prefix(80))::\(parts[3].prefix(80)) is not converted", place: place,
        remedy: "Export the model to ONNX (torch.onnx.export) and give that file")
    }
    if parts.count >= 2, ["_operator", "operator", "builtins", "math", "torch"].contains(parts[0]),
      let last = parts.last
    {
      return last
    }
    throw ScopeError(.unsupported, "the operator \(target.prefix(200)) is not converted", place: place)
  }

  private static func place(_ node: JSONValue, _ outputs: [JSONValue], _ index: Int) -> String {
    if case .string(let name)? = node["name"], !name.isEmpty { return "node \(name.prefix(200))" }
    if case .string(let name)? = outputs.first?["as_tensor"]?["name"] { return "node \(name.prefix(200))" }
    return "nodes[\(index)]"
  }

  /// The path of the innermost module that the call was made in: the middle of the last `key,path,class` entry.
  private static func modulePath(_ node: JSONValue) -> String {
    guard case .string(let stack)? = node["metadata"]?["nn_module_stack"],
      let last = stack.split(separator: ";").last
    else { return "" }
    let parts = last.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count >= 2 else { return "" }
    var path = parts[1]
    for prefix in ["L['self'].", "L['self']"] where path.hasPrefix(prefix) {
      path = path.dropFirst(prefix.count)
    }
    // A module that is called again: `relu@1`.
    return String(path.prefix { $0 != "@" }.prefix(500))
  }

  private func item(_ arguments: [AtenValue], _ place: String) throws(ScopeError) -> AtenValue {
    guard arguments.count == 2, let index = AtenArguments.int(arguments[1]) else {
      throw ScopeError(.malformed, "an item is taken without an index", place: place)
    }
    switch arguments[0] {
    case .list(let items), .tuple(let items):
      guard items.indices.contains(index) else {
        throw ScopeError(
          .malformed, "an item outside the list is taken", place: place, found: "\(index) of \(items.count)")
      }
      return items[index]
    default: throw ScopeError(.malformed, "an item is taken of something that is no list", place: place)
    }
  }

  /// The input of an `as_strided` that gives it the sizes and strides it has (strides of axes of one element mean
  /// nothing); nil for any other.
  private func restrided(
    _ inputs: [JSONValue], _ arguments: [AtenValue]
  ) throws(ScopeError) -> AtenValue? {
    guard arguments.count == 3, case .string(let name)? = inputs[0]["arg"]?["as_tensor"]?["name"],
      let meta = metadata[name], case .list(let sizeList) = arguments[1],
      case .list(let strideList) = arguments[2]
    else { return nil }
    let own = try ExportTensorMeta(meta)
    guard let sizes = own.shape.sizes, let strides = own.strides, strides.count == sizes.count,
      sizeList.map({ AtenArguments.int($0) }) == sizes, strideList.count == sizes.count
    else { return nil }
    let isSame = sizes.indices.allSatisfy {
      sizes[$0] == 1 || AtenArguments.int(strideList[$0]) == strides[$0]
    }
    return isSame ? arguments[0] : nil
  }

  // MARK: Results

  private mutating func bind(
    _ results: [AtenValue], _ outputs: [JSONValue], _ place: String
  ) throws(ScopeError) {
    for (index, output) in outputs.enumerated() {
      if case .array(let names)? = output["as_tensors"] {
        guard case .list(let items)? = index < results.count ? results[index] : nil,
          items.count == names.count
        else {
          throw ScopeError(
            .malformed, "the node's results are not as many as the program takes", place: place,
            expected: "\(names.count) tensors")
        }
        for (name, item) in zip(names, items) {
          if case .string(let text)? = name["name"] { try bind(item, text, place) }
        }
        continue
      }
      guard index < results.count else { continue }
      if case .string(let name)? = output["as_tensor"]?["name"] {
        try bind(results[index], name, place)
      } else {
        for kind in ["as_sym_int", "as_sym_bool", "as_sym_float"] {
          if case .string(let name)? = output[kind]?["as_name"] { values[name] = results[index] }
        }
      }
    }
  }

  /// - Throws: `invalidGraph` when the converted value is of another shape than the program says.
  private mutating func bind(_ value: AtenValue, _ name: String, _ place: String) throws(ScopeError) {
    values[name] = value
    guard case .tensor(let tensor) = value, let meta = metadata[name] else { return }
    let type = try ExportTensorMeta(meta)
    if let shape = tensor.shape {
      let differs =
        shape.rank != type.shape.rank
        || zip(shape.dimensions, type.shape.dimensions).contains { own, said in
          if let a = own.value, let b = said.value { a != b } else { false }
        }
      guard !differs else {
        throw ScopeError(
          .invalidGraph, "the program gives a result another shape than its operator", place: place,
          expected: "\(shape)", found: "\(type.shape)")
      }
      guard shape.dimensions.contains(.unknown) else { return }
    }
    let shape = Shape(
      type.shape.dimensions.map { dimension in
        guard case .symbolic(let symbol) = dimension else { return dimension }
        return symbols[symbol].map { .symbolic($0) } ?? .unknown
      })
    values[name] = .tensor(builder.declare(tensor, type.dataType, shape))
  }

  // MARK: Arguments

  private func value(named name: JSONValue?) throws(ScopeError) -> AtenValue {
    guard case .string(let text)? = name else { throw ScopeError(.malformed, "an argument has no name") }
    guard let value = values[text] else {
      throw ScopeError(.malformed, "the value \(text.prefix(200)) is used before it is computed")
    }
    return value
  }

  /// `Argument` of torch.export's schema: one member tells the kind.
  private func argument(_ encoded: JSONValue, depth: Int = 0) throws(ScopeError) -> AtenValue {
    guard depth < 8, case .object(let members) = encoded, let (kind, value) = members.elements.first else {
      throw ScopeError(.malformed, "an argument is not as PyTorch writes it")
    }
    switch kind {
    case "as_none": return .none
    case "as_tensor": return try self.value(named: value["name"])
    case "as_tensors":
      return .list(try items(value) { (v) throws(ScopeError) in try self.value(named: v["name"]) })
    case "as_optional_tensor": return try argument(value, depth: depth + 1)
    case "as_optional_tensors", "as_sym_ints", "as_sym_floats", "as_sym_bools":
      return .list(try items(value) { (v) throws(ScopeError) in try argument(v, depth: depth + 1) })
    case "as_nested_tensors":
      return .list(
        try items(value) { (row) throws(ScopeError) in
          .list(try items(row) { (v) throws(ScopeError) in try self.value(named: v["name"]) })
        })
    case "as_int", "as_float", "as_bool": return try Self.number(value)
    case "as_ints", "as_floats", "as_bools": return .list(try items(value, Self.number))
    case "as_int_lists", "as_float_lists":
      return .list(try items(value) { (row) throws(ScopeError) in .list(try items(row, Self.number)) })
    case "as_string":
      guard case .string(let text) = value else { throw ScopeError(.malformed, "an argument is no text") }
      return .string(text)
    case "as_name": return try self.value(named: value)
    case "as_sym_int", "as_sym_bool", "as_sym_float": return try argument(value, depth: depth + 1)
    case "as_scalar_type":
      guard case .integer(let code) = value, let type = ExportTensorMeta.dataTypes[code] else {
        throw ScopeError(.unsupported, "an element type is not known")
      }
      return .dataType(type)
    case "as_memory_format", "as_layout", "as_device": return .ignored(String(kind.dropFirst(3)))
    default: throw ScopeError(.unsupported, "an argument of the kind \(kind.prefix(40)) is not converted")
    }
  }

  private func items(
    _ list: JSONValue, _ convert: (JSONValue) throws(ScopeError) -> AtenValue
  ) throws(ScopeError) -> [AtenValue] {
    guard case .array(let entries) = list else { throw ScopeError(.malformed, "an argument is no list") }
    var result: [AtenValue] = []
    result.reserveCapacity(entries.count)
    for entry in entries { result.append(try convert(entry)) }
    return result
  }

  private static func number(_ value: JSONValue) throws(ScopeError) -> AtenValue {
    switch value {
    case .integer(let number): return .int(number)
    case .number(let number): return .float(number)
    case .bool(let flag): return .bool(flag)
    // JSON has no words for these.
    case .string("Infinity"): return .float(.infinity)
    case .string("-Infinity"): return .float(-.infinity)
    case .string("NaN"): return .float(.nan)
    default: throw ScopeError(.malformed, "an argument is no number")
    }
  }
}
