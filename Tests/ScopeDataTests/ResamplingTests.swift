import Foundation
import ScopeBytes
import ScopeData
import TestSupport
import Testing

/// Pixels against Pillow's `resize` and torchvision's `Resize` + `CenterCrop`.
@Suite struct ResamplingTests {
  private func source() throws -> DecodedImage {
    try ImageDecoder.decode(ByteSlice(mappingFile: Fixture.path("images/rgb.png")))
  }

  /// [3, H, W] to [H, W, 3].
  private func interleaved(_ planes: [UInt8]) -> [UInt8] {
    let plane = planes.count / 3
    return (0..<planes.count).map { planes[$0 % 3 * plane + $0 / 3] }
  }

  private func largestDifference(_ left: [UInt8], _ right: [UInt8]) -> Int {
    left.count == right.count ? zip(left, right).map { abs(Int($0) - Int($1)) }.max() ?? 0 : Int.max
  }

  @Test(arguments: Interpolation.allCases, [(11, 7), (39, 31), (31, 9), (25, 5), (1, 1)])
  func resizeEqualsPillow(_ kernel: Interpolation, _ size: (Int, Int)) throws {
    let expected = try ByteSlice(
      mappingFile: Fixture.path("images/resize_\(kernel.rawValue)_\(size.0)x\(size.1).rgb")
    ).array
    var planes = [UInt8](repeating: 0, count: expected.count)
    let image = try source()
    planes.withUnsafeMutableBufferPointer { buffer in
      Resampling.resize(
        image, width: size.0, height: size.1,
        window: CropWindow(left: 0, top: 0, width: size.0, height: size.1), interpolation: kernel,
        into: buffer.baseAddress!)
    }
    #expect(largestDifference(interleaved(planes), expected) == 0)
  }

  @Test(arguments: Interpolation.allCases, [(14, 11), (22, 21)])
  func transformEqualsTorchvision(_ kernel: Interpolation, _ size: (Int, Int)) throws {
    let preprocessing = Preprocessing(
      name: "test", resize: size.0, interpolation: kernel,
      crop: Preprocessing.Size(height: size.1, width: size.1), normalization: Preprocessing.none.normalization
    )
    let expected = try ByteSlice(
      mappingFile: Fixture.path("images/transform_\(kernel.rawValue)_\(size.0)_\(size.1).rgb")
    ).array
    #expect(largestDifference(interleaved(try preprocessing.apply(to: source()).pixels), expected) == 0)
  }
}
