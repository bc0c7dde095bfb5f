import Foundation
import ScopeBytes
import ScopeSecurity
import TestSupport
import Testing

/// Damaged inputs: nothing may crash or hang, and nothing that cannot be read may count as safe.
@Suite struct FuzzTests {
  /// A small deterministic generator (xorshift), so that a failure can be repeated.
  struct Random: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state
    }
  }

  @Test func truncatedFilesNeverCrash() throws {
    for path in Corpus.files("bad") + Corpus.files("good") {
      let whole = try ByteSlice(mappingFile: path)
      let step = max(1, whole.count / 61)
      for count in stride(from: 0, to: whole.count, by: step) {
        _ = SecurityScanner().scan(ByteSlice(whole.prefix(count).array), path: path)
      }
    }
  }

  /// A pickle that was cut off is never safe: either its calls were seen or it counts as incomplete.
  @Test func cutPicklesAreNeverSafe() throws {
    let severalParts = ["second_stream.pkl", "junk_after_stop.pkl"]
    for path in Corpus.files("bad") where path.hasSuffix(".pkl") && !severalParts.contains(Corpus.name(path))
    {
      let whole = try ByteSlice(mappingFile: path)
      for count in 0..<whole.count - 1 {
        let verdict = SecurityScanner().scan(ByteSlice(whole.prefix(count).array), path: "cut.pkl")
        #expect(verdict.verdict != .safe, "\(Corpus.name(path)) cut to \(count) bytes")
      }
    }
  }

  @Test func flippedBytesNeverCrash() throws {
    var random = Random(state: 0x9E37_79B9_7F4A_7C15)
    for path in Corpus.files("bad") + Corpus.files("good") {
      let whole = try ByteSlice(mappingFile: path).array
      guard !whole.isEmpty else { continue }
      for _ in 0..<60 {
        var bytes = whole
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        _ = SecurityScanner().scan(ByteSlice(bytes), path: path)
      }
    }
  }

  @Test func splicedFilesNeverCrash() throws {
    var random = Random(state: 42)
    let all = try (Corpus.files("bad") + Corpus.files("good")).map { try ByteSlice(mappingFile: $0).array }
    for _ in 0..<2000 {
      let (a, b) = (all.randomElement(using: &random)!, all.randomElement(using: &random)!)
      let bytes = Array(
        a.prefix(Int.random(in: 0...a.count, using: &random))
          + b.suffix(Int.random(in: 0...b.count, using: &random)))
      _ = SecurityScanner().scan(ByteSlice(bytes), path: "spliced")
    }
  }

  @Test func randomBytesAreIncomplete() {
    var random = Random(state: 7)
    for _ in 0..<200 {
      let bytes = (0..<4000).map { _ in UInt8.random(in: 0...255, using: &random) }
      let verdict = SecurityScanner().scan(ByteSlice(bytes), path: "random.pth")
      #expect(verdict.verdict != .safe)
      #expect(!verdict.findings.isEmpty)
    }
  }

  @Test func halfACheckpointIsIncomplete() throws {
    for name in [
      "state_dict.pt", "state_dict_legacy.pt", "good.safetensors", "arrays.npz", "plain.onnx", "dict_4.pkl",
    ] {
      let whole = try ByteSlice(mappingFile: Fixture.path("malicious/core/good/\(name)"))
      let verdict = SecurityScanner().scan(ByteSlice(whole.prefix(whole.count / 2).array), path: name)
      #expect(verdict.verdict != .safe, "\(name) \(verdict)")
      if name != "good.safetensors" { #expect(verdict.verdict == .incomplete, "\(name) \(verdict)") }
    }
  }

  @Test func emptyFilesAndOtherFormatsAreIncomplete() {
    let inputs: [[UInt8]] = [
      [], Array("GGUF".utf8) + [3, 0, 0, 0], [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0],
      [0x1F, 0x8B, 8, 0, 0],
      Array("hello world, this is text".utf8),
    ]
    for bytes in inputs {
      let verdict = SecurityScanner().scan(ByteSlice(bytes), path: "x.bin")
      #expect(verdict.verdict == .incomplete, "\(verdict)")
      #expect(!verdict.unexamined.isEmpty)
    }
  }

  @Test func manyCallsStayCheap() {
    // A million REDUCEs of a harmless class and deep MARK nesting.
    var bytes: [UInt8] = [0x80, 2] + Array("ccollections\nOrderedDict\n".utf8) + [0x71, 0]
    for _ in 0..<200_000 { bytes += [0x30, 0x68, 0, 0x29, 0x52] }
    bytes.append(0x2E)
    let start = ContinuousClock.now
    let verdict = SecurityScanner().scan(ByteSlice(bytes), path: "calls.pkl")
    #expect(verdict.verdict == .safe, "\(verdict.findings)")
    #expect(ContinuousClock.now - start < .seconds(20))
    let nested = SecurityScanner().scan(
      ByteSlice([0x80, 2] + [UInt8](repeating: 0x28, count: 500_000) + [0x2E]), path: "marks.pkl")
    #expect(nested.verdict != .safe)
  }
}
