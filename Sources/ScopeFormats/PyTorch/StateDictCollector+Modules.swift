import OrderedCollections
import ScopeBytes

/// Whole modules: `torch.nn.Module` objects as pickled, and TorchScript objects.
extension StateDictCollector {
  /// Whether the object has the attributes of a `torch.nn.Module` or is a TorchScript object.
  func isModule(_ id: PickleID) -> Bool {
    guard case .call(let call) = run.value(id) else { return false }
    if isScripted(call), !call.states.isEmpty { return true }
    return run.hasAttribute(id, among: ["_modules", "_parameters", "_buffers"])
  }

  private func isScripted(_ call: PickleCall) -> Bool {
    run.global(call.callee)?.module.hasPrefix("__torch__") ?? false
  }

  private func hasState(_ id: PickleID) -> Bool { !(run.call(id)?.states.isEmpty ?? true) }

  /// Walks a module tree in the order of `Module.state_dict()`: own parameters, own buffers, then the children.
  mutating func collectModule(_ id: PickleID, prefix: String = "") throws(ScopeError) {
    var work = [(id: id, prefix: prefix, depth: 0)]
    while let item = work.popLast() {
      guard item.depth < Self.depthLimit else {
        throw ScopeError(
          .limitExceeded, "the module tree is too deep", place: "module \"\(item.prefix.prefix(200))\"",
          expected: "at most \(Self.depthLimit) levels")
      }
      guard case .call(let call) = run.value(item.id), let pairs = run.attributes(item.id) else { continue }
      try spend(pairs.count)
      let attributes = lastOfEachKey(pairs)
      var children: [(key: String, value: PickleID)] = []
      if isScripted(call) {
        let buffers = try scriptBuffers(run.className(call) ?? "")
        for (name, value) in attributes {
          if builder.isTensor(value) {
            try add(item.prefix + name, value, isBuffer: buffers.contains(name))
          } else if hasState(value) {
            children.append((name, value))
          }
        }
      } else {
        for (name, value) in try members("_parameters", of: attributes) { try add(item.prefix + name, value) }
        let transient = try transientBuffers(attributes)
        for (name, value) in try members("_buffers", of: attributes) where !transient.contains(name) {
          try add(item.prefix + name, value, isBuffer: true)
        }
        children = try members("_modules", of: attributes)
      }
      for child in children.reversed() where hasState(child.value) {
        let name = "\(item.prefix)\(child.key)."
        try spend(1 + name.utf8.count / 64)
        work.append((child.value, name, item.depth + 1))
      }
    }
  }

  private mutating func members(
    _ attribute: String, of attributes: OrderedDictionary<String, PickleID>
  ) throws(ScopeError) -> [(key: String, value: PickleID)] {
    guard let id = attributes[attribute], let pairs = run.mapping(id) else { return [] }
    try spend(pairs.count)
    return lastOfEachKey(pairs).map { ($0.key, $0.value) }
  }

  /// Buffers that PyTorch does not put into a state dict (`register_buffer(..., persistent=False)`).
  private mutating func transientBuffers(
    _ attributes: OrderedDictionary<String, PickleID>
  ) throws(ScopeError) -> Set<String> {
    guard let id = attributes["_non_persistent_buffers_set"] else { return [] }
    let items: [PickleID]
    switch run.value(id) {
    case .set(let members): items = members
    case .call(let call):
      items = (run.elements(call.arguments)?.first.flatMap { run.elements($0) } ?? []) + call.items
    default: return []
    }
    try spend(items.count)
    return Set(items.compactMap { run.shortText($0) })
  }
}
