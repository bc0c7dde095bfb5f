import ScopeBytes
import ScopeGraph

/// Shapes that a user gives for a model's inputs.
public enum InputShapes {
  private static let maximumRank = 64

  /// Reads `input=1x3x224x224`, also written `input=1,3,224,224`. A name instead of a number leaves that size open
  /// under this name (one that contains an x needs the commas); `input=` is a scalar. The input's name may contain `=`: the last one separates.
  ///
  /// - Throws: `invalidArgument` saying what is wrong.
  public static func parse(_ text: String) throws(ScopeError) -> (input: String, shape: Shape) {
    guard let separator = text.lastIndex(of: "="), separator != text.startIndex else {
      throw invalid("a shape is given as NAME=SIZES", found: text)
    }
    let input = String(text[..<separator])
    let sizes = text[text.index(after: separator)...]
    if sizes.isEmpty { return (input, []) }
    let parts = sizes.split(separator: sizes.contains(",") ? "," : "x", omittingEmptySubsequences: false)
    guard parts.count <= maximumRank else {
      throw invalid("the shape of '\(input)' has too many sizes", found: "\(parts.count)")
    }
    var dimensions: [Dimension] = []
    for part in parts {
      let word = part.drop { $0 == " " }.prefix { $0 != " " }
      if let first = word.utf8.first, first == UInt8(ascii: "-") || (first >= 48 && first <= 57) {
        guard let size = Int(word), size > 0, size < 1 << 40 else {
          throw invalid("a size of '\(input)' is not possible", found: String(part))
        }
        dimensions.append(.known(size))
      } else if isName(word) {
        dimensions.append(.symbolic(String(word)))
      } else {
        throw invalid("a size of '\(input)' is neither a number nor a name", found: "'\(part)'")
      }
    }
    return (input, Shape(dimensions))
  }

  private static func isName(_ word: Substring) -> Bool {
    guard let first = word.utf8.first, first == UInt8(ascii: "_") || (first | 32 >= 97 && first | 32 <= 122)
    else {
      return false
    }
    return word.utf8.count <= 64
      && word.utf8.allSatisfy {
        $0 == UInt8(ascii: "_") || ($0 >= 48 && $0 <= 57) || ($0 | 32 >= 97 && $0 | 32 <= 122)
      }
  }

  /// The given shapes when they fit the graph's inputs.
  ///
  /// - Throws: `invalidArgument` for an input that does not exist, another rank, a size that contradicts a fixed one, or
  ///   two numbers for one open size.
  public static func bindings(
    _ shapes: [String: Shape], for graph: Graph
  ) throws(ScopeError) -> [String: Shape] {
    let inputs = graph.requiredInputs
    var sizes: [String: (size: Int, input: String)] = [:]
    for (name, shape) in shapes.sorted(by: { $0.key < $1.key }) {
      guard let input = inputs.first(where: { $0.name == name }) else {
        throw invalid(
          "the model has no input '\(name)'", found: inputs.map(\.name).joined(separator: ", "))
      }
      guard let declared = input.shape else { continue }
      guard declared.rank == shape.rank else {
        throw invalid(
          "the shape given for '\(name)' has another number of sizes than the input",
          expected: "\(declared.rank) (\(declared))", found: "\(shape.rank) (\(shape))")
      }
      for (axis, (own, given)) in zip(declared.dimensions, shape.dimensions).enumerated() {
        switch (own, given) {
        case (.known(let fixed), .known(let size)) where fixed >= 0 && fixed != size:
          throw invalid(
            "size \(axis) of the input '\(name)' is fixed", expected: "\(fixed)", found: "\(size)")
        case (.known(let fixed), .symbolic(let open)) where fixed >= 0:
          throw invalid(
            "size \(axis) of the input '\(name)' is fixed", expected: "\(fixed)", found: open)
        case (.symbolic(let open), .known(let size)):
          if let other = sizes[open], other.size != size {
            throw invalid(
              "two sizes are given for '\(open)'", expected: "\(other.size) as in '\(other.input)'",
              found: "\(size) in '\(name)'")
          }
          sizes[open] = (size, name)
        default: break
        }
      }
    }
    // Sizes computed from others (`past + sequence`) must come to what is given for them.
    let numbers = sizes.mapValues(\.size)
    for (name, shape) in shapes {
      guard let declared = inputs.first(where: { $0.name == name })?.shape else { continue }
      for (own, given) in zip(declared.dimensions, shape.dimensions) {
        guard case .symbolic(let text) = own, let size = given.value else { continue }
        var others = numbers
        others[text] = nil
        if let value = ShapeInference.size(own, at: others).value, value != size {
          throw invalid(
            "the size given for '\(text)' of '\(name)' contradicts the others", expected: "\(value)",
            found: "\(size)")
        }
      }
    }
    return shapes
  }

  private static func invalid(_ message: String, expected: String? = nil, found: String) -> ScopeError {
    ScopeError(
      .invalidArgument, message, expected: expected, found: found,
      remedy: "Give it as --shape NAME=SIZES, for example --shape input=1x3x224x224")
  }
}
