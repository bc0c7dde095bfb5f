import ScopeBytes
import ScopeGraph
import ScopeRuntime

/// Inputs for timing a model without data.
package enum SampleInputs {
  /// One array per required input: reproducible values in [0, 1) for floating-point inputs, zeros for integers; an
  /// open first size is 1.
  ///
  /// - Throws: `unsupported` naming an input whose size or type is not known.
  package static func make(_ model: Model) throws(ScopeError) -> [String: HostArray] {
    var feeds: [String: HostArray] = [:]
    for input in model.graph.requiredInputs {
      guard let shape = input.shape, let dataType = input.dataType else {
        throw unknown(input, "its type is not a dense tensor")
      }
      var sizes: [Int] = []
      for (axis, dimension) in shape.dimensions.enumerated() {
        if let size = dimension.value, size > 0 {
          sizes.append(size)
        } else if axis == 0 {
          sizes.append(1)
        } else {
          throw unknown(input, "size \(axis) is open (\(dimension))")
        }
      }
      let count = try checkedProduct(sizes, what: "input '\(input.name)'")
      guard count <= 1 << 28 else { throw unknown(input, "\(count) elements are too many to make up") }
      feeds[input.name] = HostArray(try values(dataType, count, input), sizes)
    }
    return feeds
  }

  private static func values(_ dataType: DataType, _ count: Int, _ input: ValueInfo) throws(ScopeError)
    -> HostArray.Values
  {
    // A Weyl sequence: even coverage of [0, 1), the same everywhere.
    func fraction(_ index: Int) -> Double {
      (Double(index) * 0.618_033_988_749_895).truncatingRemainder(dividingBy: 1)
    }
    switch dataType {
    case .float32: return .float32((0..<count).map { Float(fraction($0)) })
    case .float64: return .float64((0..<count).map(fraction))
    case .int64: return .int64([Int64](repeating: 0, count: count))
    case .int32: return .int32([Int32](repeating: 0, count: count))
    case .uint8: return .uint8((0..<count).map { UInt8(fraction($0) * 255) })
    case .int8: return .int8([Int8](repeating: 0, count: count))
    case .bool: return .bool([Bool](repeating: true, count: count))
    default: throw unknown(input, "no values are made up for \(dataType.name)")
    }
  }

  private static func unknown(_ input: ValueInfo, _ why: String) -> ScopeError {
    ScopeError(
      .unsupported, "input '\(input.name)' cannot be made up: \(why)",
      remedy: "Export the model with fixed sizes for everything but the batch")
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
