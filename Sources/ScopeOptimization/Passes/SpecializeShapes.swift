import ScopeBytes
import ScopeGraph

/// Fixes open sizes of the graph's inputs, such as the batch, so that everything computed from shapes becomes constant.
///
/// Run it before the exact passes; it is not among them, as the model then accepts only these sizes.
public struct SpecializeShapes: Pass {
  public let name = "specialize-shapes"
  public let summary = "Open input sizes fixed"
  /// For inputs of these sizes nothing changes.
  public let safety = PassSafety.exact

  /// By the name of an open size (`batch`, `sequence`).
  public var sizes: [String: Int]
  /// By the name of an input: its whole shape.
  public var inputs: [String: [Int]]
  /// For first axes that are open under no name of ``sizes``; nil leaves them open.
  public var batch: Int?

  public init(sizes: [String: Int] = [:], inputs: [String: [Int]] = [:], batch: Int? = nil) {
    self.sizes = sizes
    self.inputs = inputs
    self.batch = batch
  }

  /// - Throws: `invalidArgument` when an input or a size does not exist, a size is not positive, or a shape contradicts
  ///   what is declared.
  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    var sizes = sizes
    for (name, shape) in inputs.sorted(by: { $0.key < $1.key }) {
      guard let input = model.graph.requiredInputs.first(where: { $0.name == name }) else {
        throw ScopeError(
          .invalidArgument, "the model has no input '\(name)'",
          expected: model.graph.requiredInputs.map(\.name).joined(separator: ", "))
      }
      guard let declared = input.shape else { continue }
      guard declared.rank == shape.count,
        zip(declared.dimensions, shape).allSatisfy({ $0.value == nil || $0.value == $1 })
      else {
        throw ScopeError(
          .invalidArgument, "the shape does not fit input '\(name)'", expected: "\(declared)",
          found: "\(Shape(shape))")
      }
      for (dimension, size) in zip(declared.dimensions, shape) {
        guard case .symbolic(let symbol) = dimension else { continue }
        if let other = sizes[symbol], other != size {
          throw ScopeError(
            .invalidArgument, "two shapes give the open size '\(symbol)' different values",
            found: "\(other) and \(size)")
        }
        sizes[symbol] = size
      }
    }
    if let batch {
      // The first axis of every input that is open under one name is the same batch.
      for input in model.graph.requiredInputs {
        guard case .symbolic(let symbol)? = input.shape?.dimensions.first, sizes[symbol] == nil else {
          continue
        }
        sizes[symbol] = batch
      }
    }
    for (name, size) in sizes where size <= 0 {
      throw ScopeError(.invalidArgument, "a size must be positive", found: "\(name) = \(size)")
    }
    for (_, shape) in inputs where shape.contains(where: { $0 <= 0 }) {
      throw ScopeError(.invalidArgument, "a size must be positive", found: "\(Shape(shape))")
    }
    let known = Set(
      model.graph.requiredInputs.flatMap { $0.shape?.dimensions ?? [] }.flatMap { dimension -> [String] in
        guard case .symbolic(let symbol) = dimension else { return [] }
        return [symbol] + ShapeInference.openSizes(dimension)
      })
    if let unknown = self.sizes.keys.sorted().first(where: { !known.contains($0) }) {
      throw ScopeError(
        .invalidArgument, "no input has an open size '\(unknown)'",
        expected: known.sorted().joined(separator: ", "))
    }
    var modified = false
    func fix(_ info: inout ValueInfo, isInput: Bool) {
      guard var shape = info.shape else {
        if isInput, let given = inputs[info.name] {
          info.shape = Shape(given)
          modified = true
        }
        return
      }
      for axis in shape.dimensions.indices {
        var dimension = ShapeInference.size(shape.dimensions[axis], at: sizes)
        if isInput, dimension.value == nil {
          if let given = inputs[info.name] {
            dimension = .known(given[axis])
          } else if axis == 0, let batch, dimension == .unknown {
            dimension = .known(batch)
          }
        }
        if dimension != shape.dimensions[axis] {
          shape.dimensions[axis] = dimension
          modified = true
        }
      }
      info.shape = shape
    }
    let initializers = model.graph.initializers
    for index in model.graph.inputs.indices where initializers[model.graph.inputs[index].name] == nil {
      fix(&model.graph.inputs[index], isInput: true)
    }
    for index in model.graph.outputs.indices { fix(&model.graph.outputs[index], isInput: false) }
    for index in model.graph.valueInfo.indices { fix(&model.graph.valueInfo[index], isInput: false) }
    return modified
  }
}
