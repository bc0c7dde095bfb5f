import ScopeBytes

/// What joblib writes between the opcodes: the contents of arrays (joblib/numpy_pickle.py, `NumpyArrayWrapper`).
extension PickleMachine {
  /// Embedded pickles inside embedded pickles that are followed.
  private static let embeddingDepth = 4

  /// Steps over the array behind the BUILD of a `NumpyArrayWrapper`, as `joblib.load` does.
  ///
  /// - Throws: `truncated` when the array reaches beyond the end; `malformed` when an embedded pickle is.
  mutating func skipRawArray(of target: PickleID, state: PickleID) throws(ScopeError) {
    guard let call = run.call(target), isWrapper(call), case .dict(let entries) = run.value(state)
    else { return }
    let fields = Dictionary(
      entries.compactMap { entry in run.text(entry.key).map { ($0, entry.value) } },
      uniquingKeysWith: { _, last in last })
    guard let shape = fields["shape"], let type = fields["dtype"], let items = run.elements(shape) else {
      return
    }
    let start = reader.position
    guard let element = elementSize(type, depth: 0) else {
      try embed()
      return
    }
    var count = element
    for item in items {
      guard let size = run.integer(item), size >= 0 else {
        throw ScopeError(.malformed, "a joblib array has a negative or missing size")
      }
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow else { throw ScopeError(.malformed, "the sizes of a joblib array overflow 64 bits") }
      count = product
    }
    if let alignment = fields["numpy_array_alignment_bytes"], run.integer(alignment) != nil {
      let padding = Int(try reader.byte(what: "padding of a joblib array"))
      _ = try reader.slice(padding, what: "padding of a joblib array")
    }
    _ = try reader.slice(count, what: "joblib array")
    run.rawArrays.append(PickleRawArray(offset: start, count: reader.position - start))
  }

  /// Whether a call makes a wrapper: `NumpyArrayWrapper.__new__`, through `copyreg` in protocols 0 and 1.
  private func isWrapper(_ call: PickleCall) -> Bool {
    // scikit-learn before 0.23 carried joblib inside it.
    let wrappers = [
      "joblib.numpy_pickle.NumpyArrayWrapper", "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper",
    ]
    guard let name = run.calleeName(call) else { return false }
    if wrappers.contains(name) { return true }
    guard name == "copy_reg._reconstructor" || name == "copyreg._reconstructor",
      let first = run.elements(call.arguments)?.first, let made = run.global(first)
    else { return false }
    return wrappers.contains(made.qualifiedName)
  }

  /// Arrays of objects: a pickle of its own, read by a second unpickler from the same file.
  private mutating func embed() throws(ScopeError) {
    guard depth < Self.embeddingDepth, run.embedded.count < 10_000 else {
      throw tooMuch("pickles inside a pickle", Self.embeddingDepth)
    }
    let start = reader.position
    var remaining = limits
    remaining.opcodes = max(0, limits.opcodes - run.opcodeCount)
    remaining.objects = max(0, limits.objects - run.objects.count)
    let inner = PickleMachine.run(bytes, at: start, limits: remaining, depth: depth + 1)
    run.opcodeCount += inner.opcodeCount
    run.embedded.append(inner)
    if let problem = inner.problem { throw problem }
    _ = try reader.slice(inner.endOffset - start, what: "embedded pickle")
    run.rawArrays.append(PickleRawArray(offset: start, count: inner.endOffset - start))
  }

  /// Bytes of one element of a `numpy.dtype`, nil when it holds objects or cannot be told.
  private func elementSize(_ id: PickleID, depth: Int) -> Int? {
    guard depth < 8, let call = run.call(id), run.calleeName(call) == "numpy.dtype",
      let first = run.elements(call.arguments)?.first, let code = run.text(first)
    else { return nil }
    let letters = code.drop { "<>|=".contains($0) }
    guard let kind = letters.first else { return nil }
    // The state holds the size of structures and of text: (version, order, subtype, names, fields, size, ...).
    let state = call.states.last.flatMap { run.elements($0) } ?? []
    if kind == "O" || holdsObjects(state, depth: depth) { return nil }
    let size = Int(letters.dropFirst().prefix { $0.isNumber })
    switch kind {
    case "?": return 1
    case "U":
      guard let size, size < 1 << 40 else { return nil }
      return size * 4
    case "b", "i", "u", "f", "c", "S", "V", "m", "M", "B", "a":
      return size ?? (kind == "M" || kind == "m" ? 8 : 1)
    default: return nil
    }
  }

  /// Whether a field of a structure, at any depth, is an object.
  private func holdsObjects(_ state: [PickleID], depth: Int) -> Bool {
    guard state.count > 4, case .dict(let fields) = run.value(state[4]) else { return false }
    return fields.contains { field in
      guard let type = run.elements(field.value)?.first else { return true }
      return elementSize(type, depth: depth + 1) == nil
    }
  }
}
