import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Reads safetensors files: an 8-byte header length, a JSON header, and packed little-endian tensors.
///
/// Checks what the reference implementation checks (huggingface/safetensors `tensor.rs`): header of at most
/// 100 MB, offsets that cover the data without holes or overlap, sizes that fit shape and type, no key twice.
public enum SafetensorsReader {
  /// Largest header the reference implementation accepts, in bytes.
  public static let headerLimit = 100_000_000

  /// Whether the bytes begin like a safetensors file, truncated ones included.
  public static func looksLikeSafetensors(_ bytes: ByteSlice) -> Bool {
    guard bytes.count > 8, bytes[8] == 0x7B, let length: UInt64 = try? bytes.integer(at: 0) else {
      return false
    }
    return length <= UInt64(headerLimit) && length >= 2
  }

  /// - Throws: `truncated`, `malformed`, `limitExceeded` naming the tensor; `unsupported` for element types that
  ///   cannot be represented.
  public static func read(_ bytes: ByteSlice) throws(ScopeError) -> StateDict {
    let length: UInt64 = try bytes.integer(at: 0, what: "header length")
    guard length <= UInt64(headerLimit) else {
      throw ScopeError(
        .limitExceeded, "the header is too long", place: "byte 0", expected: "at most \(headerLimit) bytes",
        found: "\(length)")
    }
    let header = try bytes.slice(at: 8, count: Int(length), what: "header")
    guard header.starts(with: [0x7B]) else {
      throw ScopeError(.malformed, "the header does not begin with {", place: "byte 8")
    }
    guard case .object(let entries) = try JSONValue.parse(header) else {
      throw ScopeError(.malformed, "the header is no JSON object", place: "byte 8")
    }
    let data = bytes.dropFirst(8 + Int(length))
    var result = StateDict(tensors: [:])
    var ranges: [(name: String, begin: Int, end: Int)] = []
    ranges.reserveCapacity(entries.count)
    for (name, value) in entries {
      do throws(ScopeError) {
        if name == "__metadata__" {
          result.metadata = try metadata(value)
          continue
        }
        let entry = try Entry(value)
        ranges.append((name, entry.begin, entry.end))
        let bytes = try data.slice(at: entry.begin, count: entry.end - entry.begin, what: "tensor")
        result.tensors[name] = try Tensor(
          dataType: entry.type, dimensions: entry.shape, storage: .packed(bytes))
      } catch {
        throw error.at("tensor \"\(name.prefix(200))\"")
      }
    }
    try checkCoverage(&ranges, of: data)
    return result
  }

  private static func metadata(_ value: JSONValue) throws(ScopeError) -> OrderedDictionary<String, String> {
    guard case .object(let members) = value else {
      throw ScopeError(.malformed, "the metadata is no JSON object")
    }
    var result: OrderedDictionary<String, String> = [:]
    for (key, member) in members {
      guard case .string(let text) = member else {
        throw ScopeError(.malformed, "the metadata \"\(key.prefix(80))\" is not text")
      }
      result[key] = text
    }
    return result
  }

  private static func checkCoverage(
    _ ranges: inout [(name: String, begin: Int, end: Int)], of data: ByteSlice
  ) throws(ScopeError) {
    ranges.sort { ($0.begin, $0.end) < ($1.begin, $1.end) }
    var position = 0
    for range in ranges {
      guard range.begin == position else {
        throw ScopeError(
          .malformed, range.begin < position ? "two tensors overlap" : "there is a hole between two tensors",
          place: "tensor \"\(range.name.prefix(200))\"", expected: "data from \(position) on",
          found: "\(range.begin)")
      }
      position = range.end
    }
    guard position == data.count else {
      throw ScopeError(
        .malformed, "the tensors do not cover the data", place: "byte \(data.offset + position)",
        expected: "\(position) bytes after the header", found: "\(data.count)")
    }
  }

  /// One tensor's header entry.
  private struct Entry {
    let type: DataType
    let shape: [Int]
    let begin: Int
    let end: Int

    init(_ value: JSONValue) throws(ScopeError) {
      guard case .object(let fields) = value, case .string(let typeName)? = fields["dtype"],
        case .array(let sizes)? = fields["shape"], case .array(let offsets)? = fields["data_offsets"],
        fields.count == 3
      else {
        throw ScopeError(
          .malformed, "the entry is not as the format says", expected: "dtype, shape and data_offsets")
      }
      shape = try Self.integers(sizes)
      let range = try Self.integers(offsets)
      guard range.count == 2, range[0] <= range[1] else {
        throw ScopeError(.malformed, "the data offsets are not possible", found: "\(range)")
      }
      begin = range[0]
      end = range[1]
      guard let type = SafetensorsReader.types[typeName] else {
        throw ScopeError(
          .unsupported, "the element type is not supported",
          expected: SafetensorsReader.types.keys.sorted().joined(separator: ", "),
          found: String(typeName.prefix(40)))
      }
      self.type = type
    }

    private static func integers(_ values: [JSONValue]) throws(ScopeError) -> [Int] {
      var result: [Int] = []
      for value in values {
        guard case .integer(let integer) = value, integer >= 0 else {
          throw ScopeError(.malformed, "a size or offset is no number from 0 to 2^63")
        }
        result.append(integer)
      }
      return result
    }
  }

  static let types: [String: DataType] = [
    "BOOL": .bool, "U8": .uint8, "I8": .int8, "F8_E5M2": .float8e5m2, "F8_E4M3": .float8e4m3fn,
    "F8_E8M0": .float8e8m0, "F8_E4M3FNUZ": .float8e4m3fnuz, "F8_E5M2FNUZ": .float8e5m2fnuz, "I16": .int16,
    "U16": .uint16,
    "F16": .float16, "BF16": .bfloat16, "I32": .int32, "U32": .uint32, "F32": .float32, "F64": .float64,
    "I64": .int64, "U64": .uint64, "C64": .complex64, "F4": .float4e2m1,
  ]
}
