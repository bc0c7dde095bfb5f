import ScopeFormats

/// PKL004: Builds functions from byte code. types.CodeType, types.FunctionType or marshal are called. The
/// builders of cloudpickle and dill are reported as critical when what they build is called while loading,
/// otherwise as low.
enum PKL004: PickleRule {
  static let description = RuleDescription(
    id: "PKL004", severity: .critical, title: "Builds functions from byte code",
    detects: "types.CodeType, types.FunctionType or marshal are called. The builders of cloudpickle and "
      + "dill are reported as critical when what they build is called while loading, otherwise as "
      + "low.",
    why: "Byte code in a pickle is a program; calling it is running the attacker's program. Stored "
      + "functions run when the application uses the object.",
    example: "GLOBAL marshal loads; <bytes>; TUPLE1; REDUCE",
    mitigation: "Publish weights and settings instead of functions; do not load this file. Ask its publisher "
      + "for safetensors or ONNX, or load it with a reader that calls nothing "
      + "(torch.load(weights_only=True)).",
    references: ["CWE-502", "MITRE ATLAS AML.T0011.000", "CWE-94"])

  static func findings(in pickle: PickleAnalysis) -> [Finding] {
    // A function built by a serialiser of functions is code only when something calls it.
    let calls = pickle.uses.filter { use in
      if case .dangerous(.codeObject, _) = use.judgement { true } else { false }
    }
    var findings: [Finding] = []
    var builders: [CallableUse] = []
    for use in calls {
      if isBuilder(use.path) || (isCodeType(use.path) && calls.contains { isBuilder($0.path) }) {
        let isClass =
          use.constructsOnly
          && (use.path.hasSuffix("_make_skeleton_class") || use.path.hasSuffix("._create_type"))
        // An enumeration looks its member up by the value.
        let isKeptClass =
          (isClass || use.path.hasSuffix("_make_skeleton_enum")) && !definesHook(pickle.run)
        let isCalled =
          !isKeptClass && use.chain.contains { $0.hasSuffix("()") } || use.route.contains("passed to")
          || use.route.hasPrefix("BUILD sets")
        if !isCalled {
          builders.append(use)
          continue
        }
      }
      guard findings.count < 8 else { break }
      findings.append(
        finding(
          "\(use.path)(\(use.arguments)) is called by \(use.description)",
          title: "Builds or runs byte code with \(use.path)",
          place: pickle.place(use.offset, use.opcode)))
    }
    if let (name, offset) = tellingName(pickle.run) {
      findings.append(
        finding(
          "byte code that is kept refers to \(name)", title: "Holds byte code that runs commands",
          severity: .medium, place: pickle.place(offset)))
    }
    if let first = builders.first {
      findings.append(
        finding(
          "\(builders.count) calls of builders such as \(first.path); what they build is kept, not called while loading",
          title: "Holds Python functions as byte code", severity: .low,
          place: pickle.place(first.offset, first.opcode)))
    }
    if findings.isEmpty {
      for name in pickle.imports {
        guard case .dangerous(.codeObject, _) = name.judgement, findings.count < 8 else { continue }
        findings.append(
          finding(
            "\(name.path) is imported and kept", title: "Imports \(name.path) without calling it",
            severity: isBuilder(name.path) ? .low : .medium, place: pickle.place(name.offset, name.opcode)))
      }
    }
    return findings
  }

  /// Names that ordinary functions of models do not use.
  private static let tellingNames: Set<String> = [
    "system", "popen", "Popen", "check_output", "check_call", "getoutput", "getstatusoutput", "execv",
    "execve",
    "spawnl", "spawnv", "posix_spawn", "__import__", "urlopen", "urlretrieve", "create_connection", "CDLL",
    "__subclasses__", "__globals__", "fork_exec", "setprofile", "settrace",
  ]

  /// A telling name among the names that a code object uses (the tuples of text that CodeType is given).
  private static func tellingName(_ run: PickleRun) -> (String, Int)? {
    for event in run.events {
      guard case .call(let id) = event.kind, let call = run.call(id),
        let items = run.elements(call.arguments),
        items.count >= 12, items.count <= 24
      else { continue }
      for item in items {
        guard case .tuple(let names) = run.value(item), names.count <= 4096 else { continue }
        for name in names {
          if let text = run.text(name), tellingNames.contains(text) { return (text, event.offset) }
        }
      }
    }
    return nil
  }

  /// Methods that unpickling an instance calls on its class.
  private static let hooks: Set<String> = [
    "__new__", "__setstate__", "__del__", "__setattr__", "__setitem__", "__getattr__", "__getattribute__",
    "append", "extend", "_missing_", "__init_subclass__", "__set_name__", "__call__",
  ]

  /// Whether a class that the file itself defines has a method that runs while its instances are unpickled.
  private static func definesHook(_ run: PickleRun) -> Bool {
    for event in run.events {
      guard case .call(let id) = event.kind, let call = run.call(id), let name = run.calleeName(call) else {
        continue
      }
      if name.hasSuffix("._create_type") {
        // dill: `_create_type(type, name, bases, attributes)`.
        guard let items = run.elements(call.arguments) else { return true }
        for item in items {
          guard case .dict(let attributes) = run.value(item) else { continue }
          for attribute in attributes {
            guard let name = run.text(attribute.key) else { return true }
            if hooks.contains(name), !isInert(attribute.value, run) { return true }
          }
        }
        continue
      }
      guard name.hasSuffix("._class_setstate") else { continue }
      // `_class_setstate(class, (attributes, slots))`; anything else is not what cloudpickle writes.
      guard let items = run.elements(call.arguments), items.count >= 2, let states = run.elements(items[1]),
        let first = states.first,
        case .dict(let attributes) = run.value(first)
      else { return true }
      for attribute in attributes {
        guard let name = run.text(attribute.key) else { return true }
        if hooks.contains(name), !isInert(attribute.value, run) { return true }
      }
    }
    return false
  }

  /// Whether a value is a name that the catalogue knows as harmless (`enum.Enum.__new__`).
  private static func isInert(_ id: PickleID, _ run: PickleRun) -> Bool {
    guard let global = run.global(id), !global.isComputed else { return false }
    if case .inert = CallableCatalogue.judge(PickleAnalysis.path(global)) { return true }
    return false
  }

  /// Whether a use is one of cloudpickle's or dill's own steps, which stores a function without calling it.
  static func isKept(_ use: CallableUse) -> Bool {
    guard case .dangerous(.codeObject, _) = use.judgement, isBuilder(use.path) else { return false }
    return !use.chain.contains { $0.hasSuffix("()") } && !use.route.contains("passed to")
      && !use.route.hasPrefix("BUILD sets")
  }

  private static func isBuilder(_ path: String) -> Bool {
    // What they write begins with an underscore (`_create_function`); the rest of the packages loads and runs.
    (path.hasPrefix("cloudpickle.") || path.hasPrefix("dill.") || path.contains(".cloudpickle."))
      && path.split(separator: ".").last?.hasPrefix("_") == true
  }

  private static func isCodeType(_ path: String) -> Bool {
    path == "types.CodeType" || path == "types.FunctionType"
  }
}
