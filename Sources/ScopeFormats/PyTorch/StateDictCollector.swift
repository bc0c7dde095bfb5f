import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Finds the named tensors in what a checkpoint's pickle describes: state dicts, dicts that wrap one, and whole
/// modules as far as their attributes are in the file.
struct StateDictCollector {
  let builder: PyTorchTensorBuilder
  var run: PickleRun { builder.run }
  private var result = StateDict(tensors: [:])
  private var firstName: [TensorView: String] = [:]
  private var nameBytes = 0
  private var spent = 0
  private var weighed = 0
  private var lightning = false

  /// Keys under which training scripts put the weights, the preferred ones first.
  private static let wrappers = [
    "state_dict", "model_state_dict", "model_state", "model", "net", "module", "network", "weights", "params",
    "state_dict_ema", "ema_state_dict", "model_ema", "ema", "params_ema", "teacher", "student", "generator",
  ]
  private static let prefixes = ["module.", "_orig_mod."]
  private static let tensorLimit = 1_000_000
  private static let nameByteLimit = 1 << 26
  private static let workLimit = 4_000_000
  static let depthLimit = 128

  /// The names that a TorchScript class (`__torch__.nets.Tiny`) declares as buffers.
  let scriptBuffers: (String) throws(ScopeError) -> Set<String>

  init(
    _ builder: PyTorchTensorBuilder,
    scriptBuffers: @escaping (String) throws(ScopeError) -> Set<String> = { _ in [] }
  ) {
    self.builder = builder
    self.scriptBuffers = scriptBuffers
  }

  /// - Throws: `unsupported` when there is no tensor; what the tensors' bytes make the builder throw.
  mutating func collect() throws(ScopeError) -> StateDict {
    guard let root = run.result else { throw ScopeError(.malformed, "the pickle has no result") }
    try collect(root, depth: 0)
    guard !result.tensors.isEmpty else {
      let other =
        result.otherEntries.isEmpty ? "" : " with \(result.otherEntries.prefix(5).joined(separator: ", "))"
      throw ScopeError(
        .unsupported, "the file holds no tensors", expected: "a state dict, a checkpoint or a module",
        found: run.summary(root) + other,
        remedy: "Save the model's weights with torch.save(model.state_dict(), path), or export it to ONNX")
    }
    removePrefixes()
    return result
  }

  /// Looks for weights in the object itself, then one wrapper deeper.
  private mutating func collect(_ id: PickleID, depth: Int) throws(ScopeError) {
    if builder.isTensor(id) { return try add("tensor", id) }
    if isModule(id) {
      if case .call(let call) = run.value(id) { result.moduleClass = run.className(call) }
      return try collectModule(id)
    }
    if let pairs = run.mapping(id) ?? run.attributes(id) {
      if result.moduleClass == nil, run.mapping(id) == nil, case .call(let call) = run.value(id) {
        result.moduleClass = run.className(call)
      }
      return try collect(mapping: pairs, depth: depth)
    }
    guard let items = run.elements(id) else { return }
    // A list or tuple: tensors are named by position, else the first entry with weights decides.
    if items.contains(where: builder.isTensor) {
      for (index, item) in items.enumerated() where builder.isTensor(item) { try add("\(index)", item) }
    } else if depth < 4 {
      for item in items where weight(item) > 0 { return try collect(item, depth: depth + 1) }
    }
  }

  private mutating func collect(mapping pairs: [PicklePair], depth: Int) throws(ScopeError) {
    let entries = lastOfEachKey(pairs)
    let direct = entries.values.filter(builder.isTensor).count
    var nested: OrderedDictionary<String, Int> = [:]
    for (name, value) in entries where !builder.isTensor(value) && !isOptimizer(name) {
      let count = weight(value)
      if count > 0 { nested[name] = count }
    }
    let known = Self.wrappers.first { nested[$0] ?? 0 > direct }
    if depth < 4, let key = known ?? (direct == 0 && nested.count == 1 ? nested.keys.first : nil),
      let inner = entries[key]
    {
      note(entries, except: [key])
      result.wrapper.append(key)
      if entries["pytorch-lightning_version"] != nil { lightning = true }
      return try collect(inner, depth: depth + 1)
    }
    // A flat state dict, or one nested by module: names are joined with dots.
    for (name, value) in entries {
      if builder.isTensor(value) {
        try add(name, value)
      } else if nested[name] != nil {
        try flatten(value, under: name)
      }
    }
    note(entries, except: Set(entries.filter { builder.isTensor($0.value) || nested[$0.key] != nil }.keys))
  }

  /// Names all tensors below a nested mapping; cycles end at the depth limit of the work list.
  private mutating func flatten(_ id: PickleID, under prefix: String) throws(ScopeError) {
    var work = [(id: id, name: prefix, depth: 0)]
    while let item = work.popLast() {
      try spend(1)
      if builder.isTensor(item.id) {
        try add(item.name, item.id)
      } else if isModule(item.id) {
        try collectModule(item.id, prefix: item.name + ".")
      } else if let pairs = run.mapping(item.id), item.depth < 16 {
        try spend(pairs.count)
        for (key, value) in lastOfEachKey(pairs).reversed() {
          let name = "\(item.name).\(key)"
          try spend(name.utf8.count / 64)
          work.append((value, name, item.depth + 1))
        }
      }
    }
  }

  /// How many tensors a value holds; objects that all calls together look at are bounded.
  private mutating func weight(_ id: PickleID) -> Int {
    var work = [(id, 0)]
    var seen: Set<PickleID> = []
    var count = 0
    while let (item, depth) = work.popLast(), weighed < Self.workLimit {
      weighed += 1
      guard seen.insert(item).inserted else { continue }
      if builder.isTensor(item) {
        count += 1
        continue
      }
      guard depth < Self.depthLimit else { continue }
      if let pairs = run.mapping(item) ?? run.attributes(item) {
        weighed += pairs.count
        for pair in pairs { work.append((pair.value, depth + 1)) }
      } else if let items = run.elements(item), items.count < 10_000 {
        weighed += items.count
        for inner in items { work.append((inner, depth + 1)) }
      }
    }
    return count
  }

  // MARK: Names

  /// Counts work that a small file could ask for again and again through shared objects.
  mutating func spend(_ work: Int) throws(ScopeError) {
    spent += work
    guard spent <= Self.workLimit else {
      throw ScopeError(
        .limitExceeded, "the checkpoint's structure is too large",
        expected: "at most \(Self.workLimit) steps")
    }
  }

  mutating func add(_ name: String, _ id: PickleID, isBuffer: Bool = false) throws(ScopeError) {
    guard builder.isTensor(id) else { return }
    nameBytes += name.utf8.count
    guard result.tensors.count < Self.tensorLimit, nameBytes <= Self.nameByteLimit else {
      throw ScopeError(
        .limitExceeded, "the checkpoint names too many tensors", expected: "at most \(Self.tensorLimit)")
    }
    do throws(ScopeError) {
      switch try builder.build(id) {
      case .tensor(let tensor, let view):
        result.tensors[name] = tensor
        if isBuffer { result.buffers.insert(name) }
        guard tensor.elementCount > 0 else { return }
        if let first = firstName[view] {
          if first != name { result.sharedWith[name] = first }
        } else {
          firstName[view] = name
        }
      case .unreadable(let kind): result.otherEntries.append("\(name) (\(kind))")
      case .notATensor: return
      }
    } catch {
      throw error.at("tensor \"\(name.prefix(200))\"")
    }
  }

  func lastOfEachKey(_ pairs: [PicklePair]) -> OrderedDictionary<String, PickleID> {
    var entries: OrderedDictionary<String, PickleID> = [:]
    entries.reserveCapacity(pairs.count)
    for pair in pairs { entries[run.shortText(pair.key) ?? run.summary(pair.key)] = pair.value }
    return entries
  }

  private func isOptimizer(_ key: String) -> Bool {
    let key = key.lowercased()
    return key.contains("optim") || key.contains("sched") || key == "scaler"
  }

  private mutating func note(_ entries: OrderedDictionary<String, PickleID>, except used: Set<String>) {
    for (name, value) in entries where !used.contains(name) && result.otherEntries.count < 100 {
      let isMetadata = name == "_metadata"
      if !isMetadata { result.otherEntries.append("\(name.prefix(80)) = \(run.summary(value))") }
    }
  }

  /// Takes off what DataParallel (`module.`), torch.compile (`_orig_mod.`) and Lightning (`model.`) put before
  /// every name.
  private mutating func removePrefixes() {
    var removed = ""
    let candidates = Self.prefixes + (lightning ? ["model."] : [])
    while removed.utf8.count < 100,
      let prefix = candidates.first(where: { candidate in
        result.tensors.keys.allSatisfy {
          $0.dropFirst(removed.count).hasPrefix(candidate) && $0.count > removed.count + candidate.count
        }
      })
    {
      removed += prefix
    }
    guard !removed.isEmpty else { return }
    func short(_ name: String) -> String { String(name.dropFirst(removed.count)) }
    result.tensors = OrderedDictionary(
      result.tensors.map { (short($0.key), $0.value) }, uniquingKeysWith: { _, last in last })
    result.sharedWith = Dictionary(
      result.sharedWith.map { (short($0.key), short($0.value)) }, uniquingKeysWith: { _, last in last })
    result.buffers = Set(result.buffers.map(short))
    result.removedPrefix = removed
  }
}
