import CZlib
import FoundationEssentials

/// Small PNG files for the strip of clean and perturbed images.
public enum SampleImage {
  /// A PNG of planar floats in [0, 1], shape [channels, height, width] with 1 or 3 channels, as base64.
  ///
  /// Images larger than `maximumSide` are reduced by an integer factor (box average), so that the perturbation is
  /// not blurred by interpolation.
  ///
  /// - Returns: nil when the counts do not fit together.
  public static func base64PNG(
    planes: [Float], channels: Int, height: Int, width: Int, maximumSide: Int = 128
  ) -> String? {
    let side = 1 << 14
    guard channels == 1 || channels == 3, (1...side).contains(height), (1...side).contains(width),
      planes.count == channels * height * width
    else { return nil }
    let factor = max(1, (max(height, width) + maximumSide - 1) / max(maximumSide, 1))
    let outHeight = max(1, height / factor)
    let outWidth = max(1, width / factor)
    var rgb = [UInt8](repeating: 0, count: outHeight * outWidth * 3)
    for row in 0..<outHeight {
      for column in 0..<outWidth {
        for channel in 0..<3 {
          let plane = (channels == 1 ? 0 : channel) * height * width
          var sum: Float = 0
          var count: Float = 0
          for y in (row * factor)..<min(height, (row + 1) * factor) {
            for x in (column * factor)..<min(width, (column + 1) * factor) {
              sum += planes[plane + y * width + x]
              count += 1
            }
          }
          let level = (sum / max(count, 1)) * 255
          rgb[(row * outWidth + column) * 3 + channel] =
            level.isNaN ? 0 : UInt8(min(max(level.rounded(), 0), 255))
        }
      }
    }
    return png(rgb: rgb, width: outWidth, height: outHeight).map { Data($0).base64EncodedString() }
  }

  /// A PNG file (8-bit RGB) of interleaved pixels.
  ///
  /// - Returns: nil when `rgb.count` is not `3 * width * height` or compression fails.
  public static func png(rgb: [UInt8], width: Int, height: Int) -> [UInt8]? {
    guard width > 0, height > 0, width < 1 << 15, height < 1 << 15, rgb.count == 3 * width * height else {
      return nil
    }
    let stride = 3 * width
    // Filter 1 (Sub) on every row: differences compress better than pixels.
    var raw: [UInt8] = []
    raw.reserveCapacity((stride + 1) * height)
    for row in 0..<height {
      raw.append(1)
      for column in 0..<stride {
        let index = row * stride + column
        raw.append(rgb[index] &- (column >= 3 ? rgb[index - 3] : 0))
      }
    }
    guard let compressed = deflate(raw) else { return nil }
    var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    chunk("IHDR", bigEndian(UInt32(width)) + bigEndian(UInt32(height)) + [8, 2, 0, 0, 0], into: &file)
    chunk("IDAT", compressed, into: &file)
    chunk("IEND", [], into: &file)
    return file
  }

  private static func deflate(_ bytes: [UInt8]) -> [UInt8]? {
    var length = compressBound(uLong(bytes.count))
    var output = [UInt8](repeating: 0, count: Int(length))
    guard compress2(&output, &length, bytes, uLong(bytes.count), 9) == Z_OK else { return nil }
    return Array(output.prefix(Int(length)))
  }

  private static func chunk(_ type: String, _ body: [UInt8], into file: inout [UInt8]) {
    let content = Array(type.utf8) + body
    file += bigEndian(UInt32(body.count)) + content
    file += bigEndian(UInt32(truncatingIfNeeded: crc32(0, content, uInt(content.count))))
  }

  private static func bigEndian(_ value: UInt32) -> [UInt8] {
    [UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
  }
}
