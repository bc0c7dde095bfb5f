/// Element type of a tensor. Raw values are the codes of ONNX `TensorProto.DataType`.
public enum DataType: Int32, Sendable, Hashable, CaseIterable, Codable {
  case float32 = 1
  case uint8 = 2
  case int8 = 3
  case uint16 = 4
  case int16 = 5
  case int32 = 6
  case int64 = 7
  case string = 8
  case bool = 9
  case float16 = 10
  case float64 = 11
  case uint32 = 12
  case uint64 = 13
  case complex64 = 14
  case complex128 = 15
  case bfloat16 = 16
  case float8e4m3fn = 17
  case float8e4m3fnuz = 18
  case float8e5m2 = 19
  case float8e5m2fnuz = 20
  case uint4 = 21
  case int4 = 22
  case float4e2m1 = 23
  case float8e8m0 = 24
  case uint2 = 25
  case int2 = 26

  /// Bits of one element in memory; 0 for strings, whose size varies.
  public var bitWidth: Int {
    switch self {
    case .string: 0
    case .uint2, .int2: 2
    case .uint4, .int4, .float4e2m1: 4
    case .uint8, .int8, .bool, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0: 8
    case .uint16, .int16, .float16, .bfloat16: 16
    case .float32, .int32, .uint32: 32
    case .float64, .int64, .uint64, .complex64: 64
    case .complex128: 128
    }
  }

  /// Bytes that `count` packed elements take (sub-byte types are packed, the last byte padded).
  public func byteCount(elements count: Int) -> Int {
    bitWidth >= 8 ? count * (bitWidth / 8) : (count * bitWidth + 7) / 8
  }

  /// Whether the type holds real numbers with a fraction.
  public var isFloatingPoint: Bool {
    switch self {
    case .float32, .float16, .float64, .bfloat16, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2,
      .float8e5m2fnuz,
      .float4e2m1, .float8e8m0:
      true
    default: false
    }
  }

  /// The name used in reports: `float32`, `int8` ...
  public var name: String { "\(self)" }
}
