import Crypto

extension ByteSlice {
  /// SHA-256 of the bytes as lower-case hexadecimal.
  public var sha256: String {
    var hasher = SHA256()
    let step = 1 << 24
    for start in stride(from: 0, to: max(count, 1), by: step) {
      let piece = dropFirst(start).prefix(step)
      unsafe piece.withUnsafeBytes { bytes in
        unsafe hasher.update(bufferPointer: bytes)
      }
      piece.releasePages()
    }
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in hasher.finalize() {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}
