/// Works out texts that a template puts together from constants, so that a name cannot hide in pieces.
struct TemplateFolding {
  /// Variables that only ever hold one constant.
  var constants: [String: String] = [:]
  private static let lengthLimit = 1 << 16

  func text(_ expression: JinjaExpression, depth: Int = 0) -> String? {
    guard depth < 64 else { return nil }
    func fold(_ inner: JinjaExpression) -> String? { text(inner, depth: depth + 1) }
    switch expression {
    case .text(let text): return text
    case .name(let name): return constants[name]
    case .attribute(.name(let base), let name): return constants["\(base).\(name)"]
    case .binary("~", let left, let right), .binary("+", let left, let right):
      guard let first = fold(left) ?? number(left), let second = fold(right) ?? number(right),
        first.utf8.count + second.utf8.count <= Self.lengthLimit
      else { return nil }
      return first + second
    case .binary("*", let left, .number(let count)):
      // The count is bounded by itself: of an empty text any number of copies is short, and takes for ever.
      guard let part = fold(left), count >= 0, count <= 1024, count * Double(part.utf8.count) < 1024 else {
        return nil
      }
      return String(repeating: part, count: Int(count))
    case .binary("%", let left, let right):
      guard let pattern = fold(left) else { return nil }
      return format(pattern, items(right) ?? [right], depth)
    case .subscripted(let base, .slice(let parts)):
      guard let text = fold(base) else { return nil }
      if parts.count == 3, case .unary("-", .number(1))?? = parts.last { return String(text.reversed()) }
      return slice(text, parts)
    case .subscripted(let base, .number(let index)):
      if let list = items(base), index >= 0, Int(index) < list.count { return fold(list[Int(index)]) }
      guard let text = fold(base), index >= 0, Int(index) < text.count else { return nil }
      return String(text[text.index(text.startIndex, offsetBy: Int(index))])
    case .subscripted(.dictionary(let entries), let key):
      guard let key = fold(key) else { return nil }
      return entries.first { fold($0.0) == key }.flatMap { fold($0.1) }
    case .conditional(_, let value, _): return fold(value)
    case .call(.attribute(let base, let method), let arguments):
      return method == "join"
        ? joined(arguments.first?.value, separator: fold(base), depth)
        : transformed(fold(base), method, arguments, depth)
    case .filter(let base?, let name, let arguments):
      switch name {
      case "join": return joined(base, separator: arguments.first.map { fold($0.value) } ?? "", depth)
      case "first", "last":
        guard let list = items(base) else { return nil }
        return (name == "first" ? list.first : list.last).flatMap(fold)
      default: return transformed(fold(base), name, arguments, depth)
      }
    default: return nil
    }
  }

  private func number(_ expression: JinjaExpression) -> String? {
    if case .number(let value) = expression, value == value.rounded(), abs(value) < 1e15 {
      "\(Int(value))"
    } else {
      nil
    }
  }

  /// The elements of a list, or the keys of a dictionary: `dict(__cl=1, ass__=2)` is a way to write texts.
  private func items(_ expression: JinjaExpression) -> [JinjaExpression]? {
    switch expression {
    case .list(let items): return items
    case .dictionary(let entries): return entries.map(\.0)
    case .call(.name("dict"), let arguments): return arguments.compactMap(\.name).map { .text($0) }
    case .filter(let base?, let name, _) where ["list", "sort", "unique"].contains(name): return items(base)
    case .filter(let base?, "reverse", _): return items(base)?.reversed()
    case .subscripted(let base, .slice(let parts)):
      if parts.count == 3, case .unary("-", .number(1))?? = parts.last { return items(base)?.reversed() }
      return nil
    default: return nil
    }
  }

  private func joined(_ list: JinjaExpression?, separator: String?, _ depth: Int) -> String? {
    guard let list, let separator else { return nil }
    if let parts = items(list) {
      let texts = parts.compactMap { text($0, depth: depth + 1) ?? number($0) }
      guard texts.count == parts.count else { return nil }
      let result = texts.joined(separator: separator)
      return result.utf8.count <= Self.lengthLimit ? result : nil
    }
    guard let text = text(list, depth: depth + 1) else { return nil }
    return text.map(String.init).joined(separator: separator)
  }

  private func transformed(_ text: String?, _ name: String, _ arguments: [JinjaArgument], _ depth: Int)
    -> String?
  {
    guard let text else { return nil }
    switch name {
    case "lower", "casefold": return text.lowercased()
    case "upper": return text.uppercased()
    case "reverse": return String(text.reversed())
    case "trim", "strip", "lstrip", "rstrip": return Self.trimmed(text)
    case "string", "safe", "escape", "e", "list": return text
    case "swapcase":
      return String(text.map { $0.isUppercase ? Character($0.lowercased()) : Character($0.uppercased()) })
    case "replace":
      guard arguments.count >= 2, let old = self.text(arguments[0].value, depth: depth + 1),
        let new = self.text(arguments[1].value, depth: depth + 1), !old.isEmpty
      else { return nil }
      return Self.replacing(text, old, new)
    case "format":
      return format(
        Self.replacing(text, "{}", "%s"), arguments.map(\.value), depth)
    default: return nil
    }
  }

  /// `%s`, `%d` and `%c` filled in.
  private func format(_ pattern: String, _ values: [JinjaExpression], _ depth: Int) -> String? {
    var result = ""
    var next = 0
    var rest = Substring(pattern)
    while let percent = rest.firstIndex(of: "%") {
      result += rest[..<percent]
      rest = rest[rest.index(after: percent)...]
      guard let kind = rest.first else { return nil }
      rest = rest.dropFirst()
      if kind == "%" {
        result += "%"
        continue
      }
      guard next < values.count else { return nil }
      if kind == "c", case .number(let code) = values[next],
        let scalar = Unicode.Scalar(UInt32(max(0, min(code, 1_114_111))))
      {
        result.unicodeScalars.append(scalar)
      } else if let text = text(values[next], depth: depth + 1) ?? number(values[next]) {
        result += text
      } else {
        return nil
      }
      next += 1
    }
    return result + rest
  }

  private func slice(_ text: String, _ parts: [JinjaExpression?]) -> String? {
    func bound(_ part: JinjaExpression??, _ fallback: Int) -> Int? {
      guard let part = part ?? nil else { return fallback }
      if case .number(let value) = part { return min(Int(value), text.count) }
      if case .unary("-", .number(let value)) = part { return max(0, text.count - Int(min(value, 1e9))) }
      return nil
    }
    guard parts.count == 2, let start = bound(parts[0], 0), let end = bound(parts[1], text.count) else {
      return nil
    }
    return start < end ? String(text.dropFirst(start).prefix(end - start)) : ""
  }

  static func trimmed(_ text: String) -> String {
    var scalars = Substring(text)
    while scalars.first?.isWhitespace == true { scalars = scalars.dropFirst() }
    while scalars.last?.isWhitespace == true { scalars = scalars.dropLast() }
    return String(scalars)
  }

  static func replacing(_ text: String, _ old: String, _ new: String) -> String {
    let (bytes, wanted) = (Array(text.utf8), Array(old.utf8))
    var result: [UInt8] = []
    var position = 0
    while position < bytes.count {
      if bytes[position...].starts(with: wanted) {
        result += Array(new.utf8)
        position += wanted.count
      } else {
        result.append(bytes[position])
        position += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
