import ScopeBytes
import ScopeGraph

/// What is known of constant values.
extension TriggerSearch {
  /// Through Identity nodes.
  func source(of name: String) -> String {
    var name = name
    for _ in 0..<16 {
      guard let maker = makers[name], maker.opType == "Identity", let input = maker.inputs.first else {
        return name
      }
      name = input
    }
    return name
  }

  func count(_ name: String) -> Int? { constants[source(of: name)]?.elementCount }

  /// Whether all elements of a constant are equal; false when that cannot be told from at most 64 values it comes from.
  func isUniform(_ name: String) -> Bool {
    var pending = [name]
    var seen: Set<String> = []
    while let next = pending.popLast() {
      guard !next.isEmpty, seen.insert(next).inserted else { continue }
      guard seen.count <= 64 else { return false }
      if let tensor = constants[next] {
        guard Self.isUniform(tensor) else { return false }
        continue
      }
      guard let maker = makers[next] else { continue }
      if maker.opType == "ConstantOfShape" || maker.opType == "Size" { continue }
      if TriggerOperators.shapeOnly.contains(maker.opType)
        || TriggerOperators.scattering.contains(maker.opType)
        || ["Concat", "OneHot", "Pad"].contains(maker.opType) || !maker.subgraphs.isEmpty
      {
        return false
      }
      if maker.opType == "Constant", maker.floats("value_floats") != nil || maker.ints("value_ints") != nil {
        return false
      }
      pending +=
        TriggerOperators.arranging.contains(maker.opType) ? Array(maker.inputs.prefix(1)) : maker.inputs
    }
    return true
  }

  static func isUniform(_ tensor: Tensor) -> Bool {
    guard tensor.elementCount > 1 else { return true }
    guard tensor.elementCount <= 1 << 20, let bytes = try? tensor.packedBytes(), tensor.dataType.bitWidth >= 8
    else {
      return false
    }
    let width = tensor.dataType.bitWidth / 8
    guard width > 0, bytes.count >= 2 * width else { return true }
    // Equal to itself shifted by one element: all elements are equal.
    return bytes.prefix(bytes.count - width).equals(bytes.dropFirst(width))
  }

  func isZero(_ name: String) -> Bool {
    guard let tensor = constants[source(of: name)] else {
      guard let maker = makers[name], maker.opType == "Constant" else { return false }
      return (maker.float("value_float") ?? Float(maker.int("value_int") ?? 0)) == 0
    }
    guard tensor.elementCount <= 4096, let bytes = try? tensor.packedBytes() else { return false }
    return bytes.array.allSatisfy { $0 == 0 }
  }

  func integers(_ name: String) -> [Int]? {
    let name = source(of: name)
    if let tensor = constants[name], tensor.elementCount <= 64 { return try? tensor.ints() }
    guard let maker = makers[name], maker.opType == "Constant" else { return nil }
    return maker.ints("value_ints") ?? maker.int("value_int").map { [$0] }
  }
}
