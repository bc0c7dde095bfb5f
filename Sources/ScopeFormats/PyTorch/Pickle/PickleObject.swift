import ScopeBytes

/// Refers to a ``PickleObject`` of one ``PickleRun``. Sharing, cycles and duplication copy only this number.
public struct PickleID: Sendable, Hashable {
  public let index: Int32

  init(_ index: Int) { self.index = Int32(truncatingIfNeeded: index) }
}

/// The description of a value that a pickle would build; nothing is resolved, imported or called.
public struct PickleObject: Sendable {
  /// Position of the opcode that made the object, in the bytes given to the machine.
  public let offset: Int
  public internal(set) var value: PickleValue
}

/// What a pickle object is.
public enum PickleValue: Sendable {
  case none
  case bool(Bool)
  case int(Int64)
  /// An integer beyond 64 bits.
  case bigInt(PickleBigInteger)
  case float(Double)
  /// A `str`: its UTF-8 bytes (lone surrogates possible). Python 2 strings keep their bytes as they are.
  case string(ByteSlice)
  case bytes(ByteSlice)
  case bytearray(ByteSlice)
  case tuple([PickleID])
  case list([PickleID])
  /// Pairs in the order they were set; a repeated key appears again, the last one wins in Python.
  case dict([PicklePair])
  case set([PickleID])
  case frozenset([PickleID])
  /// A name that Python would import.
  case global(PickleGlobal)
  /// A value that Python would get by calling something.
  case call(PickleCall)
  /// A value that the application's `persistent_load` would supply; the id says which.
  case persistentID(PickleID)
  /// An out-of-band buffer of protocol 5.
  case buffer
}

public struct PicklePair: Sendable {
  public let key: PickleID
  public let value: PickleID
}

/// An integer that does not fit 64 bits, as the file spells it.
public enum PickleBigInteger: Sendable {
  /// Little-endian two's complement (LONG1, LONG4).
  case twosComplement(ByteSlice)
  /// Decimal (or prefixed) digits (INT, LONG).
  case text(ByteSlice)
}

/// A module attribute that a pickle names.
public struct PickleGlobal: Sendable, Hashable {
  /// The opcode family that named it.
  public enum Route: Sendable, Hashable {
    case global
    case stackGlobal
    case inst
    /// EXT1, EXT2, EXT4: an index into the reader's `copyreg` extension registry; module and name are unknown.
    case extensionCode(Int)
  }

  /// Empty when it is not a literal string (``isComputed``) or not in the file (extension codes).
  public let module: String
  /// May hold dots, which protocol 4 walks as attributes.
  public let name: String
  public let route: Route
  /// Whether STACK_GLOBAL took its module or name from something other than a string literal.
  public let isComputed: Bool

  /// `module.name`.
  public var qualifiedName: String {
    switch route {
    case .extensionCode(let code): "extension code \(code)"
    default: isComputed ? "a computed name (\(module).\(name))" : "\(module).\(name)"
    }
  }
}

/// A call that Python would make, with everything done to its result afterwards.
public struct PickleCall: Sendable {
  public enum Kind: String, Sendable, Hashable {
    /// REDUCE: `callee(*arguments)`.
    case reduce
    /// NEWOBJ: `callee.__new__(callee, *arguments)`.
    case newObject
    /// NEWOBJ_EX: the same with keyword arguments.
    case newObjectWithKeywords
    /// OBJ: the class lies on the stack.
    case object
    /// INST: the class is named by the opcode.
    case instance
  }

  public let kind: Kind
  /// Usually a ``PickleValue/global(_:)``, but any object can stand here.
  public let callee: PickleID
  /// A tuple in well-behaved files.
  public let arguments: PickleID
  /// The keyword arguments of NEWOBJ_EX.
  public let keywords: PickleID?
  /// What APPEND, APPENDS and ADDITEMS put into the result.
  public internal(set) var items: [PickleID] = []
  /// What SETITEM and SETITEMS put into the result.
  public internal(set) var pairs: [PicklePair] = []
  /// What BUILD applied to the result (`__setstate__`), in order.
  public internal(set) var states: [PickleID] = []
}
