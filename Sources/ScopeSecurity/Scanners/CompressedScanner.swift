import ScopeBytes

extension FileScan {
  /// Scans what a compressed stream holds, and what follows it.
  ///
  /// - Returns: the format's name.
  mutating func scanCompressed(_ bytes: ByteSlice, codec: ContentKind.Codec, member: String?, depth: Int)
    -> String
  {
    let name = qualified("\(codec.rawValue) data", in: member)
    guard enterContainer(name, depth: depth) else { return codec.rawValue }
    let contents: Decompressed
    do throws(ScopeError) {
      contents = try Decompressor.decompress(bytes, codec: codec, limit: expansionLeft)
    } catch {
      leaveOut(error, member: member)
      return codec.rawValue
    }
    take(contents, of: member)
    scanInner(contents.data, name: name, depth: depth)
    // Where a stream breaks off, what follows may be the rest of it.
    let rest = bytes.dropFirst(contents.consumed)
    if contents.problem == nil || contents.problem?.code == .malformed && Self.loadable(rest) != nil {
      scanTrailing(rest, member: member, depth: depth)
    }
    return codec.rawValue
  }

  /// Counts what came out and notes what did not.
  mutating func take(_ contents: Decompressed, of member: String?) {
    expanded(by: contents.data.count)
    guard let problem = contents.problem else { return }
    if problem.code == .limitExceeded, contents.ratio > limits.ratio {
      add(
        ARC005.finding(
          "\(contents.consumed) bytes expand to more than \(contents.data.count), the limit; \(contents.ratio) times as many",
          place: FindingPlace(member: member)))
    }
    leaveOut(problem, member: member)
  }

  /// Scans content that came out of a container; text and nothing at all are fine there.
  mutating func scanInner(_ data: ByteSlice, name: String, depth: Int) {
    guard !data.isEmpty else { return }
    if case .text = ContentKind(data) { return }
    _ = scan(data, member: name, depth: depth + 1)
  }

  /// Whether a container at this depth may be opened; otherwise a finding and a note say why not.
  mutating func enterContainer(_ name: String, depth: Int) -> Bool {
    guard depth >= limits.nesting else { return true }
    add(
      ARC005.finding(
        "containers are nested more than \(limits.nesting) deep", place: FindingPlace(member: name)))
    leaveOut(
      ScopeError(
        .limitExceeded, "containers are nested too deeply", expected: "at most \(limits.nesting) levels"),
      member: name)
    return false
  }

  /// The name of a member of a container that may itself be a member.
  func qualified(_ name: String, in container: String?) -> String {
    container.map { "\($0)!\(name)" } ?? name
  }
}
