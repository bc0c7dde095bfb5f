import CImageCodecs
import ScopeBytes

/// Encodes pixels, for measuring what stored images do to a model.
package enum ImageEncoder {
  /// A baseline JPEG with 4:2:0 chroma, as Pillow's `save("JPEG", quality=q)` writes it.
  ///
  /// - Parameters:
  ///   - rgb: [H, W, 3].
  ///   - quality: 1...100.
  /// - Throws: `invalidArgument` for sizes that do not fit; `limitExceeded` without memory.
  package static func jpeg(
    _ rgb: [UInt8], width: Int, height: Int, quality: Int
  ) throws(ScopeError) -> ByteSlice {
    guard width > 0, height > 0, width <= 65_500, height <= 65_500, rgb.count == width * height * 3,
      (1...100).contains(quality)
    else {
      throw ScopeError(
        .invalidArgument, "these pixels cannot be stored as JPEG",
        expected: "1 to 65500 pixels on a side, quality 1 to 100",
        found: "\(width) x \(height), \(rgb.count) values, quality \(quality)")
    }
    var bytes: UnsafeMutablePointer<UInt8>?
    var count = 0
    let status = scope_jpeg_encode(rgb, UInt32(width), UInt32(height), Int32(quality), &bytes, &count)
    defer { scope_bytes_release(bytes) }
    guard status == Int32(SCOPE_IMAGE_OK.rawValue), let bytes else {
      throw ScopeError(.limitExceeded, "not enough memory to encode the image")
    }
    return ByteSlice([UInt8](UnsafeBufferPointer(start: bytes, count: count)))
  }
}
