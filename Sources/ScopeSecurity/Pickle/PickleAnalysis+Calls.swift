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
    if let path = callee.path { followLoadedBytes(path, call, at: offset) }
    var site = Site(route: route, chain: [], offset: offset, constructsOnly: constructsOnly)
    if let items = run.elements(call.arguments), items.count == 1, run.integer(items[0]) != nil {
      site.takesNumber = true
    }
    switch callee {
    case .data, .text, .sequence:
      // Python cannot call these; when a call made them, what it really returned was lost track of.
      switch run.value(call.callee) {
      case .call, .persistentID: computedCallees.append((offset, "\(route) calls what another call returned"))
      default: break
      }
    default: break
    }
    let result = apply(callee, arguments, site, depth: 0)
    if let path = callee.path, case .global = run.value(call.callee), nonHelpers.contains(path),
      case .inert = judge(path), !path.hasPrefix("sympy."), !Self.loaders.contains(path)
    {
      plainCallees[call.callee.index] = path
    }
    return result
  }

  /// Whether a call needs no following: a harmless class or function that was seen before, given numbers and text.
  /// Files of a million dates consist of such calls.
  func isPlain(_ id: PickleID) -> Bool {
    guard let call = run.call(id), plainCallees[call.callee.index] != nil, call.keywords == nil,
      case .tuple(let items) = run.value(call.arguments)
    else { return false }
    return items.allSatisfy { item in
      switch run.value(item) {
      case .none, .bool, .int, .float, .string, .bytes: true
      default: false
      }
    }
  }

  /// Where and how a call happens.
  struct Site {
    var route: String
    var chain: [String]
    var offset: Int
    /// Nil for those of the call being followed.
    var arguments: String?
    var constructsOnly = false
    var takesNumber = false

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
    if depth > 0 {
      helperCalls += 1
      guard !isExhausted else { return .unresolved }
    }
    guard depth < 12 else {
      computedCallees.append((site.offset, "calls nested through more than 12 helpers"))
      return .unresolved
    }
    switch callee {
    case .path(let path):
      if let result = gadget(path, arguments, site, depth: depth) { return result }
      record(path, site)
      reportPassedCallables(arguments, to: path, site)
      noteTextThatRuns(path, arguments, site)
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
      // Calling an object runs its class's __call__: pickling libraries never write that.
      var inner = site.through("\(path)()")
      inner.constructsOnly = site.constructsOnly
      if case .inert = judge(path) {
        record("\(path).__call__", inner, as: .unknown)
      } else {
        record(path, inner)
      }
      reportPassedCallables(arguments, to: "\(path).__call__", site)
      return .instance(path)
    case .unresolved:
      computedCallees.append((site.offset, "\(site.route) calls what a computed name returns"))
      reportPassedCallables(arguments, to: "a computed callable", site)
      return .unresolved
    case .sequence(let items):
      // A sequence cannot be called, but `next`, `pop` and the like are followed as if they returned all of it.
      guard let picked = pick(items) else { return .data }
      return apply(picked, arguments, site, depth: depth + 1)
    case .text, .data: return .data
    case .computedText:
      computedCallees.append((site.offset, "\(site.route) calls a computed string"))
      return .unresolved
    }
  }

  /// - Parameter known: the judgement, when it is not the catalogue's.
  mutating func record(_ path: String, _ site: Site, as known: Judgement? = nil) {
    var judgement = known ?? judge(path)
    if judgement == .unknown, known == nil, site.constructsOnly {
      judgement = CallableCatalogue.judgeConstruction(path)
    }
    if case .inert = judgement { return }
    // Bounds memory on files made of calls; the first call of every path is kept.
    guard uses.count < 20_000 || recordedPaths.count < 200_000 && !recordedPaths.contains(path) else {
      return
    }
    recordedPaths.insert(path)
    uses.append(
      CallableUse(
        path: path, judgement: judgement, route: site.route, chain: site.chain, offset: site.offset,
        arguments: site.arguments ?? currentCall.map(describe) ?? "", constructsOnly: site.constructsOnly,
        takesNumber: site.takesNumber))
  }

  /// A dangerous callable given to something that may call it counts as called; containers only keep it.
  mutating func reportPassedCallables(_ arguments: [AbstractValue], to receiver: String, _ site: Site) {
    if Self.keepers.contains(receiver) || Self.storesFunctions(receiver) { return }
    for path in Self.callables(in: arguments) where isDangerous(path) {
      var passed = site
      passed.route = "\(site.route), passed to \(receiver)"
      record(path, passed)
    }
  }

  /// What cloudpickle and dill give a function that they rebuild: its globals, closure and code are kept.
  private static func storesFunctions(_ receiver: String) -> Bool {
    guard receiver.hasPrefix("cloudpickle.") || receiver.hasPrefix("dill.") else { return false }
    return [
      "_function_setstate", "_make_function", "_make_cell", "_cell_set", "_create_function", "_create_cell",
    ]
    .contains { receiver.hasSuffix(".\($0)") }
  }

  /// The element of a sequence that matters most: a dangerous callable, else anything that can be called.
  mutating func pick(_ items: [AbstractValue]) -> AbstractValue? {
    var best: AbstractValue?
    for item in items {
      switch item {
      case .path(let path):
        if isDangerous(path) { return item }
        if best == nil { best = item }
      case .data, .text: continue
      case .sequence(let inner): if best == nil { best = pick(inner) }
      default: if best == nil { best = item }
      }
    }
    return best
  }

  static func callables(in values: [AbstractValue], depth: Int = 0) -> [String] {
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

  /// Callables that keep what they are given and call none of it.
  private static let keepers: Set<String> = [
    "builtins.list", "builtins.tuple", "builtins.set", "builtins.frozenset", "builtins.dict",
    "builtins.object", "builtins.slice", "builtins.isinstance", "builtins.issubclass", "builtins.callable",
    "builtins.id", "builtins.repr", "builtins.hash", "builtins.enumerate", "builtins.zip",
    "builtins.reversed",
    "collections.OrderedDict", "collections.deque", "collections.Counter", "collections.UserDict",
    "collections.UserList", "collections.ChainMap", "itertools.chain", "itertools.repeat", "itertools.cycle",
    "types.SimpleNamespace", "types.GenericAlias", "argparse.Namespace", "copyreg._reconstructor",
    "torch.nn.modules.container.Sequential", "numpy.dtype", "operator.itemgetter", "builtins.getattr",
  ]

  /// Constructors of computer algebra evaluate the text that they are given.
  private mutating func noteTextThatRuns(_ path: String, _ arguments: [AbstractValue], _ site: Site) {
    guard path.hasPrefix("sympy.") else { return }
    if arguments.contains(where: { $0.literal?.contains("(") == true }) {
      record("sympy.core.sympify.sympify", site.through(path))
    }
  }
}
