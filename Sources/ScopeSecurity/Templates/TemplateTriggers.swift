/// Finds texts that a template puts in, or takes out, depending on words in a message: a condition that looks for a
/// word in the content (or at the date) and a branch that writes or replaces literal text.
///
/// Ordinary templates look into content for tags (`</think>`), switches (`/no_think`) and types (`image`); those are
/// told apart by their form, and by what the branch writes.
struct TemplateTriggers {
  private(set) var observations: [ChatTemplate.Observation] = []
  private let variables: TemplateVariables
  /// Variables that say whether a word was found.
  private var flags: [String: Trigger] = [:]
  private var line = 1

  struct Trigger {
    var literal: String
    /// A tag or another mark that models are given; only what the branch writes can make it suspicious.
    var isMark: Bool
  }

  init(_ variables: TemplateVariables) { self.variables = variables }

  mutating func visit(_ nodes: [JinjaNode]) {
    collectFlags(nodes)
    walk(nodes)
  }

  private mutating func note(_ detail: String, _ severity: Severity, line: Int) {
    guard observations.count < 64 else { return }
    observations.append(
      ChatTemplate.Observation(line: line, detail: PickleAnalysis.printable(detail), severity: severity))
  }

  private mutating func collectFlags(_ nodes: [JinjaNode]) {
    for node in nodes {
      switch node.kind {
      case .set(let targets, let value):
        if targets.count == 1, let key = TemplateVariables.key(targets[0]),
          let trigger = triggers(in: value).first
        {
          flags[key] = flags[key] ?? trigger
        }
      case .branch(let branches):
        for (condition, body) in branches {
          // `{% if 'word' in content %}{% set ns.found = true %}`
          if let condition, let trigger = triggers(in: condition).first {
            for inner in body {
              if case .set(let targets, let value) = inner.kind, targets.count == 1, isFlag(value),
                let key = TemplateVariables.key(targets[0])
              {
                flags[key] = flags[key] ?? trigger
              }
            }
          }
          collectFlags(body)
        }
      case .loop(_, _, _, let body), .block(_, _, let body), .setBlock(_, let body): collectFlags(body)
      case .literal, .output, .foreign: break
      }
    }
  }

  /// True, false or a number: a note that something was seen.
  private func isFlag(_ value: JinjaExpression) -> Bool {
    switch value {
    case .number: true
    case .name(let name): ["true", "True", "false", "False"].contains(name)
    case .text(let text): Self.words(text) == 1
    default: false
    }
  }

  private mutating func walk(_ nodes: [JinjaNode]) {
    for node in nodes {
      line = node.line
      switch node.kind {
      case .branch(let branches):
        var found: [Trigger] = []
        for (condition, body) in branches {
          if let condition { found += triggers(in: condition) }
          if !found.isEmpty { judge(found, writes: body, line: node.line) }
          walk(body)
        }
      case .loop(_, let iterable, let condition, let body):
        let found = triggers(in: iterable) + (condition.map { triggers(in: $0) } ?? [])
        if !found.isEmpty { judge(found, writes: body, line: node.line) }
        walk(body)
      case .output(let value), .set(_, let value): inline(value, line: node.line)
      case .block(_, let values, let body):
        for value in values { inline(value, line: node.line) }
        walk(body)
      case .setBlock(_, let body): walk(body)
      case .literal, .foreign: break
      }
    }
  }

  private mutating func judge(_ found: [Trigger], writes body: [JinjaNode], line: Int) {
    var written: [String] = []
    for node in body { literals(node, &written) }
    judge(found, written, line: line)
  }

  private mutating func judge(_ found: [Trigger], _ written: [String], line: Int) {
    let count = written.reduce(0) { $0 + Self.words($1) }
    let sample = written.max { Self.words($0) < Self.words($1) } ?? ""
    let text = String(TemplateFolding.trimmed(sample).prefix(80))
    if let trigger = found.first(where: { !$0.isMark }) {
      guard count > 0 else {
        note("the template looks for \"\(trigger.literal.prefix(80))\" in a message", .low, line: line)
        return
      }
      note("\"\(trigger.literal.prefix(80))\" in a message makes it write \"\(text)\"", .medium, line: line)
    } else if let trigger = found.first, written.contains(where: { Self.words($0) >= 5 }) {
      note("\"\(trigger.literal.prefix(80))\" in a message makes it write \"\(text)\"", .medium, line: line)
    }
  }

  /// Texts that a statement writes or keeps.
  private func literals(_ node: JinjaNode, _ result: inout [String]) {
    switch node.kind {
    case .literal(let text): result.append(text)
    case .output(let value): texts(value, &result)
    case .set(_, let value): texts(value, &result)
    case .branch(let branches):
      for (_, body) in branches { for inner in body { literals(inner, &result) } }
    case .loop(_, _, _, let body), .block(_, _, let body), .setBlock(_, let body):
      for inner in body { literals(inner, &result) }
    case .foreign: break
    }
  }

  /// The texts that an output may write; errors are for whoever uses the template.
  private func texts(_ expression: JinjaExpression, _ result: inout [String]) {
    switch expression {
    case .text(let text): result.append(text)
    case .binary(_, let left, let right):
      if let whole = variables.folding.text(expression) { return result.append(whole) }
      texts(left, &result)
      texts(right, &result)
    case .conditional(_, let value, let other):
      texts(value, &result)
      if let other { texts(other, &result) }
    case .filter(let base?, let name, let arguments):
      texts(base, &result)
      if name == "replace", arguments.count > 1 { texts(arguments[1].value, &result) }
    case .call(.name(let name), let arguments):
      if name == "raise_exception" { return }
      for argument in arguments { texts(argument.value, &result) }
    case .call(.attribute(let base, let method), let arguments):
      if method == "replace", arguments.count > 1 { texts(arguments[1].value, &result) }
      if method == "join" || method == "format" {
        for argument in arguments { texts(argument.value, &result) }
      }
      texts(base, &result)
    case .list(let items): for item in items { texts(item, &result) }
    case .name, .attribute:
      if let key = TemplateVariables.key(expression), let text = variables.folding.constants[key] {
        result.append(text)
      }
    default: break
    }
  }

  /// Conditions and replacements inside an expression.
  private mutating func inline(_ expression: JinjaExpression, line: Int) {
    switch expression {
    case .conditional(let condition, let value, let other):
      let found = triggers(in: condition)
      if !found.isEmpty {
        var written: [String] = []
        texts(value, &written)
        if let other { texts(other, &written) }
        judge(found, written, line: line)
      }
      inline(value, line: line)
      if let other { inline(other, line: line) }
    case .filter(let base?, "replace", let arguments):
      replacement(base, arguments, line)
      inline(base, line: line)
    case .call(.attribute(let base, "replace"), let arguments):
      replacement(base, arguments, line)
      inline(base, line: line)
    case .filter(let base?, _, let arguments):
      inline(base, line: line)
      for argument in arguments { inline(argument.value, line: line) }
    case .call(let callee, let arguments):
      inline(callee, line: line)
      for argument in arguments { inline(argument.value, line: line) }
    case .subscripted(.dictionary(let entries), let key):
      // `{'word': 'answer'}[content]`
      if variables.isContent(key) {
        let found = entries.compactMap { trigger(variables.folding.text($0.0)) }
        var written: [String] = []
        for (_, value) in entries { texts(value, &written) }
        if !found.isEmpty { judge(found, written, line: line) }
      }
    case .attribute(let base, _), .subscripted(let base, _), .unary(_, let base): inline(base, line: line)
    case .binary(_, let left, let right):
      // `('word' in content) * 'text'`, `'word' in content and 'text'`
      let found = triggers(in: left) + triggers(in: right)
      if !found.isEmpty {
        var written: [String] = []
        texts(left, &written)
        texts(right, &written)
        judge(found, written, line: line)
      }
      inline(left, line: line)
      inline(right, line: line)
    case .list(let items): for item in items { inline(item, line: line) }
    default: break
    }
  }

  private mutating func replacement(_ base: JinjaExpression, _ arguments: [JinjaArgument], _ line: Int) {
    guard variables.isContent(base), arguments.count >= 2,
      let old = variables.folding.text(arguments[0].value),
      let new = variables.folding.text(arguments[1].value), let found = trigger(old), !found.isMark,
      Self.words(new) > 0 || new.contains("://")
    else { return }
    note("\"\(old.prefix(60))\" in a message is replaced by \"\(new.prefix(60))\"", .medium, line: line)
  }

  // MARK: Conditions

  /// The words that a condition looks for in messages, or in the date.
  private func triggers(in expression: JinjaExpression, depth: Int = 0) -> [Trigger] {
    guard depth < 64 else { return [] }
    func inner(_ part: JinjaExpression) -> [Trigger] { triggers(in: part, depth: depth + 1) }
    switch expression {
    case .name, .attribute:
      if let key = TemplateVariables.key(expression), let trigger = flags[key] { return [trigger] }
      return []
    case .unary(_, let value): return inner(value)
    case .binary(_, let left, let right): return inner(left) + inner(right)
    case .compare(let first, let rest):
      var result = inner(first)
      var left = first
      for (symbol, right) in rest {
        result += inner(right) + comparison(left, symbol, right)
        left = right
      }
      return result
    case .test(let base, let name, let arguments):
      var result = inner(base)
      if variables.isContent(base), !["defined", "string", "mapping", "iterable", "none"].contains(name) {
        result += arguments.compactMap { trigger(variables.folding.text($0.value)) }
      }
      return result
    case .call(.attribute(let base, let method), let arguments):
      var result = inner(base)
      if method != "get", method != "join", method != "append", variables.isContent(base) {
        result += arguments.flatMap { alternatives($0.value) }.compactMap { trigger($0) }
      }
      return result + arguments.flatMap { inner($0.value) }
    case .call(_, let arguments):
      let aboutContent = arguments.contains { variables.isContent($0.value) }
      return arguments.flatMap { inner($0.value) }
        + (aboutContent
          ? arguments.compactMap { trigger(variables.folding.text($0.value)) }.filter { !$0.isMark } : [])
    case .filter(let base, let name, let arguments):
      var result = base.map(inner) ?? []
      if name == "selectattr" || name == "rejectattr", arguments.count >= 3,
        variables.folding.text(arguments[0].value).map(TemplateVariables.contentNames.contains) ?? false
      {
        result += arguments.dropFirst(2).compactMap { trigger(variables.folding.text($0.value)) }
      } else if let base, variables.isContent(base), name != "join", name != "default", name != "map" {
        result += arguments.compactMap { trigger(variables.folding.text($0.value)) }
      } else if name == "select" || name == "reject", let base, variables.isContent(base) {
        result += arguments.dropFirst().compactMap { trigger(variables.folding.text($0.value)) }
      }
      return result
    case .subscripted(let base, _): return inner(base)
    case .conditional(let condition, let value, let other):
      return inner(condition) + inner(value) + (other.map(inner) ?? [])
    default: return []
    }
  }

  private func alternatives(_ expression: JinjaExpression) -> [String] {
    if case .list(let items) = expression { return items.compactMap { variables.folding.text($0) } }
    return variables.folding.text(expression).map { [$0] } ?? []
  }

  private func comparison(_ left: JinjaExpression, _ symbol: String, _ right: JinjaExpression) -> [Trigger] {
    let sides = [(left, right), (right, left)]
    for (content, other) in sides {
      if variables.isContent(content) {
        let found = alternatives(other).compactMap { trigger($0) }
        if !found.isEmpty { return found }
      }
      if isDate(content), case let texts = alternatives(other), let text = texts.first(where: Self.hasDigits)
      {
        return [Trigger(literal: text, isMark: false)]
      }
      if isDate(content), case .number(let value) = other, value > 31 {
        return [Trigger(literal: "\(value)", isMark: false)]
      }
      if case .filter(let base?, let name, _) = content, name == "length" || name == "count", symbol == "==",
        variables.isContent(base), case .number(let value) = other, value > 2
      {
        return [Trigger(literal: "length \(Int(min(value, 1e9)))", isMark: false)]
      }
    }
    return []
  }

  private func isDate(_ expression: JinjaExpression) -> Bool {
    switch expression {
    case .name(let name):
      return ["date_string", "current_date", "today", "date", "current_time", "now"].contains(name)
    case .call(.name(let name), _): return ["strftime_now", "now", "today"].contains(name)
    case .call(.attribute(let base, _), _), .filter(let base?, _, _), .subscripted(let base, _):
      return isDate(base)
    default: return false
    }
  }

  private static func hasDigits(_ text: String) -> Bool {
    text.utf8.filter { (0x30...0x39).contains($0) }.count >= 2
  }

  /// Types of content parts and roles, which lists of parts are searched for.
  private static let parts: Set<String> = [
    "image", "image_url", "images", "video", "video_url", "videos", "audio", "audio_url", "input_audio",
    "text", "type",
    "file", "document", "documents", "thinking", "reasoning", "reasoning_content", "tool_use", "tool_result",
    "tool_call",
    "tool_calls", "tool_response", "content", "contents", "role", "name", "id", "system", "user", "assistant",
    "tool",
    "function", "ipython", "developer", "model", "none", "null", "true", "false", "json", "url", "path",
    "output",
    "result", "arguments", "parameters", "placeholder", "think", "begin", "end",
  ]

  /// What models with two modes are switched by.
  private static let switches: Set<String> = [
    "/think", "/no_think", "/nothink", "/no-think", "/thinking", "/system_override", "/reason", "/no_reason",
    "detailed thinking on", "detailed thinking off", "reasoning: high", "reasoning: medium", "reasoning: low",
    "deep thinking on", "deep thinking off",
  ]

  /// A literal that content is compared with, unless it is empty or the type of a part.
  private func trigger(_ literal: String?) -> Trigger? {
    guard let literal else { return nil }
    let text = TemplateFolding.trimmed(literal)
    let letters = text.unicodeScalars.filter { $0.properties.isAlphabetic }.count
    guard letters >= 2 else { return nil }
    if Self.parts.contains(text.lowercased()) || Self.switches.contains(text.lowercased()) { return nil }
    return Trigger(literal: text, isMark: Self.isMark(text))
  }

  /// Tags and brackets.
  private static func isMark(_ text: String) -> Bool {
    guard let first = text.first, let last = text.last else { return true }
    if "<[{(|`$\u{3010}\u{FF5C}\u{2581}\u{FF1C}".contains(first) { return true }
    return ">]}|\u{3011}".contains(last) && !text.contains(" ")
  }

  /// Words of natural language: tags and marks are not counted, nor are names of roles.
  static func words(_ text: String) -> Int {
    var depth = 0
    var count = 0
    var word = ""
    func closed(_ word: String) -> Bool { word.count >= 2 && !parts.contains(word.lowercased()) }
    for character in text {
      if character == "<" { depth += 1 }
      if depth > 0 {
        // A lone "<" is no tag.
        if character == ">" || character == "\n" { depth = 0 }
        if closed(word) { count += 1 }
        word = ""
        continue
      }
      if character.isLetter {
        word.append(character)
      } else {
        if closed(word) { count += 1 }
        word = ""
      }
    }
    return count + (closed(word) ? 1 : 0)
  }
}
