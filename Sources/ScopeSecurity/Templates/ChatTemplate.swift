import ScopeBytes

/// A chat template (Jinja) taken apart: ways out of the sandbox, and conditions on what users write.
struct ChatTemplate {
  struct Observation {
    var line: Int
    var detail: String
    var severity: Severity
  }

  let member: String?
  /// What leads from the template to Python, or to other files.
  private(set) var escapes: [Observation] = []
  /// Conditions on the content of messages with texts that depend on them.
  private(set) var conditions: [Observation] = []
  /// Why the template could not be read to its end.
  private(set) var problem: ScopeError?

  init(_ text: String, member: String?) {
    self.member = member
    let lexer = JinjaLexer(text)
    if let message = lexer.problem {
      problem = ScopeError(.malformed, "the chat template cannot be read: \(message)")
    }
    do throws(JinjaParser.Failure) {
      let nodes = try JinjaParser.parse(lexer.segments)
      let variables = TemplateVariables(nodes)
      var found = TemplateEscapes(variables)
      found.visit(nodes)
      escapes = found.observations
      var triggers = TemplateTriggers(variables)
      triggers.visit(nodes)
      conditions = triggers.observations
    } catch {
      problem =
        problem
        ?? ScopeError(
          .malformed, "the chat template cannot be read", place: "line \(error.line)", expected: error.message
        )
      escapes = TemplateEscapes.inTokens(lexer.segments)
    }
  }

  func place(_ observation: Observation) -> FindingPlace {
    FindingPlace(member: "\(member ?? "template") line \(observation.line)")
  }

  /// The findings of the template rules.
  static func findings(text: String, member: String?) -> [Finding] {
    let template = ChatTemplate(text, member: member)
    return SecurityRules.templates.flatMap { $0.findings(in: template) }
  }

  /// The templates in a JSON configuration: `chat_template` as a text, or a list or dictionary of named ones.
  static func templates(in root: JSONValue) -> [(place: String, text: String)] {
    guard case .object(let entries) = root else { return [] }
    var result: [(place: String, text: String)] = []
    for (key, value) in entries
    where key == "chat_template" || key == "chat_templates" || key == "default_chat_template" {
      switch value {
      case .string(let text): result.append((key, text))
      case .array(let items):
        for item in items.prefix(256) {
          let name = item["name"]?.text ?? "?"
          for text in item.values("template").compactMap(\.text) {
            result.append(("\(key)[\(name.prefix(60))]", text))
          }
          if let text = item.text { result.append((key, text)) }
        }
      case .object(let named):
        for (name, text) in named.prefix(256) {
          if let text = text.text { result.append(("\(key)[\(name.prefix(60))]", text)) }
        }
      default: break
      }
    }
    return result
  }
}

/// What the names in a template stand for, found before the rules look: which are set, to which constants, and which
/// hold what users wrote.
struct TemplateVariables {
  private(set) var assigned: Set<String> = []
  private(set) var folding = TemplateFolding()
  /// Variables with text from messages.
  private(set) var contents: Set<String> = []

  private var ambiguous: Set<String> = []

  init(_ nodes: [JinjaNode]) {
    collect(nodes)
    // A variable may get its text from one that is set further down, in an earlier round of a loop.
    for _ in 0..<4 {
      let before = contents.count
      spread(nodes)
      if contents.count == before { break }
    }
  }

  static func key(_ target: JinjaExpression) -> String? {
    switch target {
    case .name(let name): return name
    case .attribute(.name(let base), let name): return "\(base).\(name)"
    default: return nil
    }
  }

  private mutating func assign(_ key: String, _ value: JinjaExpression) {
    assigned.insert(key)
    guard !ambiguous.contains(key), let text = folding.text(value) else {
      ambiguous.insert(key)
      folding.constants[key] = nil
      return
    }
    if let old = folding.constants[key], old != text {
      ambiguous.insert(key)
      folding.constants[key] = nil
    } else {
      folding.constants[key] = text
    }
  }

  private mutating func collect(_ nodes: [JinjaNode]) {
    for node in nodes {
      switch node.kind {
      case .literal, .output, .foreign: break
      case .set(let targets, let value):
        let values: [JinjaExpression]? =
          if case .list(let items) = value, items.count == targets.count { items } else { nil }
        for (index, target) in targets.enumerated() {
          guard let key = Self.key(target) else { continue }
          assign(key, targets.count == 1 ? value : values?[index] ?? .list([]))
          if targets.count == 1, case .call(.name("namespace"), let arguments) = value {
            for argument in arguments {
              if let name = argument.name { assign("\(key).\(name)", argument.value) }
            }
          }
        }
      case .setBlock(let target, let body):
        if let key = Self.key(target) {
          if body.count == 1, case .literal(let text) = body[0].kind {
            assign(key, .text(text))
          } else {
            assign(key, .list([]))
          }
        }
        collect(body)
      case .branch(let branches): for (_, body) in branches { collect(body) }
      case .loop(let names, _, _, let body):
        for name in names {
          assigned.insert(name)
          ambiguous.insert(name)
          folding.constants[name] = nil
        }
        collect(body)
      case .block(let names, _, let body):
        for name in names {
          assigned.insert(name)
          ambiguous.insert(name)
          folding.constants[name] = nil
        }
        collect(body)
      }
    }
  }

  private mutating func spread(_ nodes: [JinjaNode]) {
    for node in nodes {
      switch node.kind {
      case .set(let targets, let value):
        for target in targets { if let key = Self.key(target), isContent(value) { contents.insert(key) } }
        if targets.count == 1, let key = Self.key(targets[0]),
          case .call(.name("namespace"), let arguments) = value
        {
          for argument in arguments where isContent(argument.value) {
            if let name = argument.name { contents.insert("\(key).\(name)") }
          }
        }
      case .setBlock(let target, let body):
        let holds = body.contains { if case .output(let value) = $0.kind { isContent(value) } else { false } }
        if holds, let key = Self.key(target) { contents.insert(key) }
        spread(body)
      case .branch(let branches): for (_, body) in branches { spread(body) }
      case .loop(let names, let iterable, _, let body):
        if isContent(iterable) { for name in names { contents.insert(name) } }
        spread(body)
      case .block(let names, _, let body):
        // A macro's parameters that are called like content are content.
        for name in names where Self.contentNames.contains(name) { contents.insert(name) }
        spread(body)
      case .literal, .output, .foreign: break
      }
    }
  }

  static let contentNames: Set<String> = [
    "content", "text", "query", "prompt", "question", "user_input", "user_message", "user_prompt",
    "instruction",
    "contents",
  ]
  private static let textMethods: Set<String> = [
    "lower", "upper", "strip", "lstrip", "rstrip", "split", "rsplit", "splitlines", "replace", "title",
    "casefold",
    "capitalize", "removeprefix", "removesuffix", "partition", "rpartition", "encode", "format", "join",
    "swapcase",
    "find", "count", "index", "rfind", "startswith", "endswith",
  ]
  private static let messageLists: Set<String> = [
    "messages", "message", "loop_messages", "conversation", "msgs", "msg",
  ]

  /// Whether an expression yields text that a message holds.
  func isContent(_ expression: JinjaExpression, depth: Int = 0) -> Bool {
    guard depth < 64 else { return true }
    func holds(_ inner: JinjaExpression) -> Bool { isContent(inner, depth: depth + 1) }
    switch expression {
    case .text, .number, .test, .slice, .compare: return false
    case .unary(_, let inner): return holds(inner)
    case .name(let name): return contents.contains(name)
    case .attribute(let base, let name):
      if let key = Self.key(expression), contents.contains(key) { return true }
      if case .name(let base) = base, assigned.contains("\(base).\(name)") { return false }
      return Self.contentNames.contains(name)
    case .subscripted(let base, let index):
      if case .slice = index { return holds(base) }
      if let name = folding.text(index) { return Self.contentNames.contains(name) }
      if case .name(let name) = index, assigned.contains(name) { return holds(base) }
      return holds(base)
    case .call(.attribute(let base, let method), let arguments):
      if method == "get" {
        return arguments.first.flatMap { folding.text($0.value) }.map(Self.contentNames.contains) ?? false
      }
      if method == "join" { return arguments.contains { holds($0.value) } }
      return Self.textMethods.contains(method) && holds(base)
    case .call(_, let arguments): return arguments.contains { holds($0.value) }
    case .filter(let base, let name, let arguments):
      if name == "map" {
        return arguments.contains { folding.text($0.value).map(Self.contentNames.contains) ?? false }
          || base.map(holds) ?? false
      }
      if name == "length" || name == "count" { return false }
      if name == "tojson" || name == "string" || name == "join", case .name(let list)? = base,
        Self.messageLists.contains(list)
      {
        return true
      }
      return base.map(holds) ?? false
    case .binary(let symbol, let left, let right):
      return symbol != "and" && (holds(left) || holds(right)) || symbol == "and" && holds(right)
    case .list(let items): return items.contains(where: holds)
    case .dictionary(let entries): return entries.contains { holds($0.1) }
    case .conditional(_, let value, let other): return holds(value) || other.map(holds) ?? false
    }
  }
}
