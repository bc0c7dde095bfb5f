import ScopeGraph

/// The sizes that a model's inputs leave open, and what is assumed for them: a batch of 1, nothing else.
public struct OpenSizes: Sendable {
  /// One size that has to be given.
  public struct Size: Sendable, Hashable {
    /// As the model names it, or `input[axis]` where it has no name.
    public var name: String
    /// The first input that has it, and where.
    public var input: String
    public var axis: Int
  }

  /// Shapes of the inputs with every open size named.
  let named: [String: Shape]
  /// The same with the batch at 1.
  let assumed: [String: Shape]
  /// Names of the batch.
  let batches: [String]
  /// `batch of x = 1`.
  let assumptions: [String]
  /// Open sizes that are not the batch, in the order of the inputs.
  let remaining: [Size]
  private let shapes: [(input: String, shape: Shape)]

  init(_ graph: Graph, given: [String: Shape]) {
    var named = given
    var assumed = given
    var batches: [String] = []
    var assumptions: [String] = []
    var remaining: [Size] = []
    var shapes: [(String, Shape)] = []
    // Sizes fixed by a given shape hold for every input that names them.
    var fixed: [String: Int] = [:]
    for input in graph.requiredInputs {
      guard let shape = given[input.name], let own = input.shape else { continue }
      for (declared, size) in zip(own.dimensions, shape.dimensions) {
        if case .symbolic(let name) = declared, let value = size.value { fixed[name] = value }
      }
    }
    for input in graph.requiredInputs {
      guard var shape = given[input.name] ?? input.shape else { continue }
      for (axis, dimension) in shape.dimensions.enumerated() {
        switch dimension {
        case .known(let size) where size >= 0: break
        case .symbolic(let name) where !name.isEmpty:
          shape.dimensions[axis] = ShapeInference.size(dimension, at: fixed)
        default:
          // Without a name, the first size is the batch that all inputs share.
          shape.dimensions[axis] = .symbolic(axis == 0 ? "N" : "\(input.name)[\(axis)]")
        }
      }
      named[input.name] = shape
      shapes.append((input.name, shape))
      if case .symbolic(let name)? = shape.dimensions.first, Self.isBatch(name), !batches.contains(name) {
        batches.append(name)
      }
    }
    let ones = Dictionary(batches.map { ($0, 1) }, uniquingKeysWith: { first, _ in first })
    for (input, shape) in shapes {
      let bound = Shape(shape.dimensions.map { ShapeInference.size($0, at: ones) })
      assumed[input] = bound
      if case .symbolic(let name)? = shape.dimensions.first, batches.contains(name) {
        let declared = graph.inputs.first { $0.name == input }?.shape?.dimensions.first
        let isNamed = given[input] != nil || declared?.description == name
        assumptions.append("\(isNamed ? name : "the first size") of \(input) = 1")
      }
      for (axis, dimension) in bound.dimensions.enumerated() {
        guard case .symbolic = dimension else { continue }
        for name in ShapeInference.openSizes(dimension).sorted()
        where !remaining.contains(where: { $0.name == name }) {
          remaining.append(Size(name: name, input: input, axis: axis))
        }
      }
    }
    self.named = named
    self.assumed = assumed
    self.batches = batches
    self.assumptions = assumptions
    self.remaining = remaining
    self.shapes = shapes
  }

  var isEmpty: Bool { batches.isEmpty && remaining.isEmpty }

  /// Whether the name of a first size speaks for a batch: not for a length, not for something computed.
  private static func isBatch(_ name: String) -> Bool {
    let lower = name.lowercased()
    if lower.contains("batch") { return !lower.contains(" ") && !lower.contains("*") }
    return !["seq", "len", "time", "token", "past", "height", "width", " ", "*", "("].contains {
      lower.contains($0)
    }
  }

  /// Why a cost that depends on open sizes is not a number.
  func reason(_ cost: SymbolicCost?) -> String? {
    guard let cost else { return nil }
    let names = cost.openSizes.sorted()
    return names.isEmpty ? nil : "its work depends on \(names.joined(separator: ", "))"
  }

  /// An example of the flag that gives every open size.
  func example() -> String? {
    guard !remaining.isEmpty else { return nil }
    var flags: [String] = []
    var shown: Set<String> = []
    for (input, _) in shapes {
      guard let shape = assumed[input] else { continue }
      let open = Set(shape.dimensions.flatMap { ShapeInference.openSizes($0) })
      guard !open.subtracting(shown).isEmpty else { continue }
      shown.formUnion(open)
      let sizes = shape.dimensions.enumerated().map { axis, dimension in
        dimension.value.map { "\($0)" } ?? (shape.rank == 4 && axis >= 2 ? "224" : "128")
      }
      flags.append("--shape \(input)=\(sizes.joined(separator: "x"))")
    }
    return flags.joined(separator: " ")
  }
}
