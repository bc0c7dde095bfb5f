import ScopeBytes
import ScopeGraph

/// Statistics of the low bits of a tensor's elements.
///
/// Weights that were trained in float32 have low bits that look like coin tosses; weights that came from float16,
/// bfloat16 or integers have low bits that are zero or few patterns. Both are ordinary, so neither uniformity nor its
/// absence means anything. What is tested is what only writing bytes into weights does.
struct LowBits {
  let tensor: WeightTensor
  /// Bytes per element.
  let width: Int
  let count: Int

  /// Elements per block of the rhythm test.
  static let block = 4096

  /// - Returns: nil for types without low bits to hide in, and for few elements.
  init?(_ tensor: WeightTensor) {
    switch tensor.type {
    case .float32: width = 4
    case .float16, .bfloat16: width = 2
    case .float64: width = 8
    default: return nil
    }
    self.tensor = tensor
    count = tensor.bytes.count / width
    guard count >= 256 else { return nil }
  }

  /// The low `bytes` bytes of elements `range`, in order.
  func stream(bytes: Int, _ range: Range<Int>) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: range.count * bytes) { target, initialized in
      tensor.bytes.withUnsafeBytes { raw in
        var next = 0
        for element in range {
          for byte in 0..<bytes {
            target[next] = raw[element * width + byte]
            next += 1
          }
        }
        initialized = next
      }
    }
  }

  /// The low `bits` bits of the first `elements` elements put together into bytes.
  ///
  /// - Parameter highFirst: whether the first bit is the highest of a byte; bits of one element likewise.
  func stream(bits: Int, elements: Int, highFirst: Bool) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(elements * bits / 8 + 1)
    tensor.bytes.withUnsafeBytes { raw in
      var pending: UInt32 = 0
      var filled = 0
      for element in 0..<min(elements, count) {
        let low = UInt32(raw[element * width]) & (1 << UInt32(bits) - 1)
        if highFirst {
          pending = pending << UInt32(bits) | low
          filled += bits
          while filled >= 8 {
            filled -= 8
            result.append(UInt8(truncatingIfNeeded: pending >> UInt32(filled)))
          }
        } else {
          pending |= low << UInt32(filled)
          filled += bits
          while filled >= 8 {
            result.append(UInt8(truncatingIfNeeded: pending))
            pending >>= 8
            filled -= 8
          }
        }
      }
    }
    return result
  }

  // MARK: A rhythm of eight

  /// A byte's bits, one per byte of the result.
  private static let spread: [UInt64] = (0..<256).map { (value: UInt64) -> UInt64 in
    var result: UInt64 = 0
    for bit: UInt64 in 0..<8 { result |= (value >> bit & 1) << (8 * bit) }
    return result
  }

  /// Blocks whose low bits depend on the position modulo 8 although the high bits do not: bytes written at 1 to 7 bits
  /// per element do that, because text, code and headers use some bits of a byte more than others, and 8 elements hold
  /// whole bytes whatever the number of bits. Chi-squared over the eight positions (7 degrees of freedom) above 150
  /// in a low bit and below 40 in all bits of the highest mantissa byte; two blocks, so that a tensor of 10^9 elements
  /// has less than one chance in 10^20.
  ///
  /// - Returns: first element and number of such blocks.
  func rhythm() -> (start: Int, blocks: Int, bit: Int, statistic: Double)? {
    let blocks = count / Self.block
    guard blocks >= 2 else { return nil }
    let bits = tensor.type == .bfloat16 ? 4 : 8
    let reference = width == 2 ? 1 : width - 2
    var first: (Int, Int, Double)?
    var marked = 0
    tensor.bytes.withUnsafeBytes { raw in
      for block in 0..<blocks {
        let start = block * Self.block
        let low = Self.chiSquared(raw, from: start, width: width, byte: 0)
        guard let (bit, statistic) = low.prefix(bits).enumerated().max(by: { $0.element < $1.element }),
          statistic > 150
        else { continue }
        let high = Self.chiSquared(raw, from: start, width: width, byte: reference)
        guard high.allSatisfy({ $0 < 40 }) else { continue }
        marked += 1
        if first == nil { first = (start, bit, statistic) }
      }
    }
    guard let first, marked >= 2 else { return nil }
    return (first.0, marked, first.1, first.2)
  }

  /// Per bit of a byte of the elements: chi-squared of ones over the positions modulo 8.
  private static func chiSquared(
    _ raw: UnsafeRawBufferPointer, from start: Int, width: Int, byte: Int
  ) -> [Double] {
    var ones = [[Int]](repeating: [Int](repeating: 0, count: 8), count: 8)
    spread.withUnsafeBufferPointer { spread in
      for phase in 0..<8 {
        var element = start + phase
        let end = start + block
        while element < end {
          // At most 255 additions before a byte of the sum could overflow.
          var sums: UInt64 = 0
          let stop = min(end, element + 8 * 255)
          while element < stop {
            sums &+= spread[Int(raw[element * width + byte])]
            element += 8
          }
          for bit in 0..<8 { ones[bit][phase] += Int(sums >> UInt64(8 * bit) & 0xFF) }
        }
      }
    }
    let trials = Double(block / 8)
    return ones.map { counts in
      let total = Double(counts.reduce(0, +))
      let share = total / (8 * trials)
      guard share > 0.02, share < 0.98 else { return 0 }
      return counts.reduce(0.0) { $0 + (Double($1) - total / 8) * (Double($1) - total / 8) }
        / (trials * share * (1 - share))
    }
  }

  // MARK: Whole bytes replaced

  /// 512 or more consecutive float32 elements whose exponents (but for the lowest bit) are equal while both signs occur
  /// and the mantissas vary: EvilModel's fast substitution keeps the first byte and replaces the other three.
  /// Weights on both sides of zero come close to zero, and their exponents vary.
  func constantExponent() -> (start: Int, length: Int)? {
    guard tensor.type == .float32 else { return nil }
    return tensor.bytes.withUnsafeBytes { raw in
      var start = 0
      var negative = 0
      for element in 0...count {
        if element < count, raw[element * 4 + 3] & 0x7F == raw[start * 4 + 3] & 0x7F {
          negative += Int(raw[element * 4 + 3] >> 7)
          continue
        }
        let length = element - start
        if length >= 512, negative * 10 >= length, negative * 10 <= length * 9 {
          var kinds = Set<UInt8>()
          for inside in start..<min(element, start + 4096) { kinds.insert(raw[inside * 4 + 1]) }
          if kinds.count >= 64 { return (start, length) }
        }
        guard element < count else { break }
        start = element
        negative = Int(raw[element * 4 + 3] >> 7)
      }
      return nil
    }
  }

  /// One stretch of float32 elements with live low bits inside a tensor whose other elements have none although they
  /// are not zero (converted from half precision). Stretches of whole rows are ordinary: rows added to an embedding.
  func liveStretch() -> (start: Int, length: Int)? {
    guard tensor.type == .float32, count >= 4096 else { return nil }
    return tensor.bytes.withUnsafeBytes { raw in
      var first = -1
      var last = -1
      var live = 0
      var values = 0
      for element in 0..<count {
        let low = raw[element * 4]
        if low != 0 {
          if first < 0 { first = element }
          last = element
          live += 1
          if live * 5 > count { return nil }
        } else if raw[element * 4 + 3] & 0x7F != 0 {
          values += 1
        }
      }
      let length = last - first + 1
      // Of random bytes one in 256 is zero: the stretch must be solid.
      guard live >= 256, live * 20 >= length * 19, length * 5 <= count, values * 2 >= count,
        !first.isMultiple(of: max(tensor.rowElements, 1))
          || !(last + 1).isMultiple(of: max(tensor.rowElements, 1)),
        tensor.rowElements > 1
      else { return nil }
      return (first, length)
    }
  }
}
