import OrderedCollections
import ScopeGraph

/// Reads the numbers of a configuration out of the shapes of a state dict. Everything it returns is small enough
/// that sizes computed from it cannot overflow.
struct TensorShapes {
  let tensors: NamedTensors

  /// More than any published width, and small enough for products of four.
  static let largestSize = 1 << 15
  /// More blocks than any published network stacks in one stage.
  static let mostBlocks = 256

  init(_ tensors: NamedTensors) { self.tensors = tensors }

  func has(_ name: String) -> Bool { tensors[name] != nil }

  /// The shape of `name` when it is there, has `rank` axes and possible sizes.
  func shape(_ name: String, rank: Int) -> [Int]? {
    guard let dimensions = tensors[name]?.dimensions, dimensions.count == rank,
      dimensions.allSatisfy({ (1...Self.largestSize).contains($0) })
    else { return nil }
    return dimensions
  }

  /// Consecutive indices from `first` whose name is there.
  func count(from first: Int = 0, _ name: (Int) -> String) -> Int {
    var number = 0
    while number < Self.mostBlocks, has(name(first + number)) { number += 1 }
    return number
  }
}

/// `2-2-6-2`.
func dashed(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: "-") }

/// The variant that the shapes describe first; where that is not a published one, also the published one whose
/// depths are closest, so that a damaged checkpoint is compared with what it was.
func candidates(
  derived: ArchitectureVariant?, published: [ArchitectureVariant], depths: [Int]
) -> [ArchitectureVariant] {
  if let derived, published.contains(where: { $0.name == derived.name }) { return [derived] }
  func distance(_ variant: ArchitectureVariant) -> Int {
    var sum = 0
    for index in 0..<max(variant.depths.count, depths.count) {
      let left = index < variant.depths.count ? variant.depths[index] : 0
      let right = index < depths.count ? depths[index] : 0
      sum += abs(left - right)
    }
    return sum
  }
  let closest = published.min { distance($0) < distance($1) }
  let same = published.filter { $0.depths == closest?.depths }.prefix(4)
  return (derived.map { [$0] } ?? []) + same
}
