import ScopeBytes
import ScopeData
import ScopeGraph
import ScopeRuntime

/// What a model is optimized on: labelled or unlabelled inputs, one row of every array per sample.
public struct SampleSet: Sendable {
  /// Where the samples come from.
  public enum Source: Sendable {
    /// Pixels in [0, 1], normalised before the model; the model has one input [N, C, H, W].
    case images(LabeledImages, Normalization)
    /// By input name, samples along the first axis.
    case arrays([String: HostArray])
  }

  public let source: Source
  public let count: Int
  /// Class index per sample; nil without labels.
  public let labels: [Int]?
  /// False for inputs that were made up to time the model: nothing that is computed on them says how accurate it is.
  public let isReal: Bool

  public init(images: LabeledImages, normalization: Normalization, isLabelled: Bool = true) {
    source = .images(images, normalization)
    count = images.count
    labels = isLabelled ? images.labels : nil
    isReal = true
  }

  /// - Throws: `invalidData` when the arrays do not have the same number of samples, or the labels another.
  public init(arrays: [String: HostArray], labels: [Int]? = nil, isReal: Bool = true) throws(ScopeError) {
    let counts = arrays.sorted { $0.key < $1.key }.map { ($0.key, $0.value.dimensions.first ?? 0) }
    let count = counts.first?.1 ?? 0
    guard count > 0, counts.allSatisfy({ $0.1 == count }), labels.map({ $0.count == count }) ?? true else {
      throw ScopeError(
        .invalidData, "the arrays do not hold the same number of samples",
        expected: "one number of rows in all of them",
        found: (counts.map { "\($0.0): \($0.1)" } + (labels.map { ["labels: \($0.count)"] } ?? [])).joined(
          separator: ", "))
    }
    self.source = .arrays(arrays)
    self.count = count
    self.labels = labels
    self.isReal = isReal
  }

  /// Bytes of one sample over all inputs.
  public var sampleBytes: Int {
    switch source {
    case .images(let images, _): images.imageSize * 4
    case .arrays(let arrays):
      arrays.values.reduce(0) { $0 + $1.dataType.byteCount(elements: $1.elementCount) / count }
    }
  }

  /// The model's inputs for the samples at `indices`, [indices.count, ...] each.
  ///
  /// - Parameter input: name of the model's image input; unused for arrays.
  public func feed(_ indices: [Int], input: String) -> [String: HostArray] {
    switch source {
    case .images(let images, let normalization):
      return [
        input: HostArray(
          images.normalizedValues(indices, normalization),
          [indices.count, images.channels, images.height, images.width])
      ]
    case .arrays(let arrays): return arrays.mapValues { $0.rows(indices) }
    }
  }

  /// Samples per run: enough to keep the cores busy, few enough to stay in cache and memory.
  package var batchSize: Int { max(1, min(64, 4_800_000 / max(sampleBytes, 1))) }

  /// - Throws: `invalidData` when the samples do not fit the model's inputs, names and sizes told.
  package func check(_ inputs: [ValueInfo]) throws(ScopeError) {
    let found: [String: (type: DataType, dimensions: [Int])]
    switch source {
    case .images(let images, _):
      guard inputs.count == 1, inputs[0].dataType == .float32, inputs[0].shape?.rank == 4 else {
        throw ScopeError(
          .unsupported, "images fit only a model with one image input",
          expected: "one float32 input [N, C, H, W]",
          found: inputs.map { "\($0.name) \($0.dataType?.name ?? "?") \($0.shape?.description ?? "?")" }
            .joined(separator: ", "),
          remedy: "Give an .npz file with an array per input, samples along the first axis")
      }
      found = [inputs[0].name: (.float32, [images.count, images.channels, images.height, images.width])]
    case .arrays(let arrays): found = arrays.mapValues { ($0.dataType, $0.dimensions) }
    }
    for input in inputs {
      guard let (type, dimensions) = found[input.name] else {
        throw ScopeError(
          .invalidData, "there are no samples for an input of the model", place: "input \(input.name)",
          expected: inputs.map(\.name).joined(separator: ", "),
          found: found.keys.sorted().joined(separator: ", "))
      }
      let wanted = input.shape?.dimensions.dropFirst() ?? []
      let fits = zip(wanted, dimensions.dropFirst()).allSatisfy { $0.value == nil || $0.value == $1 }
      guard fits, input.shape == nil || wanted.count == dimensions.count - 1,
        input.dataType == nil || input.dataType == type
      else {
        throw ScopeError(
          .invalidData, "the samples do not fit the model's input", place: "input \(input.name)",
          expected: "\(input.dataType?.name ?? "?") N x "
            + wanted.map(\.description).joined(separator: " x "),
          found: "\(type.name) " + dimensions.map(String.init).joined(separator: " x "),
          remedy: "Choose a preprocessing with the model's size")
      }
    }
  }
}

extension HostArray {
  /// Rows `indices` along the first axis.
  package func rows(_ indices: [Int]) -> HostArray {
    let row = dimensions.dropFirst().reduce(1, *)
    func pick<Element>(_ values: [Element], _ width: Int = 1) -> [Element] {
      var result: [Element] = []
      result.reserveCapacity(indices.count * row * width)
      for index in indices {
        result.append(contentsOf: values[index * row * width..<(index + 1) * row * width])
      }
      return result
    }
    let picked: Values =
      switch values {
      case .float32(let values): .float32(pick(values))
      case .float64(let values): .float64(pick(values))
      case .int64(let values): .int64(pick(values))
      case .int32(let values): .int32(pick(values))
      case .uint8(let values): .uint8(pick(values))
      case .int8(let values): .int8(pick(values))
      case .bool(let values): .bool(pick(values))
      case .other(let type, let values): .other(type, pick(values, type.byteCount(elements: 1)))
      }
    return HostArray(picked, [indices.count] + dimensions.dropFirst())
  }
}
