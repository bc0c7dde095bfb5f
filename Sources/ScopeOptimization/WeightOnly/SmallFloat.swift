import ScopeGraph

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A binary floating-point format narrower than float32.
package struct SmallFloat: Sendable {
  package let dataType: DataType
  let fractionBits: Int
  let exponentBits: Int
  /// Largest finite number.
  let greatest: Float
  /// Whether the highest exponent is all infinities and NaN (IEEE 754); in E4M3FN only its last code is NaN.
  let hasInfinity: Bool

  private var bias: Int { (1 << (exponentBits - 1)) - 1 }

  static let half = SmallFloat(
    dataType: .float16, fractionBits: 10, exponentBits: 5, greatest: 65504, hasInfinity: true)
  static let brain = SmallFloat(
    dataType: .bfloat16, fractionBits: 7, exponentBits: 8, greatest: 0x1.FEp127, hasInfinity: true)
  /// OCP 8-bit floating point specification (OFP8).
  static let e4m3 = SmallFloat(
    dataType: .float8e4m3fn, fractionBits: 3, exponentBits: 4, greatest: 448, hasInfinity: false)
  static let e5m2 = SmallFloat(
    dataType: .float8e5m2, fractionBits: 2, exponentBits: 5, greatest: 57344, hasInfinity: true)

  /// The format of a storage type; nil for integers.
  package static func of(_ format: StorageRecipe.Format) -> SmallFloat? {
    switch format {
    case .float16: half
    case .bfloat16: brain
    case .float8e4m3: e4m3
    case .float8e5m2: e5m2
    case .int8, .int4: nil
    }
  }

  /// The code of the nearest number, half to even; what is beyond ``greatest`` after rounding becomes infinity where
  /// the format has one, otherwise the greatest number. NaN stays NaN.
  @inline(__always) package func encode(_ value: Float) -> UInt16 {
    let sign = UInt16(value.bitPattern >> 31) << UInt16(fractionBits + exponentBits)
    let magnitude = value.bitPattern & 0x7FFF_FFFF
    let infinity = UInt16(hasInfinity ? ((1 << exponentBits) - 1) << fractionBits : 0x7E)
    if magnitude > 0x7F80_0000 { return sign | (hasInfinity ? infinity | 1 : 0x7F) }
    let exponent = Int(magnitude >> 23) - 127 + bias
    var shift = UInt32(23 - fractionBits)
    // The number as an integer whose lowest bits go away; below the least normal number the implicit one shifts in.
    var integer = magnitude
    if exponent >= 1 || bias == 127 {
      integer = magnitude &- UInt32(127 - bias) << 23
    } else {
      shift += UInt32(min(1 - exponent, 31))
      guard shift < 32, magnitude >= 0x0080_0000 else { return sign }
      integer = magnitude & 0x007F_FFFF | 0x0080_0000
    }
    let half = UInt32(1) << (shift - 1)
    let rounded = (integer &+ half &- 1 &+ (integer >> shift & 1)) >> shift
    return sign | UInt16(min(rounded, UInt32(infinity)))
  }

  /// The number behind a code.
  package func decode(_ code: UInt16) -> Float {
    let bits = fractionBits + exponentBits
    let fraction = Int(code) & ((1 << fractionBits) - 1)
    let exponent = Int(code) >> fractionBits & ((1 << exponentBits) - 1)
    let isNegative = Int(code) >> bits & 1 == 1
    let magnitude: Float
    if hasInfinity, exponent == (1 << exponentBits) - 1 {
      magnitude = fraction == 0 ? .infinity : .nan
    } else if !hasInfinity, Int(code) & 0x7F == 0x7F {
      magnitude = .nan
    } else {
      // Scaled in double precision: bfloat16's least numbers are float32's subnormal ones.
      let significand = Double(exponent == 0 ? fraction : fraction | 1 << fractionBits)
      magnitude = Float(
        significand
          * Double(sign: .plus, exponent: max(exponent, 1) - bias - fractionBits, significand: 1))
    }
    return isNegative ? -magnitude : magnitude
  }

  /// `values` as a tensor of this type with the ratio of signal to rounding noise in decibels: infinite without error,
  /// minus infinity where a finite number became infinite.
  func tensor(_ values: [Float], _ dimensions: [Int], scale: Float = 1) -> (tensor: Tensor, sqnr: Double)? {
    var signal = 0.0
    var noise = 0.0
    var codes = [UInt16](repeating: 0, count: values.count)
    let inverse = 1 / scale
    for position in values.indices {
      let value = values[position] * inverse
      let code = encode(value)
      codes[position] = code
      let error = Double(decodeFast(code)) - Double(value)
      signal += Double(value) * Double(value)
      noise += error * error
    }
    let made: Tensor? =
      dataType.bitWidth == 16
      ? try? Tensor(dataType: dataType, dimensions: dimensions, storage: .packed(.init(elements: codes)))
      : try? Tensor(
        dataType: dataType, dimensions: dimensions,
        storage: .packed(.init(codes.map { UInt8(truncatingIfNeeded: $0) })))
    guard let made else { return nil }
    let ratio = noise == 0 ? Double.infinity : noise.isFinite ? decibels(signal / noise) : -.infinity
    return (made, ratio)
  }

  @inline(__always) private func decodeFast(_ code: UInt16) -> Float {
    switch dataType {
    case .bfloat16: Float(bitPattern: UInt32(code) << 16)
    case .float16: ScalarConversion.float(fromHalf: code)
    default: decode(code)
    }
  }
}

/// A power ratio in decibels.
private func decibels(_ ratio: Double) -> Double { 10 * log10(ratio) }
