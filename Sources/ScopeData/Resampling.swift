/// Antialiased interpolation kernels.
public enum Interpolation: String, Sendable, Hashable, Codable, CaseIterable {
  case bilinear
  case bicubic

  /// Half width of the kernel in source pixels when enlarging.
  var support: Double {
    switch self {
    case .bilinear: 1
    case .bicubic: 2
    }
  }

  /// Kernel weight at `distance`; bicubic is Keys' kernel with a = -0.5.
  func weight(_ distance: Double) -> Double {
    let x = abs(distance)
    switch self {
    case .bilinear: return x < 1 ? 1 - x : 0
    case .bicubic:
      let a = -0.5
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
      return 0
    }
  }
}

/// A window of the resized image, in its pixels.
package struct CropWindow {
  package var left: Int
  package var top: Int
  package var width: Int
  package var height: Int

  package init(left: Int, top: Int, width: Int, height: Int) {
    self.left = left
    self.top = top
    self.width = width
    self.height = height
  }
}

/// Pillow's two-pass 8-bit resampling (`libImaging/Resample.c`), bit for bit: coefficients in double precision,
/// normalised, rounded to 22 fractional bits; the horizontal pass is rounded to 8 bits before the vertical one.
///
/// Only the pixels inside the crop window are computed; that changes none of them, since every output pixel
/// depends on its own source window alone. One 685 x 320 photograph in 500 differs from Pillow 12 and older,
/// which always began with the horizontal pass.
package enum Resampling {
  private static let precisionBits: Int32 = 32 - 8 - 2

  /// The source pixels and fixed-point weights behind each output position of one axis.
  struct Coefficients {
    /// First source position per output.
    var starts: [Int] = []
    /// Number of source positions per output.
    var counts: [Int] = []
    /// `stride` weights per output.
    var weights: [Int32] = []
    let stride: Int

    init(source: Int, target: Int, window: Range<Int>, interpolation: Interpolation) {
      let scale = Double(source) / Double(target)
      let filterScale = max(scale, 1)
      let support = interpolation.support * filterScale
      stride = Int(support.rounded(.up)) * 2 + 1
      weights.reserveCapacity(window.count * stride)
      var row = [Double](repeating: 0, count: stride)
      for position in window {
        let center = (Double(position) + 0.5) * scale
        let first = max(0, Int(center - support + 0.5))
        let count = min(source, Int(center + support + 0.5)) - first
        var sum = 0.0
        for index in 0..<count {
          row[index] = interpolation.weight((Double(index + first) - center + 0.5) * (1 / filterScale))
          sum += row[index]
        }
        starts.append(first)
        counts.append(count)
        for index in 0..<stride {
          let weight = index < count ? (sum != 0 ? row[index] / sum : row[index]) : 0
          let scaled = weight * Double(1 << Resampling.precisionBits)
          weights.append(Int32(scaled + (weight < 0 ? -0.5 : 0.5)))
        }
      }
    }
  }

  /// Resizes `image` to `width` x `height` and writes `window` of the result to `output` as [3, H, W].
  ///
  /// `output` holds 3 x window.width x window.height values; the window lies inside the resized image.
  package static func resize(
    _ image: DecodedImage, width: Int, height: Int, window: CropWindow, interpolation: Interpolation,
    into output: UnsafeMutablePointer<UInt8>
  ) {
    image.rgb.withUnsafeBufferPointer { source in
      guard let source = source.baseAddress else { return }
      if width == image.width, height == image.height {
        copy(source, stride: image.width * 3, window, into: output)
        return
      }
      let horizontal = Coefficients(
        source: image.width, target: width, window: window.left..<window.left + window.width,
        interpolation: interpolation)
      let vertical = Coefficients(
        source: image.height, target: height, window: window.top..<window.top + window.height,
        interpolation: interpolation)
      let stride = window.width * 3
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: max(1, window.height * stride)) { result in
        guard let result = result.baseAddress else { return }
        // As Pillow 13: the vertical pass goes first when it removes much more than the horizontal one. The
        // order shows in the result because the first pass is rounded and clipped to 8 bits.
        if image.height - height > max(0, 2 * (image.width - width)) {
          withUnsafeTemporaryAllocation(of: UInt8.self, capacity: window.height * image.width * 3) { middle in
            guard let middle = middle.baseAddress else { return }
            resizeColumns(source, firstRow: 0, stride: image.width * 3, vertical, into: middle)
            resizeRows(middle, stride: image.width * 3, count: window.height, horizontal, into: result)
          }
        } else {
          let firstRow = vertical.starts.first ?? 0
          let rows = (vertical.starts.last ?? 0) + (vertical.counts.last ?? 0) - firstRow
          withUnsafeTemporaryAllocation(of: UInt8.self, capacity: max(1, rows * stride)) { middle in
            guard let middle = middle.baseAddress else { return }
            let start = source + firstRow * image.width * 3
            resizeRows(start, stride: image.width * 3, count: rows, horizontal, into: middle)
            resizeColumns(middle, firstRow: firstRow, stride: stride, vertical, into: result)
          }
        }
        let whole = CropWindow(left: 0, top: 0, width: window.width, height: window.height)
        copy(result, stride: stride, whole, into: output)
      }
    }
  }

  /// The window of interleaved pixels as planes.
  private static func copy(
    _ source: UnsafePointer<UInt8>, stride: Int, _ window: CropWindow,
    into output: UnsafeMutablePointer<UInt8>
  ) {
    let plane = window.width * window.height
    for y in 0..<window.height {
      let row = source + (window.top + y) * stride + window.left * 3
      let target = output + y * window.width
      for x in 0..<window.width {
        target[x] = row[3 * x]
        target[plane + x] = row[3 * x + 1]
        target[2 * plane + x] = row[3 * x + 2]
      }
    }
  }

  @inline(__always)
  private static func clip(_ sum: Int32) -> UInt8 {
    UInt8(truncatingIfNeeded: min(max(sum >> precisionBits, 0), 255))
  }

  /// Resizes `count` rows of `stride` bytes; the result's rows follow each other without gaps.
  private static func resizeRows(
    _ source: UnsafePointer<UInt8>, stride: Int, count: Int, _ coefficients: Coefficients,
    into result: UnsafeMutablePointer<UInt8>
  ) {
    coefficients.weights.withUnsafeBufferPointer { weights in
      for row in 0..<count {
        let target = result + row * coefficients.starts.count * 3
        for x in 0..<coefficients.starts.count {
          var red: Int32 = 1 << (precisionBits - 1)
          var green = red
          var blue = red
          var pixel = source + row * stride + coefficients.starts[x] * 3
          let first = x * coefficients.stride
          for index in first..<first + coefficients.counts[x] {
            let weight = weights[index]
            red &+= Int32(pixel[0]) &* weight
            green &+= Int32(pixel[1]) &* weight
            blue &+= Int32(pixel[2]) &* weight
            pixel += 3
          }
          target[3 * x] = clip(red)
          target[3 * x + 1] = clip(green)
          target[3 * x + 2] = clip(blue)
        }
      }
    }
  }

  /// Resizes columns of interleaved pixels, `stride` bytes per row; `source` begins with row `firstRow`.
  private static func resizeColumns(
    _ source: UnsafePointer<UInt8>, firstRow: Int, stride: Int, _ coefficients: Coefficients,
    into result: UnsafeMutablePointer<UInt8>
  ) {
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: max(1, stride)) { sums in
      guard let sums = sums.baseAddress else { return }
      for y in 0..<coefficients.starts.count {
        sums.initialize(repeating: 1 << (precisionBits - 1), count: stride)
        for tap in 0..<coefficients.counts[y] {
          let weight = coefficients.weights[y * coefficients.stride + tap]
          let row = source + (coefficients.starts[y] + tap - firstRow) * stride
          for index in 0..<stride { sums[index] &+= Int32(row[index]) &* weight }
        }
        let target = result + y * stride
        for index in 0..<stride { target[index] = clip(sums[index]) }
      }
    }
  }
}
