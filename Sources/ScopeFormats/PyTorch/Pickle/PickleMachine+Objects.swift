import ScopeBytes

/// Opcodes that fill containers, name globals, call and build.
extension PickleMachine {
  func pairs(_ items: [PickleID]) throws(ScopeError) -> [PicklePair] {
    guard items.count % 2 == 0 else { throw ScopeError(.malformed, "a dictionary has a key without a value") }
    return stride(from: 0, to: items.count, by: 2).map { PicklePair(key: items[$0], value: items[$0 + 1]) }
  }

  /// Changes the value of an object in place; the arena's copy is taken out first so that arrays do not get copied.
  private mutating func update(_ id: PickleID, _ change: (inout PickleValue) -> Bool) -> Bool {
    let index = Int(id.index)
    var value = run.objects[index].value
    run.objects[index].value = .none
    let known = change(&value)
    run.objects[index].value = value
    return known
  }

  /// APPEND, APPENDS, ADDITEMS.
  mutating func add(_ items: [PickleID], _ opcode: PickleOpcode) throws(ScopeError) {
    let target = try top()
    let known = update(target) { value in
      switch value {
      case .list(var list):
        value = .none
        list += items
        value = .list(list)
      case .set(var set):
        value = .none
        set += items
        value = .set(set)
      case .call(var call):
        value = .none
        call.items += items
        value = .call(call)
      case .bytearray: break
      default: return false
      }
      return true
    }
    if !known { run.events.append(note(.anomaly(.unexpectedTarget(opcode, target)))) }
  }

  /// SETITEM, SETITEMS.
  mutating func set(_ pairs: [PicklePair], _ opcode: PickleOpcode) throws(ScopeError) {
    let target = try top()
    let known = update(target) { value in
      switch value {
      case .dict(var dict):
        value = .none
        dict += pairs
        value = .dict(dict)
      case .call(var call):
        value = .none
        call.pairs += pairs
        value = .call(call)
      default: return false
      }
      return true
    }
    if !known { run.events.append(note(.anomaly(.unexpectedTarget(opcode, target)))) }
  }

  mutating func build() throws(ScopeError) {
    let state = try pop()
    let target = try top()
    run.events.append(note(.build(target: target, state: state)))
    let known = update(target) { value in
      guard case .call(var call) = value else { return false }
      value = .none
      call.states.append(state)
      value = .call(call)
      return true
    }
    if !known { run.events.append(note(.anomaly(.unexpectedTarget(.build, target)))) }
    if limits.followsRawArrays { try skipRawArray(of: target, state: state) }
  }

  mutating func pushGlobal(_ opcode: PickleOpcode) throws(ScopeError) {
    switch opcode {
    case .global: try push(try named(.global))
    case .stackGlobal:
      let name = try pop()
      let module = try pop()
      let texts = [module, name].map { id -> String? in
        guard case .string(let bytes) = run.value(id) else { return nil }
        return lossy(bytes)
      }
      let computed = texts.contains(nil)
      let id = try make(
        .global(
          PickleGlobal(
            module: texts[0] ?? "?", name: texts[1] ?? "?", route: .stackGlobal, isComputed: computed)))
      run.events.append(note(.global(id)))
      hasImported = true
      if computed { run.events.append(note(.anomaly(.computedGlobal(module: module, name: name)))) }
      try push(id)
    default:
      let code =
        switch opcode {
        case .ext1: Int(try reader.byte(what: "extension code"))
        case .ext2: Int(try reader.integer(UInt16.self, what: "extension code"))
        default: Int(try reader.integer(Int32.self, what: "extension code"))
        }
      let id = try make(
        .global(PickleGlobal(module: "", name: "", route: .extensionCode(code), isComputed: false)))
      run.events.append(note(.extensionCode(code, id)))
      run.events.append(note(.global(id)))
      try push(id)
    }
  }

  /// The two lines of GLOBAL and INST.
  private mutating func named(_ route: PickleGlobal.Route) throws(ScopeError) -> PickleID {
    let module = try reader.line(limit: reader.remaining, what: "module name")
    let name = try reader.line(limit: reader.remaining, what: "global name")
    let id = try make(
      .global(PickleGlobal(module: lossy(module), name: lossy(name), route: route, isComputed: false)))
    run.events.append(note(.global(id)))
    hasImported = true
    return id
  }

  /// Longest module or global name that is decoded; a memoised string can be named once per opcode.
  private static let nameLimit = 4096

  private func lossy(_ bytes: ByteSlice) -> String {
    if bytes.count > Self.nameLimit {
      return String(decoding: bytes.prefix(Self.nameLimit).array, as: UTF8.self) + "..."
    }
    return bytes.utf8String ?? String(decoding: bytes.array, as: UTF8.self)
  }

  mutating func pushCall(_ opcode: PickleOpcode) throws(ScopeError) {
    let kind: PickleCall.Kind
    let callee: PickleID
    let arguments: PickleID
    var keywords: PickleID?
    switch opcode {
    case .inst:
      kind = .instance
      arguments = try make(.tuple(try popToMark()))
      callee = try named(.inst)
    case .obj:
      kind = .object
      let items = try popToMark()
      guard let first = items.first else { throw ScopeError(.malformed, "OBJ has no class") }
      callee = first
      arguments = try make(.tuple(Array(items.dropFirst())))
    case .newObjEx:
      kind = .newObjectWithKeywords
      keywords = try pop()
      arguments = try pop()
      callee = try pop()
    default:
      kind = opcode == .reduce ? .reduce : .newObject
      arguments = try pop()
      callee = try pop()
    }
    let id = try make(.call(PickleCall(kind: kind, callee: callee, arguments: arguments, keywords: keywords)))
    run.events.append(note(.call(id)))
    switch run.value(callee) {
    case .global, .call, .persistentID: break
    default: run.events.append(note(.anomaly(.uncallable(callee))))
    }
    try push(id)
  }

  mutating func pushPersistent(_ id: PickleID) throws(ScopeError) {
    run.events.append(note(.persistentID(id)))
    try push(try make(.persistentID(id)))
  }
}
