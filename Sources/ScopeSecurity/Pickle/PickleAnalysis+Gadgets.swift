import ScopeBytes
import ScopeFormats

/// Helpers that return or call something else: what they return is followed instead of reported.
extension PickleAnalysis {
  /// The result of calling a helper, or nil when `path` is not one.
  mutating func gadget(_ path: String, _ arguments: [AbstractValue], _ site: Site, depth: Int)
    -> AbstractValue?
  {
    if nonHelpers.contains(path) { return nil }
    switch path {
    case "builtins.getattr", "builtins.object.__getattribute__", "builtins.type.__getattribute__",
      "inspect.getattr_static", "builtins.str.__getattribute__", "types.ModuleType.__getattribute__",
      "pickle._getattribute", "xmlrpc.server.resolve_dotted_attribute":
      guard arguments.count >= 2 else { return .unresolved }
      if arguments.count == 3, arguments[2].path == "builtins.setattr", arguments[0].path == "dill",
        arguments[1].literal == "_setattr"
      {
        // How dill names `setattr` in every function with a closure.
        explained.insert("builtins.setattr")
        return arguments[2]
      }
      let found = walk(arguments[0], arguments[1].literal, path, site)
      if arguments.count > 2, Self.callables(in: [arguments[2]]).contains(where: { isDangerous($0) }) {
        // What is returned when there is no such attribute, which the file decides.
        wrap(path, arguments[2], site)
        return arguments[2]
      }
      return found
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
    case "builtins.type", "abc.ABCMeta", "enum.EnumMeta", "enum.EnumType", "typing.NamedTupleMeta":
      // One argument asks for a class, three make one.
      guard arguments.count >= 3 else { return nil }
      record("types.new_class", site.through(path))
      reportPassedCallables(arguments, to: path, site)
      return .instance(path)
    case "builtins.iter":
      // `iter(callable, sentinel)` calls until the sentinel comes.
      guard arguments.count >= 2, let callee = arguments.first else { return arguments.first ?? .data }
      return .sequence([apply(callee, [], site.through(path), depth: depth + 1)])
    case "operator.setitem", "operator.delitem", "operator.iadd", "operator.iconcat", "operator.ior",
      "builtins.dict.update", "builtins.dict.__setitem__", "builtins.dict.__delitem__", "builtins.dict.clear",
      "builtins.dict.popitem", "builtins.list.append", "builtins.list.extend", "builtins.list.insert",
      "builtins.list.__setitem__", "builtins.list.__iadd__", "builtins.list.clear", "builtins.list.remove",
      "builtins.set.add", "builtins.set.update", "collections.deque.append", "collections.deque.appendleft":
      reportPassedCallables(Array(arguments.dropFirst()), to: path, site)
      if case .path(let target)? = arguments.first {
        noteWrite(into: target, "\(path) writes into it", at: site.offset)
      }
      return arguments.first ?? .data
    case "builtins.setattr", "builtins.object.__setattr__", "builtins.type.__setattr__":
      guard namesOwnObject(arguments) else { return nil }
      explained.insert("builtins.setattr")
      return .data
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
      "builtins.dict.setdefault", "builtins.list.__getitem__", "builtins.list.pop",
      "builtins.tuple.__getitem__",
      "collections.deque.pop", "collections.deque.popleft", "random.choice", "collections.ChainMap.get":
      return item(arguments.first, arguments.dropFirst().first, path, site)
    case "sys.modules.get", "sys.modules.__getitem__", "sys.modules.pop", "sys.modules.setdefault":
      return item(.path("sys.modules"), arguments.first, path, site)
    case "builtins.vars":
      guard case .path(let target)? = arguments.first else { return nil }
      record(path, site)
      return .path("\(target).__dict__")
    case "builtins.map", "builtins.filter", "itertools.starmap", "itertools.filterfalse",
      "itertools.takewhile", "itertools.dropwhile", "concurrent.futures.Executor.map":
      return callOverElements(path, arguments, site, depth)
    case "functools.reduce", "itertools.accumulate", "builtins.reduce":
      return fold(path, arguments, site, depth)
    case "operator.call", "builtins.apply":
      guard let callee = arguments.first else { return .data }
      switch callee {
      case .data, .text: computedCallees.append((site.offset, "\(path) calls something that is not a name"))
      default: break
      }
      var passed = Array(arguments.dropFirst())
      if path == "builtins.apply", case .sequence(let items)? = passed.first { passed = items }
      return apply(callee, passed, site.through(path), depth: depth + 1)
    case "copyreg.__newobj__", "copyreg.__newobj_ex__", "copyreg._reconstructor":
      guard let callee = arguments.first else { return .data }
      var construction = site.through(path)
      construction.constructsOnly = true
      if path == "copyreg._reconstructor", arguments.count >= 2, case .path(let base) = arguments[1],
        base != "builtins.object"
      {
        // `base.__init__(object, state)` runs as well.
        record(base, site.through(path))
      }
      return apply(callee, Array(arguments.dropFirst()), construction, depth: depth + 1)
    case "torch._tensor._rebuild_from_type_v2", "torch._tensor._rebuild_from_type":
      guard arguments.count >= 3 else { return .data }
      var passed: [AbstractValue] = []
      if case .sequence(let items) = arguments[2] { passed = items }
      return apply(arguments[0], passed, site.through(path), depth: depth + 1)
    case "builtins.next", "builtins.list", "builtins.tuple", "builtins.reversed", "copy.copy",
      "copy.deepcopy", "collections.deque", "builtins.set", "builtins.frozenset", "builtins.sorted",
      "builtins.sum", "itertools.chain", "itertools.chain.from_iterable", "builtins.any", "builtins.all",
      "itertools.cycle", "itertools.islice", "builtins.enumerate", "builtins.max", "builtins.min",
      "operator.pos",
      "functools.cache", "functools.lru_cache", "functools.singledispatch", "builtins.staticmethod",
      "builtins.classmethod", "builtins.dict.values", "builtins.dict.copy", "builtins.dict.items",
      "builtins.list.copy", "heapq.heappop", "heapq.nlargest", "heapq.nsmallest", "heapq.merge",
      "functools.cached_property", "random.sample", "random.choices":
      // What they may call (a key function, a predicate) comes after what they go over.
      reportPassedCallables(Array(arguments.dropFirst()), to: path, site)
      if path == "builtins.next", case .sequence(let items)? = arguments.first { return pick(items) ?? .data }
      if path == "builtins.max" || path == "builtins.min", case .sequence(let items)? = arguments.first {
        return pick(items) ?? .data
      }
      return arguments.first ?? .data
    case "builtins.dict", "builtins.zip", "collections.OrderedDict", "collections.UserDict",
      "collections.UserList",
      "itertools.repeat", "builtins.list.__iter__":
      return arguments.isEmpty ? nil : .sequence(arguments)
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
      // Bytes are no name, unless a helper decodes them.
      return arguments[0].literal == nil ? .computedText : .data
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
      if !path.hasPrefix("cloudpickle."), !path.hasPrefix("dill.") { nonHelpers.insert(path) }
      return nil
    }
  }

  /// `setattr` as cloudpickle and dill use it: on the classes and cells that they built themselves.
  private func namesOwnObject(_ arguments: [AbstractValue]) -> Bool {
    guard arguments.count == 3, case .instance(let owner) = arguments[0],
      owner.hasPrefix("dill.") || owner.hasPrefix("cloudpickle."), let name = arguments[1].literal
    else { return false }
    if name == "cell_contents" { return owner.hasSuffix("_cell") }
    return ["__qualname__", "__module__", "__doc__", "__name__"].contains(name) && arguments[2].literal != nil
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
