import Foundation
import ScopeBytes
import ScopeFormats
import ScopeGraph
import TestSupport
import Testing

@Suite struct PyTorchReaderTests {
  private func weights(_ path: String) throws -> StateDict {
    guard case .weights(let weights) = try ModelReader.read(path: path).content else {
      throw ScopeError(.malformed, "no weights")
    }
    return weights
  }

  /// A pickle `{"w": _rebuild_tensor_v2(storage, offset, size, stride, False, {})}` in a legacy file whose one
  /// storage holds `count` floats.
  private func legacy(
    offset: String = "K\u{0}", size: String = "K\u{2}\u{85}", stride: String = "K\u{1}\u{85}",
    numel: String = "K\u{4}",
    stored: Int64 = 4, count: Int = 4
  ) -> [UInt8] {
    func latin(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }
    var bytes: [UInt8] = [
      0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
    ]
    bytes += [0x80, 2, 0x4D, 0xE9, 0x03, 0x2E]
    bytes += latin("\u{80}\u{2}}.")
    bytes += latin(
      "\u{80}\u{2}}U\u{1}wctorch._utils\n_rebuild_tensor_v2\n((U\u{7}storagectorch\nFloatStorage\nU\u{1}0U\u{3}cpu"
    )
    bytes += latin("\(numel)NtQ\(offset)\(size)\(stride)\u{89}}tRs.")
    bytes += latin("\u{80}\u{2}]U\u{1}0a.")
    withUnsafeBytes(of: stored.littleEndian) { bytes += Array($0) }
    for index in 0..<count { withUnsafeBytes(of: Float(index)) { bytes += Array($0) } }
    return bytes
  }

  private func error(_ bytes: [UInt8]) -> ScopeError? {
    failure { () throws(ScopeError) in _ = try PyTorchReader.readLegacy(ByteSlice(bytes)) }
  }

  @Test func readsAHandMadeFile() throws {
    let weights = try PyTorchReader.readLegacy(ByteSlice(legacy(offset: "K\u{1}")))
    #expect(try weights.tensors["w"]?.floats() == [1, 2])
  }

  @Test func refusesViewsOutsideTheStorage() {
    let huge = "\u{8A}\u{8}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{40}"  // 2^62
    let cases: [([UInt8], String)] = [
      (legacy(offset: "K\u{3}"), "offset"), (legacy(offset: "J\u{FF}\u{FF}\u{FF}\u{FF}"), "negative offset"),
      (legacy(stride: "K\u{4}\u{85}"), "stride"),
      (legacy(stride: "J\u{FF}\u{FF}\u{FF}\u{FF}\u{85}"), "negative stride"),
      (legacy(size: "K\u{5}\u{85}"), "size"), (legacy(size: huge + "\u{85}"), "huge size"),
      (legacy(size: huge + huge + "\u{86}", stride: "K\u{0}K\u{0}\u{86}"), "overflowing size"),
      (legacy(stride: huge + "\u{85}"), "huge stride"), (legacy(offset: huge), "huge offset"),
      (legacy(size: huge + "\u{85}", stride: "K\u{0}\u{85}"), "expansion bomb"),
      (legacy(numel: "K\u{5}"), "storage smaller than declared"), (legacy(numel: huge), "huge storage"),
      (legacy(size: "K\u{2}K\u{1}\u{86}"), "rank"),
    ]
    for (bytes, what) in cases {
      let found = error(bytes)
      #expect(found != nil, "\(what)")
      #expect(found?.place?.contains("tensor \"w\"") == true, "\(what): \(found?.description ?? "")")
    }
    for stored: Int64 in [5, .max, .min, -1, 1 << 61] {
      let found = error(legacy(stored: stored))
      #expect(found?.place?.contains("storage \"0\"") == true, "\(found?.description ?? "")")
    }
  }

  private func pickleError(_ text: String) -> ScopeError? {
    let bytes = text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    return failure { () throws(ScopeError) in _ = try PyTorchReader.readPickle(ByteSlice(bytes)) }
  }

  @Test func boundsModuleCycles() {
    // A module whose child is the module itself.
    #expect(
      pickleError("cnets\nNet\n)\u{81}q\u{0}}U\u{8}_modules}U\u{1}ah\u{0}ssb.")?.code == .limitExceeded)
  }

  @Test func boundsSharedModules() {
    // Sixty levels, each with two references to the level below: 2^60 paths, 60 objects.
    var text = "cnets\nNet\n)\u{81}}bq\u{0}0"
    for level: UInt8 in 1...60 {
      let below = Character(Unicode.Scalar(level - 1))
      text +=
        "cnets\nNet\n)\u{81}}U\u{8}_modules}(U\u{1}ah\(below)U\u{1}bh\(below)usbq\(Character(Unicode.Scalar(level)))0"
    }
    #expect(pickleError(text + "h\u{3C}.")?.code == .limitExceeded)
  }

  @Test func boundsWideSharing() {
    // A dictionary of 3,000 names for one dictionary of 3,000 numbers, three levels deep.
    var text = "}(" + (0..<3000).map { "I\($0)\nN" }.joined() + "uq\u{0}0"
    for level: UInt8 in 1...3 {
      let below = Character(Unicode.Scalar(level - 1))
      text +=
        "}(" + (0..<3000).map { "I\($0)\nh\(below)" }.joined() + "uq\(Character(Unicode.Scalar(level)))0"
    }
    let error = pickleError(text + "h\u{3}.")
    #expect(error?.code == .unsupported || error?.code == .limitExceeded)
  }

  @Test func refusesBigEndianArchives() throws {
    var bytes = try ByteSlice(mappingFile: Fixture.path("formats/state.pt")).array
    let marker = try #require(ByteSlice(bytes).firstIndex(of: Array("little".utf8)))
    bytes.replaceSubrange(marker..<(marker + 6), with: Array("big   ".utf8))
    let error = try withFile(bytes) { path in
      failure { () throws(ScopeError) in _ = try ModelReader.read(path: path) }
    }
    #expect(error?.code == .unsupported && error?.message.contains("big-endian") == true)
  }

  @Test(.enabled(if: SharedData.folder != nil, Comment(rawValue: SharedData.reason)))
  func readsRealCheckpoints() throws {
    // Figures of PyTorch: learnable parameters, all elements, first weights, a running variance.
    for (name, tensors, learnable, elements, first, variance) in [
      (
        "resnet20-12fca82f.th", 97, 269_722, 271_098, -0.13818146288394928 as Float,
        0.3016022741794586 as Float
      ),
      ("resnet56-4bfd9763.th", 277, 853_018, 857_082, -0.21604876220226288, 0.05027766898274422),
    ] {
      guard let path = SharedData.path("models/\(name)") else { continue }
      let weights = try weights(path)
      #expect(weights.tensors.count == tensors)
      #expect(weights.removedPrefix == "module.")
      #expect(weights.wrapper == ["state_dict"])
      #expect(weights.otherEntries.count == 1 && weights.otherEntries[0].hasPrefix("best_prec1 = "))
      let parameters = weights.tensors.filter {
        !$0.key.contains("running_") && !$0.key.contains("num_batches")
      }
      #expect(parameters.values.reduce(0) { $0 + $1.elementCount } == learnable)
      #expect(weights.tensors.values.reduce(0) { $0 + $1.elementCount } == elements)
      #expect(weights.tensors["conv1.weight"]?.dimensions == [16, 3, 3, 3])
      #expect(try weights.tensors["conv1.weight"]?.floats().first == first)
      #expect(try weights.tensors["layer3.2.bn2.running_var"]?.floats().first == variance)
    }
  }
}
