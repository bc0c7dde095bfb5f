import ScopeBytes
import ScopeGraph

/// Expressions: names, attributes, elements and the built-in functions of the language.
extension ScriptInterpreter {
  func evaluate(_ expression: ScriptExpression) throws(ScopeError) -> ScriptValue {
    switch expression {
    case .int(let value): return .int(value)
    case .float(let value): return .float(value)
    case .string(let value): return .string(value)
    case .bool(let value): return .bool(value)
    case .none: return .none
    case .name(let name):
      guard let value = variables[name] else {
        throw failure(
          .malformed, "the program reads a name that has no value", found: String(name.prefix(80)))
      }
      return value
    default: return try deeper { () throws(ScopeError) in try composite(expression) }
    }
  }

  func evaluate(_ expressions: [ScriptExpression]) throws(ScopeError) -> [ScriptValue] {
    var values: [ScriptValue] = []
    values.reserveCapacity(expressions.count)
    for expression in expressions { values.append(try evaluate(expression)) }
    return values
  }

  private func composite(_ expression: ScriptExpression) throws(ScopeError) -> ScriptValue {
    switch expression {
    case .list(let items): return .list(ScriptList(try evaluate(items)))
    case .tuple(let items): return .tuple(try evaluate(items))
    case .dictionary(let pairs):
      var values: [(key: ScriptValue, value: ScriptValue)] = []
      for pair in pairs { values.append((try evaluate(pair.key), try evaluate(pair.value))) }
      return .dictionary(ScriptDictionary(values))
    case .conditional(let value, let condition, let otherwise):
      return try truth(try evaluate(condition)) ? try evaluate(value) : try evaluate(otherwise)
    case .path(let path): return try global(path)
    case .attribute(let base, let name): return try attribute(name, of: try evaluate(base))
    case .index(let base, let index): return try item(try evaluate(base), try evaluate(index))
    case .call(let callee, let arguments, let keywords): return try call(callee, arguments, keywords)
    default: throw failure(.malformed, "this is not an expression")
    }
  }

  // MARK: Names

  private func global(_ path: String) throws(ScopeError) -> ScriptValue {
    if path.hasPrefix("CONSTANTS.c"), let number = Int(path.dropFirst(11)) { return try constant(number) }
    if path.hasPrefix("__torch__.") {
      if try program.functionNamed(path) != nil { return .function(path) }
      if let member = try enumeration(path) { return member }
    }
    if path.hasPrefix("torch.") { return .ignored(path) }
    throw failure(.malformed, "the archive does not have what the program names", found: path)
  }

  /// `__torch__.timm.layers.format.Format.NHWC`
  private func enumeration(_ path: String) throws(ScopeError) -> ScriptValue? {
    guard let dot = path.lastIndex(of: ".") else { return nil }
    let (className, name) = (String(path[..<dot]), String(path[path.index(after: dot)...]))
    guard let (definition, _) = try program.classNamed(className),
      case let value?? = definition.fields.first(where: { $0.name == name })?.value
    else { return nil }
    return .enumeration(ScriptEnumeration(className: className, name: name, value: try evaluate(value)))
  }

  func attribute(_ name: String, of value: ScriptValue) throws(ScopeError) -> ScriptValue {
    switch value {
    case .object(let object): return try member(name, of: object)
    case .record(let record):
      if let index = record.fields.firstIndex(of: name) { return record.values[index] }
    case .enumeration(let member):
      if name == "value" { return member.value }
      if name == "name" { return .string(member.name) }
    default: break
    }
    throw failure(.malformed, "\(value.kind) has no attribute \"\(name)\"")
  }

  func item(_ base: ScriptValue, _ index: ScriptValue) throws(ScopeError) -> ScriptValue {
    switch base {
    case .dictionary(let dictionary):
      guard let pair = dictionary.pairs.first(where: { equal($0.key, index) == true }) else {
        throw raised("KeyError: \(index.kind)")
      }
      return pair.value
    case .tensor, .input: return try callTensor("aten::select", [base, .int(0), index], [:])
    case .string(let text):
      guard case .int(let position) = index else { break }
      let characters = Array(text)
      return .string(String(characters[try checked(position, characters.count)]))
    default:
      guard case .int(let position) = index else { break }
      let items = try elements(base)
      return items[try checked(position, items.count)]
    }
    throw failure(.unsupported, "an element is chosen by something known at run time only", found: index.kind)
  }

  /// A Python index as an index from the front.
  func checked(_ position: Int, _ count: Int) throws(ScopeError) -> Int {
    let index = position < 0 ? position &+ count : position
    guard index >= 0, index < count else { throw raised("IndexError: index \(position) of \(count)") }
    return index
  }

  func setItem(_ base: ScriptValue, _ index: ScriptValue, _ value: ScriptValue) throws(ScopeError) {
    switch (base, index) {
    case (.list(let list), .int(let position)):
      list.items[try checked(position, list.items.count)] = value
    case (.dictionary(let dictionary), _):
      if let place = dictionary.pairs.firstIndex(where: { equal($0.key, index) == true }) {
        dictionary.pairs[place].value = value
      } else {
        guard dictionary.pairs.count < 4096 else {
          throw failure(.limitExceeded, "a dictionary grows too large", expected: "at most 4096 entries")
        }
        dictionary.pairs.append((index, value))
      }
    case (.tensor, _):
      let row = try callTensor("aten::select", [base, .int(0), index], [:])
      _ = try callTensor("aten::copy_", [row, value], [:])
    default: throw failure(.unsupported, "an element of \(base.kind) is assigned at \(index.kind)")
    }
  }

  // MARK: Calls

  private func call(
    _ callee: ScriptExpression, _ arguments: [ScriptExpression], _ keywords: [ScriptKeyword]
  ) throws(ScopeError) -> ScriptValue {
    if case .name(let name) = callee, variables[name] == nil { return try builtin(name, arguments) }
    // `Class.__new__(Class)` names the class as its argument.
    if case .path(let path) = callee, path.hasSuffix(".__new__") {
      return .object(
        ScriptObject(className: String(path.dropLast(8)), path: builder.module, stored: [:]))
    }
    var named: [String: ScriptValue] = [:]
    for keyword in keywords { named[keyword.name] = try evaluate(keyword.value) }
    let values = try evaluate(arguments)
    switch callee {
    case .path(let path):
      if path.hasPrefix("torch.") { return try operation("aten::\(path.dropFirst(6))", values, named) }
      if path.hasPrefix("ops.") {
        let parts = path.dropFirst(4).split(separator: ".", maxSplits: 1)
        return try operation(parts.joined(separator: "::"), values, named)
      }
      return try callGlobal(path, values, named)
    case .attribute(let base, let name):
      let target = try evaluate(base)
      if case .object(let object) = target { return try callMethod(object, name, values, named: named) }
      throw failure(.unsupported, "a method \"\(name)\" of \(target.kind) is called")
    default:
      guard case .function(let path) = try evaluate(callee) else {
        throw failure(.malformed, "something is called that is no function")
      }
      return try callGlobal(path, values, named)
    }
  }

  private func callGlobal(
    _ path: String, _ arguments: [ScriptValue], _ named: [String: ScriptValue]
  ) throws(ScopeError) -> ScriptValue {
    if let (function, file) = try program.functionNamed(path) {
      return try call(function, in: file, arguments, named: named)
    }
    guard let (definition, _) = try program.classNamed(path) else {
      throw failure(.malformed, "the archive has no code of \(path)")
    }
    guard definition.base == "NamedTuple", arguments.count == definition.fields.count else {
      throw failure(.unsupported, "an object of the class \(path) is made")
    }
    return .record(
      ScriptRecord(className: path, fields: definition.fields.map(\.name), values: arguments))
  }

  /// The functions of the language that are no operators.
  private func builtin(
    _ name: String, _ arguments: [ScriptExpression]
  ) throws(ScopeError) -> ScriptValue {
    func one(_ index: Int = 0) throws(ScopeError) -> ScriptValue {
      guard arguments.indices.contains(index) else {
        throw failure(.malformed, "\(name) is called with too few arguments")
      }
      return try evaluate(arguments[index])
    }
    switch name {
    case "annotate":
      let value = try one(1)
      // `annotate(number, tensor)` takes the number out of a tensor of one element.
      if case .tensor = value, case .name(let type)? = arguments.first, type != "Tensor" {
        return try number(of: value, as: type)
      }
      return value
    case "unchecked_cast", "unchecked_unwrap_optional": return try one(arguments.count - 1)
    case "uninitialized": return .uninitialized
    case "getattr":
      guard case .string(let member) = try one(1) else {
        throw failure(.malformed, "getattr needs the name of an attribute")
      }
      return try attribute(member, of: try one())
    case "int", "float", "bool": return try number(of: try one(), as: name)
    case "str": return .string(text(try one()))
    case "isinstance":
      guard arguments.count == 2 else { throw failure(.malformed, "isinstance needs a value and a type") }
      return try isInstance(try one(), arguments[1])
    case "print": return .none
    default:
      throw failure(.unsupported, "the function \"\(name.prefix(80))\" is not converted")
    }
  }

  private func isInstance(_ value: ScriptValue, _ type: ScriptExpression) throws(ScopeError) -> ScriptValue {
    switch type {
    case .tuple(let types), .list(let types):
      for type in types {
        if case .bool(true) = try isInstance(value, type) { return .bool(true) }
      }
      return .bool(false)
    default: break
    }
    let outer: String =
      if case .index(let base, _) = type { base.dottedName ?? "" } else { type.dottedName ?? "" }
    switch (outer, value) {
    case ("Optional", .none), ("NoneType", .none): return .bool(true)
    case ("Optional", _):
      guard case .index(_, let inner) = type else { return .bool(true) }
      return try isInstance(value, inner)
    case ("Tensor", .tensor), ("Tensor", .input), ("int", .int), ("int", .symbolic), ("float", .float),
      ("bool", .bool), ("str", .string), ("List", .list), ("list", .list), ("Tuple", .tuple),
      ("tuple", .tuple), ("Tuple", .record), ("Dict", .dictionary), ("number", .int), ("number", .float):
      return .bool(true)
    case (_, .object(let object)): return .bool(object.className == outer)
    case (_, .record(let record)): return .bool(record.className == outer)
    case (_, .undecided): throw undecided(value)
    default: return .bool(false)
    }
  }
}
