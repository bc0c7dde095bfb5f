import ScopeBytes
import ScopeFormats

extension FileScan {
  /// Pickles inside one pickle that are scanned: every tensor of a module is one.
  private static var loadedBytesLimit: Int { 20_000 }

  /// Applies every pickle rule to one stream.
  mutating func apply(_ pickle: PickleAnalysis, depth: Int) {
    for rule in SecurityRules.pickle { add(rule.findings(in: pickle)) }
    if pickle.isExhausted {
      leaveOut(
        ScopeError(
          .limitExceeded, "the pickle's values are too entangled to follow",
          expected: "at most 5,000,000 nested containers and 500,000 calls by helpers"), member: pickle.member
      )
    }
    if pickle.loadedBytes.count > Self.loadedBytesLimit {
      leaveOut(
        ScopeError(
          .limitExceeded, "the pickle loads too many others",
          expected: "at most \(Self.loadedBytesLimit)", found: "\(pickle.loadedBytes.count)"),
        member: pickle.member)
    }
    for (bytes, offset) in pickle.loadedBytes.prefix(Self.loadedBytesLimit) {
      // torch.storage._load_from_bytes unpickles these: they count as part of the file.
      let inner = "\(pickle.member.map { "\($0)!" } ?? "")bytes at \(offset)"
      guard depth < limits.nesting else {
        leaveOut(
          ScopeError(
            .limitExceeded, "containers are nested too deeply", expected: "at most \(limits.nesting) levels"),
          member: inner)
        return
      }
      _ = scan(bytes, member: inner, depth: depth + 1)
    }
  }

  /// Scans a pickle file or member: its streams one after the other, legacy PyTorch checkpoints with their layout.
  ///
  /// - Returns: the format's name.
  mutating func scanPickle(
    _ bytes: ByteSlice, member: String?, depth: Int, role: PickleAnalysis.Role = .plain
  ) -> String {
    let first = PickleAnalysis(bytes, member: member, role: role)
    if LegacyCheckpoint.isMagic(first.run) || LegacyCheckpoint.claimsMagic(bytes, first.run) {
      scanLegacy(bytes, first, member: member, depth: depth)
      return "pytorch-legacy"
    }
    apply(first, depth: depth)
    let isJoblib = scanArrays(of: first, depth: depth)
    if let problem = first.run.problem {
      leaveOut(problem, member: member)
      return isJoblib ? "joblib" : "pickle"
    }
    scanRest(bytes, from: first.run.endOffset, member: member, depth: depth, role: role)
    return isJoblib ? "joblib" : "pickle"
  }

  /// What follows the first STOP.
  private mutating func scanRest(
    _ bytes: ByteSlice, from start: Int, member: String?, depth: Int, role: PickleAnalysis.Role
  ) {
    var position = start
    for _ in 0..<limits.streams {
      guard position < bytes.count else { return }
      let rest = bytes.dropFirst(position)
      if ZipArchive.looksLikeArchive(rest), (try? ZipArchive(bytes)) != nil {
        add(
          ARC007.finding(
            "a ZIP archive begins at byte \(position), after a pickle",
            place: FindingPlace(member: member, offset: position)))
        _ = scanZip(bytes, member: member, depth: depth)
        return
      }
      let next = PickleAnalysis(bytes, at: position, member: member, role: role)
      let isStream =
        next.run.problem == nil && next.run.opcodeCount > 1 || !next.imports.isEmpty && next.hasDangerousUse
      guard isStream else {
        let isFiller =
          rest.count <= 1 << 20 && rest.array.allSatisfy { $0 == 0 }
          || rest.count <= 64 && rest.array.allSatisfy { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
        add(PKL013.junk(at: position, count: rest.count, isFiller: isFiller, member: member))
        return
      }
      let isWhole = next.run.problem == nil
      add(
        PKL013.secondStream(
          at: position, calls: next.hasDangerousUse, isWhole: isWhole, member: member))
      apply(next, depth: depth)
      _ = scanArrays(of: next, depth: depth)
      guard next.run.problem == nil else { return }
      position = next.run.endOffset
    }
    unexamined.append("\(member ?? path): more than \(limits.streams) pickles one after the other")
  }

  /// Magic number, protocol, system information, object, storage keys; then raw tensor bytes, which are not read.
  private mutating func scanLegacy(_ bytes: ByteSlice, _ first: PickleAnalysis, member: String?, depth: Int) {
    var streams = [first]
    apply(first, depth: depth)
    while streams.count < 5, let last = streams.last, last.run.problem == nil {
      let next = PickleAnalysis(bytes, at: last.run.endOffset, member: member, role: .torch)
      apply(next, depth: depth)
      streams.append(next)
    }
    for (name, evidence, offset) in LegacyCheckpoint.problems(streams.map(\.run)) {
      add(PT002.forged("\(name): \(evidence)", offset: offset))
    }
    if let problem = streams.last?.run.problem {
      leaveOut(problem, member: member)
    } else if let missing = LegacyCheckpoint.missingBytes(streams.map(\.run), in: bytes) {
      leaveOut(
        ScopeError(.truncated, "the tensor data ends too early", expected: "\(missing) more bytes"),
        member: member)
    }
  }
}
