import ScopeBytes

/// What a team accepts and what it does not: the file `neural-scope.yml`.
///
/// Every section is optional; an unknown key is an error with its place, so that a misspelt budget never passes silently.
public struct Policy: Sendable, Hashable {
  /// As the user named the file; used in messages.
  public var path: String
  public var security = SecurityPolicy()
  /// In the order of the file.
  public var budgets: [Budget] = []

  /// Keys of the file.
  public static let keys = ["version", "security", "budgets"]

  /// A policy that asks for nothing.
  public init(path: String) { self.path = path }

  /// Reads a policy file.
  ///
  /// - Parameter rules: ids of the security rules that exist.
  /// - Throws: `notFound`, `unreadable`; `malformed`, `unsupported` with line and column.
  public init(contentsOf path: String, rules: Set<String>) throws(ScopeError) {
    let bytes = try ByteSlice(mappingFile: path)
    guard let text = bytes.utf8String else {
      throw ScopeError(.malformed, "the policy is not UTF-8 text", file: path)
    }
    try self.init(text, path: path, rules: rules)
  }

  public init(_ text: String, path: String, rules: Set<String>) throws(ScopeError) {
    self.path = path
    do throws(ScopeError) {
      let fields = try PolicyFields(
        try YAMLNode.parse(text), known: Self.keys, of: "the policy")
      if let version = fields["version"], version.text != "1" {
        throw version.problem("this version of the policy file is not known", expected: "1")
      }
      if let section = fields["security"], !section.isNull {
        security = try SecurityPolicy(section, rules: rules)
      }
      if let section = fields["budgets"], !section.isNull {
        _ = try PolicyFields(
          section, known: Budget.Metric.allCases.map(\.rawValue), of: "the section budgets")
        for entry in section.entries ?? [] {
          guard let metric = Budget.Metric(rawValue: entry.key) else { continue }
          budgets.append(try Budget(metric, entry.value))
        }
      }
    } catch {
      throw error.inFile(path)
    }
  }
}

/// A mapping whose keys have been checked against those that exist.
package struct PolicyFields {
  private let values: [String: YAMLNode]

  /// - Throws: `malformed` with the place of an unknown key, naming those that exist.
  package init(_ node: YAMLNode, known: [String], of what: String) throws(ScopeError) {
    guard let entries = node.entries else {
      throw node.problem("\(what) is not a mapping", expected: "keys: \(known.joined(separator: ", "))")
    }
    var values: [String: YAMLNode] = [:]
    for entry in entries {
      guard known.contains(entry.key) else {
        // The spelling with underscores is a common habit: the remedy says which key was meant.
        let meant = String(entry.key.map { $0 == "_" ? "-" : $0 }).lowercased()
        throw ScopeError(
          .malformed, "\(what) has an unknown key \"\(entry.key.prefix(80))\"",
          place: entry.keyPlace.description,
          expected: known.joined(separator: ", "),
          remedy: known.contains(meant) ? "Write it as \(meant)" : nil)
      }
      values[entry.key] = entry.value
    }
    self.values = values
  }

  package subscript(key: String) -> YAMLNode? { values[key] }
}

extension YAMLNode {
  package func problem(_ message: String, expected: String? = nil) -> ScopeError {
    ScopeError(
      .malformed, message, place: place.description, expected: expected,
      found: text.map { String($0.prefix(80)) })
  }

  /// The scalar's text.
  ///
  /// - Throws: `malformed` for other values and for nothing.
  package func requiredText(_ what: String) throws(ScopeError) -> String {
    guard let text, !isNull, text.contains(where: { !$0.isWhitespace }) else {
      throw problem("\(what) has no text")
    }
    return text
  }
}
