import Foundation
import ScopeBytes
import ScopeData
import TestSupport
import Testing

/// A folder that disappears with the test.
final class TemporaryFolder {
  let url = FileManager.default.temporaryDirectory.appending(path: "scope-data-\(UUID().uuidString)")
  var path: String { url.path() }

  init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: url) }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    let target = url.appending(path: name)
    try FileManager.default.createDirectory(
      at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: target)
  }

  func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

  /// The fixture picture `name` under another name.
  func image(_ target: String, _ name: String = "rgb.png") throws {
    try write(target, ByteSlice(mappingFile: Fixture.path("images/\(name)")).array)
  }
}

@Suite struct ImageLoaderTests {
  private func load(
    _ folder: TemporaryFolder, _ change: (inout ImageLoader.Options) -> Void = { _ in }
  ) throws(ScopeError) -> LoadedDataset {
    var options = ImageLoader.Options()
    change(&options)
    return try ImageLoader.load(path: folder.path, preprocessing: .none, options: options)
  }

  @Test func classFoldersAreNumberedAlphabetically() throws {
    let folder = try TemporaryFolder()
    for name in ["b/2.png", "b/1.png", "a/x.png"] { try folder.image(name) }
    try folder.write("b/readme.txt", "not an image")
    let data = try load(folder)
    #expect(data.images.names == ["a/x.png", "b/1.png", "b/2.png"])
    #expect(data.images.labels == [0, 1, 1])
    #expect(data.classNames == ["a", "b"])
    #expect(data.notes.isEmpty)
    #expect((data.images.channels, data.images.height, data.images.width) == (3, 17, 25))
    guard case .bytes(let pixels) = data.images.pixels else {
      Issue.record("bytes expected")
      return
    }
    let expected = try ByteSlice(mappingFile: Fixture.path("images/rgb.png.rgb")).array
    for image in 0..<3 {
      let planes = pixels[image * 1275..<(image + 1) * 1275]
      #expect((0..<1275).allSatisfy { planes[image * 1275 + $0 % 3 * 425 + $0 / 3] == expected[$0] })
    }
    #expect(try load(folder) { $0.classCount = 10 }.notes.count == 1)
  }

  @Test func foldersNamedByIndexKeepTheirIndex() throws {
    let folder = try TemporaryFolder()
    for name in ["10/a.png", "9/a.png", "207/a.png"] { try folder.image(name) }
    #expect(try load(folder).images.labels == [10, 207, 9])
    #expect(throws: ScopeError.self) { try load(folder) { $0.classCount = 100 } }
  }

  @Test func foldersMatchKnownClassNames() throws {
    let folder = try TemporaryFolder()
    for name in ["Great_White_Shark/a.png", "tench/a.png"] { try folder.image(name) }
    let names = ["tench", "goldfish", "great white shark"]
    let data = try load(folder) { $0.classNames = names }
    #expect(data.images.labels == [2, 0])
    #expect(data.classNames == names)
    try folder.image("tensh/a.png")
    let error = #expect(throws: ScopeError.self) { try load(folder) { $0.classNames = names } }
    #expect(error?.message.contains("tensh") == true)
  }

  @Test func labelsFileWithImagesBesideItOrBelow() throws {
    let folder = try TemporaryFolder()
    try folder.image("here.png")
    try folder.image("images/below.png")
    try folder.image("images/a, b.png")
    try folder.write("classes.txt", "zero\none\ntwo\n")
    try folder.write("labels.csv", "file,label\r\nhere.png,2\r\nbelow.png, one\r\n\"a, b.png\",\"0\"\r\n")
    let data = try load(folder)
    #expect(data.images.names == ["here.png", "below.png", "a, b.png"])
    #expect(data.images.labels == [2, 1, 0])
    #expect(data.classNames == ["zero", "one", "two"])
  }

  @Test func damagedAndMissingImagesAreSkippedOrStop() throws {
    let folder = try TemporaryFolder()
    try folder.image("good.png")
    try folder.write("damaged.jpg", [0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3])
    try folder.write("labels.csv", "file,label\ndamaged.jpg,0\ngood.png,1\nmissing.png,2\n")
    let data = try load(folder)
    #expect(data.images.names == ["good.png"])
    #expect(data.images.labels == [1])
    #expect(data.skipped.map(\.name) == ["damaged.jpg", "missing.png"])
    #expect(data.sourceCount == 3)
    let error = #expect(throws: ScopeError.self) { try load(folder) { $0.strict = true } }
    #expect(error?.file == "damaged.jpg")
  }

  @Test(arguments: [
    ("file,label\na.png,x\n", "line 2"), ("file,label\na.png,-1\n", "line 2"),
    ("file,label\n\na.png,5\n", "line 3"),
    ("file,label\na.png,0\na.png,1\n", "lines 2 and 3"), ("a.png,0\n", "line 1"),
    ("file,label\n\"a.png,0\n", "line 2"),
    ("file,label\na.png\n", "line 2"), ("file,label\n,3\n", "line 2"),
    ("file,label\na.png,99999999999999999999\n", "line 2"),
  ]) func badLabelFilesNameTheLine(_ text: String, _ place: String) throws {
    let folder = try TemporaryFolder()
    try folder.image("a.png")
    try folder.write("labels.csv", text)
    let error = #expect(throws: ScopeError.self) { try load(folder) { $0.classCount = 5 } }
    #expect(error?.place == place)
    #expect(error?.file?.hasSuffix("labels.csv") == true)
  }

  @Test func foldersWithoutLabelsSayWhatIsMissing() throws {
    let empty = try TemporaryFolder()
    #expect(#expect(throws: ScopeError.self) { try load(empty) }?.found == "an empty folder")
    let nested = try TemporaryFolder()
    try nested.image("test/cat/a.png")
    #expect(#expect(throws: ScopeError.self) { try load(nested) }?.remedy?.contains("/test") == true)
    let flat = try TemporaryFolder()
    try flat.image("a.png")
    #expect(#expect(throws: ScopeError.self) { try load(flat) }?.message == "the images have no labels")
    let labelsOnly = try TemporaryFolder()
    try labelsOnly.write("labels.csv", "file,label\n")
    #expect(#expect(throws: ScopeError.self) { try load(labelsOnly) }?.code == .invalidData)
    let allMissing = try TemporaryFolder()
    try allMissing.write("labels.csv", "file,label\na.png,1\n")
    #expect(#expect(throws: ScopeError.self) { try load(allMissing) }?.code == .invalidData)
    #expect(
      #expect(throws: ScopeError.self) {
        try ImageLoader.load(path: "/nonexistent/data", preprocessing: .none)
      }?.code == .notFound)
  }

  @Test func limitSpreadsOverClasses() throws {
    let folder = try TemporaryFolder()
    for label in 0..<4 { for image in 0..<5 { try folder.image("\(label)/\(image).png") } }
    let data = try load(folder) { $0.limit = 6 }
    #expect(data.images.names == ["0/0.png", "0/1.png", "1/0.png", "2/0.png", "2/1.png", "3/0.png"])
    #expect(data.sourceCount == 20)
    #expect(throws: ScopeError.self) { try load(folder) { $0.limit = 0 } }
  }

  @Test func differentSizesNeedAResize() throws {
    let folder = try TemporaryFolder()
    try folder.image("a/wide.png")
    let data = try load(folder) { $0.inputSize = .init(height: 17, width: 25) }
    #expect(data.images.count == 1)
    let error = #expect(throws: ScopeError.self) {
      try load(folder) { $0.inputSize = .init(height: 32, width: 32) }
    }
    #expect(error?.code == .invalidData)
  }

  @Test func greyModelsGetLuminance() throws {
    let folder = try TemporaryFolder()
    try folder.image("a/grey.png", "grey.png")
    let data = try load(folder) { $0.channels = 1 }
    guard case .bytes(let pixels) = data.images.pixels else {
      Issue.record("bytes expected")
      return
    }
    let expected = try ByteSlice(mappingFile: Fixture.path("images/grey.png.rgb")).array
    #expect(pixels == stride(from: 0, to: expected.count, by: 3).map { expected[$0] })
  }
}
