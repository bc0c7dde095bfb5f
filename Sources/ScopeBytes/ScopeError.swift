/// The one error every module throws: what happened, where, what was expected, what was found and
/// what the reader can do about it.
///
/// Codes may grow; callers switch on ``code`` with a default.
public struct ScopeError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Code: String, Sendable, Hashable {
    /// The path does not exist.
    case notFound
    /// The path exists but cannot be read (permission, directory instead of a file, I/O error).
    case unreadable
    /// The file ends before its own headers say it should.
    case truncated
    /// The bytes contradict the format's specification.
    case malformed
    /// Valid, but outside what this version handles.
    case unsupported
    /// A declared size, count or nesting exceeds what is left in the file or a safety limit.
    case limitExceeded
    /// The caller's request is wrong (flag, epsilon, shape ...).
    case invalidArgument
    /// The graph is not well formed (cycle, missing value, contradictory shapes).
    case invalidGraph
    /// Input data (images, labels, arrays) cannot be used.
    case invalidData
    /// ONNX Runtime cannot be found or loaded.
    case engineUnavailable
    /// ONNX Runtime returned an error.
    case engineFailure
    /// An output cannot be written.
    case cannotWrite
    /// The work was interrupted by the user.
    case interrupted
  }

  public var code: Code
  /// What happened, one sentence without a full stop.
  public var message: String
  /// The file concerned, as the user named it.
  public var file: String?
  /// Byte offset, node, tensor or member: where in the file.
  public var place: String?
  public var expected: String?
  public var found: String?
  /// What the user can do.
  public var remedy: String?

  public init(
    _ code: Code, _ message: String, file: String? = nil, place: String? = nil, expected: String? = nil,
    found: String? = nil, remedy: String? = nil
  ) {
    self.code = code
    self.message = message
    self.file = file
    self.place = place
    self.expected = expected
    self.found = found
    self.remedy = remedy
  }

  /// The same error with the file filled in when it was not known where it was thrown.
  public func inFile(_ path: String) -> ScopeError {
    var copy = self
    if copy.file == nil { copy.file = path }
    return copy
  }

  /// The same error with an outer place put before the inner one (`graph.node[3] > attribute`).
  public func at(_ outer: String) -> ScopeError {
    var copy = self
    copy.place = copy.place.map { "\(outer) > \($0)" } ?? outer
    return copy
  }

  public var description: String {
    var text = file.map { "\($0): " } ?? ""
    text += message
    if let place { text += ", at \(place)" }
    switch (expected, found) {
    case (let expected?, let found?): text += " (expected \(expected), found \(found))"
    case (let expected?, nil): text += " (expected \(expected))"
    case (nil, let found?): text += " (found \(found))"
    case (nil, nil): break
    }
    if let remedy { text += ". \(remedy)" }
    return text
  }
}
