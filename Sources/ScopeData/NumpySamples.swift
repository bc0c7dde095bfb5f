import ScopeBytes
import ScopeGraph

/// Samples of any model from a NumPy archive: one array per input, samples along the first axis, and optionally the
/// class indices as `y` or `labels`.
public struct NumpySamples: Sendable {
  /// By input name.
  public let inputs: [String: Tensor]
  /// Nil without labels.
  public let labels: [Int]?
  public let count: Int

  /// - Parameters:
  ///   - names: of the model's inputs.
  ///   - limit: at most this many samples, the first ones.
  /// - Throws: `invalidData` naming the array that is missing or does not fit, `unreadable`, `malformed`, `truncated`.
  public static func load(_ path: String, names: [String], limit: Int?) throws(ScopeError) -> NumpySamples {
    do throws(ScopeError) {
      return try read(try ZipArchive(ByteSlice(mappingFile: path)), names, limit)
    } catch { throw error.inFile(path) }
  }

  private static func read(
    _ archive: ZipArchive, _ names: [String], _ limit: Int?
  ) throws(ScopeError) -> NumpySamples {
    var inputs: [String: Tensor] = [:]
    var count: Int?
    for name in names {
      let array = try NumpyDataset.array(
        name, in: archive, expected: "an array per input: \(names.joined(separator: ", "))")
      guard let rows = array.dimensions.first, rows > 0, count == nil || count == rows else {
        throw ScopeError(
          .invalidData, "the arrays do not hold the same number of samples", place: "array \(name)",
          expected: count.map(String.init) ?? "at least one row", found: "\(array.dimensions)")
      }
      count = rows
      inputs[name] = try tensor(array, name, rows: min(rows, limit ?? rows))
    }
    guard let count else { throw ScopeError(.invalidData, "the model has no inputs") }
    var labels: [Int]?
    for name in ["y", "labels"] where labels == nil && archive.member(named: "\(name).npy") != nil {
      labels = try NumpyDataset.labels(
        NumpyDataset.array(name, in: archive, expected: name), count: count, classCount: nil)
    }
    let kept = min(count, limit ?? count)
    return NumpySamples(inputs: inputs, labels: labels.map { Array($0.prefix(kept)) }, count: kept)
  }

  private static func tensor(_ array: NumpyArray, _ name: String, rows: Int) throws(ScopeError) -> Tensor {
    let type = array.element.dataType
    var stride = 1
    var isRowMajor = true
    for (size, step) in zip(array.dimensions, array.strides).reversed() {
      if size > 1, step != stride { isRowMajor = false }
      stride *= size
    }
    guard isRowMajor else {
      throw ScopeError(
        .unsupported, "the array is stored by columns", place: "array \(name)",
        remedy: "Save numpy.ascontiguousarray(array)")
    }
    let row = array.dimensions.dropFirst().reduce(1, *)
    return try Tensor(
      dataType: type, dimensions: [rows] + array.dimensions.dropFirst(),
      storage: .packed(array.data.prefix(rows * row * array.element.size)))
  }
}
