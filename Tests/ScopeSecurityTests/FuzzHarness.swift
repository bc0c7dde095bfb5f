import Foundation
import ScopeBytes
import TestSupport

/// Makes damaged inputs from whole ones, always the same for the same seed.
struct InputMutator {
  private var random: FuzzTests.Random
  private let seeds: [[UInt8]]

  init(seeds: [[UInt8]], seed: UInt64) {
    self.seeds = seeds
    random = FuzzTests.Random(state: seed | 1)
  }

  /// Numbers at which lengths, counts and offsets go wrong.
  private static let numbers: [UInt64] = [
    0, 1, 2, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
    0x1_0000_0000, 1 << 40, .max >> 1, 1 << 63, .max - 7, .max,
  ]

  mutating func next() -> [UInt8] {
    var bytes = seeds[Int.random(in: 0..<seeds.count, using: &random)]
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      guard !bytes.isEmpty else { break }
      mutate(&bytes)
    }
    return Array(bytes.prefix(1 << 20))
  }

  /// A position: anywhere, or near the ends, where headers and directories lie.
  private mutating func position(in bytes: [UInt8]) -> Int {
    let window = min(bytes.count, 160)
    return switch Int.random(in: 0..<4, using: &random) {
    case 0: Int.random(in: 0..<window, using: &random)
    case 1: bytes.count - 1 - Int.random(in: 0..<window, using: &random)
    default: Int.random(in: 0..<bytes.count, using: &random)
    }
  }

  private mutating func mutate(_ bytes: inout [UInt8]) {
    let start = position(in: bytes)
    let length = min(bytes.count - start, 1 << Int.random(in: 0...9, using: &random))
    switch Int.random(in: 0..<10, using: &random) {
    case 0: bytes[start] = UInt8.random(in: 0...255, using: &random)
    case 1: bytes[start] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 2, 3:
      // A number of 1, 2, 4 or 8 bytes, in either order.
      let width = 1 << Int.random(in: 0...3, using: &random)
      var number = Self.numbers[Int.random(in: 0..<Self.numbers.count, using: &random)]
      if Bool.random(using: &random) { number = number &+ UInt64(bytes.count) }
      for index in 0..<width where start + index < bytes.count {
        let shift = Bool.random(using: &random) ? index : width - 1 - index
        bytes[start + index] = UInt8(truncatingIfNeeded: number >> (8 * shift))
      }
    case 4: bytes.removeLast(bytes.count - start)
    case 5: bytes.removeSubrange(start..<start + length)
    case 6: bytes.insert(contentsOf: bytes[start..<start + length], at: position(in: bytes))
    case 7:
      // A piece of another file: nested headers, second directories, trailing data.
      let other = seeds[Int.random(in: 0..<seeds.count, using: &random)]
      guard !other.isEmpty else { return }
      let from = Int.random(in: 0..<other.count, using: &random)
      bytes.replaceSubrange(start..<start + length, with: other[from..<min(other.count, from + 4 * length)])
    case 8: for index in start..<start + length { bytes[index] = 0 }
    default:
      // Digits of octal sizes, JSON numbers and protocol 0 pickles.
      for index in start..<start + length where (0x30...0x39).contains(bytes[index]) {
        bytes[index] = Bool.random(using: &random) ? 0x39 : 0x30 + UInt8.random(in: 0..<10, using: &random)
      }
    }
  }
}

/// Runs one parser on damaged inputs and says what went wrong.
struct FuzzCampaign {
  /// Longest time one input may take.
  static let inputTime = Duration.seconds(1)
  /// Most memory that a campaign may add to the process, in KiB.
  static let memoryGrowth = 256 << 10

  /// Seconds for each parser, from NEURAL_SCOPE_FUZZ_SECONDS; nil for the short run of the test suite.
  static let seconds: Double? = ProcessInfo.processInfo.environment["NEURAL_SCOPE_FUZZ_SECONDS"]
    .flatMap { Double($0) }

  /// The file that holds the input being parsed: after a crash it is the one that caused it.
  let journal: URL

  init(name: String) {
    journal = FileManager.default.temporaryDirectory.appending(
      path: "neural-scope-fuzz-\(name)-\(ProcessInfo.processInfo.processIdentifier).bin")
  }

  /// - Returns: inputs tried, and problems with the files that hold their inputs.
  func run(seeds: [[UInt8]], seed: UInt64, parse: (ByteSlice) -> Void) throws -> (
    count: Int, problems: [String]
  ) {
    var mutator = InputMutator(seeds: seeds, seed: seed)
    var problems: [String] = []
    var count = 0
    let start = ContinuousClock.now
    let memory = Self.peakMemory(reset: true)
    _ = FileManager.default.createFile(atPath: journal.path(), contents: nil)
    let handle = try FileHandle(forWritingTo: journal)
    defer {
      try? handle.close()
      try? FileManager.default.removeItem(at: journal)
    }
    func keep(_ input: [UInt8], _ problem: String) throws {
      let path = journal.path() + ".\(problems.count)"
      try Data(input).write(to: URL(filePath: path))
      problems.append("\(problem): \(path)")
    }
    while problems.count < 8 {
      if let seconds = Self.seconds {
        guard ContinuousClock.now - start < .seconds(seconds) else { break }
      } else if count >= 250 {
        break
      }
      let input = mutator.next()
      try handle.truncate(atOffset: 0)
      try handle.seek(toOffset: 0)
      try handle.write(contentsOf: input)
      let before = Self.processorTime
      parse(ByteSlice(input))
      let time = Self.processorTime - before
      // Beside other tests neither time nor memory is this parser's own.
      if Self.seconds != nil {
        if time > Self.inputTime { try keep(input, "took \(time)") }
        let growth = Self.peakMemory(reset: false) - memory
        if growth > Self.memoryGrowth {
          try keep(input, "the memory grew by \(growth) KiB")
          _ = Self.peakMemory(reset: true)
        }
      }
      count += 1
    }
    return (count, problems)
  }

  /// Of this thread: whatever else the machine does is not the parser's.
  private static var processorTime: Duration {
    var now = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now)
    return .seconds(now.tv_sec) + .nanoseconds(now.tv_nsec)
  }

  /// The process's peak memory in KiB, after setting it back to what is used now if asked.
  private static func peakMemory(reset: Bool) -> Int {
    if reset { try? Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs")) }
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
    return Int(line.split(whereSeparator: { !$0.isNumber }).first ?? "") ?? 0
  }

  /// Fixtures with one of the extensions, at most 64 KiB each.
  static func seeds(_ extensions: [String]) throws -> [[UInt8]] {
    let root = Fixture.path("")
    let files = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
    return try files.sorted().compactMap { path in
      guard extensions.contains(where: { path.hasSuffix(".\($0)") }) else { return nil }
      let full = root + (root.hasSuffix("/") ? "" : "/") + path
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: full, isDirectory: &isFolder), !isFolder.boolValue else {
        return nil
      }
      let bytes = try ByteSlice(mappingFile: full)
      return bytes.isEmpty || bytes.count > 1 << 16 ? nil : bytes.array
    }
  }
}
