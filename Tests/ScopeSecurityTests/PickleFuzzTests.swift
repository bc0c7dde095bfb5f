import Foundation
import ScopeBytes
import ScopeSecurity
import TestSupport
import Testing

/// Deterministic mutation of pickles, opcode by opcode: nothing may crash or take longer than a second.
///
/// Runs for a moment with the other tests; `NEURAL_SCOPE_FUZZ_SECONDS=600` makes it run for ten minutes and
/// `NEURAL_SCOPE_FUZZ_SEED` chooses another sequence. An input that is slow or crashes lies in the temporary folder
/// as `neural-scope-fuzz-pickle.bin`.
@Suite(.serialized) struct PickleFuzzTests {
  /// Pieces that pickles are made of: opcodes with arguments that are often wrong.
  private static let pieces: [[UInt8]] = [
    Array("(".utf8), Array(")".utf8), Array("]".utf8), Array("}".utf8), [0x8F], Array("t".utf8),
    Array("l".utf8),
    Array("d".utf8), Array("a".utf8), Array("e".utf8), Array("s".utf8), Array("u".utf8), Array("b".utf8),
    Array("R".utf8), Array("o".utf8), [0x81], [0x92], [0x93], [0x94], Array("0".utf8), Array("1".utf8),
    Array("2".utf8), Array("N".utf8), [0x88], [0x85], [0x86], [0x87], [0x90], [0x91], Array("Q".utf8), [0x97],
    [0x98],
    Array("h\0".utf8), Array("h\u{1}".utf8), Array("q\0".utf8), Array("q\u{1}".utf8),
    Array("cos\nsystem\n".utf8),
    Array("cbuiltins\ngetattr\n".utf8), Array("cfunctools\nreduce\n".utf8), Array("cbuiltins\nmap\n".utf8),
    Array("cbuiltins\nlist\n".utf8), Array("cfunctools\npartial\n".utf8),
    Array("coperator\nattrgetter\n".utf8),
    Array("cjoblib.numpy_pickle\nNumpyArrayWrapper\n".utf8), Array("csys\nmodules\n".utf8),
    Array("I1\n".utf8),
    Array("I-1\n".utf8), Array("L99999999999999999999L\n".utf8), Array("F1e400\n".utf8),
    Array("S'echo'\n".utf8),
    Array("V\\ud800\n".utf8), [0x4B, 0xFF], [0x4A, 0xFF, 0xFF, 0xFF, 0x7F], [0x8A, 0xFF],
    [0x8B, 0xFF, 0xFF, 0xFF, 0xFF],
    [0x72, 0xFF, 0xFF, 0xFF, 0xFF], [0x6A, 0, 0, 0, 0], [0x8C, 2, 0x6F, 0x73],
    [0x58, 0xFF, 0xFF, 0xFF, 0xFF],
    [0x8D, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0x80, 4], [0x95, 1, 0, 0, 0, 0, 0, 0, 0],
    [0x82, 1],
    Array("p1\n".utf8), Array("g1\n".utf8), Array("p999999999\n".utf8), Array(".".utf8),
  ]

  /// A call whose result is dropped.
  private static let call = Array("cos\nsystem\n(S'echo'\ntR0".utf8)

  private struct Outcome {
    var inputs = 0
    var slowest = Duration.zero
    var slowestBytes: [UInt8] = []
  }

  private static var seconds: Double {
    ProcessInfo.processInfo.environment["NEURAL_SCOPE_FUZZ_SECONDS"].flatMap(Double.init) ?? 3
  }

  private static var seed: UInt64 {
    ProcessInfo.processInfo.environment["NEURAL_SCOPE_FUZZ_SEED"].flatMap { UInt64($0) }
      ?? 0x1234_5678_9ABC_DEF1
  }

  private static func mutate(_ input: [UInt8], _ all: [[UInt8]], _ random: inout FuzzTests.Random) -> [UInt8]
  {
    var bytes = input
    for _ in 0..<Int.random(in: 1...8, using: &random) {
      let position = Int.random(in: 0...bytes.count, using: &random)
      switch Int.random(in: 0..<8, using: &random) {
      case 0: if position < bytes.count { bytes[position] = UInt8.random(in: 0...255, using: &random) }
      case 1: if position < bytes.count { bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
      case 2:
        let end = min(bytes.count, position + Int.random(in: 1...16, using: &random))
        if position < end { bytes.removeSubrange(position..<end) }
      case 3...5:
        if let piece = pieces.randomElement(using: &random) { bytes.insert(contentsOf: piece, at: position) }
      case 6:
        // The same few opcodes many times over: growth that is more than linear shows here.
        if let piece = pieces.randomElement(using: &random), bytes.count < 100_000 {
          for _ in 0..<Int.random(in: 1...200, using: &random) {
            bytes.insert(contentsOf: piece, at: position)
          }
        }
      default:
        if let other = all.randomElement(using: &random), !other.isEmpty {
          let start = Int.random(in: 0..<other.count, using: &random)
          let end = min(other.count, start + Int.random(in: 1...64, using: &random))
          bytes.insert(contentsOf: other[start..<end], at: position)
        }
      }
    }
    return bytes
  }

  /// Helpers that call over long shared lists, again and again: work is bounded, and giving up is said.
  @Test func entangledHelpersStayCheap() {
    var bytes: [UInt8] = [0x80, 2] + Array("]q\u{0}(".utf8)
    for _ in 0..<255 { bytes += Array("cmypackage\nf\n".utf8) }
    bytes += Array("e0cfunctools\nreduce\nq\u{1}0cbuiltins\ngetattr\nq\u{2}0".utf8)
    for _ in 0..<60_000 { bytes += [0x68, 1, 0x68, 2, 0x68, 0, 0x86, 0x52, 0x30] }
    bytes += Array("N.".utf8)
    let start = ContinuousClock.now
    let verdict = SecurityScanner().scan(ByteSlice(bytes), path: "entangled.pkl")
    #expect(verdict.verdict != .safe)
    #expect(verdict.unexamined.contains { $0.contains("entangled") }, "\(verdict.unexamined)")
    #expect(ContinuousClock.now - start < .seconds(5))
  }

  @Test func mutatedPicklesAreScannedQuickly() throws {
    let paths = ["core", "pickles"].flatMap { family in
      (Corpus.files("bad", family: family) + Corpus.files("good", family: family)).filter {
        $0.hasSuffix(".pkl") || $0.hasSuffix(".joblib")
      }
    }
    let inputs = try paths.map { try ByteSlice(mappingFile: $0).array }.filter { $0.count < 20_000 }
    #expect(inputs.count > 300)
    var random = FuzzTests.Random(state: Self.seed)
    var outcome = Outcome()
    let record = FileManager.default.temporaryDirectory.appending(path: "neural-scope-fuzz-pickle.bin")
    let isLong = Self.seconds > 10
    let end = ContinuousClock.now + .seconds(Self.seconds)
    while ContinuousClock.now < end {
      guard let input = inputs.randomElement(using: &random) else { break }
      let bytes = Self.mutate(input, inputs, &random)
      // Written first, so that a crash leaves it behind.
      if isLong { try Data(bytes).write(to: record) }
      let start = ContinuousClock.now
      _ = SecurityScanner().scan(ByteSlice(bytes), path: "fuzz.pkl")
      let time = ContinuousClock.now - start
      outcome.inputs += 1
      if time > outcome.slowest {
        outcome.slowest = time
        outcome.slowestBytes = bytes
      }
      // Whatever follows a call, the call is found.
      let marked = SecurityScanner().scan(ByteSlice(Self.call + bytes), path: "fuzz.pkl")
      #expect(marked.verdict == .unsafe, "\(bytes.count) bytes behind a call, seed \(Self.seed)")
      if marked.verdict != .unsafe {
        try Data(Self.call + bytes).write(to: record)
        break
      }
    }
    if outcome.slowest > .seconds(1) { try Data(outcome.slowestBytes).write(to: record) }
    #expect(
      outcome.slowest < .seconds(1),
      "\(outcome.inputs) inputs, slowest \(outcome.slowest) for \(outcome.slowestBytes.count) bytes in \(record.path())"
    )
    #expect(outcome.inputs > 100)
  }
}
