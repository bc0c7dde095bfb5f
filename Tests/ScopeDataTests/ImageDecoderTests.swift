import Foundation
import ScopeBytes
import ScopeData
import ScopeStatistics
import TestSupport
import Testing

/// Pixels against Pillow's `convert("RGB")`; see Tests/Fixtures/make_images.py.
@Suite struct ImageDecoderTests {
  static let names = [
    "rgb.png", "grey.png", "bilevel.png", "grey_alpha.png", "alpha.png", "palette.png",
    "palette_transparent.png",
    "deep.png", "deep_grey.png", "interlaced.png", "exif6.png", "subsampled.jpg", "full.jpg",
    "progressive.jpg",
    "exif6.jpg", "cmyk.jpg", "grey.jpg",
  ]

  @Test(arguments: names) func pixelsEqualPillow(_ name: String) throws {
    let image = try ImageDecoder.decode(ByteSlice(mappingFile: Fixture.path("images/\(name)")))
    let expected = try ByteSlice(mappingFile: Fixture.path("images/\(name).rgb")).array
    #expect(image.width == 25 && image.height == 17)
    #expect(image.rgb == expected)
    #expect(image.orientation == (name.hasPrefix("exif6") ? 6 : 1))
  }

  /// Every prefix of every image: an error or (when only trailing bytes are missing) the right pixels.
  @Test(arguments: names) func truncationIsAnError(_ name: String) throws {
    let bytes = try ByteSlice(mappingFile: Fixture.path("images/\(name)"))
    let expected = try ByteSlice(mappingFile: Fixture.path("images/\(name).rgb")).array
    var failures = 0
    for count in 0..<bytes.count {
      do throws(ScopeError) {
        #expect(try ImageDecoder.decode(bytes.prefix(count)).rgb == expected)
      } catch { failures += 1 }
    }
    #expect(failures > bytes.count * 3 / 4)
  }

  /// Flipped bits give an image or an error, never a crash.
  @Test(arguments: names) func bitFlipsNeverCrash(_ name: String) throws {
    let original = try ByteSlice(mappingFile: Fixture.path("images/\(name)")).array
    var generator = SplitMix(state: 11)
    var refused = 0
    for _ in 0..<400 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^= UInt8(
          1 << Int.random(in: 0..<8, using: &generator))
      }
      do throws(ScopeError) {
        let image = try ImageDecoder.decode(ByteSlice(bytes), maximumPixels: 1_000_000)
        #expect(image.rgb.count == image.width * image.height * 3)
      } catch { refused += 1 }
    }
    #expect(refused > 0)
  }

  @Test func declaredSizeIsCheckedBeforeAllocation() throws {
    let bytes = try ByteSlice(mappingFile: Fixture.path("images/rgb.png"))
    #expect(throws: ScopeError.self) { try ImageDecoder.decode(bytes, maximumPixels: 25 * 17 - 1) }
    // A JPEG whose frame header claims 65,280 x 65,280.
    var jpeg = try ByteSlice(mappingFile: Fixture.path("images/full.jpg")).array
    let frame = try #require(jpeg.indices.first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 })
    for index in 5...8 { jpeg[frame + index] = index % 2 == 1 ? 0xFF : 0 }
    let error = #expect(throws: ScopeError.self) { try ImageDecoder.decode(ByteSlice(jpeg)) }
    #expect(error?.code == .limitExceeded)
  }

  @Test func otherContentIsNamed() {
    let gif = #expect(throws: ScopeError.self) {
      try ImageDecoder.decode(ByteSlice(Array("GIF89a......".utf8)))
    }
    #expect(gif?.code == .unsupported)
    let text = #expect(throws: ScopeError.self) { try ImageDecoder.decode(ByteSlice(Array("hello".utf8))) }
    #expect(text?.code == .malformed)
    let empty = #expect(throws: ScopeError.self) { try ImageDecoder.decode(ByteSlice([])) }
    #expect(empty?.code == .truncated)
  }
}

/// A small deterministic generator (SplitMix64).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
