import ScopeBytes
import ScopeFormats

/// Helpers that return or call something else: what they return is followed instead of reported.
extension PickleAnalysis {
  /// The result of calling a helper, or nil when `path` is not one.
  mutating func gadget(_ path: String, _ arguments: [AbstractValue], _ site: Site, depth: Int)
    -> AbstractValue?
  {
    switch path {
    case "builtins.getattr", "builtins.object.__getattribute__", "builtins.type.__getattribute__",
      "inspect.getattr_static":
      guard arguments.count >= 2 else { return .unresolved }
      return walk(arguments[0], arguments[1].literal, path, site)
    case "operator.attrgetter":
      let names = arguments.map(\.literal)
      if names.contains(where: { $0 == nil }) {
        walks.append(
          AttributeWalk(helper: path, target: "", attribute: "?", danger: .computedName, offset: site.offset))
        return .attributeGetter(nil)
      }
      let known = names.compactMap { $0 }
      if let name = known.first(where: Self.escapes) {
        walks.append(
          AttributeWalk(
            helper: path, target: "", attribute: name,
            danger: .dangerous(.dangerous(.introspection, reason: "leads to the interpreter's internals")),
            offset: site.offset))
      }
      return .attributeGetter(known)
    case "operator.methodcaller": return .methodCaller(arguments.first?.literal, Array(arguments.dropFirst()))
    case "operator.itemgetter": return .itemGetter(arguments.first?.literal)
    case "functools.partial", "functools.partialmethod":
      guard let inner = arguments.first else { return .data }
      wrap(path, inner, site)
      return .partial(inner, Array(arguments.dropFirst()))
    case "types.MethodType":
      guard let inner = arguments.first else { return .data }
      wrap(path, inner, site)
      return .partial(inner, Array(arguments.dropFirst()))
    case "importlib.import_module", "builtins.__import__", "importlib.__import__", "imp.load_module",
      "importlib.reload", "pkgutil.resolve_name", "pydoc.locate", "pydoc.safeimport",
      "cloudpickle.cloudpickle.subimport",
      "cloudpickle.subimport", "dill._import_module", "pkgutil.find_loader", "importlib.util.find_spec":
      return resolve(path, arguments, site)
    case "numpy.core._ufunc_reconstruct", "numpy.core.multiarray._ufunc_reconstruct":
      guard arguments.count >= 2, let module = arguments[0].literal, let name = arguments[1].literal else {
        record("pkgutil.resolve_name", site.through(path))
        return .unresolved
      }
      let target = CallableCatalogue.canonical("\(module).\(name)")
      if isDangerous(target) { record("pkgutil.resolve_name", site.through(path)) }
      return .path(target)
    case "dill._get_attr":
      return walk(arguments.first, arguments.dropFirst().first?.literal, path, site)
    case "operator.getitem", "builtins.dict.get", "builtins.dict.__getitem__", "builtins.dict.pop",
      "sys.modules.get", "sys.modules.__getitem__", "builtins.dict.setdefault":
      if path.hasPrefix("sys.modules") { return item(.path("sys.modules"), arguments.first, path, site) }
      return item(arguments.first, arguments.dropFirst().first, path, site)
    case "builtins.vars":
      guard case .path(let target)? = arguments.first else { return nil }
      record(path, site)
      return .path("\(target).__dict__")
    case "builtins.map", "builtins.filter", "itertools.starmap", "itertools.filterfalse",
      "itertools.takewhile",
      "itertools.dropwhile":
      return callOverElements(path, arguments, site, depth)
    case "functools.reduce", "itertools.accumulate", "builtins.reduce":
      return fold(path, arguments, site, depth)
    case "operator.call", "builtins.apply":
      guard let callee = arguments.first else { return .data }
      var passed = Array(arguments.dropFirst())
      if path == "builtins.apply", case .sequence(let items)? = passed.first { passed = items }
      return apply(callee, passed, site.through(path), depth: depth + 1)
    case "copyreg.__newobj__", "copyreg.__newobj_ex__", "copyreg._reconstructor":
      guard let callee = arguments.first else { return .data }
      var construction = site.through(path)
      construction.constructsOnly = true
      return apply(callee, Array(arguments.dropFirst()), construction, depth: depth + 1)
    case "torch._tensor._rebuild_from_type_v2", "torch._tensor._rebuild_from_type":
      guard arguments.count >= 3 else { return .data }
      var passed: [AbstractValue] = []
      if case .sequence(let items) = arguments[2] { passed = items }
      return apply(arguments[0], passed, site.through(path), depth: depth + 1)
    case "builtins.next", "builtins.iter", "builtins.list", "builtins.tuple", "builtins.reversed",
      "copy.copy",
      "copy.deepcopy", "collections.deque", "builtins.set", "builtins.frozenset", "builtins.sorted",
      "builtins.sum",
      "itertools.chain", "builtins.any", "builtins.all", "itertools.cycle", "builtins.enumerate",
      "operator.pos",
      "functools.cache", "functools.lru_cache", "builtins.staticmethod", "builtins.classmethod":
      return arguments.first ?? .data
    case "builtins.str.join", "builtins.str.format", "builtins.str.replace", "builtins.str.lower",
      "builtins.str.upper",
      "operator.concat", "operator.add", "operator.mod", "operator.mul", "builtins.bytes.decode",
      "builtins.str", "builtins.chr", "builtins.str.strip",
      "_codecs.decode", "codecs.decode", "base64.b64decode", "binascii.unhexlify", "binascii.a2b_base64",
      "builtins.bytes.fromhex",
      "builtins.str.translate", "builtins.str.swapcase", "builtins.format", "builtins.bytes",
      "string.Template", "zlib.decompress",
      "base64.b32decode", "base64.b85decode", "builtins.bytearray", "builtins.str.title",
      "builtins.str.removeprefix":
      noteAllocation(path, arguments, site)
      return arguments.isEmpty ? .data : .computedText
    case "_codecs.encode", "codecs.encode":
      // How protocols 0 to 2 write bytes: text and `latin1`.
      guard arguments.count == 2, arguments[1].literal == "latin1" || arguments[1].literal == "latin-1" else {
        return .computedText
      }
      return .data
    case "builtins.range", "builtins.xrange", "numpy.zeros", "numpy.ones", "numpy.empty", "torch.zeros",
      "torch.ones",
      "torch.empty", "builtins.pow", "operator.pow", "math.factorial", "numpy.arange", "operator.lshift",
      "math.comb", "math.perm":
      noteAllocation(path, arguments, site)
      return .instance(path)
    default:
      if path.hasPrefix("cloudpickle."), let kind = arguments.first?.literal, path.hasSuffix("._builtin_type")
      {
        return .path("types.\(kind)")
      }
      if path == "dill._load_type", let kind = arguments.first?.literal { return .path("builtins.\(kind)") }
      return nil
    }
  }

  static func escapes(_ dotted: String) -> Bool {
    dotted.split(separator: ".").contains { CallableCatalogue.introspectionNames.contains(String($0)) }
  }

  /// An attribute of a value: a longer path.
  mutating func walk(_ target: AbstractValue?, _ name: String?, _ helper: String, _ site: Site)
    -> AbstractValue
  {
    let base: String
    switch target {
    case .path(let path)?, .instance(let path)?: base = path
    case .text?, .computedText?: base = "builtins.str"
    case .partial(let inner, _)?: base = inner.path ?? "functools.partial"
    case .data?, .sequence?: base = "builtins.object"
    default: base = "a computed object"
    }
    guard let name else {
      walks.append(
        AttributeWalk(
          helper: helper, target: base, attribute: "?", danger: .computedName, offset: site.offset))
      return .unresolved
    }
    let path = CallableCatalogue.canonical("\(base).\(name)")
    let judgement = judge(path)
    switch judgement {
    case .dangerous, .reexport:
      walks.append(
        AttributeWalk(
          helper: helper, target: base, attribute: name, danger: .dangerous(judgement), offset: site.offset))
    case .inert, .unknown: break
    }
    return .path(path)
  }

  /// `mapping[key]`: the modules table and namespaces lead back to paths.
  mutating func item(
    _ target: AbstractValue?, _ key: AbstractValue?, _ helper: String, _ site: Site
  ) -> AbstractValue {
    guard case .path(let path)? = target else {
      if case .sequence(let items)? = target {
        return items.first { if case .path = $0 { true } else { false } } ?? .data
      }
      if case .instance(let path)? = target, isDangerous(path) { return .unresolved }
      return .data
    }
    guard let name = key?.literal else {
      walks.append(
        AttributeWalk(
          helper: helper, target: path, attribute: "?", danger: .computedName, offset: site.offset))
      return .unresolved
    }
    if path == "sys.modules" { return .path(CallableCatalogue.canonical(name)) }
    for table in [".__dict__", ".__builtins__", ".__globals__"] where path.hasSuffix(table) {
      let owner = table == ".__dict__" ? String(path.dropLast(table.count)) : "builtins"
      return walk(.path(owner), name, helper, site)
    }
    return .path("\(path).\(name)")
  }

  /// `import_module("os")`, `resolve_name("os:system")`: the named object, and the act itself.
  private mutating func resolve(_ path: String, _ arguments: [AbstractValue], _ site: Site) -> AbstractValue {
    guard let name = arguments.first?.literal else {
      record(path, site)
      if case .path(let module)? = arguments.first { return .path(module) }
      return .unresolved
    }
    let target = CallableCatalogue.canonical(name.split(separator: ":").joined(separator: "."))
    // Serialisers of functions import the modules that a function uses; harmless ones are no finding.
    let isSerialiser = path.hasPrefix("cloudpickle.") || path.hasPrefix("dill.")
    if !isSerialiser || isDangerous(target) || isDangerous("\(target).x") { record(path, site) }
    return .path(target)
  }

  private mutating func callOverElements(
    _ path: String, _ arguments: [AbstractValue], _ site: Site, _ depth: Int
  ) -> AbstractValue {
    guard let callee = arguments.first else { return .data }
    var elements: [AbstractValue] = [.data]
    if arguments.count >= 2, case .sequence(let items) = arguments[1] { elements = items }
    var first: AbstractValue = .data
    for (index, element) in elements.prefix(8).enumerated() {
      var passed = [element]
      if path == "itertools.starmap" || arguments.count > 2 {
        if case .sequence(let items) = element { passed = items }
        for more in arguments.dropFirst(2) {
          if case .sequence(let items) = more, index < items.count { passed.append(items[index]) }
        }
      }
      let result = apply(callee, passed, site.through(path), depth: depth + 1)
      if index == 0 { first = result }
    }
    return path == "builtins.filter" ? arguments.dropFirst().first ?? .data : .sequence([first])
  }

  private mutating func fold(
    _ path: String, _ arguments: [AbstractValue], _ site: Site, _ depth: Int
  ) -> AbstractValue {
    var arguments = arguments
    if path == "itertools.accumulate", arguments.count >= 2 { arguments.swapAt(0, 1) }
    guard let callee = arguments.first else { return .data }
    var elements: [AbstractValue] = [.data, .data]
    if arguments.count >= 2, case .sequence(let items) = arguments[1] { elements = items }
    if arguments.count >= 3 { elements.insert(arguments[2], at: 0) }
    guard var result = elements.first else { return .data }
    for element in elements.dropFirst().prefix(8) {
      result = apply(callee, [result, element], site.through(path), depth: depth + 1)
    }
    return result
  }

  /// A wrapper around a dangerous callable waits to be called.
  mutating func wrap(_ helper: String, _ inner: AbstractValue, _ site: Site) {
    switch inner {
    case .path(let path) where isDangerous(path):
      dangerousWrappers.append((site.offset, "\(helper) around \(path)"))
    case .unresolved, .computedText:
      dangerousWrappers.append((site.offset, "\(helper) around a computed callable"))
    case .partial(let deeper, _): wrap(helper, deeper, site)
    default: break
    }
  }

  private mutating func noteAllocation(_ path: String, _ arguments: [AbstractValue], _ site: Site) {
    guard let target = currentCall else { return }
    let numbers = (run.elements(target.arguments) ?? []).flatMap { item -> [Int] in
      if let number = run.integer(item) { return [number] }
      if case .bigInt = run.value(item) { return [Int.max] }
      return (run.elements(item) ?? []).prefix(8).compactMap { run.integer($0) }
    }
    let isPower = path.hasSuffix("pow") || path.hasSuffix("shift") || path.hasPrefix("math.")
    let largest = numbers.map { $0 == .min ? .max : abs($0) }.max() ?? 0
    // A mebi-exponent makes numbers of megabytes; a buffer of 4 GiB exceeds what a checkpoint's bookkeeping needs.
    if largest > (isPower ? 1 << 20 : 1 << 32), path != "builtins.range" || largest > 1 << 40 {
      allocations.append((path, largest, site.offset))
    }
  }
}
