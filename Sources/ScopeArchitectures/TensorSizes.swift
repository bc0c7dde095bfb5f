import OrderedCollections
import ScopeGraph

/// Reading a configuration from the shapes in a state dict. What comes from a hostile file is bounded here, so
/// that products of a few sizes cannot overflow and no configuration is larger than the file that it is read from.
extension OrderedDictionary where Key == String, Value == Tensor {
  /// More channels than any network has.
  private static var mostChannels: Int { 65_536 }
  /// More than the side of any kernel.
  private static var largestKernel: Int { 64 }

  /// Sizes of a convolution's weight [filters, channels per group, height, width]; nil when it is missing, not of
  /// four axes, or of sizes that no network has.
  func kernel(_ module: String) -> [Int]? {
    guard let sizes = self["\(module).weight"]?.dimensions, sizes.count == 4,
      sizes[..<2].allSatisfy({ (1...Self.mostChannels).contains($0) }),
      sizes[2...].allSatisfy({ (1...Self.largestKernel).contains($0) })
    else {
      return nil
    }
    return sizes
  }

  /// Sizes of a fully connected layer's weight [outputs, inputs]; nil as for ``kernel(_:)``.
  func matrix(_ module: String) -> [Int]? {
    guard let sizes = self["\(module).weight"]?.dimensions, sizes.count == 2,
      sizes.allSatisfy({ (1...Self.mostChannels).contains($0) })
    else {
      return nil
    }
    return sizes
  }

  /// Whether as many blocks can be in the file, each with at least `tensorsPerBlock` tensors.
  func canHold(blocks: [Int], tensorsPerBlock: Int) -> Bool {
    // Block counts have at most four digits.
    blocks.allSatisfy { $0 > 0 } && blocks.reduce(0, +) * tensorsPerBlock <= count
  }

  /// Numbers N of all names `prefix`N`suffix`, ascending.
  func numbers(prefix: String, suffix: String) -> [Int] {
    keys.compactMap { name in
      guard name.hasPrefix(prefix), name.hasSuffix(suffix), name.count > prefix.count + suffix.count else {
        return nil
      }
      let digits = name.dropFirst(prefix.count).dropLast(suffix.count)
      // Four digits are plenty for the number of a module.
      guard digits.count <= 4, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
      return Int(digits)
    }
    .sorted()
  }
}

/// Channels scaled by a width multiplier.
enum WidthMultiplier {
  /// The multiple of 8 next to `channels` x `percent` / 100, not more than a tenth below it: `_make_divisible` of
  /// the MobileNet reference.
  static func scaled(_ channels: Int, percent: Int) -> Int {
    // All numbers times 100, so that they are exact.
    let exact = channels * percent
    var rounded = Swift.max(8, (exact + 400) / 800 * 8)
    if rounded * 1000 < exact * 9 { rounded += 8 }
    return rounded
  }

  /// The multiplier in percent with which every one of `published` becomes the found one: one of `usual` if
  /// possible, else the roundest from 5% to 400%; nil when there is none.
  ///
  /// - Parameter isRight: Asked for the multipliers that agree with all channels.
  static func percent(
    _ published: [Int], found: [Int], usual: [Int], isRight: (Int) -> Bool = { _ in true }
  ) -> Int? {
    let rounded = Array(stride(from: 10, through: 400, by: 10)) + Array(stride(from: 5, through: 400, by: 5))
    return (usual + rounded + Array(5...400)).first { percent in
      zip(published, found).allSatisfy { scaled($0, percent: percent) == $1 } && isRight(percent)
    }
  }

  /// `0.75`, `1.0`, `1.33`.
  static func text(_ percent: Int) -> String {
    percent % 10 == 0
      ? "\(percent / 100).\(percent / 10 % 10)" : "\(percent / 100).\(percent / 10 % 10)\(percent % 10)"
  }
}
