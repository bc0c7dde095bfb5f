/// Names come from hostile files: each output form has its own way of making them inert.
package enum Escape {
  /// C0 and C1 controls, line and paragraph separators, and the bidirectional controls that can reorder what is read.
  package static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF,
      0xFFF9...0xFFFB,
      0xE0000...0xE007F:
      true
    default: false
    }
  }

  /// One line of visible text: control characters become spaces.
  package static func visible(_ text: String) -> String {
    var result = ""
    // A name may be as long as the file it comes from; nobody reads more than this.
    for (index, scalar) in text.unicodeScalars.enumerated() {
      if index == 4096 { return result + "…" }
      result.unicodeScalars.append(isControl(scalar) ? " " : scalar)
    }
    return result
  }

  package static func html(_ text: String) -> String {
    var result = ""
    for scalar in visible(text).unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    // A report loads nothing from elsewhere and reads so: an address from a file is text, spelled inertly.
    return replacing(result, "http://", "http&#58;//")
  }

  /// Markdown text: everything that could start markup, a link or a table cell is escaped.
  package static func markdown(_ text: String) -> String {
    var result = ""
    let scalars = Array(visible(text).unicodeScalars)
    for (index, scalar) in scalars.enumerated() {
      switch scalar {
      case "\\", "`", "*", "[", "]", "|", "~", "$", "{", "}":
        result.append("\\")
        result.unicodeScalars.append(scalar)
      case "_":
        // Inside a word an underscore is text in every current Markdown dialect.
        let inner =
          index > 0 && index + 1 < scalars.count && scalars[index - 1].properties.isAlphabetic
          && scalars[index + 1].properties.isAlphabetic
        result += inner ? "_" : "\\_"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "&": result += "&amp;"
      case "#", "!", "@": result += "\\" + String(scalar)
      case "-", "+", "=":
        if index == 0 { result.append("\\") }
        result.unicodeScalars.append(scalar)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return replacing(result, "://", ":&#47;&#47;")
  }

  /// A code span that the text cannot leave.
  ///
  /// - Parameter inTable: a pipe would end the cell there, even in code.
  package static func markdownCode(_ text: String, inTable: Bool = false) -> String {
    let text = visible(text)
    var longest = 0
    var run = 0
    for character in text {
      run = character == "`" ? run + 1 : 0
      longest = max(longest, run)
    }
    let fence = String(repeating: "`", count: longest + 1)
    let pad = longest > 0 ? " " : ""
    return fence + pad + (inTable ? replacing(text, "|", "\\|") : text) + pad + fence
  }

  /// Terminal text: no escape sequence survives.
  package static func terminal(_ text: String) -> String { visible(text) }

  static func replacing(_ text: String, _ pattern: String, _ replacement: String) -> String {
    guard !pattern.isEmpty else { return text }
    let source = Array(text.utf8)
    let wanted = Array(pattern.utf8)
    var result: [UInt8] = []
    var index = 0
    while index < source.count {
      if source.count - index >= wanted.count, source[index..<(index + wanted.count)].elementsEqual(wanted) {
        result += Array(replacement.utf8)
        index += wanted.count
      } else {
        result.append(source[index])
        index += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
