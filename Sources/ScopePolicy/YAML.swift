import ScopeBytes

/// A value of a YAML document with the place it was written at.
public struct YAMLNode: Sendable, Hashable {
  public indirect enum Value: Sendable, Hashable {
    /// A scalar and whether it was quoted: `"1"` is text, `1` may be read as a number.
    case scalar(String, isQuoted: Bool)
    case sequence([YAMLNode])
    case mapping([Entry])
  }

  public struct Entry: Sendable, Hashable {
    public var key: String
    public var keyPlace: Place
    public var value: YAMLNode
  }

  /// Counted from 1, as editors do; columns count characters.
  public struct Place: Sendable, Hashable, CustomStringConvertible {
    public var line: Int
    public var column: Int

    public init(line: Int, column: Int) {
      self.line = line
      self.column = column
    }

    public var description: String { "line \(line), column \(column)" }
  }

  public var value: Value
  public var place: Place

  /// Reads a document of the subset of YAML 1.2 that configuration files are written in: block mappings and sequences,
  /// flow sequences and mappings on one line, plain and quoted scalars, literal (`|`) and folded (`>`) text, comments.
  ///
  /// Anchors, aliases, tags, complex keys, several documents and tabs as indentation are refused: what a policy says must
  /// be plain to whoever reads it. An empty document is an empty mapping.
  ///
  /// - Throws: `malformed` or `unsupported` with line and column; `limitExceeded` beyond 1 MiB or 32 levels.
  public static func parse(_ text: String) throws(ScopeError) -> YAMLNode {
    guard text.utf8.count <= 1 << 20 else {
      throw ScopeError(.limitExceeded, "the YAML document is too large", expected: "at most 1 MiB")
    }
    var parser = try YAMLParser(text)
    return try parser.document()
  }

  /// The scalar's text; nil for other values.
  public var text: String? { if case .scalar(let text, _) = value { text } else { nil } }

  public var entries: [Entry]? { if case .mapping(let entries) = value { entries } else { nil } }

  public var items: [YAMLNode]? { if case .sequence(let items) = value { items } else { nil } }

  public subscript(key: String) -> YAMLNode? { entries?.first { $0.key == key }?.value }

  /// A plain scalar that stands for nothing (`~`, `null`, or no text at all).
  public var isNull: Bool {
    if case .scalar(let text, isQuoted: false) = value {
      ["", "~", "null", "Null", "NULL"].contains(text)
    } else {
      false
    }
  }
}
