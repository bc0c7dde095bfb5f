/// A value of a TorchScript program while it is followed.
indirect enum ScriptValue {
  case tensor(AtenTensor)
  /// An input of the program whose type and rank have not been asked for yet.
  case input(Int)
  case int(Int)
  /// An integer known at run time only: the int64 scalar of the graph that holds it.
  case symbolic(AtenTensor)
  case float(Double)
  case bool(Bool)
  case string(String)
  case none
  /// A number, truth value or text that is known at run time only; the text says what it depends on.
  case undecided(String)
  case list(ScriptList)
  case tuple([ScriptValue])
  case record(ScriptRecord)
  case dictionary(ScriptDictionary)
  case object(ScriptObject)
  case enumeration(ScriptEnumeration)
  /// A free function by its qualified name.
  case function(String)
  /// A device, layout or memory format.
  case ignored(String)
  case uninitialized

  /// What the value is, for messages.
  var kind: String {
    switch self {
    case .tensor: "a tensor"
    case .input: "an input"
    case .int(let value): "the integer \(value)"
    case .symbolic: "an integer known at run time"
    case .float(let value): "the number \(value)"
    case .bool(let value): "\(value ? "True" : "False")"
    case .string(let text): "the text \"\(text.prefix(60))\""
    case .none: "None"
    case .undecided(let reason): "a value that depends on \(reason)"
    case .list(let list): "a list of \(list.items.count)"
    case .tuple(let items): "a tuple of \(items.count)"
    case .record(let record): record.className
    case .dictionary(let dictionary): "a dictionary of \(dictionary.pairs.count)"
    case .object(let object): object.className
    case .enumeration(let member): "\(member.className).\(member.name)"
    case .function(let name): "the function \(name)"
    case .ignored(let what): what
    case .uninitialized: "an uninitialised value"
    }
  }
}

/// A list; assignments share it, as in Python.
final class ScriptList {
  var items: [ScriptValue]
  init(_ items: [ScriptValue]) { self.items = items }
}

/// A dictionary in insertion order; keys are few.
final class ScriptDictionary {
  var pairs: [(key: ScriptValue, value: ScriptValue)]
  init(_ pairs: [(key: ScriptValue, value: ScriptValue)]) { self.pairs = pairs }
}

/// A `NamedTuple`.
struct ScriptRecord {
  var className: String
  var fields: [String]
  var values: [ScriptValue]
}

/// A member of an `Enum`.
struct ScriptEnumeration {
  var className: String
  var name: String
  var value: ScriptValue
}

/// A module or another object of the program.
final class ScriptObject {
  /// Qualified: `__torch__.torchvision.models.resnet.ResNet`.
  let className: String
  /// Path from the root module: `layer1.0.conv1`; empty for the root.
  let path: String
  /// What the archive holds for its attributes; empty for objects that the program makes.
  let stored: [String: PickleID]
  /// Attributes that have been read or assigned.
  var attributes: [String: ScriptValue] = [:]

  init(className: String, path: String, stored: [String: PickleID]) {
    self.className = className
    self.path = path
    self.stored = stored
  }

  func member(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
}
