import Foundation
import ScopeBytes
import TestSupport
import Testing

/// Streams written by Python's gzip, bz2, lzma and zlib and by the packages lz4 and zstandard
/// (`Tests/Fixtures/make_malicious_containers.py`): each holds `text`, twice where the name says so.
@Suite struct DecompressorTests {
  static let text = Array(String(repeating: "the quick brown fox; ", count: 100).utf8)

  private func stream(_ name: String) throws -> ByteSlice {
    try ByteSlice(mappingFile: Fixture.path("formats/codecs/\(name)"))
  }

  @Test(arguments: [
    ("text.gz", CompressionCodec.gzip), ("text.bz2", .bzip2), ("text.xz", .xz), ("text.lzma", .lzma),
    ("other_properties.lzma", .lzma), ("text.lz4", .lz4), ("text.zst", .zstandard), ("text.zz", .zlib),
    ("small_window.zz", .zlib), ("skippable.zst", .zstandard),
  ])
  func oneStream(_ name: String, _ codec: CompressionCodec) throws {
    let bytes = try stream(name)
    #expect(CompressionCodec(magic: bytes) ?? CompressionCodec(trying: bytes) == codec)
    let result = try Decompressor.decompress(bytes, codec: codec, limit: 1 << 20)
    #expect(result.problem == nil, "\(String(describing: result.problem))")
    #expect(result.data.equals(ByteSlice(Self.text)))
    #expect(result.consumed == bytes.count)
  }

  @Test(arguments: [
    ("twice.gz", CompressionCodec.gzip), ("twice.bz2", .bzip2), ("twice.xz", .xz), ("twice.lz4", .lz4),
    ("twice.zst", .zstandard), ("twice.zz", .zlib),
  ])
  func everyMemberIsRead(_ name: String, _ codec: CompressionCodec) throws {
    let result = try Decompressor.decompress(try stream(name), codec: codec, limit: 1 << 20)
    #expect(result.data.equals(ByteSlice(Self.text + Self.text)))
    #expect(result.problem == nil)
  }

  @Test(arguments: [
    ("text.gz", CompressionCodec.gzip), ("text.bz2", .bzip2), ("text.xz", .xz), ("text.lz4", .lz4),
    ("text.zst", .zstandard), ("text.zz", .zlib), ("text.lzma", .lzma),
  ])
  func whatFollowsIsLeft(_ name: String, _ codec: CompressionCodec) throws {
    let bytes = try stream(name)
    let followed = ByteSlice(bytes.array + Array("PK, something else".utf8))
    let result = try Decompressor.decompress(followed, codec: codec, limit: 1 << 20)
    #expect(result.data.equals(ByteSlice(Self.text)))
    #expect(result.consumed == bytes.count, "\(result.consumed) of \(bytes.count)")
    #expect(result.problem == nil, "\(String(describing: result.problem))")
  }

  @Test func theLimitIsNamedAndTheBeginningKept() throws {
    for (name, codec) in [("text.gz", CompressionCodec.gzip), ("text.xz", .xz), ("text.zst", .zstandard)] {
      let result = try Decompressor.decompress(try stream(name), codec: codec, limit: 1000)
      #expect(result.problem?.code == .limitExceeded)
      #expect(result.data.equals(ByteSlice(Array(Self.text.prefix(1000)))))
    }
  }

  @Test func everyCutIsAProblemAndNeverACrash() throws {
    for (name, codec) in [
      ("text.gz", CompressionCodec.gzip), ("text.bz2", .bzip2), ("text.xz", .xz), ("text.lzma", .lzma),
      ("text.lz4", .lz4), ("text.zst", .zstandard), ("text.zz", .zlib),
    ] {
      let bytes = try stream(name)
      for count in 1..<bytes.count {
        do throws(ScopeError) {
          let result = try Decompressor.decompress(
            ByteSlice(bytes.prefix(count).array), codec: codec, limit: 1 << 20)
          #expect(result.problem != nil || result.data.count == Self.text.count, "\(name) cut to \(count)")
        } catch { #expect(!error.message.isEmpty) }
      }
    }
  }

  @Test func ordinaryBytesAreNoStream() {
    for text in [
      "hello world, this is text", "x^2 + y^2 = z^2 and more", "H\u{4}", "(S'echo'\nios\nsystem\n.",
    ] {
      let bytes = ByteSlice(Array(text.utf8))
      #expect(CompressionCodec(magic: bytes) == nil && CompressionCodec(trying: bytes) == nil, "\(text)")
    }
    var random = Random(state: 3)
    for _ in 0..<3000 {
      let bytes = ByteSlice((0..<400).map { _ in UInt8.random(in: 0...255, using: &random) })
      #expect(CompressionCodec(trying: bytes) == nil)
    }
  }

  private struct Random: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ (state >> 29)
    }
  }
}
