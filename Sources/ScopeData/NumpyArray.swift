import ScopeBytes
import ScopeGraph

/// An `.npy` array (NumPy format versions 1 to 3): its header, checked against the bytes that follow.
///
/// Object arrays hold a pickle and are refused; nothing is executed.
package struct NumpyArray {
  package enum Element: String, CaseIterable {
    case bool = "b1"
    case uint8 = "u1"
    case int8 = "i1"
    case uint16 = "u2"
    case int16 = "i2"
    case uint32 = "u4"
    case int32 = "i4"
    case uint64 = "u8"
    case int64 = "i8"
    case float16 = "f2"
    case float32 = "f4"
    case float64 = "f8"

    /// Bytes per value.
    var size: Int { rawValue.last?.wholeNumberValue ?? 1 }
    var isFloat: Bool { rawValue.hasPrefix("f") }

    /// The same type in a graph.
    package var dataType: DataType {
      switch self {
      case .bool: .bool
      case .uint8: .uint8
      case .int8: .int8
      case .uint16: .uint16
      case .int16: .int16
      case .uint32: .uint32
      case .int32: .int32
      case .uint64: .uint64
      case .int64: .int64
      case .float16: .float16
      case .float32: .float32
      case .float64: .float64
      }
    }
  }

  package let element: Element
  package let dimensions: [Int]
  /// Values between neighbours along each dimension; column-major files differ from row-major ones only here.
  package let strides: [Int]
  /// Exactly the values, little-endian.
  package let data: ByteSlice

  static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]

  /// - Throws: `malformed`, `truncated`, `unsupported` (object or structured types, big-endian), `limitExceeded`.
  package init(_ bytes: ByteSlice) throws(ScopeError) {
    guard bytes.starts(with: NumpyArray.magic) else {
      throw ScopeError(.malformed, "this is not a NumPy array", expected: "the magic bytes \\x93NUMPY")
    }
    var reader = ByteReader(bytes, at: 6)
    let major = try reader.byte(what: "format version")
    _ = try reader.byte(what: "format version")
    guard (1...3).contains(major) else {
      throw ScopeError(
        .unsupported, "the array format version is unknown", expected: "1 to 3", found: "\(major)")
    }
    let length =
      major == 1
      ? Int(try reader.integer(UInt16.self, what: "header length"))
      : Int(try reader.integer(UInt32.self, what: "header length"))
    guard length <= 1 << 16 else {
      throw ScopeError(
        .limitExceeded, "the array header is too long", expected: "at most 65536 bytes", found: "\(length)")
    }
    let header = try NumpyHeader(reader.slice(length, what: "array header"))
    element = try NumpyArray.element(header.descriptor)
    dimensions = header.shape
    let count = try checkedProduct(dimensions, what: "array shape")
    let size = try checkedProduct([count, element.size], what: "array size")
    data = try reader.slice(size, what: "array data")
    var strides = [Int](repeating: 1, count: dimensions.count)
    let order = header.fortranOrder ? Array(dimensions.indices) : dimensions.indices.reversed()
    var step = 1
    for dimension in order {
      strides[dimension] = step
      // Overflows only beside a dimension of 0, where nothing is ever read.
      step = step &* max(1, dimensions[dimension])
    }
    self.strides = strides
  }

  var count: Int { dimensions.reduce(1, *) }

  private static func element(_ descriptor: String) throws(ScopeError) -> Element {
    if descriptor.hasPrefix("|O") || descriptor == "O" {
      throw ScopeError(
        .unsupported, "the array holds Python objects, which are never loaded", expected: "numbers",
        remedy: "Save it with a numeric dtype, for example x.astype('float32')")
    }
    guard !descriptor.hasPrefix(">") || descriptor.hasSuffix("1") else {
      throw ScopeError(
        .unsupported, "the array is big-endian", found: descriptor, remedy: "Save it in little-endian order")
    }
    guard let first = descriptor.first, "<|=>".contains(first),
      let element = Element(rawValue: String(descriptor.dropFirst()))
    else {
      throw ScopeError(
        .unsupported, "the array's element type is not read", expected: "integers or floats",
        found: String(descriptor.prefix(40)))
    }
    return element
  }

  /// Calls `body` once with a function that gives the value at a position (in values, not bytes) as `Float`.
  func withFloats<R>(_ body: ((Int) -> Float) -> R) -> R {
    data.withUnsafeBytes { bytes in
      switch element {
      case .bool, .uint8: body { Float(bytes[$0]) }
      case .int8: body { Float(Int8(bitPattern: bytes[$0])) }
      case .uint16: body { Float(bytes.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self)) }
      case .int16: body { Float(bytes.loadUnaligned(fromByteOffset: 2 * $0, as: Int16.self)) }
      case .uint32: body { Float(bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)) }
      case .int32: body { Float(bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self)) }
      case .uint64: body { Float(bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self)) }
      case .int64: body { Float(bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)) }
      case .float16:
        body { NumpyArray.float(half: bytes.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self)) }
      case .float32: body { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
      case .float64: body { Float(bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self)) }
      }
    }
  }

  /// Values along the first dimension as exact integers; nil where a value is none.
  func integers() -> [Int?] {
    let step = strides.first ?? 1
    return data.withUnsafeBytes { bytes in
      (0..<(dimensions.first ?? 1)).map { index -> Int? in
        let position = index * step
        switch element {
        case .uint64: return Int(exactly: bytes.loadUnaligned(fromByteOffset: 8 * position, as: UInt64.self))
        case .int64: return Int(exactly: bytes.loadUnaligned(fromByteOffset: 8 * position, as: Int64.self))
        case .uint32: return Int(bytes.loadUnaligned(fromByteOffset: 4 * position, as: UInt32.self))
        case .int32: return Int(bytes.loadUnaligned(fromByteOffset: 4 * position, as: Int32.self))
        case .float64: return Int(exactly: bytes.loadUnaligned(fromByteOffset: 8 * position, as: Double.self))
        default: return withFloats { Int(exactly: $0(position)) }
        }
      }
    }
  }

  /// IEEE 754 binary16; by hand because `Float16` does not exist on every platform.
  static func float(half: UInt16) -> Float {
    let sign: Float = half & 0x8000 == 0 ? 1 : -1
    let exponent = Int(half >> 10 & 31)
    let fraction = Float(half & 1023)
    switch exponent {
    case 0: return sign * fraction * 0x1p-24
    case 31: return fraction == 0 ? sign * .infinity : .nan
    default: return sign * (1024 + fraction) * Float(sign: .plus, exponent: exponent - 25, significand: 1)
    }
  }
}

/// The dictionary at the start of an `.npy` file, e.g. `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`.
struct NumpyHeader {
  private(set) var descriptor = ""
  private(set) var fortranOrder = false
  private(set) var shape: [Int] = []

  private static let dimensionLimit = 32

  init(_ bytes: ByteSlice) throws(ScopeError) {
    var parser = Parser(bytes: bytes.array)
    var seen: Set<String> = []
    try parser.expect("{")
    while !parser.take("}") {
      let key = try parser.string()
      guard seen.insert(key).inserted else { throw parser.error("the key \(key) appears twice") }
      try parser.expect(":")
      switch key {
      case "descr":
        guard !parser.take("[") else {
          throw ScopeError(
            .unsupported, "the array has a structured type", expected: "one number per element",
            remedy: "Save images and labels as two plain arrays")
        }
        descriptor = try parser.string()
      case "fortran_order":
        if parser.take("True") {
          fortranOrder = true
        } else {
          try parser.expect("False")
        }
      case "shape": shape = try parser.tuple(limit: NumpyHeader.dimensionLimit)
      default: throw parser.error("the key \"\(key.prefix(40))\" is unknown")
      }
      if !parser.take(",") {
        try parser.expect("}")
        break
      }
    }
    guard seen.count == 3 else { throw parser.error("descr, fortran_order or shape is missing") }
  }

  private struct Parser {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    func error(_ message: String) -> ScopeError {
      ScopeError(.malformed, "the array header cannot be read: \(message)", place: "header byte \(position)")
    }

    private mutating func skipBlanks() {
      while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    mutating func take(_ text: String) -> Bool {
      skipBlanks()
      guard bytes[position...].starts(with: text.utf8) else { return false }
      position += text.utf8.count
      return true
    }

    mutating func expect(_ text: String) throws(ScopeError) {
      guard take(text) else { throw error("\(text) expected") }
    }

    mutating func string() throws(ScopeError) -> String {
      skipBlanks()
      guard position < bytes.count, bytes[position] == 0x27 || bytes[position] == 0x22,
        let end = bytes[(position + 1)...].firstIndex(of: bytes[position])
      else { throw error("a quoted text expected") }
      defer { position = end + 1 }
      return String(decoding: bytes[position + 1..<end], as: UTF8.self)
    }

    mutating func tuple(limit: Int) throws(ScopeError) -> [Int] {
      try expect("(")
      var values: [Int] = []
      while !take(")") {
        skipBlanks()
        let start = position
        while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
        guard let value = Int(String(decoding: bytes[start..<position], as: UTF8.self)) else {
          throw error("a dimension is not a number of 63 bits")
        }
        // Python 2 wrote long integers as 3L.
        _ = take("L")
        values.append(value)
        guard values.count <= limit else { throw error("more than \(limit) dimensions") }
        if !take(",") {
          try expect(")")
          break
        }
      }
      return values
    }
  }
}
