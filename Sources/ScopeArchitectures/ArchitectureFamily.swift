import OrderedCollections
import ScopeGraph

/// Parameters by name, any prefix that all names share removed.
typealias NamedTensors = OrderedDictionary<String, Tensor>

/// One published member of a family.
struct ArchitectureVariant: Sendable {
  /// `ResNet`.
  let family: String
  /// `ResNet-18`.
  let name: String
  /// Year of the first publication.
  let year: Int
  let citation: String
  /// What it is known for, one sentence.
  let summary: String
  let preprocessing: PreprocessingDefaults
  /// Side of the square input in pixels that the variant was published with.
  let imageSize: Int
  /// Blocks per stage, the fingerprint that is compared first.
  let depths: [Int]
  /// The structure in words, as evidence.
  let structure: String
  /// Facts that a state dict does not hold and that are taken from the reference definition.
  let assumptions: [String]
  /// The fully connected layer whose rows are the classes.
  let classifier: String
  /// What the library calls the model, where a sibling has the same names and shapes.
  var declaredName: String?
  /// Sides of the square input in pixels that the network can be built for.
  var imageSizes = ImageSizes()
  let blueprint: @Sendable (_ classCount: Int, _ imageSize: Int) -> Blueprint

  /// More classes than any published classifier has; keeps sizes computed from a hostile file small.
  private static let mostClasses = 1_000_000

  /// Rows of the classifier's weight; 1000 when it is missing, neither a matrix nor a 1x1 convolution, or
  /// impossibly large.
  func classCount(in tensors: NamedTensors) -> Int {
    guard let dimensions = tensors["\(classifier).weight"]?.dimensions,
      dimensions.count == 2 || dimensions.count == 4 && dimensions[2...] == [1, 1],
      (1...Self.mostClasses).contains(dimensions[0])
    else {
      return 1000
    }
    return dimensions[0]
  }
}

/// Sides of a square input in pixels.
struct ImageSizes: Sendable, CustomStringConvertible {
  var range = 16...8192
  /// The side is a multiple of this.
  var multiple = 1

  func contains(_ size: Int) -> Bool { range.contains(size) && size.isMultiple(of: multiple) }

  var description: String {
    if range.count == 1 { return "\(range.lowerBound) pixels, as the position embedding says" }
    let text = "\(range.lowerBound) to \(range.upperBound) pixels"
    return multiple == 1 ? text : "\(text), a multiple of \(multiple)"
  }
}

/// Architectures that share naming and structure. One file per family; listed in ``ArchitectureRegistry``.
protocol ArchitectureFamily: Sendable {
  /// Name as in reports.
  static var name: String { get }
  /// Names whose presence makes the family worth comparing; at least one must be there.
  static var anchors: [String] { get }
  /// Names with one of these beginnings rule the family out.
  static var foreign: [String] { get }
  /// Blocks per stage in `tensors`, by index of the last block.
  static func depths(of tensors: NamedTensors) -> [Int]
  /// All variants, in the order of publication.
  static var variants: [ArchitectureVariant] { get }
  /// The variants that `tensors` may be; all of them unless the family can tell. A family that reads its widths
  /// and depths from the tensors puts what it read first.
  static func candidates(for tensors: NamedTensors) -> [ArchitectureVariant]
  /// The same, where the file also says what the model is called (`arch` of a training checkpoint).
  static func candidates(for tensors: NamedTensors, declaredName: String?) -> [ArchitectureVariant]
}

extension ArchitectureFamily {
  static func candidates(for tensors: NamedTensors) -> [ArchitectureVariant] { variants }

  static func candidates(for tensors: NamedTensors, declaredName: String?) -> [ArchitectureVariant] {
    candidates(for: tensors)
  }
}

/// Blocks per group in names such as `layer1.0.conv1.weight`: the highest index plus one for each of `groups`.
func blockCounts(in tensors: NamedTensors, groups: [String]) -> [Int] {
  var counts = [Int](repeating: 0, count: groups.count)
  for name in tensors.keys {
    for (position, group) in groups.enumerated() where name.hasPrefix(group) {
      let digits = name.dropFirst(group.count).prefix { $0.isASCII && $0.isNumber }
      // Four digits are plenty for a block index and keep a hostile name from overflowing.
      if digits.count <= 4, let index = Int(digits) { counts[position] = max(counts[position], index + 1) }
    }
  }
  return counts
}
