import ScopeFormats

/// What is known about a value that a pickle computes, without computing it.
indirect enum AbstractValue: Sendable {
  /// Numbers, containers, bytes: nothing to call.
  case data
  /// A string literal.
  case text(String)
  /// A string that a call puts together.
  case computedText
  /// A module, class or function: its dotted path.
  case path(String)
  /// The result of calling a path.
  case instance(String)
  /// `functools.partial`.
  case partial(AbstractValue, [AbstractValue])
  /// `operator.attrgetter`; nil for names that are not literal.
  case attributeGetter([String]?)
  /// `operator.methodcaller`.
  case methodCaller(String?, [AbstractValue])
  /// `operator.itemgetter`.
  case itemGetter(String?)
  /// A list or tuple, its first elements.
  case sequence([AbstractValue])
  /// Something that a walk with a name that is not literal returns.
  case unresolved

  var literal: String? { if case .text(let text) = self { text } else { nil } }

  /// The path of a module, class or function.
  var path: String? { if case .path(let path) = self { path } else { nil } }
}

/// A callable that the pickle calls, however it came by it.
struct CallableUse: Sendable {
  /// Canonical dotted path.
  var path: String
  var judgement: Judgement
  /// `REDUCE`, `BUILD sets __setstate__`, `map` ...
  var route: String
  /// The helpers it was reached through, outermost first: `getattr`, `importlib.import_module`.
  var chain: [String]
  var offset: Int
  /// The arguments, abbreviated.
  var arguments: String
  /// Whether only `__new__` runs, without `__init__`.
  var constructsOnly: Bool
  /// Whether one small number is all that is passed, as in the value of an enumeration.
  var takesNumber = false
}

/// An attribute fetched by `getattr`, `attrgetter`, `methodcaller` or a dotted name.
struct AttributeWalk: Sendable {
  enum Danger: Sendable {
    case computedName
    case dangerous(Judgement)
  }
  var helper: String
  var target: String
  var attribute: String
  var danger: Danger
  var offset: Int
}

/// A change to the interpreter: BUILD or SETITEM on a class, a module or `sys.modules`.
struct Tampering: Sendable {
  var target: String
  var how: String
  var offset: Int
  var severity: Severity
}

/// A name that the pickle imports.
struct ImportedName: Sendable {
  var path: String
  var judgement: Judgement
  var opcode: String
  var offset: Int
  /// How dotted the name is: attributes walked by STACK_GLOBAL.
  var isDotted: Bool
}
