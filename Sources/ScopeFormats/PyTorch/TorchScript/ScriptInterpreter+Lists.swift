import ScopeBytes

/// Operators on lists, dictionaries and texts.
extension ScriptInterpreter {
  /// The number of elements of a container; nil for anything else.
  func length(_ value: ScriptValue) throws(ScopeError) -> Int? {
    switch value {
    case .list(let list): list.items.count
    case .tuple(let items): items.count
    case .record(let record): record.values.count
    case .dictionary(let dictionary): dictionary.pairs.count
    case .string(let text): text.count
    case .object(let object):
      if case .int(let count) = try callMethod(object, "__len__", []) { count } else { nil }
    case .undecided: throw undecided(value)
    default: nil
    }
  }

  private func fits(_ count: Int) throws(ScopeError) {
    guard count <= Self.listLimit else {
      throw failure(.limitExceeded, "a list grows too long", expected: "at most \(Self.listLimit) elements")
    }
    try spend(count / 16)
  }

  /// The result of an operator whose first argument is a list, tuple or dictionary; nil when it is not one of them.
  func listOperation(_ name: String, _ arguments: [ScriptValue]) throws(ScopeError) -> ScriptValue? {
    guard let first = arguments.first else { return nil }
    switch first {
    case .list(let list): return try listOperation(name, list, arguments)
    case .tuple(let items):
      return try listOperation(name, ScriptList(items), arguments)
    case .dictionary(let dictionary): return try dictionaryOperation(name, dictionary, arguments)
    case .string(let text) where name == "__contains__" || name == "join" || name == "split":
      if name == "join", arguments.count == 2 {
        let parts = try elements(arguments[1]).map { self.text($0) }
        try fits(parts.reduce(0) { $0 + $1.utf8.count })
        return .string(parts.joined(separator: text))
      }
      return nil
    default: return nil
    }
  }

  private func listOperation(
    _ name: String, _ list: ScriptList, _ arguments: [ScriptValue]
  ) throws(ScopeError) -> ScriptValue? {
    let second = arguments.count > 1 ? arguments[1] : ScriptValue.none
    switch name {
    case "append":
      try fits(list.items.count + 1)
      list.items.append(second)
      return .list(list)
    case "extend":
      let more = try elements(second)
      try fits(list.items.count + more.count)
      list.items += more
      return ScriptValue.none
    case "insert":
      guard case .int(let position) = second, arguments.count > 2 else { return nil }
      try fits(list.items.count + 1)
      let index = position < 0 ? max(position &+ list.items.count, 0) : min(position, list.items.count)
      list.items.insert(arguments[2], at: index)
      return ScriptValue.none
    case "pop":
      let position = if case .int(let position) = second { position } else { -1 }
      return list.items.remove(at: try checked(position, list.items.count))
    case "Delete":
      guard case .int(let position) = second else { return nil }
      list.items.remove(at: try checked(position, list.items.count))
      return ScriptValue.none
    case "clear":
      list.items = []
      return ScriptValue.none
    case "reverse":
      list.items.reverse()
      return ScriptValue.none
    case "_set_item":
      guard arguments.count > 2 else { return nil }
      try setItem(.list(list), second, arguments[2])
      return .list(list)
    case "__getitem__": return try item(.list(list), second)
    case "copy", "list":
      try fits(list.items.count)
      return .list(ScriptList(list.items))
    case "slice":
      try fits(list.items.count)
      return .list(ScriptList(try sliced(list.items, Array(arguments.dropFirst()))))
    case "add", "add_":
      let more = try elements(second)
      try fits(list.items.count + more.count)
      if name == "add_" {
        list.items += more
        return .list(list)
      }
      return .list(ScriptList(list.items + more))
    case "mul":
      guard case .int(let times) = second else { return nil }
      let (count, overflow) = list.items.count.multipliedReportingOverflow(by: max(times, 0))
      guard !overflow else { throw failure(.limitExceeded, "a list grows too long") }
      try fits(count)
      return .list(ScriptList((0..<max(times, 0)).flatMap { _ in list.items }))
    case "__contains__", "index", "count", "remove", "eq", "ne":
      return try search(name, list, second)
    case "any", "all":
      let truths = list.items.map(knownTruth)
      if truths.contains(name == "any") { return .bool(name == "any") }
      return truths.contains(nil) ? .undecided("a list") : .bool(name == "all")
    case "sum", "max", "min":
      guard var total = list.items.first else { return name == "sum" ? .int(0) : nil }
      for item in list.items.dropFirst() {
        total = try arithmetic(name == "sum" ? "add" : name, [total, item]) ?? .undecided("a list")
      }
      return total
    case "sorted", "sort": return try sort(name, list)
    case "keys", "values", "items": return nil
    default: return nil
    }
  }

  private func sort(_ name: String, _ list: ScriptList) throws(ScopeError) -> ScriptValue? {
    var numbers: [Int] = []
    for item in list.items {
      guard case .int(let number) = item else { return .undecided("a list") }
      numbers.append(number)
    }
    try fits(numbers.count)
    let sorted = numbers.sorted().map { ScriptValue.int($0) }
    if name == "sorted" { return .list(ScriptList(sorted)) }
    list.items = sorted
    return ScriptValue.none
  }

  private func search(
    _ name: String, _ list: ScriptList, _ value: ScriptValue
  ) throws(ScopeError) -> ScriptValue? {
    try fits(list.items.count)
    if name == "eq" || name == "ne" {
      guard let equal = equal(.list(list), value) else { return .undecided("a size") }
      return .bool(equal == (name == "eq"))
    }
    let matches = list.items.map { equal($0, value) }
    switch name {
    case "__contains__":
      if matches.contains(true) { return .bool(true) }
      return matches.contains(nil) ? .undecided("a list") : .bool(false)
    case "count": return .int(matches.count { $0 == true })
    default:
      guard let index = matches.firstIndex(of: true) else { throw raised("ValueError: not in the list") }
      if name == "index" { return .int(index) }
      list.items.remove(at: index)
      return ScriptValue.none
    }
  }

  /// `list[start:end:step]`
  private func sliced(_ items: [ScriptValue], _ bounds: [ScriptValue]) throws(ScopeError) -> [ScriptValue] {
    func bound(_ index: Int, _ fallback: Int) throws(ScopeError) -> Int {
      guard index < bounds.count else { return fallback }
      switch bounds[index] {
      case .int(let value): return value
      case .none: return fallback
      default: throw undecided(bounds[index])
      }
    }
    let count = items.count
    func clamped(_ position: Int) -> Int { min(max(position < 0 ? position &+ count : position, 0), count) }
    let step = try bound(2, 1)
    guard step > 0 else { throw failure(.unsupported, "a list is cut with a step below 1") }
    let (start, end) = (clamped(try bound(0, 0)), clamped(try bound(1, count)))
    guard start < end else { return [] }
    return stride(from: start, to: end, by: min(step, count)).map { items[$0] }
  }

  private func dictionaryOperation(
    _ name: String, _ dictionary: ScriptDictionary, _ arguments: [ScriptValue]
  ) throws(ScopeError) -> ScriptValue? {
    let second = arguments.count > 1 ? arguments[1] : ScriptValue.none
    switch name {
    case "keys": return .list(ScriptList(dictionary.pairs.map(\.key)))
    case "values": return .list(ScriptList(dictionary.pairs.map(\.value)))
    case "items": return .list(ScriptList(dictionary.pairs.map { .tuple([$0.key, $0.value]) }))
    case "__getitem__": return try item(.dictionary(dictionary), second)
    case "_set_item":
      guard arguments.count > 2 else { return nil }
      try setItem(.dictionary(dictionary), second, arguments[2])
      return .dictionary(dictionary)
    case "__contains__": return .bool(dictionary.pairs.contains { equal($0.key, second) == true })
    case "get":
      return dictionary.pairs.first { equal($0.key, second) == true }?.value
        ?? (arguments.count > 2 ? arguments[2] : ScriptValue.none)
    case "copy": return .dictionary(ScriptDictionary(dictionary.pairs))
    default: return nil
    }
  }
}
