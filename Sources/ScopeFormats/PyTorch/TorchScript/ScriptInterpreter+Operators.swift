import ScopeBytes
import ScopeGraph

/// Operators: those on numbers, texts and lists are computed here, those on tensors go to the builder.
extension ScriptInterpreter {
  /// - Parameter name: `aten::conv2d`, `prim::dtype`.
  func operation(
    _ name: String, _ arguments: [ScriptValue], _ named: [String: ScriptValue]
  ) throws(ScopeError) -> ScriptValue {
    try spend()
    if name.hasPrefix("aten::") {
      let short = String(name.dropFirst(6))
      if let value = try language(short, arguments, named) { return value }
      if let value = try listOperation(short, arguments) { return value }
      if !arguments.contains(where: isTensor), let value = try arithmetic(short, arguments) { return value }
      return try callTensor(name, arguments, named)
    }
    if name.hasPrefix("prim::") { return try primitive(String(name.dropFirst(6)), arguments) }
    return try callTensor(name, arguments, named)
  }

  func isTensor(_ value: ScriptValue) -> Bool {
    switch value {
    case .tensor, .input: true
    case .list(let list): list.items.contains(where: isTensor)
    case .tuple(let items): items.contains(where: isTensor)
    default: false
    }
  }

  // MARK: Tensors

  /// Hands a call to the builder.
  func callTensor(
    _ name: String, _ arguments: [ScriptValue], _ named: [String: ScriptValue]
  ) throws(ScopeError) -> ScriptValue {
    try determineInputs(name, arguments)
    var positional: [AtenValue] = []
    positional.reserveCapacity(arguments.count)
    for argument in arguments { positional.append(try aten(argument)) }
    var keywords: [String: AtenValue] = [:]
    for (key, value) in named { keywords[key] = try aten(value) }
    if !AtenBuilder.knows(name) { isHopeless = true }
    let results = try builder.call(name, positional, named: keywords, at: place)
    return wrap(results, of: name)
  }

  /// Operators whose result is a list whatever its length.
  private static let listResults: Set<String> = [
    "aten::unbind", "aten::chunk", "aten::split", "aten::split_with_sizes", "aten::tensor_split",
    "aten::meshgrid", "aten::broadcast_tensors", "aten::unsafe_chunk", "aten::unsafe_split",
    "aten::hsplit", "aten::vsplit", "aten::dsplit",
  ]

  private func wrap(_ results: [AtenValue], of name: String) -> ScriptValue {
    if results.count == 1, case .list = results[0] { return script(results[0]) }
    if Self.listResults.contains(name) { return .list(ScriptList(results.map(script))) }
    return results.count == 1 ? script(results[0]) : .tuple(results.map(script))
  }

  /// A value as the builder takes it.
  func aten(_ value: ScriptValue) throws(ScopeError) -> AtenValue {
    switch value {
    case .tensor(let tensor): return .tensor(tensor)
    case .input(let index): return .tensor(try inputTensor(index))
    case .int(let number): return .int(number)
    case .symbolic(let tensor): return .symbolicInt(try computed(with: tensor))
    case .float(let number): return .float(number)
    case .bool(let flag): return .bool(flag)
    case .string(let text): return .string(text)
    case .none: return .none
    case .ignored(let what): return .ignored(what)
    case .list(let list): return .list(try aten(list.items))
    case .tuple(let items): return .tuple(try aten(items))
    case .record(let record): return .tuple(try aten(record.values))
    case .undecided: throw undecided(value)
    default: throw failure(.unsupported, "an operator is given \(value.kind)")
    }
  }

  private func aten(_ values: [ScriptValue]) throws(ScopeError) -> [AtenValue] {
    guard values.count <= Self.listLimit else {
      throw failure(.limitExceeded, "a list is too long", expected: "at most \(Self.listLimit) elements")
    }
    return try deeper { () throws(ScopeError) in
      var result: [AtenValue] = []
      result.reserveCapacity(values.count)
      for value in values { result.append(try aten(value)) }
      return result
    }
  }

  func script(_ value: AtenValue) -> ScriptValue {
    switch value {
    case .tensor(let tensor): .tensor(tensor)
    case .int(let number): .int(number)
    case .symbolicInt(let tensor): builder.integers(tensor)?.first.map { .int($0) } ?? .symbolic(tensor)
    case .float(let number): .float(number)
    case .bool(let flag): .bool(flag)
    case .string(let text): .string(text)
    case .none: .none
    case .list(let items): .list(ScriptList(items.map(script)))
    case .tuple(let items): .tuple(items.map(script))
    case .dataType(let type): .int(Self.scalarTypes[type] ?? -1)
    case .ignored(let what): .ignored(what)
    }
  }

  /// c10's `ScalarType` numbers.
  static let scalarTypes: [DataType: Int] = [
    .uint8: 0, .int8: 1, .int16: 2, .int32: 3, .int64: 4, .float16: 5, .float32: 6, .float64: 7,
    .complex64: 9, .complex128: 10, .bool: 11, .bfloat16: 15,
  ]

  /// The newest state of a tensor value; inputs become tensors.
  func tensor(_ value: ScriptValue) throws(ScopeError) -> AtenTensor {
    switch value {
    case .tensor(let tensor): return try builder.current(tensor)
    case .input(let index): return try inputTensor(index)
    default: throw failure(.malformed, "a tensor is needed here", found: value.kind)
    }
  }

  /// The tensor's rank.
  func rank(_ value: ScriptValue) throws(ScopeError) -> Int {
    let tensor = try tensor(value)
    guard let shape = tensor.shape else {
      inputs.needsSizes = true
      throw failure(
        .unsupported, "the rank of a tensor is not known where the program asks for it", found: tensor.name)
    }
    return shape.rank
  }

  /// One size of a tensor.
  func size(_ value: ScriptValue, _ axis: Int) throws(ScopeError) -> ScriptValue {
    let rank = try rank(value)
    let axis = try checked(axis, rank)
    let size = script(try builder.size(try tensor(value), axis))
    if case .symbolic(let open) = size,
      inputs.isOpenImageSize(builder.elements(open)?.first, axis)
    {
      openImageSizes.insert(open.name)
    }
    return size
  }

  /// The open integer that the program computes with.
  ///
  /// - Throws: `unsupported` for an open size of an image; see ``ScriptInputs/isOpenImageSize(_:_:)``.
  func computed(with size: AtenTensor) throws(ScopeError) -> AtenTensor {
    guard openImageSizes.contains(size.name) else { return size }
    inputs.needsSizes = true
    throw failure(.unsupported, "the program depends on the size of its image")
  }

  func sizes(_ value: ScriptValue) throws(ScopeError) -> ScriptValue {
    var result: [ScriptValue] = []
    for axis in 0..<(try rank(value)) { result.append(try size(value, axis)) }
    return .list(ScriptList(result))
  }

  /// The number in a tensor of one element, or a number in another type.
  func number(of value: ScriptValue, as type: String) throws(ScopeError) -> ScriptValue {
    switch value {
    case .tensor, .input:
      let tensor = try tensor(value)
      if let constant = tensor.constant, constant.elementCount == 1 {
        if constant.dataType.isFloatingPoint, type != "int" {
          guard let number = try numbers(constant).first else { return .undecided(tensor.name) }
          return type == "bool" ? .bool(number != 0) : .float(number)
        }
        if !constant.dataType.isFloatingPoint, let number = try constant.ints().first {
          return try self.number(
            of: .int(number), as: constant.dataType == .bool && type == "number" ? "bool" : type)
        }
      }
      guard type != "bool", let dataType = tensor.dataType, !dataType.isFloatingPoint else {
        return .undecided("the numbers of \(tensor.name)")
      }
      let scalar =
        tensor.shape?.rank == 0
        ? tensor
        : try self.tensor(
          try callTensor("aten::reshape", [.tensor(tensor), .list(ScriptList([]))], [:]))
      if type == "float" { return .tensor(scalar) }
      if dataType == .int64 { return .symbolic(scalar) }
      return .symbolic(try self.tensor(try callTensor("aten::to", [.tensor(scalar), .int(4)], [:])))
    case .int(let number):
      switch type {
      case "float": return .float(Double(number))
      case "bool": return .bool(number != 0)
      default: return value
      }
    case .float(let number):
      switch type {
      case "int":
        guard number.isFinite, number.magnitude < 0x1p62 else {
          throw failure(.unsupported, "a number does not fit an integer", found: "\(number)")
        }
        return .int(Int(number))
      case "bool": return .bool(number != 0)
      default: return value
      }
    case .bool(let flag):
      switch type {
      case "int": return .int(flag ? 1 : 0)
      case "float": return .float(flag ? 1 : 0)
      default: return value
      }
    case .string(let text):
      if type == "float", let number = Double(text) { return .float(number) }
      if type == "int", let number = Int(text) { return .int(number) }
    case .symbolic, .undecided: return type == "bool" ? .undecided("a size") : value
    default: break
    }
    throw failure(.unsupported, "\(value.kind) is made a number")
  }

  /// The numbers of a small constant in double precision.
  func numbers(_ tensor: Tensor) throws(ScopeError) -> [Double] {
    if tensor.dataType == .float64 { return try tensor.packedBytes().elements(as: Double.self) }
    return try tensor.floats().map { Double($0) }
  }

  // MARK: prim

  private func primitive(_ name: String, _ arguments: [ScriptValue]) throws(ScopeError) -> ScriptValue {
    guard let first = arguments.first else {
      throw failure(.unsupported, "the operator prim::\(name) is not converted without arguments")
    }
    switch name {
    case "NumToTensor":
      switch first {
      case .int(let number): return .tensor(builder.literal(Tensor.int64s([number], [])))
      case .symbolic(let tensor): return .tensor(try computed(with: tensor))
      case .float(let number): return .tensor(try builder.scalar(number, .float64))
      case .bool(let flag): return .tensor(try builder.scalar(flag ? 1 : 0, .bool))
      case .tensor: return first
      default: throw undecided(first)
      }
    case "RaiseException": throw raised(text(first))
    case "dtype":
      guard let type = try tensor(first).dataType, let code = Self.scalarTypes[type] else {
        return .undecided("the element type of a tensor")
      }
      return .int(code)
    case "device", "layout": return .ignored(name)
    case "type": return .string("cpu")
    case "is_nested", "is_cuda", "is_quantized", "is_sparse", "is_mkldnn", "is_meta", "is_xla", "is_mps",
      "is_vulkan", "is_ipu", "is_sparse_csr", "is_xpu", "is_hpu", "is_mtia", "is_maia":
      return .bool(false)
    // As while a gradient is wanted: nn.MultiheadAttention then takes the path of plain operators.
    case "requires_grad": return .bool(true)
    case "data", "unchecked_unwrap_optional", "requires_grad_": return first
    case "shape": return try sizes(first)
    case "ndim": return .int(try rank(first))
    case "max", "min", "abs":
      let items = arguments.count == 1 && name != "abs" ? try elements(first) : arguments
      return try arithmetic(name, items) ?? .undecided("numbers")
    case "name": return .none
    case "TupleUnpack", "TupleIndex": return first
    case "EnumName": return try attribute("name", of: first)
    case "EnumValue": return try attribute("value", of: first)
    case "unchecked_cast": return first
    case "isinstance", "Print": return .none
    default: throw failure(.unsupported, "the operator prim::\(name.prefix(80)) is not converted")
    }
  }

  // MARK: The language

  /// What an `aten` operator of the language itself gives; nil for all others.
  private func language(
    _ name: String, _ arguments: [ScriptValue], _ named: [String: ScriptValue]
  ) throws(ScopeError) -> ScriptValue? {
    switch name {
    case "device": return .ignored("device")
    case "is_grad_enabled": return .bool(true)
    case "is_autocast_enabled", "is_autocast_cpu_enabled", "_is_tracing", "is_scripting": return .bool(false)
    case "warn", "manual_seed", "set_grad_enabled", "_autocast_to_reduced_precision": return ScriptValue.none
    case "dict": return .dictionary(ScriptDictionary([]))
    default: break
    }
    guard let first = arguments.first else { return nil }
    switch name {
    case "__is__", "__isnot__":
      guard arguments.count == 2 else { return nil }
      return .bool(try same(first, arguments[1]) == (name == "__is__"))
    case "__not__":
      guard let known = knownTruth(first) else { return .undecided(reason(first)) }
      return .bool(!known)
    case "size":
      guard arguments.count > 1 else { return try sizes(first) }
      guard case .int(let axis) = arguments[1] else { throw undecided(arguments[1]) }
      return try size(first, axis)
    case "dim", "ndimension": return .int(try rank(first))
    case "len":
      if isTensorItself(first) { return try size(first, 0) }
      return try length(first).map { .int($0) }
    case "numel":
      guard isTensorItself(first) else { return nil }
      if let count = try tensor(first).shape?.elementCount { return .int(count) }
      var product: ScriptValue = .int(1)
      for size in try elements(try sizes(first)) {
        product = try arithmetic("mul", [product, size]) ?? product
      }
      return product
    case "is_floating_point":
      guard let type = try tensor(first).dataType else { return .undecided("the element type of a tensor") }
      return .bool(type.isFloatingPoint)
    case "is_complex": return .bool(false)
    case "item": return try number(of: first, as: "number")
    case "format", "percentFormat": return .string(text(first))
    case "tensor", "as_tensor", "scalar_tensor":
      return isTensor(first) ? nil : try tensorLiteral(first, named["dtype"])
    case "get_device": return .int(-1)
    case "requires_grad_", "retain_grad": return first
    default: return nil
    }
  }

  func reason(_ value: ScriptValue) -> String {
    if case .undecided(let reason) = value { return reason }
    return value.kind
  }

  private func isTensorItself(_ value: ScriptValue) -> Bool {
    switch value {
    case .tensor, .input: true
    default: false
    }
  }

  private func same(_ left: ScriptValue, _ right: ScriptValue) throws(ScopeError) -> Bool {
    switch (left, right) {
    case (.none, .none): return true
    case (.none, _), (_, .none): return false
    case (.tensor(let a), .tensor(let b)): return try builder.current(a).name == builder.current(b).name
    case (.input(let a), .input(let b)): return a == b
    case (.object(let a), .object(let b)): return a === b
    case (.list(let a), .list(let b)): return a === b
    default: return equal(left, right) ?? false
    }
  }

  /// `torch.tensor(...)` of numbers and lists of numbers.
  private func tensorLiteral(
    _ value: ScriptValue, _ dataType: ScriptValue?
  ) throws(ScopeError) -> ScriptValue? {
    var dimensions: [Int] = []
    var numbers: [Double] = []
    var integers = true
    var bools = true
    func collect(_ value: ScriptValue, _ level: Int) throws(ScopeError) -> Bool {
      try spend()
      switch value {
      case .int(let number):
        numbers.append(Double(number))
        bools = false
        return number.magnitude < 1 << 53
      case .float(let number):
        numbers.append(number)
        (integers, bools) = (false, false)
        return true
      case .bool(let flag):
        numbers.append(flag ? 1 : 0)
        return true
      case .list(let list) where level < 8:
        if dimensions.count == level { dimensions.append(list.items.count) }
        guard dimensions.count > level, dimensions[level] == list.items.count else { return false }
        for item in list.items { guard try collect(item, level + 1) else { return false } }
        return true
      default: return false
      }
    }
    guard try collect(value, 0), numbers.count == dimensions.reduce(1, *) else {
      if case .symbolic(let tensor) = value { return .tensor(tensor) }
      throw undecided(value)
    }
    let tensor =
      integers
      ? Tensor.int64s(numbers.map { Int($0) }, dimensions)
      : Tensor.floats(numbers.map { Float($0) }, dimensions)
    let constant = ScriptValue.tensor(builder.literal(tensor))
    switch dataType {
    case .int?: return try callTensor("aten::to", [constant, dataType ?? .none], [:])
    default: return bools && integers ? try callTensor("aten::to", [constant, .int(11)], [:]) : constant
    }
  }
}
