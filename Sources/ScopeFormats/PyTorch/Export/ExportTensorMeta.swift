import ScopeBytes
import ScopeGraph

/// `TensorMeta` of torch.export's schema: element type, sizes and where the elements lie in their storage.
struct ExportTensorMeta {
  /// torch.export's own number of the element type (not c10's).
  var scalarType: Int
  var shape: Shape
  /// In elements; nil when one is not a number.
  var strides: [Int]?
  var offset: Int?

  var dataType: DataType? { Self.dataTypes[scalarType] }

  /// `torch._export.serde.schema.ScalarType`.
  static let dataTypes: [Int: DataType] = [
    1: .uint8, 2: .int8, 3: .int16, 4: .int32, 5: .int64, 6: .float16, 7: .float32, 8: .float64,
    10: .complex64, 11: .complex128, 12: .bool, 13: .bfloat16, 28: .uint16, 29: .float8e4m3fn,
    30: .float8e5m2, 31: .float8e4m3fnuz, 32: .float8e5m2fnuz, 33: .float8e8m0, 34: .uint32, 35: .uint64,
  ]

  /// - Throws: `malformed` when a field is missing.
  init(_ value: JSONValue) throws(ScopeError) {
    guard case .integer(let type)? = value["dtype"], case .array(let sizes)? = value["sizes"],
      sizes.count <= 64
    else {
      throw ScopeError(
        .malformed, "a tensor's description is not as PyTorch writes it", expected: "dtype and sizes")
    }
    scalarType = type
    var dimensions: [Dimension] = []
    for size in sizes {
      let dimension = Self.dimension(size)
      if let number = dimension.value, number < 0 {
        throw ScopeError(.malformed, "a size is negative", found: "\(number)")
      }
      dimensions.append(dimension)
    }
    shape = Shape(dimensions)
    if case .array(let list)? = value["strides"], list.count <= 64 {
      let numbers = list.compactMap { Self.dimension($0).value }
      strides = numbers.count == list.count ? numbers : nil
    }
    offset = value["storage_offset"].map { Self.dimension($0) }?.value
    if let offset, offset < 0 { throw ScopeError(.malformed, "an offset is negative", found: "\(offset)") }
  }

  /// `SymInt`: a number, or an expression; a single symbol keeps its name (`s0`).
  static func dimension(_ value: JSONValue) -> Dimension {
    if case .integer(let number)? = value["as_int"] { return .known(number) }
    guard case .string(var text)? = value["as_expr"]?["expr_str"] else { return .unknown }
    if text.hasPrefix("Symbol('"), let end = text.dropFirst(8).firstIndex(of: "'") {
      guard text[end...].filter({ $0 == "(" }).isEmpty else { return .unknown }
      text = String(text.dropFirst(8)[..<end])
    }
    let isName =
      !text.isEmpty && text.utf8.count <= 64
      && text.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
          || byte == 0x5F
      }
    guard isName, text.utf8.first.map({ $0 > 0x39 }) ?? false else { return .unknown }
    return .symbolic(text)
  }
}
