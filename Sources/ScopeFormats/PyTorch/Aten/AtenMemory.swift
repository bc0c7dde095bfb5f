import ScopeBytes
import ScopeGraph

/// Which values of the program lie in one piece of memory, so that changing one in place changes the others.
struct AtenMemory {
  /// How a value shows the memory of another.
  enum View {
    case slice(axis: Int, start: Int, end: Int)
    case select(axis: Int, index: Int)
    /// Same elements in the same order.
    case reshape
    case permute([Int])
    /// Elements in a way that writing cannot follow.
    case other
  }

  /// The value that took a changed value's place.
  var replacement: [String: String] = [:]
  /// The value that a view shows, and how.
  var source: [String: (base: String, view: View)] = [:]
  var views: [String: [String]] = [:]
  /// Values that do not show any more what the program means by them.
  var stale: Set<String> = []
}

extension AtenBuilder {
  /// Remembers that `result` shows the memory of `base`; constants folded from it included.
  mutating func alias(_ result: AtenTensor, of base: AtenTensor, _ view: AtenMemory.View) {
    guard result.name != base.name, memory.source[result.name] == nil else { return }
    memory.source[result.name] = (base.name, view)
    memory.views[base.name, default: []].append(result.name)
  }

  /// The newest state of a value.
  ///
  /// - Throws: `unsupported` for a value whose memory was changed in a way that is not followed.
  func current(_ value: AtenValue, depth: Int = 0) throws(ScopeError) -> AtenValue {
    guard depth < 32 else { throw ScopeError(.limitExceeded, "lists are nested too deeply") }
    switch value {
    case .tensor(let tensor): return .tensor(try current(tensor))
    case .symbolicInt(let tensor): return .symbolicInt(try current(tensor))
    case .list(let items): return .list(try current(items, depth))
    case .tuple(let items): return .tuple(try current(items, depth))
    default: return value
    }
  }

  private func current(_ items: [AtenValue], _ depth: Int) throws(ScopeError) -> [AtenValue] {
    var result: [AtenValue] = []
    result.reserveCapacity(items.count)
    for item in items { result.append(try current(item, depth: depth + 1)) }
    return result
  }

  func current(_ value: AtenTensor) throws(ScopeError) -> AtenTensor {
    var name = value.name
    while let next = memory.replacement[name] { name = next }
    guard !memory.stale.contains(name) else {
      throw ScopeError(
        .unsupported, "a tensor that was changed in place through another view of it is read", found: name,
        remedy: "Export the model to ONNX (torch.onnx.export) and give that file")
    }
    return name == value.name ? value : tensor(name)
  }

  /// `value` takes the place of `target` and is written through to the tensor that `target` is a view of.
  ///
  /// - Returns: The value that stands for `target` from now on.
  mutating func mutate(_ target: AtenTensor, to value: AtenTensor) throws(ScopeError) -> AtenTensor {
    var value = value
    guard value.name != target.name else { return value }
    // Types and sizes of a tensor stay when it is changed in place.
    if let type = target.dataType, let own = value.dataType, own != type { value = try cast(value, type) }
    if let shape = target.shape, let own = value.shape, own != shape {
      value = try expand(value, to: shape.dimensions)
    }
    if isKnownElsewhere(value) { value = try emit("Identity", [value]) }
    if value.name == target.name { return value }
    memory.replacement[target.name] = value.name
    staleViews(of: target.name)
    if let (base, view) = memory.source[target.name] {
      memory.source[value.name] = (base, view)
      let whole = try current(tensor(base))
      guard let changed = try embed(value, in: whole, view) else {
        memory.stale.insert(whole.name)
        staleViews(of: whole.name, except: value.name)
        return value
      }
      _ = try mutate(whole, to: changed)
      memory.source[value.name] = nil
      alias(value, of: changed, view)
    }
    return value
  }

  /// Whether the value has a meaning of its own already, so that it cannot also stand for a changed tensor.
  private func isKnownElsewhere(_ value: AtenTensor) -> Bool {
    graph.inputs.contains { $0.name == value.name } || memory.replacement.values.contains(value.name)
      || graph.initializers[value.name] != nil
  }

  private mutating func staleViews(of name: String, except: String? = nil) {
    var pending = memory.views[name] ?? []
    while let view = pending.popLast() {
      if view == except || memory.replacement[view] != nil { continue }
      if memory.stale.insert(view).inserted { pending += memory.views[view] ?? [] }
    }
  }

  /// `whole` with the part that a view shows replaced; nil when that is not followed.
  private mutating func embed(
    _ part: AtenTensor, in whole: AtenTensor, _ view: AtenMemory.View
  ) throws(ScopeError) -> AtenTensor? {
    switch view {
    case .slice(let axis, let start, let end):
      return try replacing(whole, axis: axis, start: start, end: end, with: part)
    case .select(let axis, let index):
      let row = try emit("Unsqueeze", [part, literal([axis])])
      return try replacing(whole, axis: axis, start: index, end: index + 1, with: row)
    case .reshape:
      guard let shape = whole.shape else { return nil }
      return try reshape(part, to: shape.dimensions)
    case .permute(let order):
      var inverse = [Int](repeating: 0, count: order.count)
      for (position, axis) in order.enumerated() where axis < order.count { inverse[axis] = position }
      return try emit("Transpose", [part], ["perm": .ints(inverse)])
    case .other: return nil
    }
  }

  /// `whole[..., start:end, ...] = part` along one axis.
  ///
  /// - Parameters:
  ///   - start: at least 0.
  ///   - end: at least `start`; may be beyond the size.
  mutating func replacing(
    _ whole: AtenTensor, axis: Int, start: Int, end: Int, with part: AtenTensor
  ) throws(ScopeError) -> AtenTensor {
    var pieces: [AtenTensor] = []
    if start > 0 {
      pieces.append(try emit("Slice", [whole, literal([0]), literal([start]), literal([axis])]))
    }
    pieces.append(part)
    let size = whole.shape.flatMap { axis < $0.rank ? $0.dimensions[axis].value : nil }
    if size.map({ end < $0 }) ?? (end != .max) {
      pieces.append(try emit("Slice", [whole, literal([end]), literal([.max]), literal([axis])]))
    }
    return pieces.count == 1 ? part : try emit("Concat", pieces, ["axis": .int(axis)])
  }
}
