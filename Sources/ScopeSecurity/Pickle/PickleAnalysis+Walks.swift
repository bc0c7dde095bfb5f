import ScopeBytes
import ScopeFormats

/// Attributes and items that are fetched by name, and modules that are.
extension PickleAnalysis {
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

  /// Modules of the standard library that stored functions refer to and that run no commands.
  private static let ordinaryImports: Set<String> = [
    "_thread", "threading", "sys", "warnings", "contextlib", "platform", "uuid", "gc", "signal", "io", "glob",
    "inspect", "types", "weakref", "torch", "numpy", "sklearn", "pandas", "scipy", "tempfile", "gzip",
    "logging", "functools", "collections", "multiprocessing", "concurrent",
  ]

  /// Namespaces: what is looked up there is an attribute of a module or class.
  private static let tables = [".__dict__", ".__builtins__", ".__globals__"]

  /// `mapping[key]`: the modules table and namespaces lead back to paths.
  mutating func item(
    _ target: AbstractValue?, _ key: AbstractValue?, _ helper: String, _ site: Site
  ) -> AbstractValue {
    guard case .path(let path)? = target else {
      if case .sequence(let items)? = target { return pick(items) ?? .data }
      if case .instance(let path)? = target, isDangerous(path) { return .unresolved }
      if case .instance("collections.defaultdict")? = target {
        // A key that is missing calls the factory.
        computedCallees.append((site.offset, "\(helper) looks a key up in a defaultdict"))
      }
      if case .unresolved? = target { return .unresolved }
      return .data
    }
    let isTable = path == "sys.modules" || Self.tables.contains { path.hasSuffix($0) }
    guard let name = key?.literal else {
      // `typing.List[int]` is a value; a module picked by a computed name is not.
      guard isTable || isDangerous(path) else { return .instance(path) }
      walks.append(
        AttributeWalk(
          helper: helper, target: path, attribute: "?", danger: .computedName, offset: site.offset))
      return .unresolved
    }
    if path == "sys.modules" { return .path(CallableCatalogue.canonical(name)) }
    for table in Self.tables where path.hasSuffix(table) {
      let owner = table == ".__dict__" ? String(path.dropLast(table.count)) : "builtins"
      return walk(.path(owner), name, helper, site)
    }
    return .path("\(path).\(name)")
  }

  /// `import_module("os")`, `resolve_name("os:system")`: the named object, and the act itself.
  mutating func resolve(_ path: String, _ arguments: [AbstractValue], _ site: Site) -> AbstractValue {
    guard let name = arguments.first?.literal else {
      record(path, site)
      if case .path(let module)? = arguments.first { return .path(module) }
      return .unresolved
    }
    let target = CallableCatalogue.canonical(name.split(separator: ":").joined(separator: "."))
    // Serialisers of functions import the modules that a function uses; harmless ones are no finding.
    let isSerialiser = path.hasPrefix("cloudpickle.") || path.hasPrefix("dill.")
    let isOrdinary = Self.ordinaryImports.contains(String(target.prefix { $0 != "." }))
    if !isSerialiser || !isOrdinary && (isDangerous(target) || isDangerous("\(target).x")) {
      record(path, site)
    }
    return .path(target)
  }
}
