import ScopeBytes
import ScopeGraph

/// The fields of one ONNX `TensorProto`.
struct TensorMessage {
  private(set) var name = ""
  private(set) var dimensions: [Int] = []
  private(set) var dataType = DataType.float32
  private let bytes: ByteSlice
  private var raw: ByteSlice?
  private var floatParts: [WireField] = []
  private var int32Parts: [WireField] = []
  private var int64Parts: [WireField] = []
  private var doubleParts: [WireField] = []
  private var uint64Parts: [WireField] = []
  private var strings: [ByteSlice] = []
  private var externalEntries: [(String, String)] = []
  private var isExternal = false

  init(_ bytes: ByteSlice) throws(ScopeError) {
    self.bytes = bytes
    var sizes: [Int64] = []
    var code: Int64 = 0
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      switch field.number {
      case 1: try field.appendVarints(to: &sizes)
      case 2: code = try field.int64()
      case 3:
        throw ScopeError(
          .unsupported, "segmented tensors are not supported", place: "byte \(field.serialized.offset)")
      case 4: floatParts.append(field)
      case 5: int32Parts.append(field)
      case 6: strings.append(try field.bytes())
      case 7: int64Parts.append(field)
      case 8: name = try field.text()
      case 9: raw = try field.bytes()
      case 10: doubleParts.append(field)
      case 11: uint64Parts.append(field)
      case 13: externalEntries.append(try Self.entry(try field.bytes()))
      case 14: isExternal = try field.int64() == 1
      default: break
      }
    }
    guard let type = DataType(rawValue: Int32(clamping: code)) else {
      throw ScopeError(
        .malformed, "tensor '\(name)' has an unknown element type", place: "byte \(bytes.offset)",
        expected: "1 to 26", found: "\(code)")
    }
    guard sizes.count <= 1024, sizes.allSatisfy({ $0 >= 0 }) else {
      throw ScopeError(
        .malformed, "tensor '\(name)' has an impossible shape", place: "byte \(bytes.offset)",
        expected: "at most 1024 sizes, none negative", found: "\(sizes.prefix(8))")
    }
    dataType = type
    dimensions = sizes.map { Int($0) }
  }

  private static func entry(_ bytes: ByteSlice) throws(ScopeError) -> (String, String) {
    var pair = ("", "")
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      if field.number == 1 { pair.0 = try field.text() }
      if field.number == 2 { pair.1 = try field.text() }
    }
    return pair
  }

  /// Where the data lies when it is not in this message.
  var externalData: ExternalData? {
    get throws(ScopeError) {
      guard isExternal else { return nil }
      var external = ExternalData(location: "")
      for (key, value) in externalEntries {
        switch key {
        case "location": external.location = value
        case "offset", "length":
          guard let number = Int(value), number >= 0 else {
            throw ScopeError(
              .malformed, "the external data's \(key) is not a number", place: "byte \(bytes.offset)",
              found: "'\(value)'")
          }
          if key == "offset" { external.offset = number } else { external.length = number }
        default: external.otherEntries[key] = value
        }
      }
      return external
    }
  }

  /// The tensor with its data from this message.
  ///
  /// - Throws: `malformed` when the data does not fit the shape.
  func tensor(serializedForm: ByteSlice) throws(ScopeError) -> Tensor {
    let storage: Tensor.Storage = dataType == .string ? .strings(strings) : .packed(try packedData())
    return try Tensor(
      dataType: dataType, dimensions: dimensions, storage: storage, serializedForm: serializedForm)
  }

  private func packedData() throws(ScopeError) -> ByteSlice {
    if let raw { return raw }
    switch dataType {
    case .float32, .complex64: return try fixed(floatParts, width: 4)
    case .float64, .complex128: return try fixed(doubleParts, width: 8)
    case .int64: return ByteSlice(elements: try varints(int64Parts))
    case .uint64: return ByteSlice(elements: try varints(uint64Parts).map { UInt64(bitPattern: $0) })
    case .uint32: return ByteSlice(elements: try varints(uint64Parts).map { UInt32(truncatingIfNeeded: $0) })
    case .int32: return ByteSlice(elements: try varints(int32Parts).map { Int32(truncatingIfNeeded: $0) })
    case .int16, .uint16, .float16, .bfloat16:
      return ByteSlice(elements: try varints(int32Parts).map { UInt16(truncatingIfNeeded: $0) })
    default: return ByteSlice(try varints(int32Parts).map { UInt8(truncatingIfNeeded: $0) })
    }
  }

  /// Packed fixed-width values; one packed field (the usual case) is not copied.
  private func fixed(_ parts: [WireField], width: Int) throws(ScopeError) -> ByteSlice {
    if parts.count == 1, case .bytes(let bytes) = parts[0].payload { return bytes }
    var all: [UInt8] = []
    for part in parts {
      switch part.payload {
      case .bytes(let bytes): all.append(contentsOf: bytes.array)
      case .fixed32 where width == 4, .fixed64 where width == 8:
        // An unpacked value is the last `width` bytes of its field.
        all.append(contentsOf: part.serialized.dropFirst(part.serialized.count - width).array)
      default:
        throw ScopeError(
          .malformed, "tensor '\(name)' has data of the wrong wire type",
          place: "byte \(part.serialized.offset)")
      }
    }
    return ByteSlice(all)
  }

  private func varints(_ parts: [WireField]) throws(ScopeError) -> [Int64] {
    var values: [Int64] = []
    for part in parts { try part.appendVarints(to: &values) }
    return values
  }
}
