import ScopeBytes

/// Bounds on what one pickle may make the machine do. Work and memory grow linearly with the opcodes executed.
public struct PickleLimits: Sendable {
  public var opcodes: Int
  /// Objects in the arena (about 50 bytes each).
  public var objects: Int
  public var memoEntries: Int
  public var stackDepth: Int
  /// Whether the machine steps over what joblib writes behind a `NumpyArrayWrapper`, as `joblib.load` does;
  /// `pickle.load` takes those bytes for opcodes.
  public var followsRawArrays: Bool

  public init(
    opcodes: Int = 25_000_000, objects: Int = 6_000_000, memoEntries: Int = 6_000_000,
    stackDepth: Int = 6_000_000, followsRawArrays: Bool = true
  ) {
    self.followsRawArrays = followsRawArrays
    self.opcodes = opcodes
    self.objects = min(objects, Int(Int32.max))
    self.memoEntries = memoEntries
    self.stackDepth = stackDepth
  }
}

/// The numbers of one array, written by joblib directly behind the BUILD of its `NumpyArrayWrapper`.
public struct PickleRawArray: Sendable {
  /// Position of the first byte after the wrapper, padding included.
  public let offset: Int
  /// Bytes up to the next opcode.
  public let count: Int
}

/// Something that happened while a pickle ran, for the security scanner.
public struct PickleEvent: Sendable {
  public enum Kind: Sendable {
    /// A name was imported; the object is a ``PickleValue/global(_:)``.
    case global(PickleID)
    /// Something was called; the object is a ``PickleValue/call(_:)``.
    case call(PickleID)
    /// BUILD applied a state to an object of any kind (on a class it rewrites the class).
    case build(target: PickleID, state: PickleID)
    /// The application's `persistent_load` was asked for a value; the object is the id.
    case persistentID(PickleID)
    /// EXT1, EXT2, EXT4: also reported as ``global(_:)``.
    case extensionCode(Int, PickleID)
    case anomaly(PickleAnomaly)
  }

  /// Position of the opcode in the bytes given to the machine.
  public let offset: Int
  public let kind: Kind
}

/// Something that writers of pickles do not produce, although readers may accept it.
public enum PickleAnomaly: Sendable, Hashable {
  /// PROTO anywhere but first.
  case misplacedProtocol
  case duplicateProtocol
  /// PROTO above 5.
  case unknownProtocol(Int)
  /// FRAME before the current frame has ended.
  case misplacedFrame
  /// FRAME longer than what is left.
  case frameBeyondEnd(declared: UInt64)
  /// A memo slot got a second, different value.
  case memoOverwritten(Int)
  /// A memo index far beyond the number of entries; CPython allocates for it.
  case hugeMemoIndex(Int)
  /// STACK_GLOBAL with a module or name that is not a string literal.
  case computedGlobal(module: PickleID, name: PickleID)
  /// APPEND, SETITEM, ADDITEMS or BUILD on something that is neither a container nor a call's result: a global,
  /// a number ...
  case unexpectedTarget(PickleOpcode, PickleID)
  /// REDUCE, NEWOBJ or OBJ on something that cannot be called as a class or function (a number, a string ...).
  case uncallable(PickleID)
  /// A text opcode (INT, GET ...) whose text only lenient readers accept.
  case oddText(PickleOpcode)
}

/// What a pickle would build, as far as it could be followed.
public struct PickleRun: Sendable {
  /// The arena; see ``subscript(_:)``.
  public internal(set) var objects: [PickleObject] = []
  public internal(set) var events: [PickleEvent] = []
  /// What STOP returned; nil when it was not reached.
  public internal(set) var result: PickleID?
  /// From PROTO; nil without one (protocols 0 and 1 have none).
  public internal(set) var protocolVersion: Int?
  public let startOffset: Int
  /// Position of the STOP opcode; nil when it was not reached.
  public internal(set) var stopOffset: Int?
  /// Position after the last opcode that was executed completely.
  public internal(set) var endOffset: Int
  public internal(set) var opcodeCount = 0
  /// Why the run ended before STOP, or the first defect over which Python stops and the machine went on.
  /// Everything before that point is kept: Python, too, would have done it.
  public internal(set) var problem: ScopeError?
  /// The array contents that joblib writes between the opcodes, in the order of the file.
  public internal(set) var rawArrays: [PickleRawArray] = []
  /// Pickles that joblib writes between the opcodes for arrays of objects.
  public internal(set) var embedded: [PickleRun] = []

  init(startOffset: Int) {
    self.startOffset = startOffset
    endOffset = startOffset
  }

  public subscript(id: PickleID) -> PickleObject { objects[Int(id.index)] }

  public func value(_ id: PickleID) -> PickleValue { objects[Int(id.index)].value }

  /// The text of a `str`, or nil when the object is something else or not valid UTF-8.
  public func text(_ id: PickleID) -> String? {
    if case .string(let bytes) = value(id) { bytes.utf8String } else { nil }
  }

  /// The value of an `int` or `bool` of at most 64 bits.
  public func integer(_ id: PickleID) -> Int? {
    switch value(id) {
    case .int(let value): Int(value)
    case .bool(let value): value ? 1 : 0
    default: nil
    }
  }

  /// The elements of a tuple or list.
  public func elements(_ id: PickleID) -> [PickleID]? {
    switch value(id) {
    case .tuple(let items), .list(let items): items
    default: nil
    }
  }

  public func global(_ id: PickleID) -> PickleGlobal? {
    if case .global(let global) = value(id) { global } else { nil }
  }

  public func call(_ id: PickleID) -> PickleCall? {
    if case .call(let call) = value(id) { call } else { nil }
  }

  /// The global that a call calls, if it is one.
  public func calleeName(_ call: PickleCall) -> String? {
    global(call.callee).map { "\($0.module).\($0.name)" }
  }
}
