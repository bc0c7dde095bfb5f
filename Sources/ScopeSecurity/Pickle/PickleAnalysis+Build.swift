import ScopeBytes
import ScopeFormats

/// What a pickle does to objects that exist already: BUILD, and items written into them.
extension PickleAnalysis {
  /// Methods that pickle or Python itself calls on an object: a callable stored there is called.
  private static let hooks: Set<String> = [
    "__setstate__", "__reduce__", "__reduce_ex__", "__call__", "__del__", "__getattr__", "__getattribute__",
    "__hash__", "__eq__", "__setitem__", "__getitem__", "__new__", "__init__", "__init_subclass__",
    "__class__", "__class_getitem__", "__instancecheck__", "__subclasscheck__", "__iter__", "__next__",
    "__len__", "__repr__", "__str__", "__set_name__", "__enter__", "__exit__", "__contains__", "__bool__",
    "__missing__", "__get__", "__set__", "__index__", "__buffer__", "__copy__", "__deepcopy__", "__prepare__",
    "__mro_entries__", "__setattr__", "__fspath__", "__format__", "__array__", "__torch_function__",
    "__array_ufunc__", "__array_finalize__", "__setstate_cython__", "__post_init__", "append", "extend",
    "add", "update", "find_class", "persistent_load", "write", "flush", "default_factory", "emit", "handle",
  ]

  /// Attributes that a model calls as soon as it is used; functions of the training script are ordinary there.
  private static let delayed: Set<String> = [
    "forward", "predict", "transform", "func", "inverse_func", "_forward_hooks", "_forward_pre_hooks",
    "_backward_hooks", "_load_state_dict_pre_hooks", "collate_fn", "worker_init_fn", "loader", "preprocessor",
    "tokenizer", "analyzer", "callback", "on_load_checkpoint",
  ]

  mutating func build(_ target: PickleID, _ state: PickleID, at offset: Int) {
    let site = Site(route: "BUILD", chain: [], offset: offset, arguments: "")
    let entries = stateEntries(state)
    for entry in entries.prefix(10_000) {
      guard let name = run.text(entry.key) else { continue }
      if Self.delayed.contains(name) {
        for path in Self.callables(in: [value(entry.value)]) where isDangerous(path) {
          var kept = site
          kept.route = "BUILD sets \(name)"
          record(path, kept)
        }
        continue
      }
      guard Self.hooks.contains(name) else { continue }
      let stored = value(entry.value)
      for path in Self.callables(in: [stored]) {
        var hooked = site
        hooked.route = "BUILD sets \(name)"
        if case .inert = judge(path) { continue }
        record(path, hooked)
      }
      if case .unresolved = stored {
        computedCallees.append((offset, "BUILD sets \(name) to a computed callable"))
      }
    }
    if case .call = run.value(state) {
      // `dict([("__setstate__", ...)])`: which names it sets is not followed.
      for path in Self.callables(in: [value(state)]) where isDangerous(path) {
        var passed = site
        passed.route = "BUILD, passed as a computed state"
        record(path, passed)
      }
    }
    switch run.value(target) {
    case .global(let global):
      let path = CallableCatalogue.canonical(Self.path(global))
      let dangerous = isDangerous(path) || entries.contains { !Self.callables(in: [value($0.value)]).isEmpty }
      tamperings.append(
        Tampering(
          target: path,
          how:
            "BUILD rewrites \(entries.prefix(3).compactMap { run.text($0.key) }.joined(separator: ", ")) of the class or module itself",
          offset: offset, severity: dangerous ? .critical : .medium))
    case .call(let call):
      rebuildPartial(call, target, state, at: offset)
      if case .path(let path)? = values[target.index] {
        tamperings.append(
          Tampering(
            target: path, how: "BUILD sets its attributes", offset: offset,
            severity: isDangerous(path) ? .critical : .medium))
      }
    default: break
    }
  }

  /// The names and values that a state sets: `{...}`, `(state, slots)`, or what was put into a computed mapping.
  private func stateEntries(_ state: PickleID) -> [PicklePair] {
    switch run.value(state) {
    case .dict(let pairs): return pairs
    case .tuple(let items):
      return items.prefix(2).flatMap { item -> [PicklePair] in
        if case .dict(let pairs) = run.value(item) { pairs } else { [] }
      }
    case .call(let call): return call.pairs
    default: return []
    }
  }

  /// `functools.partial.__setstate__((function, arguments, keywords, attributes))` replaces the function.
  private mutating func rebuildPartial(
    _ call: PickleCall, _ target: PickleID, _ state: PickleID, at offset: Int
  ) {
    guard case .path("functools.partial") = value(call.callee), let items = run.elements(state),
      items.count >= 2
    else {
      return
    }
    var bound: [AbstractValue] = []
    for item in items[1...].prefix(2) { if case .sequence(let values) = value(item) { bound += values } }
    let inner = value(items[0])
    values[target.index] = .partial(inner, bound)
    let site = Site(route: "BUILD", chain: [], offset: offset, arguments: "")
    wrap("functools.partial", inner, site)
    reportPassedCallables(bound, to: "functools.partial of \(inner.path ?? "a callable")", site)
  }

  /// APPEND, SETITEM or ADDITEMS on something that a name stands for: no pickler writes into imported objects.
  mutating func fill(_ target: PickleID, by opcode: PickleOpcode, at offset: Int) {
    guard case .path(let path) = value(target) else { return }
    noteWrite(into: path, "\(opcode) writes into it", at: offset)
  }

  /// An imported object is changed: `sys.path`, `os.environ`, a registry of another package.
  mutating func noteWrite(into path: String, _ how: String, at offset: Int) {
    guard tamperings.count < 1000 else { return }
    let isTable = path == "sys.modules" || path.hasSuffix("__dict__") || path.hasSuffix("__builtins__")
    tamperings.append(
      Tampering(
        target: path, how: how, offset: offset,
        severity: isTable || isDangerous(path) ? .critical : .medium))
  }

  /// SETITEM and APPEND on the result of a call: `getattr(sys, "modules")["os"] = ...`.
  mutating func checkFilledCalls() {
    for event in run.events {
      guard case .call(let id) = event.kind, let call = run.call(id),
        !call.pairs.isEmpty || !call.items.isEmpty, let known = values[id.index]
      else { continue }
      switch known {
      case .path(let path): noteWrite(into: path, "items are written into it", at: event.offset)
      case .unresolved:
        noteWrite(into: "a computed object", "items are written into it", at: event.offset)
      case .instance(let path):
        // `defaultdict(f)`, `deque` ... keep what they are given; an object of a dangerous class does not.
        if isDangerous(path) { noteWrite(into: path, "items are given to it", at: event.offset) }
      default: break
      }
    }
  }
}
