/// Layout of text on a terminal: display width, wrapping, padding, colour.
struct TerminalText {
  let width: Int
  let colours: Bool

  enum Style: String {
    case bold = "1"
    case dim = "2"
    case good = "32"
    case fair = "33"
    case bad = "31"
    case accent = "36"
  }

  func styled(_ text: String, _ style: Style) -> String {
    colours && !text.isEmpty ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
  }

  /// Columns the text takes: wide East Asian characters two, combining marks none.
  static func columns(_ text: String) -> Int {
    text.unicodeScalars.reduce(0) { sum, scalar in
      switch scalar.value {
      case 0x300...0x36F, 0x200D, 0xFE00...0xFE0F: sum
      case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
        0xFF00...0xFF60,
        0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
        sum + 2
      default: sum + 1
      }
    }
  }

  /// Breaks at spaces; a word longer than the line is cut.
  static func wrap(_ text: String, _ width: Int) -> [String] {
    let width = max(width, 8)
    var lines: [String] = []
    var line = ""
    for word in Escape.terminal(text).split(separator: " ") {
      var word = String(word)
      while columns(word) > width {
        if !line.isEmpty { lines.append(line) }
        line = ""
        var head = ""
        while let next = word.first, columns(head) + columns(String(next)) <= width {
          head.append(next)
          word.removeFirst()
        }
        if head.isEmpty { break }
        lines.append(head)
      }
      if line.isEmpty {
        line = word
      } else if columns(line) + 1 + columns(word) <= width {
        line += " " + word
      } else {
        lines.append(line)
        line = word
      }
    }
    if !line.isEmpty { lines.append(line) }
    return lines
  }

  static func padded(_ text: String, _ width: Int, right: Bool = false) -> String {
    let space = String(repeating: " ", count: max(0, width - columns(text)))
    return right ? space + text : text + space
  }

  static func trimmedEnd(_ text: String) -> String {
    var text = Substring(text)
    while text.last == " " { text.removeLast() }
    return String(text)
  }

  /// Cut to `width` columns, with an ellipsis when something is lost.
  static func cut(_ text: String, _ width: Int) -> String {
    guard columns(text) > width else { return text }
    var result = ""
    for character in text {
      if columns(result) + columns(String(character)) > max(width - 1, 0) { break }
      result.append(character)
    }
    return result + "…"
  }

  /// Cut in the middle: names differ at their ends.
  static func cutMiddle(_ text: String, _ width: Int) -> String {
    guard columns(text) > width else { return text }
    guard width > 4 else { return cut(text, width) }
    var tail = ""
    for character in text.reversed() {
      if columns(tail) + columns(String(character)) > (width - 1) / 2 { break }
      tail = String(character) + tail
    }
    var head = ""
    for character in text {
      if columns(head) + columns(String(character)) > width - 1 - columns(tail) { break }
      head.append(character)
    }
    return head + "…" + tail
  }
}
