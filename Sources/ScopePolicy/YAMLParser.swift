import ScopeBytes

/// The reader behind ``YAMLNode/parse(_:)``: lines with their indentation first, then values by recursive descent.
struct YAMLParser {
  private struct Line {
    var number: Int
    var indent: Int
    /// Without indentation; comments and trailing spaces are still there.
    var text: [Character]
  }

  private let raw: [[Character]]
  private var lines: [Line] = []
  private var next = 0
  private static let depthLimit = 32

  init(_ text: String) throws(ScopeError) {
    // "\r\n" is one Character.
    raw = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }.map { Array($0) }
    for (index, characters) in raw.enumerated() {
      let indent = characters.prefix { $0 == " " }.count
      let rest = Array(characters.dropFirst(indent))
      guard let first = rest.first(where: { $0 != "\t" }), first != "#" else { continue }
      if rest.first == "\t" {
        throw Self.problem(
          "a tab is used as indentation", line: index + 1, column: indent + 1, remedy: "Use spaces")
      }
      lines.append(Line(number: index + 1, indent: indent, text: rest))
    }
  }

  mutating func document() throws(ScopeError) -> YAMLNode {
    if next < lines.count, String(lines[next].text).hasPrefix("%") {
      throw unsupported("directives (%)", lines[next], 0)
    }
    if next < lines.count, lines[next].indent == 0, Self.trimmed(lines[next].text) == "---" { next += 1 }
    guard next < lines.count else {
      return YAMLNode(value: .mapping([]), place: .init(line: 1, column: 1))
    }
    let node = try block(indent: lines[next].indent, depth: 0)
    if next < lines.count, Self.trimmed(lines[next].text) == "...", next + 1 == lines.count { next += 1 }
    guard next == lines.count else {
      let line = lines[next]
      if Self.trimmed(line.text) == "---" { throw unsupported("a second document", line, 0) }
      throw Self.problem(
        "the indentation fits nothing above", line: line.number, column: line.indent + 1,
        remedy: "Indent it like its neighbours")
    }
    return node
  }

  // MARK: Blocks

  private mutating func block(indent: Int, depth: Int) throws(ScopeError) -> YAMLNode {
    let line = lines[next]
    guard depth < Self.depthLimit else {
      throw ScopeError(
        .limitExceeded, "the YAML document is nested too deeply", place: "line \(line.number)",
        expected: "at most \(Self.depthLimit) levels")
    }
    if Self.isItem(line.text) { return try sequence(indent: indent, depth: depth) }
    if try key(of: line) != nil { return try mapping(indent: indent, depth: depth) }
    next += 1
    return try inline(line, from: 0, indent: indent - 1)
  }

  private static func isItem(_ text: [Character]) -> Bool {
    text.first == "-" && (text.count == 1 || text[1] == " ")
  }

  private mutating func sequence(indent: Int, depth: Int) throws(ScopeError) -> YAMLNode {
    let place = YAMLNode.Place(line: lines[next].number, column: indent + 1)
    var items: [YAMLNode] = []
    while next < lines.count, lines[next].indent == indent, Self.isItem(lines[next].text) {
      let line = lines[next]
      let start = line.text.dropFirst().prefix { $0 == " " }.count + 1
      let rest = Array(line.text.dropFirst(start))
      if rest.isEmpty || rest.first == "#" {
        next += 1
        items.append(try nested(under: line, indent: indent, depth: depth, allowingSameIndent: false))
      } else {
        // What follows the dash begins a block of its own, indented as far as it stands.
        lines[next] = Line(number: line.number, indent: indent + start, text: rest)
        items.append(try block(indent: indent + start, depth: depth + 1))
      }
    }
    return YAMLNode(value: .sequence(items), place: place)
  }

  private mutating func mapping(indent: Int, depth: Int) throws(ScopeError) -> YAMLNode {
    let place = YAMLNode.Place(line: lines[next].number, column: indent + 1)
    var entries: [YAMLNode.Entry] = []
    while next < lines.count, lines[next].indent == indent, !Self.isItem(lines[next].text) {
      let line = lines[next]
      guard let (name, valueStart) = try key(of: line) else {
        throw Self.problem(
          "this is no key with a value", line: line.number, column: indent + 1,
          remedy: "Write it as key: value")
      }
      guard !entries.contains(where: { $0.key == name }) else {
        throw Self.problem(
          "the key \"\(name.prefix(80))\" appears twice", line: line.number, column: indent + 1, remedy: nil)
      }
      next += 1
      let rest = line.text.dropFirst(valueStart)
      let value =
        rest.isEmpty || rest.first == "#"
        ? try nested(under: line, indent: indent, depth: depth, allowingSameIndent: true)
        : try inline(line, from: valueStart, indent: indent)
      entries.append(
        .init(key: name, keyPlace: .init(line: line.number, column: indent + 1), value: value))
    }
    return YAMLNode(value: .mapping(entries), place: place)
  }

  /// What stands below a key or a dash; nothing there is null. Sequences may stand as far left as their key.
  private mutating func nested(
    under line: Line, indent: Int, depth: Int, allowingSameIndent: Bool
  ) throws(ScopeError) -> YAMLNode {
    if next < lines.count,
      lines[next].indent > indent
        || (allowingSameIndent && lines[next].indent == indent && Self.isItem(lines[next].text))
    {
      return try block(indent: lines[next].indent, depth: depth + 1)
    }
    return YAMLNode(
      value: .scalar("", isQuoted: false),
      place: .init(line: line.number, column: line.indent + line.text.count + 1))
  }

  /// The key of a `key: value` line and where its value begins in the line's text; nil when the line is none.
  private func key(of line: Line) throws(ScopeError) -> (name: String, valueStart: Int)? {
    let text = line.text
    var index = 0
    var name = ""
    if let quote = text.first, quote == "\"" || quote == "'" {
      guard let (content, end) = try? quoted(line, from: 0) else { return nil }
      name = content
      index = end
      while index < text.count, text[index] == " " { index += 1 }
      guard index < text.count, text[index] == ":" else { return nil }
    } else {
      if text.first == "?" && (text.count == 1 || text[1] == " ") {
        throw unsupported("complex keys (?)", line, 0)
      }
      if let first = text.first, "[{".contains(first) { return nil }
      while index < text.count {
        if text[index] == ":", index + 1 == text.count || text[index + 1] == " " { break }
        if text[index] == "#", index > 0, text[index - 1] == " " { return nil }
        index += 1
      }
      guard index < text.count else { return nil }
      name = Self.trimmed(Array(text[..<index]))
      if let first = name.first, "&*!|>@`%".contains(first) {
        throw unsupported("anchors, aliases and tags", line, 0)
      }
    }
    index += 1
    while index < text.count, text[index] == " " { index += 1 }
    return (name, index)
  }

  // MARK: Values on one line

  private mutating func inline(_ line: Line, from start: Int, indent: Int) throws(ScopeError) -> YAMLNode {
    let place = YAMLNode.Place(line: line.number, column: line.indent + start + 1)
    switch line.text[start] {
    case "|", ">": return YAMLNode(value: try blockScalar(line, from: start, indent: indent), place: place)
    case "&", "*", "!", "@", "`", "%": throw unsupported("anchors, aliases and tags", line, start)
    case "[", "{":
      var index = start
      let node = try flow(line, &index, depth: 0)
      try expectEnd(line, from: index)
      return node
    case "\"", "'":
      let (text, end) = try quoted(line, from: start)
      try expectEnd(line, from: end)
      return YAMLNode(value: .scalar(text, isQuoted: true), place: place)
    default:
      let text = try plain(line, from: start)
      if next < lines.count, lines[next].indent > max(indent, 0), lines[next].number == line.number + 1 {
        throw Self.problem(
          "a plain value goes on over several lines", line: lines[next].number,
          column: lines[next].indent + 1,
          remedy: "Put it in quotation marks on one line, or use > before it")
      }
      return YAMLNode(value: .scalar(text, isQuoted: false), place: place)
    }
  }

  private func plain(_ line: Line, from start: Int) throws(ScopeError) -> String {
    var end = start
    while end < line.text.count {
      if line.text[end] == "#", end > start, line.text[end - 1] == " " { break }
      if line.text[end] == ":", end + 1 == line.text.count || line.text[end + 1] == " " {
        throw Self.problem(
          "a second \": \" on one line", line: line.number, column: line.indent + end + 1,
          remedy: "Put the value in quotation marks")
      }
      end += 1
    }
    return Self.trimmed(Array(line.text[start..<end]))
  }

  private func expectEnd(_ line: Line, from start: Int) throws(ScopeError) {
    var index = start
    while index < line.text.count, line.text[index] == " " { index += 1 }
    guard index == line.text.count || (line.text[index] == "#" && index > start) else {
      throw Self.problem(
        "something follows the value", line: line.number, column: line.indent + index + 1, remedy: nil)
    }
  }

  /// A quoted scalar and the position after it.
  private func quoted(_ line: Line, from start: Int) throws(ScopeError) -> (String, Int) {
    let quote = line.text[start]
    var text = ""
    var index = start + 1
    while index < line.text.count {
      let character = line.text[index]
      if character == quote {
        if quote == "'", index + 1 < line.text.count, line.text[index + 1] == "'" {
          text.append("'")
          index += 2
          continue
        }
        return (text, index + 1)
      }
      if quote == "\"", character == "\\" {
        guard index + 1 < line.text.count, let plain = Self.escapes[line.text[index + 1]] else {
          throw Self.problem(
            "this escape is not known", line: line.number, column: line.indent + index + 1,
            remedy: "Use \\\" \\\\ \\n or \\t, or single quotation marks")
        }
        text.append(plain)
        index += 2
        continue
      }
      text.append(character)
      index += 1
    }
    throw Self.problem(
      "the quotation mark is not closed on its line", line: line.number, column: line.indent + start + 1,
      remedy: nil)
  }

  private static let escapes: [Character: Character] = [
    "\"": "\"", "\\": "\\", "n": "\n", "t": "\t", "/": "/", "r": "\r", "0": "\0",
  ]

  /// `[a, b]` and `{a: b}` on one line.
  private func flow(_ line: Line, _ index: inout Int, depth: Int) throws(ScopeError) -> YAMLNode {
    let place = YAMLNode.Place(line: line.number, column: line.indent + index + 1)
    guard depth < Self.depthLimit else { throw unsupported("values nested so deeply", line, index) }
    func skip() { while index < line.text.count, line.text[index] == " " { index += 1 } }
    func peek() -> Character? { index < line.text.count ? line.text[index] : nil }
    func scalar(ending: Set<Character>) throws(ScopeError) -> YAMLNode {
      let place = YAMLNode.Place(line: line.number, column: line.indent + index + 1)
      if let quote = peek(), quote == "\"" || quote == "'" {
        let (text, end) = try quoted(line, from: index)
        index = end
        return YAMLNode(value: .scalar(text, isQuoted: true), place: place)
      }
      if let first = peek(), "&*!|>@`%".contains(first), ending != [] {
        throw unsupported("anchors, aliases and tags", line, index)
      }
      let start = index
      while let character = peek(), !ending.contains(character) { index += 1 }
      return YAMLNode(
        value: .scalar(Self.trimmed(Array(line.text[start..<index])), isQuoted: false), place: place)
    }
    func unclosed() -> ScopeError {
      Self.problem(
        "the bracket is not closed on its line", line: place.line, column: place.column,
        remedy: "Write the list as lines that begin with a dash")
    }
    let isMapping = line.text[index] == "{"
    let close: Character = isMapping ? "}" : "]"
    index += 1
    var items: [YAMLNode] = []
    var entries: [YAMLNode.Entry] = []
    while true {
      skip()
      guard let character = peek() else { throw unclosed() }
      if character == close { break }
      if isMapping {
        let key = try scalar(ending: [":", ",", "}"])
        guard peek() == ":" else { throw unclosed() }
        index += 1
        skip()
        let value =
          peek().map { "[{".contains($0) } == true
          ? try flow(line, &index, depth: depth + 1) : try scalar(ending: [",", "}"])
        guard !entries.contains(where: { $0.key == key.text }) else {
          throw Self.problem(
            "the key \"\(key.text ?? "")\" appears twice", line: place.line, column: key.place.column,
            remedy: nil)
        }
        entries.append(.init(key: key.text ?? "", keyPlace: key.place, value: value))
      } else if "[{".contains(character) {
        items.append(try flow(line, &index, depth: depth + 1))
      } else {
        items.append(try scalar(ending: [",", "]"]))
      }
      skip()
      if peek() == "," {
        index += 1
      } else if peek() != close {
        throw unclosed()
      }
    }
    index += 1
    return YAMLNode(value: isMapping ? .mapping(entries) : .sequence(items), place: place)
  }

  /// `|` keeps line ends, `>` joins lines with spaces; `-` drops the last line end.
  private mutating func blockScalar(
    _ line: Line, from start: Int, indent: Int
  ) throws(ScopeError) -> YAMLNode.Value {
    let folded = line.text[start] == ">"
    let strips = start + 1 < line.text.count && line.text[start + 1] == "-"
    try expectEnd(line, from: start + (strips ? 2 : 1))
    var body: [[Character]] = []
    var row = line.number
    var margin: Int?
    while row < raw.count {
      let characters = raw[row]
      let isBlank = characters.allSatisfy { $0 == " " }
      let own = characters.prefix { $0 == " " }.count
      if !isBlank {
        guard own > max(indent, -1), own >= margin ?? own else { break }
        if margin == nil { margin = own }
      }
      body.append(isBlank ? [] : Array(characters.dropFirst(margin ?? own)))
      row += 1
    }
    while body.last?.isEmpty == true { body.removeLast() }
    while next < lines.count, lines[next].number <= row { next += 1 }
    var text = ""
    for (position, characters) in body.enumerated() {
      if position > 0 { text += folded && !characters.isEmpty && !text.hasSuffix("\n") ? " " : "\n" }
      text += String(characters)
    }
    return .scalar(strips || text.isEmpty ? text : text + "\n", isQuoted: true)
  }

  // MARK: Problems

  private static func trimmed(_ text: [Character]) -> String {
    var text = text[...]
    while text.first == " " { text.removeFirst() }
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return String(text)
  }

  private func unsupported(_ what: String, _ line: Line, _ index: Int) -> ScopeError {
    ScopeError(
      .unsupported, "\(what) are not read in this file",
      place: YAMLNode.Place(line: line.number, column: line.indent + index + 1).description,
      remedy: "Write the value out, in quotation marks if it begins with a special character")
  }

  private static func problem(_ message: String, line: Int, column: Int, remedy: String?) -> ScopeError {
    ScopeError(
      .malformed, message, place: YAMLNode.Place(line: line, column: column).description, remedy: remedy)
  }
}
