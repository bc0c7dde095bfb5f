import ScopeBytes

/// The section `security` of a policy.
public struct SecurityPolicy: Sendable, Hashable {
  /// Findings of this severity or above fail: `critical`, `high`, `medium` or `low`.
  public var failOn: String?
  /// What findings at or above ``failOn`` do.
  public var level = PolicyLevel.error
  /// What a missing or invalid signature does.
  public var signature = PolicyLevel.off
  public var suppressions: [Suppression] = []

  /// Keys of the section and of an entry of its suppressions.
  public static let keys = ["fail-on", "level", "signature", "suppressions"]
  public static let suppressionKeys = ["rule", "fingerprint", "path", "reason", "expires"]

  public static let severities = ["critical", "high", "medium", "low"]

  public init() {}

  init(_ node: YAMLNode, rules: Set<String>) throws(ScopeError) {
    let fields = try PolicyFields(node, known: Self.keys, of: "the section security")
    if let level = fields["fail-on"] {
      let text = try level.requiredText("fail-on")
      guard Self.severities.contains(text) else {
        throw level.problem("this severity is not known", expected: Self.severities.joined(separator: ", "))
      }
      failOn = text
    }
    if let node = fields["level"] { level = try PolicyLevel(node) }
    if let node = fields["signature"] { signature = try PolicyLevel(node) }
    guard let list = fields["suppressions"], !list.isNull else { return }
    guard let items = list.items else {
      throw list.problem("the suppressions are not a list", expected: "entries that begin with a dash")
    }
    for item in items { suppressions.append(try Suppression(item, rules: rules)) }
  }

  /// Findings that somebody has looked at and accepts for a while.
  public struct Suppression: Sendable, Hashable {
    /// Rule id.
    public var rule: String?
    /// At least 16 digits from the beginning of a finding's fingerprint.
    public var fingerprint: String?
    /// Files it holds for; see ``Glob``.
    public var path: Glob?
    public var reason: String
    /// The last day on which it holds.
    public var expires: CalendarDay
    /// Where it stands in the policy.
    public var place: YAMLNode.Place

    init(_ node: YAMLNode, rules: Set<String>) throws(ScopeError) {
      let fields = try PolicyFields(
        node, known: SecurityPolicy.suppressionKeys, of: "the suppression")
      place = node.place
      if let rule = fields["rule"] {
        let text = try rule.requiredText("the rule").uppercased()
        guard rules.contains(text) else {
          throw ScopeError(
            .malformed, "there is no rule of that id", place: rule.place.description,
            found: String(text.prefix(80)),
            remedy: "neural-scope security --list-rules shows those that exist")
        }
        self.rule = text
      }
      if let fingerprint = fields["fingerprint"] {
        let text = try fingerprint.requiredText("the fingerprint").lowercased()
        guard (16...64).contains(text.count), text.allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
          throw fingerprint.problem("this is no fingerprint", expected: "16 to 64 hexadecimal digits")
        }
        self.fingerprint = text
      }
      if let path = fields["path"] { self.path = Glob(try path.requiredText("the path")) }
      guard rule != nil || fingerprint != nil || path != nil else {
        throw node.problem(
          "the suppression would accept everything", expected: "rule, fingerprint or path")
      }
      guard let why = fields["reason"] else {
        throw node.problem("the suppression has no reason", expected: "reason: why this is acceptable")
      }
      reason = try why.requiredText("the reason")
      guard let end = fields["expires"] else {
        throw node.problem("the suppression has no end", expected: "expires: a date such as 2027-01-31")
      }
      guard let day = CalendarDay(end.text ?? "") else {
        throw end.problem("this is no date", expected: "year-month-day such as 2027-01-31")
      }
      expires = day
    }

    public func covers(rule: String, fingerprint: String, path: String) -> Bool {
      if let wanted = self.rule, wanted != rule { return false }
      if let wanted = self.fingerprint, !fingerprint.hasPrefix(wanted) { return false }
      if let glob = self.path, !glob.matches(path) { return false }
      return true
    }
  }
}

/// A day of the Gregorian calendar, `2027-01-31`.
public struct CalendarDay: Sendable, Hashable, Comparable, CustomStringConvertible {
  public let year: Int
  public let month: Int
  public let day: Int

  /// Nil for text of any other form and for days that do not exist.
  public init?(_ text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, zip(parts, [4, 2, 2]).allSatisfy({ $0.count == $1 }),
      parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
      let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2])
    else { return nil }
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard year >= 1, (1...12).contains(month), day >= 1, day <= lengths[month - 1] else { return nil }
    self.year = year
    self.month = month
    self.day = day
  }

  public static func < (left: CalendarDay, right: CalendarDay) -> Bool {
    (left.year, left.month, left.day) < (right.year, right.month, right.day)
  }

  public var description: String {
    func padded(_ value: Int, _ width: Int) -> String {
      let digits = "\(value)"
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }
}

/// A pattern for paths: `*` stands for anything within one part, `**` for any number of parts, `?` for one character.
///
/// It matches a path whole or from the beginning of any of its parts: `weights/*.pt` matches `/data/weights/a.pt`.
public struct Glob: Sendable, Hashable, CustomStringConvertible {
  public let pattern: String
  private let tokens: [Token]

  private enum Token: Hashable {
    case character(Character)
    case one
    case within
    case across
  }

  public var description: String { pattern }

  public init(_ pattern: String) {
    self.pattern = pattern
    var tokens: [Token] = []
    let characters = Array(pattern)
    var index = 0
    while index < characters.count {
      switch characters[index] {
      case "?": tokens.append(.one)
      case "*":
        var length = 1
        while index + length < characters.count, characters[index + length] == "*" { length += 1 }
        tokens.append(length > 1 ? .across : .within)
        index += length - 1
        // "**/" also stands for no part at all.
        if length > 1, index + 1 < characters.count, characters[index + 1] == "/" { index += 1 }
      default: tokens.append(.character(characters[index]))
      }
      index += 1
    }
    self.tokens = tokens
  }

  public func matches(_ path: String) -> Bool {
    let text = Array(path)
    guard text.count <= 8192, tokens.count <= 1024 else { return false }
    // Positions in the pattern that the text so far can have reached; a new attempt begins at every part.
    var reached = closure([0])
    for (index, character) in text.enumerated() {
      var following: Set<Int> = []
      for position in reached where position < tokens.count {
        switch tokens[position] {
        case .character(let wanted): if wanted == character { following.insert(position + 1) }
        case .one: if character != "/" { following.insert(position + 1) }
        case .within: if character != "/" { following.insert(position) }
        case .across: following.insert(position)
        }
      }
      if character == "/", index + 1 < text.count { following.insert(0) }
      reached = closure(following)
    }
    return reached.contains(tokens.count)
  }

  /// Positions reached without reading a character: asterisks may stand for nothing.
  private func closure(_ positions: Set<Int>) -> Set<Int> {
    var result = positions
    var work = Array(positions)
    while let position = work.popLast() {
      guard position < tokens.count, tokens[position] == .within || tokens[position] == .across else {
        continue
      }
      if result.insert(position + 1).inserted { work.append(position + 1) }
    }
    return result
  }
}
