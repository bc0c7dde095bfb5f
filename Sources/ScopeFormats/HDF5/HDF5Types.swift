import OrderedCollections
import ScopeBytes

/// A datatype message: name and size of an element, and how texts are stored.
struct HDF5Type: Sendable {
  let name: String
  let size: Int
  let isFixedText: Bool
  let isVariableText: Bool

  init(_ message: ByteSlice) throws(ScopeError) {
    let head: UInt8 = try message.integer(at: 0, what: "datatype")
    let bits: UInt8 = try message.integer(at: 1, what: "datatype")
    size = Int(try message.integer(at: 4, as: UInt32.self, what: "datatype"))
    var (fixed, variable) = (false, false)
    switch head & 15 {
    case 0: name = "\(bits & 8 == 0 ? "u" : "")int\(8 * size)"
    case 1:
      let exponent: UInt8 = try message.integer(at: 13, what: "datatype")
      name = size == 2 && exponent == 8 ? "bfloat16" : "float\(8 * size)"
    case 3:
      name = "string"
      fixed = true
    case 4: name = "bits\(8 * size)"
    case 5: name = "opaque\(8 * size)"
    case 6: name = "compound"
    case 7: name = "reference"
    case 8: name = size == 1 ? "bool" : "enum"
    case 9:
      variable = bits & 15 == 1
      name = variable ? "string" : "sequence"
    case 10: name = "array"
    default: name = "class \(head & 15)"
    }
    (isFixedText, isVariableText) = (fixed, variable)
  }
}

/// A dataspace message: the sizes.
struct HDF5Space: Sendable {
  let dimensions: [Int]
  let isNull: Bool

  init(_ message: ByteSlice, lengthSize: Int) throws(ScopeError) {
    let version: UInt8 = try message.integer(at: 0, what: "dataspace")
    let rank = Int(try message.integer(at: 1, as: UInt8.self, what: "dataspace"))
    guard version == 1 || version == 2, rank <= 32 else {
      throw ScopeError(
        .malformed, "an HDF5 dataspace is not possible", place: "byte \(message.offset)",
        expected: "version 1 or 2, at most 32 dimensions", found: "version \(version), \(rank) dimensions")
    }
    isNull = version == 2 ? try message.integer(at: 3, as: UInt8.self) == 2 : false
    let file = HDF5Bytes(message, offsetSize: lengthSize, lengthSize: lengthSize, base: 0)
    var sizes: [Int] = []
    for index in 0..<rank { sizes.append(try file.length(at: (version == 1 ? 8 : 4) + index * lengthSize)) }
    dimensions = sizes
  }

  var elements: Int {
    get throws(ScopeError) { isNull ? 0 : try checkedProduct(dimensions, what: "dataset shape") }
  }
}

/// The messages of a dataset's object header.
struct HDF5DatasetParts: Sendable {
  var space: HDF5Space?
  var type: HDF5Type?
  var layout: ByteSlice?
  var isFiltered = false
  /// Names of the files that hold the numbers instead of this one.
  var externalFiles: [String] = []
  var hasExternalFiles = false

  private static let sizeLimit = 1 << 41

  func described(
    as path: String, attributes: OrderedDictionary<String, HDF5Attribute>, in file: HDF5Bytes
  ) throws(ScopeError) -> HDF5Dataset {
    guard let space, let type else {
      throw ScopeError(.malformed, "an HDF5 dataset has no type or no shape")
    }
    let elements = try space.elements
    let bytes = try checkedProduct([elements, type.size], what: "dataset size")
    // Sums over all datasets of a file then stay below 2^63.
    guard elements <= Self.sizeLimit, bytes <= Self.sizeLimit else {
      throw ScopeError(
        .limitExceeded, "the dataset is larger than any real one",
        expected: "at most \(Self.sizeLimit) bytes",
        found: "\(space.dimensions) of \(type.size) bytes")
    }
    // Keras stores bfloat16 as opaque pairs of bytes and names the type beside them.
    let named = attributes["dtype"]?.text.map { String($0.prefix(40)) }
    var dataset = HDF5Dataset(
      path: path, dimensions: space.isNull ? [0] : space.dimensions,
      type: type.name.hasPrefix("opaque") ? named ?? type.name : type.name, elementSize: type.size,
      elements: elements, bytes: bytes, isExternal: hasExternalFiles, isFiltered: isFiltered)
    dataset.externalFiles = externalFiles
    if let layout { try check(layout, &dataset, in: file) }
    return dataset
  }

  /// Compares the layout with the shape and the file's length.
  private func check(_ layout: ByteSlice, _ dataset: inout HDF5Dataset, in file: HDF5Bytes) throws(ScopeError)
  {
    let part = HDF5Bytes(layout, offsetSize: file.offsetSize, lengthSize: file.lengthSize, base: 0)
    let version = try part.byte(0)
    guard version == 3 || version == 4 else { return }
    switch try part.byte(1) {
    case 0:
      let size = try part.word(2)
      guard size == dataset.bytes else { throw mismatch(dataset, size) }
      _ = try layout.slice(at: 4, count: size, what: "compact data")
    case 1:
      // An undefined address is a dataset that was never written.
      guard let address = try part.number(at: 2, width: file.offsetSize) else { return }
      guard !hasExternalFiles else { return }
      let size = try part.length(at: 2 + file.offsetSize)
      guard size == dataset.bytes else { throw mismatch(dataset, size) }
      let (start, overflow) = address.addingReportingOverflow(file.base)
      guard !overflow else { throw ScopeError(.truncated, "the dataset's data lies beyond the file") }
      _ = try file.bytes.slice(at: start, count: size, what: "dataset")
    case 3:
      dataset.isExternal = true
      dataset.externalFiles += try HDF5External.virtualSources(part, in: file)
    default: break
    }
  }

  private func mismatch(_ dataset: HDF5Dataset, _ size: Int) -> ScopeError {
    ScopeError(
      .malformed, "the dataset's storage does not fit its shape \(dataset.dimensions) of \(dataset.type)",
      expected: "\(dataset.bytes) bytes", found: "\(size)")
  }
}
