/// A small strict checker: tags nest and close, attributes are quoted, ids are unique, fragments exist, entities are
/// complete. Enough to notice text that became markup.
enum HTMLChecker {
  private static let void: Set<String> = ["meta", "br", "img", "link", "hr", "input"]

  private static let roles: Set<String> = ["img", "region", "group", "status", "button"]

  static func check(_ html: String) -> [String] {
    var problems: [String] = []
    var open: [String] = []
    var ids: Set<String> = []
    var targets: Set<String> = []
    let text = Array(html.unicodeScalars)
    var index = 0
    func starts(_ what: String, at place: Int) -> Bool {
      var at = place
      for scalar in what.unicodeScalars {
        guard at < text.count, text[at] == scalar else { return false }
        at += 1
      }
      return true
    }
    while index < text.count {
      if open.last == "script", !starts("</script>", at: index) {
        if starts("<!--", at: index) || starts("<script", at: index) { problems.append("markup in script") }
        index += 1
        continue
      }
      if open.last == "style", text[index] == "<", !starts("</style>", at: index) {
        problems.append("markup in style")
        index += 1
        continue
      }
      if text[index] == "&", open.last != "style" {
        var end = index + 1
        while end < text.count, end - index < 10,
          text[end].properties.isAlphabetic || text[end] == "#" || ("0"..."9").contains(text[end])
        {
          end += 1
        }
        if end >= text.count || text[end] != ";" || end == index + 1 { problems.append("bare & at \(index)") }
      }
      guard text[index] == "<" else {
        if text[index] == ">", open.last != "style" { problems.append("bare > at \(index)") }
        index += 1
        continue
      }
      if starts("<!DOCTYPE html>", at: index) {
        index += 15
        continue
      }
      var end = index + 1
      var quoted = false
      while end < text.count, quoted || text[end] != ">" {
        if text[end] == "\"" { quoted.toggle() }
        if text[end] == "<", !quoted { problems.append("< inside a tag at \(end)") }
        end += 1
      }
      let tag = String(String.UnicodeScalarView(text[(index + 1)..<min(end, text.count)]))
      index = end + 1
      if tag.hasPrefix("/") {
        let name = String(tag.dropFirst())
        if open.last == name {
          open.removeLast()
        } else {
          problems.append("</\(name)> closes <\(open.last ?? "nothing")>")
        }
        continue
      }
      let name = String(tag.prefix { $0 != " " && $0 != "/" && $0 != "\n" })
      if name.isEmpty || !name.allSatisfy({ $0.isLetter || $0.isNumber }) { problems.append("tag <\(name)>") }
      attributes(tag.dropFirst(name.count), name, &problems, &ids, &targets)
      if !void.contains(name), !tag.hasSuffix("/") { open.append(name) }
    }
    if !open.isEmpty { problems.append("never closed: \(open)") }
    problems += targets.subtracting(ids).map { "no element has id \($0)" }
    return problems
  }

  private static func attributes(
    _ text: Substring, _ tag: String, _ problems: inout [String], _ ids: inout Set<String>,
    _ targets: inout Set<String>
  ) {
    var rest = text.drop { $0 == " " || $0 == "\n" }
    var seen: Set<String> = []
    while !rest.isEmpty, rest != "/" {
      let name = String(rest.prefix { $0.isLetter || $0.isNumber || $0 == "-" || $0 == ":" })
      rest = rest.dropFirst(name.count)
      guard !name.isEmpty, rest.hasPrefix("=\"") else {
        problems.append("attribute in <\(tag)> near \(rest.prefix(20))")
        return
      }
      let value = rest.dropFirst(2).prefix { $0 != "\"" }
      rest = rest.dropFirst(3 + value.count)
      if !rest.isEmpty, rest != "/", rest.first != " ", rest.first != "\n" {
        problems.append("after \(name) in <\(tag)>")
      }
      rest = rest.drop { $0 == " " || $0 == "\n" }
      if !seen.insert(name).inserted { problems.append("\(name) twice in <\(tag)>") }
      if name.hasPrefix("on") { problems.append("event handler \(name)") }
      if name == "id", !ids.insert(String(value)).inserted { problems.append("id \(value) twice") }
      if ["for", "aria-labelledby", "aria-describedby", "aria-controls"].contains(name) {
        for word in value.split(separator: " ") { targets.insert(String(word)) }
      }
      if name == "role", !roles.contains(String(value)) { problems.append("role \(value)") }
      if name == "scope", value != "row", value != "col" { problems.append("scope \(value)") }
      if name == "tabindex", value != "0" { problems.append("tabindex \(value)") }
      if name == "href" {
        if value.hasPrefix("#") {
          targets.insert(String(value.dropFirst()))
        } else {
          problems.append("link to \(value)")
        }
      }
    }
  }
}
