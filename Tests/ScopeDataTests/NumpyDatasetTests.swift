import Foundation
import ScopeBytes
import ScopeData
import TestSupport
import Testing

/// Archives written by NumPy; see Tests/Fixtures/make_arrays.py.
@Suite struct NumpyDatasetTests {
  static let expected = (0..<360).map { UInt8($0 * 7 % 256) }

  private func load(
    _ name: String, _ preprocessing: Preprocessing = .none,
    _ change: (inout ImageLoader.Options) -> Void = { _ in }
  ) throws(ScopeError) -> LoadedDataset {
    var options = ImageLoader.Options()
    change(&options)
    return try ImageLoader.load(
      path: Fixture.path("arrays/\(name).npz"), preprocessing: preprocessing, options: options)
  }

  @Test(arguments: ["channels_first", "channels_last", "column_major", "column_major_last", "deflated"])
  func wholeNumbersArePixels(_ name: String) throws {
    let data = try load(name)
    #expect((data.images.channels, data.images.height, data.images.width) == (3, 4, 5))
    #expect(data.images.labels == [0, 1, 2, 0, 1, 2])
    guard case .bytes(let pixels) = data.images.pixels else {
      Issue.record("bytes expected")
      return
    }
    #expect(pixels == Self.expected)
  }

  @Test(arguments: [("float32", Float(255)), ("float64", 255), ("float16", 256)])
  func floatsAreUnitPixels(_ name: String, _ scale: Float) throws {
    guard case .floats(let values) = try load(name, .imagenet).images.pixels else {
      Issue.record("floats expected")
      return
    }
    #expect(zip(values, Self.expected).allSatisfy { abs($0 * scale - Float($1)) < 1e-3 })
  }

  @Test func limitKeepsLabelsAndPixelsTogether() throws {
    let data = try load("channels_first") { $0.limit = 4 }
    #expect(data.images.names == ["x[0]", "x[1]", "x[2]", "x[3]"])
    let spread = try load("channels_last") { $0.limit = 2 }
    #expect(spread.images.labels == [0, 1])
    #expect(spread.images.pixelValues([1]) == Self.expected[60..<120].map { Float($0) / 255 })
  }

  @Test func pixelsAreResizedLikeImageFiles() throws {
    var small = Preprocessing.none
    small.resize = 3
    small.crop = .init(height: 3, width: 3)
    #expect(try load("channels_first", small).images.imageSize == 27)
    #expect(throws: ScopeError.self) {
      try load("float32", small) { $0.inputSize = .init(height: 3, width: 3) }
    }
    #expect(throws: ScopeError.self) {
      try load("channels_first") { $0.inputSize = .init(height: 9, width: 9) }
    }
    #expect(try load("channels_first") { $0.channels = 1 }.images.channels == 1)
  }

  @Test(arguments: [
    ("bad_objects", ScopeError.Code.unsupported), ("bad_range", .invalidData), ("bad_nan", .invalidData),
    ("bad_labels", .invalidData), ("bad_fraction", .invalidData), ("bad_count", .invalidData),
    ("bad_shape", .invalidData), ("bad_names", .invalidData), ("bad_endian", .unsupported),
    ("bad_pixels", .invalidData),
  ]) func unusableArraysAreRefused(_ name: String, _ code: ScopeError.Code) {
    let error = #expect(throws: ScopeError.self) { try load(name, .imagenet) }
    #expect(error?.code == code)
    #expect(error?.file?.hasSuffix("\(name).npz") == true)
  }

  @Test func labelsBeyondTheModelNameTheRow() {
    let error = #expect(throws: ScopeError.self) { try load("channels_first") { $0.classCount = 2 } }
    #expect(error?.place == "y[2]")
  }

  @Test func normalisedFloatsNeedThePresetNone() throws {
    #expect(try load("bad_range", .none).notes.count == 1)
  }

  /// Damaged archives and headers give errors, never a crash.
  @Test(arguments: ["channels_first", "column_major_last", "deflated"]) func damageNeverCrashes(
    _ name: String
  ) throws {
    let original = try ByteSlice(mappingFile: Fixture.path("arrays/\(name).npz")).array
    let folder = try TemporaryFolder()
    var generator = SplitMix(state: 5)
    var refused = 0
    for round in 0..<300 {
      var bytes = original
      if round % 3 == 0 { bytes.removeLast(Int.random(in: 1..<bytes.count, using: &generator)) }
      for _ in 0..<3 {
        // The array headers lie near the start of each member.
        let position = Int.random(in: 0..<min(bytes.count, 180), using: &generator)
        bytes[position] = UInt8.random(in: 0...255, using: &generator)
      }
      try folder.write("a.npz", bytes)
      do throws(ScopeError) {
        _ = try ImageLoader.load(path: folder.path + "/a.npz", preprocessing: .none)
      } catch { refused += 1 }
    }
    #expect(refused > 200)
  }

  /// Headers that lie, written by hand into an otherwise sound array (no checksum stands in the way).
  @Test(arguments: [
    "{'descr': '|u1', 'fortran_order': False, 'shape': (6, 3, 9223372036854775807, 4), }",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (0, 4611686018427387904, 4, 4), }",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,), }",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (1000000, 3, 64, 64), }",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (((((", "{'descr': [('a', '<f4')], ",
    "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (6,3,4,5)}", "{", "",
    "{'shape': (-1,)}",
  ]) func lyingHeadersAreRefused(_ header: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("a.npz", StoredArchive.npz(xHeader: header))
    #expect(throws: ScopeError.self) {
      try ImageLoader.load(path: folder.path + "/a.npz", preprocessing: .none)
    }
  }

  @Test func aSoundHeaderInTheSameArchiveIsRead() throws {
    let folder = try TemporaryFolder()
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (6, 3, 4, 5), }"
    try folder.write("a.npz", StoredArchive.npz(xHeader: header))
    #expect(try ImageLoader.load(path: folder.path + "/a.npz", preprocessing: .none).images.count == 6)
  }
}

/// A ZIP archive with stored members and right checksums.
enum StoredArchive {
  static func npz(xHeader: String) -> [UInt8] {
    archive([
      ("x.npy", npy(xHeader, NumpyDatasetTests.expected)),
      ("y.npy", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (6,), }", [0, 1, 2, 0, 1, 2])),
    ])
  }

  private static func npy(_ header: String, _ data: [UInt8]) -> [UInt8] {
    [0x93] + Array("NUMPY".utf8) + [1, 0] + little(header.utf8.count, 2) + Array(header.utf8) + data
  }

  private static func archive(_ members: [(String, [UInt8])]) -> [UInt8] {
    var bytes: [UInt8] = []
    var directory: [UInt8] = []
    for (name, data) in members {
      let fields =
        little(0, 2) + little(0, 2) + little(0, 4) + little(Int(crc32(data)), 4) + little(data.count, 4)
        + little(data.count, 4) + little(name.utf8.count, 2) + little(0, 2)
      directory +=
        [0x50, 0x4B, 1, 2] + little(20, 2) + little(20, 2) + fields + little(0, 10) + little(bytes.count, 4)
        + Array(name.utf8)
      bytes += [0x50, 0x4B, 3, 4] + little(20, 2) + fields + Array(name.utf8) + data
    }
    let end =
      [0x50, 0x4B, 5, 6] + little(0, 4) + little(members.count, 2) + little(members.count, 2)
      + little(directory.count, 4) + little(bytes.count, 4) + little(0, 2)
    return bytes + directory + end
  }

  private static func little(_ value: Int, _ size: Int) -> [UInt8] {
    (0..<size).map { $0 < 8 ? UInt8(truncatingIfNeeded: value >> (8 * $0)) : 0 }
  }

  private static func crc32(_ bytes: [UInt8]) -> UInt32 {
    var sum: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
    }
    return ~sum
  }
}
