/// The layout of com.microsoft MatMulNBits (ONNX Runtime, docs/ContribOperators.md): codes [N, blocks, blockSize x bits /
/// 8] with the earlier input in the lower bits, zero points [N, ceil(blocks x bits / 8)] packed alike. The last block of
/// a row is filled up with codes of zero, the last byte of the zero points with zero bits.
enum NBitsPacking {
  /// - Parameter codes: [outputs, inputs] row-major, `0 ..< 2^bits`.
  /// - Returns: [outputs, blocks, blockSize x bits / 8].
  static func codes(_ codes: [Int16], grid: RoundingGrid, bits: Int) -> [UInt8] {
    let perByte = 8 / bits
    let blobSize = grid.blockSize / perByte
    let rowBytes = grid.blocks * blobSize
    var result = [UInt8](repeating: 0, count: grid.outputs * rowBytes)
    for output in 0..<grid.outputs {
      for input in 0..<grid.inputs {
        result[output * rowBytes + input / perByte] |=
          UInt8(truncatingIfNeeded: codes[output * grid.inputs + input]) << UInt8(input % perByte * bits)
      }
    }
    return result
  }

  /// - Returns: [outputs, ceil(blocks x bits / 8)]; nil when all are the default, the middle code.
  static func zeroPoints(_ grid: RoundingGrid, bits: Int) -> [UInt8]? {
    let perByte = 8 / bits
    guard let zeros = grid.zeroPoints, zeros.contains(where: { $0 != 1 << (bits - 1) }) else { return nil }
    let rowBytes = (grid.blocks + perByte - 1) / perByte
    var result = [UInt8](repeating: 0, count: grid.outputs * rowBytes)
    for output in 0..<grid.outputs {
      for block in 0..<grid.blocks {
        result[output * rowBytes + block / perByte] |=
          UInt8(truncatingIfNeeded: zeros[output * grid.blocks + block]) << UInt8(block % perByte * bits)
      }
    }
    return result
  }
}
