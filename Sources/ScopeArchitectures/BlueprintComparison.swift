import ScopeGraph

/// How a state dict agrees with a blueprint.
struct BlueprintComparison {
  /// Needed tensors that agree in name, shape and kind of numbers.
  var matched = 0
  /// Needed tensors (`num_batches_tracked` and index tables not counted).
  var needed = 0
  var differences: [ArchitectureNearMiss.Difference] = []

  init(_ tensors: NamedTensors, _ blueprint: Blueprint) {
    var names: Set<String> = []
    for expected in blueprint.expected {
      names.insert(expected.name)
      let optional = !expected.role.isRead
      if !optional { needed += 1 }
      guard let tensor = tensors[expected.name] else {
        if !optional { differences.append(.missing(name: expected.name, expected: expected.dimensions)) }
        continue
      }
      if expected.role == .formerTable {
        continue
      } else if expected.role == .counter {
        // Some exporters store the counter as a one-element vector.
        if tensor.elementCount != 1 {
          differences.append(
            .shape(name: expected.name, expected: expected.dimensions, found: tensor.dimensions))
        }
      } else if tensor.dimensions != expected.dimensions {
        differences.append(
          .shape(name: expected.name, expected: expected.dimensions, found: tensor.dimensions))
      } else if optional {
        continue
      } else if !BlueprintComparison.isUsable(tensor.dataType) {
        differences.append(.type(name: expected.name, found: tensor.dataType.name))
      } else {
        matched += 1
      }
    }
    for (name, tensor) in tensors where !names.contains(name) {
      differences.append(.extra(name: name, found: tensor.dimensions))
    }
  }

  /// Types that convert to float32 without a scale that the checkpoint would have to say.
  static func isUsable(_ type: DataType) -> Bool {
    switch type {
    case .float32, .float16, .bfloat16, .float64: true
    default: false
    }
  }
}
