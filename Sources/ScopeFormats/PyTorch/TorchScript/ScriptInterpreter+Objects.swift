import ScopeBytes
import ScopeGraph

/// Objects, parameters and constants of the archive.
extension ScriptInterpreter {
  /// The module that was saved.
  func root() throws(ScopeError) -> ScriptObject {
    guard let id = program.run.result,
      case .object(let object) = try value(id, in: program.tensors, path: "", depth: 0)
    else { throw ScopeError(.malformed, "the archive holds no module") }
    return object
  }

  func member(_ name: String, of object: ScriptObject) throws(ScopeError) -> ScriptValue {
    if let value = object.attributes[name] { return value }
    let value: ScriptValue
    if let id = object.stored[name] {
      if name == "training" {
        if case .bool(true) = program.run.value(id) { sawTraining = true }
        value = .bool(false)
      } else {
        value = try self.value(id, in: program.tensors, path: object.member(name), depth: 0)
      }
    } else if let (definition, _) = try program.classNamed(object.className),
      case let constant?? = definition.fields.first(where: { $0.name == name })?.value
    {
      value = try evaluate(constant)
    } else {
      throw failure(.malformed, "the class \(object.className) has no attribute \"\(name.prefix(200))\"")
    }
    object.attributes[name] = value
    return value
  }

  /// `CONSTANTS.c3`: a tensor or another value of `constants.pkl`.
  func constant(_ number: Int) throws(ScopeError) -> ScriptValue {
    let (id, tensors) = try program.constant(number)
    return try value(id, in: tensors, path: "CONSTANTS.c\(number)", depth: 0)
  }

  /// A pickled value. Objects are made as far as they are named; their attributes follow when they are read.
  private func value(
    _ id: PickleID, in tensors: PyTorchTensorBuilder, path: String, depth: Int
  ) throws(ScopeError) -> ScriptValue {
    guard depth < 32, path.utf8.count < 4096 else {
      throw failure(.limitExceeded, "an attribute is nested too deeply", expected: "at most 32 levels")
    }
    try spend()
    let run = tensors.run
    if tensors.isTensor(id) { return .tensor(try tensor(id, in: tensors, path: path)) }
    switch run.value(id) {
    case .none: return .none
    case .bool(let value): return .bool(value)
    case .int(let value): return .int(Int(value))
    case .float(let value): return .float(value)
    case .string: return .string(run.shortText(id) ?? "")
    case .tuple(let items): return .tuple(try values(items, in: tensors, path: path, depth: depth))
    case .list(let items): return .list(ScriptList(try values(items, in: tensors, path: path, depth: depth)))
    case .dict(let pairs):
      var values: [(key: ScriptValue, value: ScriptValue)] = []
      for pair in pairs.prefix(4096) {
        values.append(
          (
            try value(pair.key, in: tensors, path: path, depth: depth + 1),
            try value(pair.value, in: tensors, path: path, depth: depth + 1)
          ))
      }
      return .dictionary(ScriptDictionary(values))
    case .call(let call): return try object(call, id, in: tensors, path: path, depth: depth)
    default: return .ignored(run.summary(id))
    }
  }

  private func values(
    _ items: [PickleID], in tensors: PyTorchTensorBuilder, path: String, depth: Int
  ) throws(ScopeError) -> [ScriptValue] {
    guard items.count <= Self.listLimit else {
      throw failure(.limitExceeded, "a list is too long", expected: "at most \(Self.listLimit) elements")
    }
    var result: [ScriptValue] = []
    result.reserveCapacity(items.count)
    for (index, item) in items.enumerated() {
      result.append(try value(item, in: tensors, path: "\(path).\(index)", depth: depth + 1))
    }
    return result
  }

  private func object(
    _ call: PickleCall, _ id: PickleID, in tensors: PyTorchTensorBuilder, path: String, depth: Int
  ) throws(ScopeError) -> ScriptValue {
    let run = tensors.run
    let name = run.calleeName(call) ?? "?"
    switch name {
    // Lists say their type; what they hold is the first argument.
    case "torch.jit._pickle.build_intlist", "torch.jit._pickle.build_tensorlist",
      "torch.jit._pickle.build_doublelist", "torch.jit._pickle.build_boollist",
      "torch.jit._pickle.restore_type_tag", "collections.OrderedDict":
      guard let first = run.elements(call.arguments)?.first else { return .dictionary(ScriptDictionary([])) }
      return try value(first, in: tensors, path: path, depth: depth + 1)
    case let name where name.hasPrefix("__torch__."):
      if let known = objects[id] { return .object(known) }
      // An enumeration's member is saved as its class and its value.
      if call.states.isEmpty, let member = try enumerationMember(name, call, in: tensors, depth: depth) {
        return member
      }
      var stored: [String: PickleID] = [:]
      for pair in run.attributes(id) ?? [] {
        if let key = run.shortText(pair.key) { stored[key] = pair.value }
      }
      let object = ScriptObject(className: name, path: path, stored: stored)
      objects[id] = object
      return .object(object)
    default: return .ignored(name)
    }
  }

  private func enumerationMember(
    _ className: String, _ call: PickleCall, in tensors: PyTorchTensorBuilder, depth: Int
  ) throws(ScopeError) -> ScriptValue? {
    guard let (definition, _) = try program.classNamed(className), definition.base == "Enum",
      let argument = tensors.run.elements(call.arguments)?.first
    else { return nil }
    let wanted = try value(argument, in: tensors, path: "", depth: depth + 1)
    for field in definition.fields {
      guard let expression = field.value, case let value = try evaluate(expression),
        equal(value, wanted) == true
      else { continue }
      return .enumeration(ScriptEnumeration(className: className, name: field.name, value: value))
    }
    return nil
  }

  /// A parameter, buffer or constant tensor; its numbers stay in the file. Tensors that show the same bytes are one.
  private func tensor(
    _ id: PickleID, in tensors: PyTorchTensorBuilder, path: String
  ) throws(ScopeError) -> AtenTensor {
    do throws(ScopeError) {
      switch try tensors.build(id) {
      case .tensor(let tensor, var view):
        if path.hasPrefix("CONSTANTS.") { view.storage = "constants/\(view.storage)" }
        if let known = parameters[view] { return known }
        let value = builder.parameter(path, tensor)
        parameters[view] = value
        return value
      case .unreadable(let what):
        throw ScopeError(.unsupported, "a parameter is not a dense tensor", found: what)
      case .notATensor: throw ScopeError(.malformed, "a parameter is no tensor")
      }
    } catch {
      throw error.at("tensor \"\(path.prefix(200))\"")
    }
  }
}
