import CImageCodecs
import ScopeBytes

/// An image as decoded: 8-bit RGB, not resized, not rotated.
public struct DecodedImage: Sendable {
  public let width: Int
  public let height: Int
  /// [H, W, 3], 0...255; grey files have three equal channels.
  public let rgb: [UInt8]
  /// EXIF orientation, 1...8. The pixels are as stored, like Pillow's and torchvision's default loader gives them.
  public let orientation: Int
  /// Bits per sample in the file.
  public let bitDepth: Int

  package init(width: Int, height: Int, rgb: [UInt8], orientation: Int = 1, bitDepth: Int = 8) {
    self.width = width
    self.height = height
    self.rgb = rgb
    self.orientation = orientation
    self.bitDepth = bitDepth
  }
}

/// Decodes JPEG and PNG by content to what Pillow's `Image.open(f).convert("RGB")` gives.
///
/// CMYK and YCCK JPEGs are read as inverted (Adobe) and converted without a colour profile, alpha is dropped,
/// palettes are resolved, 16-bit samples keep their high byte. One deliberate difference: Pillow clips 16-bit
/// *grey* values above 255 to white; here they keep their high byte like 16-bit colour does.
public enum ImageDecoder {
  /// Default limit, in pixels: about 300 MB once decoded.
  public static let maximumPixels = 100_000_000

  /// - Throws: `truncated`, `malformed`, `limitExceeded` (before pixels are allocated), `unsupported` (another
  ///   image format, or a variant the libraries do not decode).
  public static func decode(
    _ bytes: ByteSlice, maximumPixels: Int = maximumPixels
  ) throws(ScopeError) -> DecodedImage {
    guard !bytes.isEmpty else {
      throw ScopeError(.truncated, "the file is empty", expected: "a JPEG or PNG image")
    }
    let decode: (UnsafePointer<UInt8>?, Int, UInt64, UnsafeMutablePointer<scope_image>?) -> Int32
    if bytes.starts(with: [0xFF, 0xD8]) {
      decode = scope_jpeg_decode
    } else if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) {
      decode = scope_png_decode
    } else {
      throw notAnImage(bytes)
    }
    var image = scope_image()
    let status = bytes.withUnsafeBytes { buffer in
      decode(
        buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), buffer.count, UInt64(max(maximumPixels, 0)),
        &image)
    }
    defer { scope_image_release(&image) }
    guard status == Int32(SCOPE_IMAGE_OK.rawValue), let pixels = image.rgb else {
      throw failure(status, image, maximumPixels)
    }
    let count = Int(image.width) * Int(image.height) * 3
    return DecodedImage(
      width: Int(image.width), height: Int(image.height),
      rgb: [UInt8](UnsafeBufferPointer(start: pixels, count: count)), orientation: Int(image.orientation),
      bitDepth: Int(image.bit_depth))
  }

  private static func failure(_ status: Int32, _ image: scope_image, _ maximumPixels: Int) -> ScopeError {
    var message = image.message
    let text = withUnsafeBytes(of: &message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    switch UInt32(bitPattern: status) {
    case SCOPE_IMAGE_TRUNCATED.rawValue: return ScopeError(.truncated, "the image is truncated", found: text)
    case SCOPE_IMAGE_TOO_LARGE.rawValue:
      return ScopeError(
        .limitExceeded, "the image is too large to decode", expected: "at most \(maximumPixels) pixels",
        found: "\(image.width) x \(image.height), \(text)")
    case SCOPE_IMAGE_UNSUPPORTED.rawValue:
      return ScopeError(
        .unsupported, "this kind of image is not decoded", found: text,
        remedy: "Convert it to 8-bit RGB JPEG or PNG")
    case SCOPE_IMAGE_NO_MEMORY.rawValue:
      return ScopeError(
        .limitExceeded, "not enough memory for the image", found: "\(image.width) x \(image.height)")
    default: return ScopeError(.malformed, "the image is damaged", found: text)
    }
  }

  private static func notAnImage(_ bytes: ByteSlice) -> ScopeError {
    let known: [([UInt8], String)] = [
      (Array("GIF8".utf8), "GIF"), (Array("BM".utf8), "BMP"), (Array("RIFF".utf8), "WebP"),
      ([0x49, 0x49, 0x2A, 0], "TIFF"), ([0x4D, 0x4D, 0, 0x2A], "TIFF"),
      ([0, 0, 0, 0x0C, 0x6A, 0x50], "JPEG 2000"),
    ]
    guard let format = known.first(where: { bytes.starts(with: $0.0) })?.1 else {
      return ScopeError(.malformed, "this is not an image", expected: "JPEG or PNG content")
    }
    return ScopeError(
      .unsupported, "\(format) images are not read", expected: "JPEG or PNG content",
      remedy: "Convert it to PNG")
  }
}
