/// Short texts about pickle objects, for reports.
extension PickleRun {
  /// `3`, `"resnet20"`, `dict of 2`, `numpy.dtype(...)`; never longer than about 80 characters.
  public func summary(_ id: PickleID) -> String {
    switch value(id) {
    case .none: return "None"
    case .bool(let value): return value ? "True" : "False"
    case .int(let value): return "\(value)"
    case .bigInt: return "a large integer"
    case .float(let value): return "\(value)"
    case .string(let bytes):
      return bytes.count <= 60 ? "\"\(bytes.utf8String ?? "?")\"" : "text of \(bytes.count) bytes"
    case .bytes(let bytes): return "bytes of length \(bytes.count)"
    case .bytearray(let bytes): return "bytearray of length \(bytes.count)"
    case .tuple(let items): return "tuple of \(items.count)"
    case .list(let items): return "list of \(items.count)"
    case .dict(let pairs): return "dict of \(pairs.count)"
    case .set(let items): return "set of \(items.count)"
    case .frozenset(let items): return "frozenset of \(items.count)"
    case .global(let global): return String(global.qualifiedName.prefix(80))
    case .call(let call):
      let name = calleeName(call).map { String($0.prefix(80)) } ?? "a computed callable"
      return call.pairs.isEmpty ? "\(name)(...)" : "\(name) of \(call.pairs.count)"
    case .persistentID: return "a persistent object"
    case .buffer: return "an out-of-band buffer"
    }
  }

  /// The pairs of a dictionary or of a call that was filled like one (`OrderedDict`, `defaultdict` ...).
  func mapping(_ id: PickleID) -> [PicklePair]? {
    switch value(id) {
    case .dict(let pairs): return pairs
    case .call(let call):
      if !call.pairs.isEmpty { return call.pairs }
      guard ["collections.OrderedDict", "collections.defaultdict"].contains(calleeName(call)) else {
        return nil
      }
      // Python 2 and protocol 2 below 3.4 pass the items as an argument: OrderedDict([[key, value], ...]).
      guard let first = elements(call.arguments)?.first, let items = elements(first) else { return [] }
      return items.compactMap { item in
        guard let parts = elements(item), parts.count == 2 else { return nil }
        return PicklePair(key: parts[0], value: parts[1])
      }
    default: return nil
    }
  }

  /// The attributes that BUILD gave an object: the dictionary, or the first part of `(dictionary, slots)`.
  func attributes(_ id: PickleID) -> [PicklePair]? {
    guard case .call(let call) = value(id) else { return nil }
    var result: [PicklePair]?
    for state in call.states {
      if let pairs = mapping(state) {
        result = (result ?? []) + pairs
      } else if let parts = elements(state), parts.count == 2, let pairs = mapping(parts[0]) {
        result = (result ?? []) + pairs
      }
    }
    return result
  }

  /// Whether BUILD gave the object one of these attributes; looks only where module classes have them.
  func hasAttribute(_ id: PickleID, among names: Set<String>) -> Bool {
    guard case .call(let call) = value(id) else { return false }
    return call.states.prefix(4).contains { state in
      let dictionary = elements(state)?.first ?? state
      guard let pairs = mapping(dictionary) else { return false }
      return pairs.prefix(256).contains { shortText($0.key).map(names.contains) ?? false }
    }
  }

  /// The text of a key or name, unless it is too long to be one: the same string can be referred to millions of times.
  func shortText(_ id: PickleID) -> String? {
    if case .string(let bytes) = value(id), bytes.count <= 4096 { bytes.utf8String } else { nil }
  }

  /// The class of an object: the callee's name, also when it came as a legacy `('module', class, ...)` id.
  func className(_ call: PickleCall) -> String? {
    var id = call.callee
    if case .persistentID(let key) = value(id), let items = elements(key), items.count > 1 { id = items[1] }
    guard let global = global(id) else { return nil }
    // `copyreg._reconstructor(Class, object, None)` of protocols 0 and 1, `copyreg.__newobj__` of others.
    if global.module == "copyreg" || global.module == "copy_reg", let first = elements(call.arguments)?.first,
      let real = self.global(first)
    {
      return "\(real.module).\(real.name)"
    }
    return "\(global.module).\(global.name)"
  }
}
