import ScopeBytes
import ScopeFormats

extension PickleAnalysis {
  /// The result of a call event; records what is called.
  mutating func evaluate(_ id: PickleID, at offset: Int) -> AbstractValue {
    guard let call = run.call(id) else { return .data }
    currentCall = call
    defer { currentCall = nil }
    let route: String
    var constructsOnly = false
    switch call.kind {
    case .reduce: route = "REDUCE"
    case .object: route = "OBJ"
    case .instance: route = "INST"
    case .newObject:
      route = "NEWOBJ"
      constructsOnly = true
    case .newObjectWithKeywords:
      route = "NEWOBJ_EX"
      constructsOnly = true
    }
    let callee = value(call.callee)
    let arguments = arguments(call)
    if let path = callee.path, path == "torch.storage._load_from_bytes",
      let first = run.elements(call.arguments)?.first,
      case .bytes(let bytes) = run.value(first)
    {
      loadedBytes.append((bytes, offset))
    }
    let site = Site(
      route: route, chain: [], offset: offset, arguments: describe(call), constructsOnly: constructsOnly)
    return apply(callee, arguments, site, depth: 0)
  }

  /// Where and how a call happens.
  struct Site {
    var route: String
    var chain: [String]
    var offset: Int
    var arguments: String
    var constructsOnly = false

    func through(_ helper: String) -> Site {
      var copy = self
      copy.chain.append(helper)
      copy.constructsOnly = false
      return copy
    }
  }

  /// What calling `callee` would return; bounded recursion through helpers that call others.
  mutating func apply(_ callee: AbstractValue, _ arguments: [AbstractValue], _ site: Site, depth: Int)
    -> AbstractValue
  {
    guard depth < 12 else {
      computedCallees.append((site.offset, "calls nested through more than 12 helpers"))
      return .unresolved
    }
    switch callee {
    case .path(let path):
      if let result = gadget(path, arguments, site, depth: depth) { return result }
      record(path, site)
      reportPassedCallables(arguments, to: path, site)
      return .instance(path)
    case .partial(let inner, let bound):
      return apply(inner, bound + arguments, site.through("functools.partial"), depth: depth + 1)
    case .attributeGetter(let names):
      guard let names else { return walk(arguments.first, nil, "operator.attrgetter", site) }
      guard names.count == 1 else {
        return .sequence(names.map { walk(arguments.first, $0, "operator.attrgetter", site) })
      }
      return walk(arguments.first, names[0], "operator.attrgetter", site)
    case .methodCaller(let name, let bound):
      let method = walk(arguments.first, name, "operator.methodcaller", site)
      return apply(method, bound, site.through("operator.methodcaller"), depth: depth + 1)
    case .itemGetter(let key):
      return item(arguments.first, key.map(AbstractValue.text), "operator.itemgetter", site)
    case .instance(let path):
      // Calling an object runs its class's __call__.
      var inner = site.through("\(path)()")
      inner.constructsOnly = site.constructsOnly
      record(path, inner)
      reportPassedCallables(arguments, to: "\(path).__call__", site)
      return .instance(path)
    case .unresolved:
      computedCallees.append((site.offset, "\(site.route) calls what a computed name returns"))
      reportPassedCallables(arguments, to: "a computed callable", site)
      return .unresolved
    case .sequence(let items):
      // `("os", "system")` cannot be called; a one-element wrapper may still hide a callable.
      if let first = items.first, case .path = first {
        return apply(first, arguments, site, depth: depth + 1)
      }
      return .data
    case .text, .data: return .data
    case .computedText:
      computedCallees.append((site.offset, "\(site.route) calls a computed string"))
      return .unresolved
    }
  }

  mutating func record(_ path: String, _ site: Site) {
    // Bounds memory on files made of calls; everything beyond is the same again.
    guard uses.count < 20_000 else { return }
    let judgement = judge(path)
    if case .inert = judgement { return }
    uses.append(
      CallableUse(
        path: path, judgement: judgement, route: site.route, chain: site.chain, offset: site.offset,
        arguments: site.arguments, constructsOnly: site.constructsOnly))
  }

  /// A dangerous callable given to something that may call it counts as called; containers only keep it.
  private mutating func reportPassedCallables(_ arguments: [AbstractValue], to receiver: String, _ site: Site)
  {
    if case .inert = judge(receiver), !Self.callsItsArguments(receiver) { return }
    for path in Self.callables(in: arguments) where isDangerous(path) {
      var passed = site
      passed.route = "\(site.route), passed to \(receiver)"
      record(path, passed)
    }
  }

  private static func callables(in values: [AbstractValue], depth: Int = 0) -> [String] {
    guard depth < 4 else { return [] }
    return values.flatMap { value -> [String] in
      switch value {
      case .path(let path): [path]
      case .sequence(let items): callables(in: items, depth: depth + 1)
      case .partial(let inner, let bound): callables(in: [inner] + bound, depth: depth + 1)
      default: []
      }
    }
  }

  /// Inert callables that call what they are given.
  private static func callsItsArguments(_ path: String) -> Bool {
    let callers: Set<String> = [
      "builtins.map", "builtins.filter", "builtins.reduce", "builtins.sorted", "builtins.max", "builtins.min",
      "builtins.property", "builtins.iter", "collections.defaultdict", "functools.reduce",
      "functools.cmp_to_key",
      "functools.lru_cache", "functools.cache", "functools.singledispatch", "functools.cached_property",
      "functools.partialmethod", "functools.wraps", "functools.update_wrapper", "itertools.starmap",
      "itertools.accumulate", "itertools.takewhile", "itertools.dropwhile", "itertools.filterfalse",
      "itertools.groupby", "operator.call", "types.DynamicClassAttribute", "types.MethodType", "weakref.ref",
      "enum.property", "heapq.nlargest", "heapq.nsmallest", "heapq.merge", "bisect.bisect", "builtins.type",
      "types.new_class", "torch._tensor._rebuild_from_type", "torch._tensor._rebuild_from_type_v2",
      "enum._make_class_unpicklable", "json.loads", "logging._loggerClass", "abc.update_abstractmethods",
    ]
    return callers.contains(path) || path.hasPrefix("collections.") && path.hasSuffix(".map")
  }

  // MARK: BUILD

  /// Methods that pickle or Python itself calls on an object: a callable stored there is called.
  private static let hooks: Set<String> = [
    "__setstate__", "__reduce__", "__reduce_ex__", "__call__", "__del__", "__getattr__", "__getattribute__",
    "__hash__", "__eq__", "__setitem__", "__getitem__", "__new__", "__init__", "__init_subclass__",
    "__class__",
    "__class_getitem__", "__instancecheck__", "__iter__", "__next__", "__len__", "__repr__", "__str__",
    "__set_name__",
    "__enter__", "__exit__", "__contains__", "__bool__", "__missing__", "__get__", "__index__", "__buffer__",
    "append", "extend",
    "add", "update", "find_class", "persistent_load", "write", "flush",
  ]

  mutating func build(_ target: PickleID, _ state: PickleID, at offset: Int) {
    let site = Site(route: "BUILD", chain: [], offset: offset, arguments: "", constructsOnly: false)
    var entries: [PicklePair] = []
    switch run.value(state) {
    case .dict(let pairs): entries = pairs
    case .tuple(let items):
      for item in items.prefix(2) { if case .dict(let pairs) = run.value(item) { entries += pairs } }
    default: break
    }
    for entry in entries.prefix(10_000) {
      guard let name = run.text(entry.key), Self.hooks.contains(name) else { continue }
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
      if case .path(let path)? = values[target.index], isDangerous(path) {
        tamperings.append(
          Tampering(target: path, how: "BUILD sets its attributes", offset: offset, severity: .critical))
      }
    default: break
    }
  }

  /// `functools.partial.__setstate__` replaces the function.
  private mutating func rebuildPartial(
    _ call: PickleCall, _ target: PickleID, _ state: PickleID, at offset: Int
  ) {
    guard case .path("functools.partial") = value(call.callee), let items = run.elements(state),
      items.count >= 2
    else {
      return
    }
    var bound: [AbstractValue] = []
    if case .sequence(let values) = value(items[1]) { bound = values }
    let inner = value(items[0])
    values[target.index] = .partial(inner, bound)
    let site = Site(route: "BUILD", chain: [], offset: offset, arguments: "")
    wrap("functools.partial", inner, site)
  }

  /// SETITEM and APPEND on the result of a call: `getattr(sys, "modules")["os"] = ...`.
  mutating func checkFilledCalls() {
    for event in run.events {
      guard case .call(let id) = event.kind, let call = run.call(id),
        !call.pairs.isEmpty || !call.items.isEmpty,
        case .path(let path)? = values[id.index]
      else { continue }
      if path == "sys.modules" || path.hasSuffix(".__dict__") || isDangerous(path) {
        tamperings.append(
          Tampering(target: path, how: "items are written into it", offset: event.offset, severity: .critical)
        )
      }
    }
  }
}
