/// Data for the page's script: JSON that cannot end the element it stands in.
enum JSONData {
  /// A string literal. Every character that could be read as markup is an escape, control characters are spaces.
  static func string(_ text: String) -> String {
    var result = "\""
    for scalar in Escape.visible(text).unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "<": result += "\\u003c"
      case ">": result += "\\u003e"
      case "&": result += "\\u0026"
      default: result.unicodeScalars.append(scalar)
      }
    }
    // A report holds no address, not even as data.
    return Escape.replacing(result, "http://", "http:\\/\\/") + "\""
  }

  static func array(_ items: [String]) -> String { "[\(items.joined(separator: ","))]" }

  /// A finite number in few characters, otherwise null.
  static func number(_ value: Double?, decimals: Int = 4) -> String {
    guard let value, value.isFinite, abs(value) < 1e15 else { return "null" }
    if value == value.rounded() { return String(Int64(value)) }
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let text = Format.trimmed(Format.fixed((value * scale).rounded() / scale, decimals))
    return Escape.replacing(text, ",", "")
  }

  static func number(_ value: Int?) -> String { value.map { String($0) } ?? "null" }

  static func script(id: String, _ json: String) -> String {
    "<script type=\"application/json\" id=\"\(id)\">\(json)</script>"
  }
}
