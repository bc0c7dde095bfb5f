import ScopeBytes
import ScopeGraph
import ScopeRuntime

/// Inputs for timing a model without data.
package enum SampleInputs {
  /// Sizes that a model leaves open and nobody named: one image or sequence, sequences of 128 tokens, images of 224 x 224.
  package static let sequenceLength = 128
  package static let imageSize = 224

  /// The arrays, and the sizes that were assumed (`sequence of input_ids = 128`).
  package struct Made: Sendable {
    package var feeds: [String: HostArray]
    package var assumptions: [String]
  }

  package static func make(_ model: Model) throws(ScopeError) -> [String: HostArray] {
    try prepare(model, shapes: [:]).feeds
  }

  /// One array per required input. Floating-point inputs get reproducible values in [0, 1). Integers that are looked up
  /// in a table get indices of its rows, masks ones, other integers zeros.
  ///
  /// - Parameter shapes: sizes by input name, before the model's own.
  /// - Throws: `unsupported` naming an input whose rank or type is not known; `invalidArgument` for shapes that
  ///   do not fit, see ``InputShapes``.
  package static func prepare(_ model: Model, shapes: [String: Shape]) throws(ScopeError) -> Made {
    let inputs = model.graph.requiredInputs
    let shapes = try InputShapes.bindings(shapes, for: model.graph)
    let rows = tableRows(model.graph)
    var made = Made(feeds: [:], assumptions: [])
    // Sizes of one name are equal in all inputs.
    var named: [String: Int] = [:]
    for input in inputs {
      guard let declared = shapes[input.name] ?? input.shape else { continue }
      for (dimension, own) in zip(declared.dimensions, input.shape?.dimensions ?? []) {
        if case .symbolic(let name) = own, let size = dimension.value { named[name] = size }
      }
    }
    for input in inputs {
      guard let dataType = input.dataType, let shape = shapes[input.name] ?? input.shape else {
        throw unknown(input, "its type is not a dense tensor of known rank")
      }
      var sizes: [Int] = []
      for (axis, dimension) in shape.dimensions.enumerated() {
        if let size = dimension.value, size > 0 {
          sizes.append(size)
          continue
        }
        var name = "size \(axis)"
        if case .symbolic(let symbol) = dimension { name = symbol }
        // Sizes computed from others (`past + sequence`) follow from those.
        let computed = ShapeInference.size(dimension, at: named).value.flatMap { $0 > 0 ? $0 : nil }
        if let size = named[name] ?? computed {
          sizes.append(size)
          continue
        }
        let size = assumed(axis: axis, rank: shape.rank, isFloat: dataType.isFloatingPoint)
        if case .symbolic = dimension { named[name] = size }
        sizes.append(size)
        if axis > 0 { made.assumptions.append("\(name) of \(input.name) = \(size)") }
      }
      let count = try checkedProduct(sizes, what: "input '\(input.name)'")
      guard count <= 1 << 28 else { throw unknown(input, "\(count) elements are too many to make up") }
      made.feeds[input.name] = HostArray(try values(dataType, count, input, rows: rows[input.name]), sizes)
    }
    return made
  }

  /// Batch 1; of images (rank 4) three channels of the usual size; otherwise a sequence of the usual length.
  private static func assumed(axis: Int, rank: Int, isFloat: Bool) -> Int {
    if axis == 0 { return 1 }
    guard rank == 4, isFloat else { return sequenceLength }
    return axis == 1 ? 3 : imageSize
  }

  /// Rows of the smallest table that an integer input indexes, by input name.
  private static func tableRows(_ graph: Graph) -> [String: Int] {
    var rows: [String: Int] = [:]
    for node in graph.nodes where node.isStandard("Gather") {
      guard let table = node.input(0), let index = node.input(1), node.int("axis") ?? 0 == 0,
        let count = graph.initializers[table]?.dimensions.first, count > 0
      else { continue }
      rows[index] = min(rows[index] ?? count, count)
    }
    return rows
  }

  private static func values(
    _ dataType: DataType, _ count: Int, _ input: ValueInfo, rows: Int?
  ) throws(ScopeError) -> HostArray.Values {
    // A Weyl sequence: even coverage of [0, 1), the same everywhere.
    func fraction(_ index: Int) -> Double {
      (Double(index) * 0.618_033_988_749_895).truncatingRemainder(dividingBy: 1)
    }
    func integer(_ index: Int) -> Int {
      if let rows { return min(Int(fraction(index) * Double(rows)), rows - 1) }
      return input.name.lowercased().contains("mask") ? 1 : 0
    }
    switch dataType {
    case .float32: return .float32((0..<count).map { Float(fraction($0)) })
    case .float64: return .float64((0..<count).map(fraction))
    case .int64: return .int64((0..<count).map { Int64(integer($0)) })
    case .int32: return .int32((0..<count).map { Int32(clamping: integer($0)) })
    case .uint8: return .uint8((0..<count).map { UInt8(fraction($0) * 255) })
    case .int8: return .int8([Int8](repeating: 0, count: count))
    case .bool: return .bool([Bool](repeating: true, count: count))
    default: throw unknown(input, "no values are made up for \(dataType.name)")
    }
  }

  private static func unknown(_ input: ValueInfo, _ why: String) -> ScopeError {
    ScopeError(
      .unsupported, "input '\(input.name)' cannot be made up: \(why)",
      remedy: "Give its sizes (--shape \(input.name)=1x128), or export the model with fixed ones")
  }
}

extension Model {
  /// Outputs of the classifier: the last size of its first output, when shape inference knows it.
  var classCount: Int? {
    guard let output = graph.outputs.first else { return nil }
    let shape = output.shape ?? ShapeInference.infer(self).shape(output.name)
    return shape?.dimensions.last?.value
  }
}
