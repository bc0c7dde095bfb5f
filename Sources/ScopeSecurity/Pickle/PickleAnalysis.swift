import ScopeBytes
import ScopeFormats

/// What one pickle stream would do: which names it imports, what it calls and by which route.
///
/// Follows values through calls (`getattr`, `import_module`, `partial`, `map` ...) by describing their results;
/// nothing is imported or called. Rules read the records.
struct PickleAnalysis: Sendable {
  /// Where the stream stands, which decides what is ordinary there.
  enum Role: Sendable, Hashable {
    case plain
    /// Written by `torch.save`: tensors come through persistent ids.
    case torch
    /// Bytes inside another pickle.
    case nested
  }

  let run: PickleRun
  let bytes: ByteSlice
  let member: String?
  let role: Role

  /// Every name imported, once per path.
  private(set) var imports: [ImportedName] = []
  var uses: [CallableUse] = []
  var walks: [AttributeWalk] = []
  var tamperings: [Tampering] = []
  /// STACK_GLOBAL names that a call put together, and callees that are not names.
  var computedCallees: [(offset: Int, detail: String)] = []
  /// Partials, getters and callers around dangerous targets.
  var dangerousWrappers: [(offset: Int, detail: String)] = []
  /// Calls that ask for memory: path, amount, byte.
  var allocations: [(path: String, count: Int, offset: Int)] = []
  /// Byte strings handed to `torch.storage._load_from_bytes`, which loads them.
  var loadedBytes: [(bytes: ByteSlice, offset: Int)] = []

  /// The call being followed.
  var currentCall: PickleCall?
  var values: [Int32: AbstractValue] = [:]
  private var judged: [String: Judgement] = [:]
  /// Paths that ``gadget(_:_:_:depth:)`` does not know.
  var nonHelpers: Set<String> = []
  /// Harmless callees that are no helpers, by their object.
  var plainCallees: [Int32: String] = [:]
  /// Every path in ``uses``.
  var recordedPaths: Set<String> = []
  /// Dangerous names that are called in a way that is ordinary.
  var explained: Set<String> = []
  /// Containers inside containers that were looked into, and calls that helpers made; beyond the limits values count
  /// as opaque and the file as not followed to its end.
  private var visits = 0
  var helperCalls = 0
  private static let visitLimit = 5_000_000
  private static let helperCallLimit = 500_000
  /// Whether the file is so entangled that its values could not be followed.
  var isExhausted: Bool { visits >= Self.visitLimit || helperCalls >= Self.helperCallLimit }

  init(
    _ bytes: ByteSlice, at offset: Int = 0, member: String?, role: Role, limits: PickleLimits = PickleLimits()
  ) {
    self.init(PickleMachine.run(bytes, at: offset, limits: limits), of: bytes, member: member, role: role)
  }

  /// Analyses a run of the machine over `bytes`.
  init(_ run: PickleRun, of bytes: ByteSlice, member: String?, role: Role) {
    self.bytes = bytes
    self.member = member
    self.role = role
    self.run = run
    follow()
  }

  func place(_ offset: Int, _ opcode: String? = nil) -> FindingPlace {
    FindingPlace(member: member, offset: offset, opcode: opcode)
  }

  /// Whether something that is not known to be harmless is called.
  var hasDangerousUse: Bool {
    !tamperings.isEmpty || !computedCallees.isEmpty || !dangerousWrappers.isEmpty
      || uses.contains { use in
        switch use.judgement {
        case .inert: false
        case .unknown: PKL009.severity(of: use) > .low
        case .dangerous, .reexport: !PKL004.isKept(use)
        }
      }
  }

  mutating func judge(_ path: String) -> Judgement {
    if let known = judged[path] { return known }
    let judgement = CallableCatalogue.judge(path)
    judged[path] = judgement
    return judgement
  }

  mutating func isDangerous(_ path: String) -> Bool {
    switch judge(path) {
    case .dangerous, .reexport: true
    case .inert, .unknown: false
    }
  }

  /// Records of one kind that are kept.
  private static let recordLimit = 4096

  private mutating func follow() {
    var seen: Set<PickleGlobal> = []
    for event in run.events {
      switch event.kind {
      case .global(let id):
        guard let global = run.global(id) else { continue }
        if seen.insert(global).inserted { note(global, at: event.offset) }
      case .call(let id):
        if !isPlain(id) { values[id.index] = evaluate(id, at: event.offset) }
      case .build(let target, let state):
        build(target, state, at: event.offset)
      case .anomaly(let anomaly):
        if case .unexpectedTarget(let opcode, let target) = anomaly, opcode != .build {
          fill(target, by: opcode, at: event.offset)
        }
        if case .uncallable(let id) = anomaly {
          switch value(id) {
          case .data, .text, .sequence: break
          default: computedCallees.append((event.offset, "the callee is not a name"))
          }
        }
      case .persistentID, .extensionCode: break
      }
      // Enough for every rule; a hostile file could make millions.
      if walks.count > Self.recordLimit { walks.removeLast(walks.count - Self.recordLimit) }
      if computedCallees.count > Self.recordLimit {
        computedCallees.removeLast(computedCallees.count - Self.recordLimit)
      }
      if dangerousWrappers.count > Self.recordLimit {
        dangerousWrappers.removeLast(dangerousWrappers.count - Self.recordLimit)
      }
    }
    checkFilledCalls()
  }

  private mutating func note(_ global: PickleGlobal, at offset: Int) {
    let opcode =
      switch global.route {
      case .global: "GLOBAL"
      case .stackGlobal: "STACK_GLOBAL"
      case .inst: "INST"
      case .extensionCode: "EXT"
      }
    if case .extensionCode = global.route { return }
    guard !global.isComputed else { return }
    let path = CallableCatalogue.canonical(Self.path(global))
    imports.append(
      ImportedName(
        path: path, judgement: judge(path), opcode: opcode, offset: offset,
        isDotted: global.name.contains(".")))
  }

  static func path(_ global: PickleGlobal) -> String {
    global.module.isEmpty ? global.name : "\(global.module).\(global.name)"
  }

  // MARK: Values

  /// What is known about an object; containers are looked into to a small depth.
  mutating func value(_ id: PickleID, depth: Int = 0) -> AbstractValue {
    if let known = values[id.index] { return known }
    switch run.value(id) {
    case .none, .bool, .int, .float, .bigInt, .buffer: return .data
    case .global(let global):
      if case .extensionCode = global.route { return .unresolved }
      let value: AbstractValue =
        global.isComputed ? .unresolved : .path(CallableCatalogue.canonical(Self.path(global)))
      values[id.index] = value
      return value
    case .string(let bytes): return bytes.utf8String.map(AbstractValue.text) ?? .data
    case .bytes(let bytes), .bytearray(let bytes):
      // Python accepts bytes where names are expected in several of the helpers.
      return bytes.count <= 256 ? bytes.utf8String.map(AbstractValue.text) ?? .data : .data
    case .tuple(let items), .list(let items), .set(let items), .frozenset(let items):
      if depth > 1 { visits += 1 }
      guard depth < 5, !items.isEmpty, !isExhausted else { return .data }
      return .sequence(items.prefix(depth < 2 ? 256 : 64).map { value($0, depth: depth + 1) })
    case .dict(let pairs):
      if depth > 1 { visits += 1 }
      guard depth < 5, !pairs.isEmpty, !isExhausted else { return .data }
      return .sequence(pairs.prefix(depth < 2 ? 256 : 64).map { value($0.value, depth: depth + 1) })
    case .persistentID(let reference):
      // Modules that old versions of torch.save stored with their source: ('module', class, file, source).
      guard depth < 5, let items = run.elements(reference), items.count == 4, run.text(items[0]) == "module"
      else {
        return .data
      }
      return value(items[1], depth: depth + 1)
    case .call(let call): return plainCallees[call.callee.index].map(AbstractValue.instance) ?? .unresolved
    }
  }

  /// The values of a call's arguments.
  mutating func arguments(_ call: PickleCall) -> [AbstractValue] {
    var result: [AbstractValue] = []
    switch run.value(call.arguments) {
    case .tuple(let items), .list(let items): result = items.prefix(256).map { value($0) }
    case .call:
      let computed = value(call.arguments)
      if case .sequence(let items) = computed { result = items } else { result = [computed] }
    default: break
    }
    if let keywords = call.keywords, case .dict(let pairs) = run.value(keywords) {
      result += pairs.prefix(256).map { value($0.value) }
    }
    return result
  }

  /// The arguments as a reader would write them, abbreviated.
  func describe(_ call: PickleCall) -> String {
    guard let items = run.elements(call.arguments) else { return "..." }
    var parts = items.prefix(4).map { describe($0, depth: 0) }
    if items.count > 4 { parts.append("...") }
    let text = parts.joined(separator: ", ")
    return text.count > 160 ? String(text.prefix(157)) + "..." : text
  }

  private func describe(_ id: PickleID, depth: Int) -> String {
    switch run.value(id) {
    case .none: return "None"
    case .bool(let value): return value ? "True" : "False"
    case .int(let value): return "\(value)"
    case .float(let value): return "\(value)"
    case .string(let bytes):
      let text = bytes.prefix(80).utf8String ?? String(decoding: bytes.prefix(80).array, as: UTF8.self)
      return "'" + Self.printable(text) + (bytes.count > 80 ? "...'" : "'")
    case .bytes(let bytes), .bytearray(let bytes): return "<\(bytes.count) bytes>"
    case .global(let global): return global.qualifiedName
    case .tuple(let items), .list(let items):
      guard depth < 2 else { return "(...)" }
      let shown = items.prefix(3).map { describe($0, depth: depth + 1) }.joined(separator: ", ")
      return "(" + shown + (items.count > 3 ? ", ...)" : ")")
    case .call(let call):
      guard depth < 2 else { return "<call>" }
      return "\(describe(call.callee, depth: depth + 1))(...)"
    case .dict(let pairs): return "{\(pairs.count) entries}"
    default: return "..."
    }
  }

  /// Control characters replaced, so that evidence cannot drive a terminal.
  static func printable(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      let bidirectional = (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
      if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || bidirectional {
        result += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
