import COpenVINO
import ScopeGraph

/// OpenVINO's numbers of element types. They moved by one between 2025 and 2026, when "undefined" was dropped, so the
/// library at hand is asked: a tensor of one element of each number tells its size.
struct OpenVINOElementTypes: Sendable {
  private let shift: Int32

  /// Numbers of 2026, from boolean on.
  private static let numbers: [DataType: Int32] = [
    .bool: 1, .bfloat16: 2, .float16: 3, .float32: 4, .float64: 5, .int4: 6, .int8: 7, .int16: 8, .int32: 9,
    .int64: 10, .uint2: 12, .uint4: 14, .uint8: 16, .uint16: 17, .uint32: 18, .uint64: 19,
    .float8e4m3fn: 21, .float8e5m2: 22, .float4e2m1: 24, .float8e8m0: 25,
  ]
  private static let types = Dictionary(uniqueKeysWithValues: numbers.map { ($0.value, $0.key) })

  /// Nil when no numbering that is known fits.
  init?(probing api: UnsafePointer<ScopeOvApi>) {
    let probed = Self.numbers.filter { $0.key.byteCount(elements: 1) == $0.key.byteCount(elements: 2) / 2 }
    for shift in Int32(0)...1 {
      let fits = probed.allSatisfy { type, number in
        unsafe Self.byteCount(api, number + shift) == type.byteCount(elements: 1)
      }
      if fits {
        self.shift = shift
        return
      }
    }
    return nil
  }

  /// Bytes of a tensor of one element; nil when there is no such type.
  private static func byteCount(_ api: UnsafePointer<ScopeOvApi>, _ number: Int32) -> Int? {
    var one: Int64 = 1
    var tensor: OpaquePointer?
    let status = unsafe withUnsafeMutablePointer(to: &one) { size in
      unsafe api.pointee.tensor_create(number, ScopeOvShape(rank: 1, dimensions: size), &tensor)
    }
    guard status == 0, let tensor = unsafe tensor else { return nil }
    defer { unsafe api.pointee.tensor_free(tensor) }
    var count = 0
    guard unsafe api.pointee.tensor_get_byte_size(tensor, &count) == 0 else { return nil }
    return count
  }

  /// Nil for types that OpenVINO has none for, and for strings.
  func number(of type: DataType) -> Int32? { Self.numbers[type].map { $0 + shift } }

  func type(of number: Int32) -> DataType? { Self.types[number - shift] }
}
