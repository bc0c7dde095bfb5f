/// A state dict that is almost a known architecture: what differs from the closest variant.
public struct ArchitectureNearMiss: Sendable, Hashable, CustomStringConvertible {
  public enum Difference: Sendable, Hashable, CustomStringConvertible {
    /// The architecture has it, the checkpoint does not. Shape as sizes, outermost first.
    case missing(name: String, expected: [Int])
    /// The checkpoint has it, the architecture does not.
    case extra(name: String, found: [Int])
    case shape(name: String, expected: [Int], found: [Int])
    /// A parameter whose numbers are not floating point (quantized weights).
    case type(name: String, found: String)

    public var name: String {
      switch self {
      case .missing(let name, _), .extra(let name, _), .shape(let name, _, _), .type(let name, _): name
      }
    }

    public var description: String {
      switch self {
      case .missing(let name, let expected): "\(shortened(name)) is missing (expected \(sizes(expected)))"
      case .extra(let name, let found): "\(shortened(name)) is not part of it (\(sizes(found)))"
      case .shape(let name, let expected, let found):
        "\(shortened(name)) is \(sizes(found)) instead of \(sizes(expected))"
      case .type(let name, let found): "\(shortened(name)) holds \(found) instead of floating-point numbers"
      }
    }
  }

  /// `ResNet`.
  public let family: String
  /// The closest variant, `ResNet-18`.
  public let variant: String
  /// Tensors that agree in name and shape.
  public let matchedTensors: Int
  /// Tensors the variant needs (`num_batches_tracked` not counted).
  public let expectedTensors: Int
  /// All differences: missing, wrong, extra; in the architecture's order.
  public let differences: [Difference]

  /// One sentence naming the first differences.
  public var description: String {
    let shown = differences.prefix(3).map(\.description).joined(separator: "; ")
    let more = differences.count > 3 ? "; and \(differences.count - 3) more differences" : ""
    return "close to \(variant) (\(matchedTensors) of \(expectedTensors) tensors agree), but \(shown)\(more)"
  }
}

/// A name from a file, cut to a length that fits a message.
func shortened(_ name: String) -> String { name.count > 120 ? "\(name.prefix(117))..." : name }

/// `64x3x7x7`, `scalar`.
func sizes(_ dimensions: [Int]) -> String {
  dimensions.isEmpty ? "scalar" : dimensions.map(String.init).joined(separator: "x")
}
