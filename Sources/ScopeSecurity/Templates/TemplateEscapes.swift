/// Finds what leads from a Jinja template to Python: special attributes by any spelling, filters and formats that read
/// attributes, functions that no template environment has, other files.
struct TemplateEscapes {
  private(set) var observations: [ChatTemplate.Observation] = []
  private let variables: TemplateVariables
  private var line = 1

  init(_ variables: TemplateVariables) { self.variables = variables }

  /// Python's special names that templates have no use for.
  private static let special: Set<String> = [
    "class", "mro", "base", "bases", "subclasses", "globals", "builtins", "import", "init", "getattribute",
    "getattr",
    "dict", "code", "closure", "func", "self", "module", "reduce", "reduce_ex", "getitem", "call", "new",
    "subclasshook",
    "loader", "spec", "file", "main", "wrapped", "defaults", "kwdefaults", "setattr", "setattr__", "delattr",
    "dir",
    "weakref", "doc", "name", "qualname", "annotations", "context", "init_subclass", "set", "get", "enter",
    "exit", "del",
    "slots", "package", "path", "cached", "format", "prepare", "iter", "next", "len", "contains", "str",
    "repr", "eq",
  ]
  private static let forbidden: Set<String> = [
    "mro", "subclasses", "func_globals", "func_code", "func_closure", "f_globals", "f_locals", "f_back",
    "f_builtins", "f_code", "gi_frame", "gi_code", "cr_frame", "cr_code", "ag_frame", "ag_code", "tb_frame",
    "tb_next", "im_func", "im_self", "im_class", "co_code", "popen", "Popen", "check_output", "check_call",
    "getoutput", "subprocess", "from_pyfile", "from_object", "from_envvar", "import_string", "import_module",
    "load_module",
  ]
  /// Names that are ordinary unless they are called.
  private static let methods: Set<String> = [
    "system", "exec", "eval", "execv", "spawn", "globals", "run_cmd",
  ]
  private static let functions: Set<String> = [
    "eval", "exec", "compile", "open", "getattr", "setattr", "delattr", "globals", "locals", "vars", "dir",
    "input",
    "breakpoint", "__import__", "execfile", "file", "type", "object", "super", "memoryview", "help",
    "print_exc",
    "os", "sys", "subprocess", "builtins", "importlib", "shutil", "socket", "popen", "system", "pickle",
    "ctypes",
  ]
  /// What Flask gives to templates.
  private static let roots: Set<String> = ["request", "url_for", "get_flashed_messages", "current_app"]

  /// `__class__` and the like; any name with underscores around it where an attribute is meant.
  static func isSpecial(_ name: String, asAttribute: Bool) -> Bool {
    guard name.hasPrefix("__"), name.hasSuffix("__"), name.utf8.count > 4 else { return false }
    return asAttribute || special.contains(String(name.dropFirst(2).dropLast(2)).lowercased())
  }

  private mutating func note(_ detail: String, _ severity: Severity = .critical) {
    guard observations.count < 64 else { return }
    observations.append(
      ChatTemplate.Observation(line: line, detail: PickleAnalysis.printable(detail), severity: severity))
  }

  mutating func visit(_ nodes: [JinjaNode]) {
    for node in nodes {
      line = node.line
      switch node.kind {
      case .literal: break
      case .output(let value): check(value)
      case .set(let targets, let value):
        for target in targets { check(target) }
        check(value)
      case .setBlock(let target, let body):
        check(target)
        visit(body)
      case .branch(let branches):
        for (condition, body) in branches {
          line = node.line
          if let condition { check(condition) }
          visit(body)
        }
      case .loop(_, let iterable, let condition, let body):
        check(iterable)
        if let condition { check(condition) }
        visit(body)
      case .block(_, let values, let body):
        for value in values { check(value) }
        visit(body)
      case .foreign(let keyword, let value):
        let name = value.flatMap { variables.folding.text($0) }.map { " \"\($0.prefix(80))\"" } ?? ""
        note("{% \(keyword)\(name) %} loads another template", .high)
        if let value { check(value) }
      }
    }
  }

  private mutating func attribute(_ name: String, of base: JinjaExpression?, isCalled: Bool) {
    if Self.isSpecial(name, asAttribute: true) {
      note("the attribute \(name)")
    } else if Self.forbidden.contains(name) || isCalled && Self.methods.contains(name) {
      note("the attribute \(name)")
    } else if name.hasPrefix("_") {
      note("the private attribute \(name)")
    } else if name == "format_map" {
      note("format_map, which reads attributes", .high)
    }
    if case .name(let root)? = base, Self.roots.contains(root), !variables.assigned.contains(root) {
      note("\(root).\(name.prefix(60)): the application that renders the template", .high)
    }
  }

  private mutating func check(_ expression: JinjaExpression, isCalled: Bool = false) {
    switch expression {
    case .text(let text): constant(text)
    case .number, .slice(_):
      if case .slice(let parts) = expression { for part in parts { if let part { check(part) } } }
    case .name(let name):
      if Self.isSpecial(name, asAttribute: true) {
        note("the name \(name)")
      } else if isCalled, Self.functions.contains(name), !variables.assigned.contains(name) {
        note("\(name) is called")
      }
    case .attribute(let base, let name):
      attribute(name, of: base, isCalled: isCalled)
      if name == "format", !isCalled { note("a reference to format, which reads attributes", .high) }
      if case .name(let root) = base, !variables.assigned.contains(root), Self.functions.contains(root) {
        note("\(root).\(name) is Python's")
      }
      check(base)
    case .subscripted(let base, let index):
      if let name = variables.folding.text(index) {
        if Self.isSpecial(name, asAttribute: true) || name.hasPrefix("_") && name.hasSuffix("__")
          || Self.forbidden.contains(name) && name.contains("_")
        {
          note("the attribute \(name) by subscript")
        }
        if case .name(let root) = base, Self.roots.contains(root), !variables.assigned.contains(root) {
          note("\(root)[\"\(name.prefix(60))\"]: the application that renders the template", .high)
        }
      } else if isAssembled(index) {
        note("a subscript that is put together from pieces", .high)
      }
      check(base)
      check(index)
    case .call(let callee, let arguments):
      if case .name("range") = callee, arguments.contains(where: { Self.size($0.value) >= 1e7 }) {
        note("a loop over more than ten million numbers", .medium)
      }
      if case .attribute(let base, "format") = callee {
        if let pattern = variables.folding.text(base), Self.readsAttributes(pattern) {
          note("a format that reads attributes: \"\(pattern.prefix(80))\"")
        }
      }
      check(callee, isCalled: true)
      for argument in arguments { self.argument(argument) }
    case .filter(let base, let name, let arguments):
      filter(name, arguments)
      if let base { check(base) }
      for argument in arguments { self.argument(argument) }
    case .test(let base, _, let arguments):
      check(base)
      for argument in arguments { self.argument(argument) }
    case .unary(_, let inner): check(inner)
    case .binary(let symbol, let left, let right):
      if symbol == "*" || symbol == "**", max(Self.size(left), Self.size(right)) >= 1e7 {
        note("a product of more than ten million", .medium)
      }
      if let text = variables.folding.text(expression) { constant(text) }
      check(left)
      check(right)
    case .compare(let first, let rest):
      check(first)
      for (_, value) in rest { check(value) }
    case .list(let items): for item in items { check(item) }
    case .dictionary(let entries):
      for (key, value) in entries {
        check(key)
        check(value)
      }
    case .conditional(let condition, let value, let other):
      check(condition)
      check(value)
      if let other { check(other) }
    }
  }

  private mutating func argument(_ argument: JinjaArgument) {
    if let name = argument.name, Self.isSpecial(name, asAttribute: false) { note("the name \(name)") }
    if let text = variables.folding.text(argument.value) {
      if case .text = argument.value {} else { constant(text) }
      if text.split(separator: ".").contains(where: { Self.isSpecial(String($0), asAttribute: false) }),
        !Self.isSpecial(text, asAttribute: false)
      {
        note("the attribute \(text.prefix(80))")
      }
    }
    check(argument.value)
  }

  private mutating func constant(_ text: String) {
    if Self.isSpecial(text, asAttribute: false) {
      note("the text \"\(text)\"")
    } else if text.utf8.count < 4096, Self.readsAttributes(text) {
      note("a format that reads attributes: \"\(text.prefix(80))\"")
    }
  }

  private mutating func filter(_ name: String, _ arguments: [JinjaArgument]) {
    var arguments = arguments
    if name == "map", let first = arguments.first, variables.folding.text(first.value) == "attr" {
      arguments.removeFirst()
    } else if name != "attr" {
      return
    }
    guard let argument = arguments.first else { return }
    guard let text = variables.folding.text(argument.value) else {
      return note("the filter attr with a computed name", .high)
    }
    if text == "format" || text == "format_map" {
      note("the filter attr takes \(text), which reads attributes")
    } else if Self.isSpecial(text, asAttribute: true) || Self.forbidden.contains(text)
      || Self.methods.contains(text) || text.hasPrefix("_")
    {
      note("the filter attr takes \(text)")
    }
  }

  /// `{0.__class__}`, `{x[__init__]}`: a replacement field that goes to special attributes.
  private static func readsAttributes(_ text: String) -> Bool {
    guard text.contains("__"), let open = text.firstIndex(of: "{") else { return false }
    let rest = text[open...]
    for marker in [".__", "[__", "._"] where rest.contains(marker) {
      let inside = rest.split(separator: "}", omittingEmptySubsequences: false).first ?? rest
      if inside.contains(marker), inside.utf8.count < 200, !inside.contains(" ") { return true }
    }
    return false
  }

  /// Whether a text is joined, formatted or turned round on the way.
  private func isAssembled(_ expression: JinjaExpression) -> Bool {
    switch expression {
    case .binary("~", let left, let right): return isText(left) || isText(right)
    case .filter(_, let name, _):
      return ["join", "format", "reverse", "replace", "attr", "b64decode"].contains(name)
    case .call(.attribute(_, let name), _):
      return ["join", "format", "replace", "decode", "fromhex"].contains(name)
    default: return false
    }
  }

  private func isText(_ expression: JinjaExpression) -> Bool {
    if let text = variables.folding.text(expression) { return text.contains("_") }
    return false
  }

  private static func size(_ expression: JinjaExpression) -> Double {
    switch expression {
    case .number(let value): return value
    case .binary("**", .number(let base), .number(let exponent)):
      return exponent > 400 ? .infinity : (0..<Int(max(0, exponent))).reduce(1.0) { value, _ in value * base }
    case .binary("*", let left, let right): return size(left) * size(right)
    default: return 0
    }
  }

  /// What the tokens alone show, when a template does not parse.
  static func inTokens(_ segments: [JinjaSegment]) -> [ChatTemplate.Observation] {
    var found: [ChatTemplate.Observation] = []
    for segment in segments {
      let tokens: [JinjaToken]
      switch segment.kind {
      case .literal: continue
      case .output(let inner), .statement(let inner): tokens = inner
      }
      for token in tokens where found.count < 64 {
        switch token {
        case .name(let name) where isSpecial(name, asAttribute: true):
          found.append(
            .init(
              line: segment.line, detail: "the name \(PickleAnalysis.printable(name))", severity: .critical))
        case .text(let text) where isSpecial(text, asAttribute: false):
          found.append(
            .init(
              line: segment.line, detail: "the text \"\(PickleAnalysis.printable(text))\"",
              severity: .critical))
        default: break
        }
      }
    }
    return found
  }
}
