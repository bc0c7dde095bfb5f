/// An expression of the language that TorchScript serialises its programs in.
indirect enum ScriptExpression: Sendable {
  case name(String)
  /// A dotted global name: `torch.conv2d`, `ops.prim.dtype`, `__torch__.nets.Tiny`, `CONSTANTS.c0`.
  case path(String)
  case attribute(ScriptExpression, String)
  case call(ScriptExpression, [ScriptExpression], [ScriptKeyword])
  case index(ScriptExpression, ScriptExpression)
  case list([ScriptExpression])
  case tuple([ScriptExpression])
  case dictionary([ScriptPair])
  case conditional(ScriptExpression, condition: ScriptExpression, otherwise: ScriptExpression)
  case int(Int)
  case float(Double)
  case string(String)
  case bool(Bool)
  case none

  /// `a.b.c` when the expression is nothing but names and dots.
  var dottedName: String? {
    switch self {
    case .name(let name), .path(let name): name
    case .attribute(let base, let name): base.dottedName.map { "\($0).\(name)" }
    default: nil
    }
  }
}

/// `name=value` in a call.
struct ScriptKeyword: Sendable {
  var name: String
  var value: ScriptExpression
}

/// `key: value` in a dictionary.
struct ScriptPair: Sendable {
  var key: ScriptExpression
  var value: ScriptExpression
}

/// A statement with the line it begins on.
struct ScriptStatement: Sendable {
  indirect enum Kind: Sendable {
    case expression(ScriptExpression)
    case assign(ScriptTarget, ScriptExpression)
    /// `name : Type` without a value.
    case declare(String)
    case returning(ScriptExpression?)
    case conditional(ScriptExpression, then: [ScriptStatement], otherwise: [ScriptStatement])
    case whileLoop(ScriptExpression, [ScriptStatement])
    case forLoop(ScriptTarget, ScriptExpression, [ScriptStatement])
    case assertion(ScriptExpression)
    case pass
    case leaveLoop
    case nextRound
  }

  var line: Int
  var kind: Kind
}

/// What an assignment assigns to.
enum ScriptTarget: Sendable {
  /// A name, an attribute or an element.
  case single(ScriptExpression)
  /// `a, b, = ...`
  case unpack([ScriptExpression])
}

/// A function or method.
struct ScriptFunction: Sendable {
  struct Parameter: Sendable {
    var name: String
    /// As written: `Tensor`, `Optional[int]`.
    var isTensor: Bool
    var defaultValue: ScriptExpression?
  }

  var name: String
  var line: Int
  var parameters: [Parameter]
  var body: [ScriptStatement]
}

/// A class: a module, a `NamedTuple`, an `Enum`, or a plain TorchScript class.
struct ScriptClass: Sendable {
  var name: String
  var base: String
  /// Declared attributes in order; the value is there for constants (`Final`) and enumeration members.
  var fields: [(name: String, value: ScriptExpression?)] = []
  var parameterNames: [String] = []
  var bufferNames: [String] = []
  var methods: [String: ScriptFunction] = [:]
}

/// One file below `code/`.
struct ScriptFile: Sendable {
  /// `code/__torch__/torchvision/models/resnet.py`.
  var path: String
  var classes: [String: ScriptClass] = [:]
  var functions: [String: ScriptFunction] = [:]
}
