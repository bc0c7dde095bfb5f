/// A JSON document under construction: keys stay in the order they are written in.
///
/// For documents whose layout another party's schema dictates; our own values are `Codable`.
package indirect enum JSONTree: Sendable, Hashable {
  case object([(key: String, value: JSONTree)])
  case array([JSONTree])
  case text(String)
  case integer(Int)
  case bool(Bool)

  /// An object without the members that are nil.
  package static func members(_ members: KeyValuePairs<String, JSONTree?>) -> JSONTree {
    .object(members.compactMap { key, value in value.map { (key, $0) } })
  }

  package static func texts(_ texts: [String]) -> JSONTree { .array(texts.map { .text($0) }) }

  /// Indented text that ends with a line feed.
  package var document: String {
    var result = ""
    write(to: &result, indent: 0)
    return result + "\n"
  }

  private func write(to result: inout String, indent: Int) {
    let inner = String(repeating: "  ", count: indent + 1)
    let outer = String(repeating: "  ", count: indent)
    switch self {
    case .object(let members):
      guard !members.isEmpty else {
        result += "{}"
        return
      }
      result += "{\n"
      for (index, member) in members.enumerated() {
        result += inner + Self.quoted(member.key) + ": "
        member.value.write(to: &result, indent: indent + 1)
        result += index + 1 < members.count ? ",\n" : "\n"
      }
      result += outer + "}"
    case .array(let items):
      guard !items.isEmpty else {
        result += "[]"
        return
      }
      result += "[\n"
      for (index, item) in items.enumerated() {
        result += inner
        item.write(to: &result, indent: indent + 1)
        result += index + 1 < items.count ? ",\n" : "\n"
      }
      result += outer + "]"
    case .text(let text): result += Self.quoted(text)
    case .integer(let value): result += "\(value)"
    case .bool(let value): result += value ? "true" : "false"
    }
  }

  /// RFC 8259: quotation mark, reverse solidus and control characters are escaped; so are line separators and
  /// bidirectional controls, which readers could take for layout.
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      default:
        if Escape.isControl(scalar) {
          for unit in String(scalar).utf16 {
            let digits = String(unit, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
          }
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result + "\""
  }

  package static func == (left: JSONTree, right: JSONTree) -> Bool { left.document == right.document }
  package func hash(into hasher: inout Hasher) { hasher.combine(document) }
}
