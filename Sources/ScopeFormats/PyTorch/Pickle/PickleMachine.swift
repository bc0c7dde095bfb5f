import ScopeBytes

/// Follows a pickle opcode by opcode and writes down what Python would build, import and call, without doing it.
///
/// Protocols 0 to 5, all opcodes; semantics as CPython's C unpickler, on the permissive side: where readers
/// differ the machine goes on, because a scanner has to see what any of them would do. Values are numbers into
/// an arena, so duplication and cycles cost nothing and nothing is recursive. Every declared length is checked
/// against what is left before it is used.
public struct PickleMachine {
  let bytes: ByteSlice
  let limits: PickleLimits
  var reader: ByteReader
  var run: PickleRun
  var stack: [PickleID] = []
  /// Stack heights at the open MARKs.
  var marks: [Int] = []
  var memo = PickleMemo()
  /// Position of the opcode being executed.
  var here: Int
  private var frameEnd = 0
  /// The first defect that did not end the run.
  private var deferred: ScopeError?
  /// Whether GLOBAL, STACK_GLOBAL or INST was executed.
  var hasImported = false
  /// How many pickles this one lies in.
  let depth: Int

  private init(_ bytes: ByteSlice, at offset: Int, limits: PickleLimits, depth: Int) {
    self.depth = depth
    self.bytes = bytes
    self.limits = limits
    reader = ByteReader(bytes, at: offset)
    run = PickleRun(startOffset: offset)
    here = offset
  }

  /// Follows the pickle that begins at `offset` up to its STOP, a problem or a limit; never throws, never traps.
  public static func run(
    _ bytes: ByteSlice, at offset: Int = 0, limits: PickleLimits = PickleLimits()
  ) -> PickleRun {
    run(bytes, at: offset, limits: limits, depth: 0)
  }

  static func run(_ bytes: ByteSlice, at offset: Int, limits: PickleLimits, depth: Int) -> PickleRun {
    var machine = PickleMachine(bytes, at: max(0, offset), limits: limits, depth: depth)
    do throws(ScopeError) {
      while try machine.step() {}
    } catch {
      machine.run.problem = error.at("pickle opcode \(machine.run.opcodeCount) at byte \(machine.here)")
    }
    if machine.run.problem == nil { machine.run.problem = machine.deferred }
    return machine.run
  }

  /// Executes one opcode; false after STOP.
  private mutating func step() throws(ScopeError) -> Bool {
    here = reader.position
    guard !reader.isAtEnd else {
      throw ScopeError(
        .truncated, "the pickle ends before its STOP opcode", expected: "an opcode", found: "end of data")
    }
    run.opcodeCount += 1
    guard run.opcodeCount <= limits.opcodes else {
      throw ScopeError(
        .limitExceeded, "the pickle is too long to follow", expected: "at most \(limits.opcodes) opcodes")
    }
    let code = try reader.byte(what: "opcode")
    guard let opcode = PickleOpcode(rawValue: code) else {
      throw ScopeError(
        .malformed, "unknown pickle opcode", expected: "an opcode of protocols 0 to 5",
        found: "byte 0x\(String(code, radix: 16))")
    }
    if opcode == .stop {
      run.result = try pop()
      run.stopOffset = here
      run.endOffset = reader.position
      return false
    }
    try execute(opcode)
    run.endOffset = reader.position
    return true
  }

  private mutating func execute(_ opcode: PickleOpcode) throws(ScopeError) {
    switch opcode {
    case .mark:
      guard marks.count < limits.stackDepth else { throw tooMuch("open marks", limits.stackDepth) }
      marks.append(stack.count)
    case .pop: if stack.count > fence { stack.removeLast() } else { _ = try popToMark() }
    case .popMark: _ = try popToMark()
    case .dup: try push(try top())

    case .none, .newTrue, .newFalse, .int, .binInt, .binInt1, .binInt2, .long, .long1, .long4, .float,
      .binFloat,
      .string, .binString, .shortBinString, .unicode, .binUnicode, .shortBinUnicode, .binUnicode8, .binBytes,
      .shortBinBytes, .binBytes8, .byteArray8:
      try push(try make(try literal(opcode)))

    case .emptyTuple: try push(try make(.tuple([])))
    case .emptyList: try push(try make(.list([])))
    case .emptyDict: try push(try make(.dict([])))
    case .emptySet: try push(try make(.set([])))
    case .tuple: try push(try make(.tuple(try popToMark())))
    case .list: try push(try make(.list(try popToMark())))
    case .frozenSet: try push(try make(.frozenset(try popToMark())))
    case .dict: try push(try make(.dict(try pairs(try popToMark()))))
    case .tuple1: try pushTuple(1)
    case .tuple2: try pushTuple(2)
    case .tuple3: try pushTuple(3)

    case .append:
      let item = try pop()
      try add([item], opcode)
    case .appends, .addItems: try add(try popToMark(), opcode)
    case .setItem:
      let value = try pop()
      let key = try pop()
      try set([PicklePair(key: key, value: value)], opcode)
    case .setItems: try set(try pairs(try popToMark()), opcode)

    case .put: try memoize(at: try memoIndex(opcode))
    case .binPut: try memoize(at: Int(try reader.byte(what: "memo index")))
    case .longBinPut: try memoize(at: Int(try reader.integer(UInt32.self, what: "memo index")))
    case .memoize: try memoize(at: memo.count)
    case .get: try recall(try memoIndex(opcode))
    case .binGet: try recall(Int(try reader.byte(what: "memo index")))
    case .longBinGet: try recall(Int(try reader.integer(UInt32.self, what: "memo index")))

    case .global, .stackGlobal, .ext1, .ext2, .ext4: try pushGlobal(opcode)
    case .reduce, .newObj, .newObjEx, .obj, .inst: try pushCall(opcode)
    case .build: try build()
    case .persID:
      let line = try reader.line(limit: reader.remaining, what: "persistent id")
      try pushPersistent(try make(.string(line)))
    case .binPersID: try pushPersistent(try pop())
    case .nextBuffer: try push(try make(.buffer))
    case .readOnlyBuffer: _ = try top()
    case .proto: try declareProtocol()
    case .frame: try openFrame()
    case .stop: break
    }
  }

  /// Notes a defect over which Python's readers stop, and goes on: what comes behind it may be reached by another
  /// reader or version. Text that merely looks like opcodes must not be followed on and on, so this needs a sign that
  /// it is a pickle.
  ///
  /// - Throws: `problem` when there is no such sign.
  mutating func goOn(after problem: ScopeError) throws(ScopeError) {
    guard run.protocolVersion != nil || hasImported else { throw problem }
    if deferred == nil { deferred = problem.at("pickle opcode \(run.opcodeCount) at byte \(here)") }
  }

  // MARK: Stack and arena

  /// Nothing below this height can be popped: it lies before the last open MARK.
  var fence: Int { marks.last ?? 0 }

  func tooMuch(_ what: String, _ limit: Int) -> ScopeError {
    ScopeError(.limitExceeded, "the pickle needs too many \(what)", expected: "at most \(limit)")
  }

  mutating func make(_ value: PickleValue) throws(ScopeError) -> PickleID {
    guard run.objects.count < limits.objects else { throw tooMuch("objects", limits.objects) }
    run.objects.append(PickleObject(offset: here, value: value))
    return PickleID(run.objects.count - 1)
  }

  mutating func push(_ id: PickleID) throws(ScopeError) {
    guard stack.count < limits.stackDepth else { throw tooMuch("stack entries", limits.stackDepth) }
    stack.append(id)
  }

  func top() throws(ScopeError) -> PickleID {
    guard stack.count > fence, let id = stack.last else {
      throw ScopeError(.malformed, "the pickle's stack is empty")
    }
    return id
  }

  mutating func pop() throws(ScopeError) -> PickleID {
    let id = try top()
    stack.removeLast()
    return id
  }

  mutating func popToMark() throws(ScopeError) -> [PickleID] {
    guard let start = marks.popLast() else {
      throw ScopeError(.malformed, "an opcode needs a MARK that is not there")
    }
    let items = Array(stack[start...])
    stack.removeSubrange(start...)
    return items
  }

  private mutating func pushTuple(_ count: Int) throws(ScopeError) {
    guard stack.count - fence >= count else { throw ScopeError(.malformed, "the pickle's stack is empty") }
    let items = Array(stack.suffix(count))
    stack.removeLast(count)
    try push(try make(.tuple(items)))
  }

  func note(_ kind: PickleEvent.Kind) -> PickleEvent { PickleEvent(offset: here, kind: kind) }

  // MARK: Memo

  private mutating func memoIndex(_ opcode: PickleOpcode) throws(ScopeError) -> Int {
    let line = try reader.line(limit: 4096, what: "memo index")
    var lenient = false
    guard case .small(let index) = PickleText.number(line, lenient: &lenient), index >= 0 else {
      throw ScopeError(.malformed, "the memo index is not a number", found: line.utf8String)
    }
    if lenient { run.events.append(note(.anomaly(.oddText(opcode)))) }
    return Int(index)
  }

  private mutating func memoize(at index: Int) throws(ScopeError) {
    let id = try top()
    if let old = memo[index] {
      if old != id { run.events.append(note(.anomaly(.memoOverwritten(index)))) }
    } else {
      guard memo.count < limits.memoEntries else { throw tooMuch("memo entries", limits.memoEntries) }
      if index > memo.count + 65536 { run.events.append(note(.anomaly(.hugeMemoIndex(index)))) }
    }
    memo.set(index, id)
  }

  private mutating func recall(_ index: Int) throws(ScopeError) {
    if let id = memo[index] {
      try push(id)
    } else {
      try goOn(
        after: ScopeError(
          .malformed, "the pickle reads a memo entry that was never written", found: "index \(index)"))
      try push(try make(.none))
    }
  }

  // MARK: Framing

  private mutating func declareProtocol() throws(ScopeError) {
    let version = Int(try reader.byte(what: "protocol"))
    if run.protocolVersion != nil {
      run.events.append(note(.anomaly(.duplicateProtocol)))
    } else if here != run.startOffset {
      run.events.append(note(.anomaly(.misplacedProtocol)))
    }
    if version > 5 { run.events.append(note(.anomaly(.unknownProtocol(version)))) }
    if run.protocolVersion == nil { run.protocolVersion = version }
  }

  private mutating func openFrame() throws(ScopeError) {
    let length = try reader.integer(UInt64.self, what: "frame length")
    if here < frameEnd { run.events.append(note(.anomaly(.misplacedFrame))) }
    if length > UInt64(reader.remaining) {
      run.events.append(note(.anomaly(.frameBeyondEnd(declared: length))))
    } else {
      frameEnd = reader.position + Int(length)
    }
  }
}
