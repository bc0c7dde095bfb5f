import OrderedCollections
import ScopeBytes

/// The key-value pairs at the beginning of a GGUF file.
struct GGUFMetadata: Sendable {
  enum Value: Sendable {
    case integer(Int)
    case number(Double)
    case bool(Bool)
    case text(ByteSlice)
    /// A short array of whole numbers or truth values.
    case integers([Int])
    /// Any other array: only its length is kept.
    case array(count: Int)
  }

  private(set) var values: OrderedDictionary<String, Value> = [:]

  /// Longest key, in bytes (the specification's limit).
  private static let keyLimit = 65_535
  /// Arrays of whole numbers are kept up to this length: heads per layer, not vocabularies.
  private static let keptCount = 4096
  private static let arrayDepth = 4

  /// - Parameter count: as the header declares it, already checked against the bytes that are left.
  init(_ reader: inout ByteReader, count: Int, layout: GGUFLayout) throws(ScopeError) {
    values.reserveCapacity(min(count, 1024))
    for _ in 0..<count {
      let start = reader.fileOffset
      let key = try layout.text(&reader, limit: Self.keyLimit, what: "metadata key")
      guard let name = key.utf8String else {
        throw ScopeError(.malformed, "a metadata key is not UTF-8", place: "byte \(start)")
      }
      do throws(ScopeError) {
        let type: UInt32 = try reader.integer(what: "type of the value")
        let value = try Self.value(&reader, type: type, layout: layout, depth: 0)
        guard values.updateValue(value, forKey: name) == nil else {
          throw ScopeError(.malformed, "the metadata has a key twice")
        }
      } catch {
        throw error.at("metadata \"\(name.prefix(200))\"")
      }
    }
  }

  private static func value(
    _ reader: inout ByteReader, type: UInt32, layout: GGUFLayout, depth: Int
  ) throws(ScopeError) -> Value {
    switch type {
    case 0: return .integer(Int(try reader.integer(UInt8.self)))
    case 1: return .integer(Int(try reader.integer(Int8.self)))
    case 2: return .integer(Int(try reader.integer(UInt16.self)))
    case 3: return .integer(Int(try reader.integer(Int16.self)))
    case 4: return .integer(Int(try reader.integer(UInt32.self)))
    case 5: return .integer(Int(try reader.integer(Int32.self)))
    case 6: return .number(Double(Float(bitPattern: try reader.integer(UInt32.self))))
    case 7: return .bool(try reader.integer(UInt8.self) != 0)
    case 8: return .text(try layout.text(&reader, limit: .max, what: "text"))
    case 9: return try array(&reader, layout: layout, depth: depth)
    case 10: return .integer(Int(clamping: try reader.integer(UInt64.self)))
    case 11: return .integer(Int(clamping: try reader.integer(Int64.self)))
    case 12: return .number(Double(bitPattern: try reader.integer(UInt64.self)))
    default:
      throw ScopeError(
        .malformed, "a metadata value has an unknown type", place: "byte \(reader.fileOffset)",
        expected: "0 to 12", found: "\(type)")
    }
  }

  private static func array(
    _ reader: inout ByteReader, layout: GGUFLayout, depth: Int
  ) throws(ScopeError) -> Value {
    let type: UInt32 = try reader.integer(what: "type of an array's elements")
    let count = try layout.count(&reader, what: "length of an array")
    let width: Int
    switch type {
    case 0, 1, 7: width = 1
    case 2, 3: width = 2
    case 4, 5, 6: width = 4
    case 10, 11, 12: width = 8
    case 8:
      // Texts of any length: each is stepped over, none is kept.
      try layout.check(count, each: layout.lengthBytes, reader, what: "array of texts")
      for _ in 0..<count { _ = try layout.text(&reader, limit: .max, what: "text of an array") }
      return .array(count: count)
    case 9:
      guard depth < arrayDepth else {
        throw ScopeError(
          .limitExceeded, "arrays are nested too deeply", place: "byte \(reader.fileOffset)",
          expected: "at most \(arrayDepth) levels")
      }
      try layout.check(count, each: 4 + layout.lengthBytes, reader, what: "array of arrays")
      for _ in 0..<count { _ = try array(&reader, layout: layout, depth: depth + 1) }
      return .array(count: count)
    default:
      throw ScopeError(
        .malformed, "an array has elements of an unknown type", place: "byte \(reader.fileOffset)",
        expected: "0 to 12", found: "\(type)")
    }
    try layout.check(count, each: width, reader, what: "array")
    guard count <= keptCount, type != 6, type != 12 else {
      try reader.skip(count * width, what: "array")
      return .array(count: count)
    }
    var numbers: [Int] = []
    for _ in 0..<count {
      switch try value(&reader, type: type, layout: layout, depth: depth) {
      case .integer(let number): numbers.append(number)
      case .bool(let flag): numbers.append(flag ? 1 : 0)
      default: break
      }
    }
    return .integers(numbers)
  }

  func integer(_ key: String) -> Int? { if case .integer(let value)? = values[key] { value } else { nil } }

  /// One number for all layers, or one per layer.
  func integers(_ key: String) -> [Int]? {
    switch values[key] {
    case .integer(let value)?: [value]
    case .integers(let list)?: list
    default: nil
    }
  }

  func text(_ key: String) -> String? {
    guard case .text(let bytes)? = values[key] else { return nil }
    return String(decoding: bytes.prefix(200).array, as: UTF8.self)
  }

  /// The length of an array.
  func count(_ key: String) -> Int? {
    switch values[key] {
    case .array(let count)?: count
    case .integers(let list)?: list.count
    default: nil
    }
  }

  /// Every pair, values cut to a line; arrays by their length.
  var lines: OrderedDictionary<String, String> {
    values.mapValues { value in
      switch value {
      case .integer(let number): "\(number)"
      case .number(let number): "\(number)"
      case .bool(let flag): "\(flag)"
      case .text(let bytes):
        String(decoding: bytes.prefix(200).array, as: UTF8.self) + (bytes.count > 200 ? " …" : "")
      case .integers(let list): list.count <= 8 ? "\(list)" : "array of \(list.count)"
      case .array(let count): "array of \(count)"
      }
    }
  }
}

/// Widths that differ between the versions of the format.
struct GGUFLayout: Sendable {
  /// Version 1 writes lengths and sizes in 32 bits, later ones in 64.
  let isWide: Bool

  var lengthBytes: Int { isWide ? 8 : 4 }

  func count(_ reader: inout ByteReader, what: String) throws(ScopeError) -> Int {
    let start = reader.fileOffset
    let value =
      isWide
      ? try reader.integer(UInt64.self, what: what) : UInt64(try reader.integer(UInt32.self, what: what))
    guard let count = Int(exactly: value) else {
      throw ScopeError(
        .limitExceeded, "\(what) is not possible", place: "byte \(start)", expected: "below 2^63",
        found: "\(value)")
    }
    return count
  }

  /// - Throws: `truncated` when `count` elements of at least `each` bytes cannot follow.
  func check(_ count: Int, each: Int, _ reader: ByteReader, what: String) throws(ScopeError) {
    guard count <= reader.remaining / each else {
      throw ScopeError(
        .truncated, "\(what) declares more than the file holds", place: "byte \(reader.fileOffset)",
        expected: "\(count) elements of at least \(each) bytes", found: "\(reader.remaining) bytes left",
        remedy: "The file is truncated or its header lies; fetch it again")
    }
  }

  func text(_ reader: inout ByteReader, limit: Int, what: String) throws(ScopeError) -> ByteSlice {
    let length = try count(&reader, what: "length of \(what)")
    guard length <= limit else {
      throw ScopeError(
        .limitExceeded, "\(what) is too long", place: "byte \(reader.fileOffset)",
        expected: "at most \(limit) bytes", found: "\(length)")
    }
    return try reader.slice(length, what: what)
  }
}
