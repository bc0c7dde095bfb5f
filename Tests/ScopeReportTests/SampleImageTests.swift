import Foundation
import ScopeReport
import Testing

@Suite struct SampleImageTests {
  @Test func structureOfThePNG() throws {
    let png = try #require(
      SampleImage.png(rgb: [255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9], width: 2, height: 2))
    #expect(Array(png.prefix(8)) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    #expect(Array(png[16..<24]) == [0, 0, 0, 2, 0, 0, 0, 2])
    // The last chunk and its checksum are the same in every PNG.
    #expect(Array(png.suffix(12)) == [0, 0, 0, 0, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82])
  }

  @Test func largeImagesAreReduced() throws {
    let base64 = try #require(
      SampleImage.base64PNG(
        planes: [Float](repeating: 0.5, count: 3 * 224 * 224), channels: 3, height: 224, width: 224))
    let png = try #require(Data(base64Encoded: base64))
    #expect(Array(png[16..<24]) == [0, 0, 0, 112, 0, 0, 0, 112])
  }

  @Test func countsThatDoNotFit() {
    #expect(SampleImage.base64PNG(planes: [1, 2], channels: 3, height: 1, width: 1) == nil)
    #expect(SampleImage.base64PNG(planes: [], channels: 2, height: 0, width: 0) == nil)
    #expect(SampleImage.png(rgb: [1], width: 1, height: 1) == nil)
    #expect(SampleImage.base64PNG(planes: [.nan, .infinity, -1], channels: 3, height: 1, width: 1) != nil)
  }
}
