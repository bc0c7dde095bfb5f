import Foundation
import ScopeBytes
import ScopeFormats
import TestSupport
import Testing

@Suite struct PickleMachineTests {
  struct Facts: Decodable { let opcodes, stop, globals, calls: Int }

  static let facts: [String: Facts] = {
    let data = FileManager.default.contents(atPath: Fixture.path("formats/pickles.json")) ?? Data()
    return (try? JSONDecoder().decode([String: Facts].self, from: data)) ?? [:]
  }()

  private func run(_ bytes: [UInt8]) -> PickleRun { PickleMachine.run(ByteSlice(bytes)) }

  private func anomalies(_ run: PickleRun) -> [PickleAnomaly] {
    run.events.compactMap { if case .anomaly(let anomaly) = $0.kind { anomaly } else { nil } }
  }

  @Test(arguments: 0...5) func agreesWithCPython(protocol version: Int) throws {
    let facts = try #require(Self.facts["\(version)"])
    let run = PickleMachine.run(try ByteSlice(mappingFile: Fixture.path("formats/protocol\(version).pkl")))
    #expect(run.problem == nil)
    #expect(run.opcodeCount == facts.opcodes)
    #expect(run.stopOffset == facts.stop)
    #expect(run.protocolVersion == (version < 2 ? nil : version))
    var globals = 0
    var calls = 0
    for event in run.events {
      switch event.kind {
      case .global: globals += 1
      case .call: calls += 1
      default: break
      }
    }
    #expect(globals == facts.globals)
    #expect(calls == facts.calls)
    #expect(anomalies(run).isEmpty)

    guard case .dict(let pairs)? = run.result.map({ run.value($0) }) else {
      Issue.record("the result is no dictionary")
      return
    }
    var found: [String: PickleID] = [:]
    for pair in pairs { found[run.text(pair.key) ?? "?"] = pair.value }
    func id(_ key: String) throws -> PickleID { try #require(found[key]) }
    func value(_ key: String) throws -> PickleValue { run.value(try id(key)) }
    if case .none = try value("none") {} else { Issue.record("none") }
    if case .bool(true) = try value("yes") {} else if version > 1 { Issue.record("yes") }
    #expect(run.integer(try id("yes")) == 1)
    #expect(run.integer(try id("no")) == 0)
    #expect(run.integer(try id("int")) == -5)
    #expect(run.integer(try id("big")) == 1 << 40)
    #expect(run.integer(try id("neg")) == -(1 << 40))
    if case .bigInt = try value("huge") {} else { Issue.record("huge") }
    if case .float(let float) = try value("float") { #expect(float == 1.5) } else { Issue.record("float") }
    #expect(run.text(try id("text")) == "hé\n\\u €")
    if version >= 3 {
      if case .bytes(let bytes) = try value("bytes") {
        #expect(bytes.array == [0, 255, 97, 98])
      } else {
        Issue.record("bytes")
      }
    }
    #expect(run.elements(try id("tuple"))?.compactMap { run.integer($0) } == [1, 2, 3, 4])
    let twice = try #require(run.elements(try id("twice")))
    #expect(twice.count == 2 && twice[0] == twice[1])
    let cycle = try id("cycle")
    #expect(run.elements(cycle) == [cycle])
    guard case .call(let point) = try value("point") else {
      Issue.record("point")
      return
    }
    #expect(point.states.count == 1)
    guard case .call(let ordered) = try value("ordered") else {
      Issue.record("ordered")
      return
    }
    #expect(run.calleeName(ordered) == "collections.OrderedDict")
    if version >= 2 { #expect(ordered.pairs.count == 1) }
  }

  @Test func namesWhatAnAttackCalls() throws {
    let attack = run(Array("cos\nsystem\n(S'id'\ntR.".utf8))
    let call = try #require(attack.result.flatMap { attack.call($0) })
    #expect(attack.calleeName(call) == "os.system")
    let argument = try #require(attack.elements(call.arguments)?.first)
    #expect(attack.text(argument) == "id")
    let inst = run(Array("(S'id'\nios\nsystem\n.".utf8))
    #expect(inst.result.flatMap { inst.call($0) }.flatMap { inst.calleeName($0) } == "os.system")
    let object = run(Array("(cos\nsystem\nS'id'\no.".utf8))
    #expect(object.result.flatMap { object.call($0) }.flatMap { object.calleeName($0) } == "os.system")
  }

  @Test func keepsWhatHappenedBeforeItBreaks() throws {
    let broken = run(Array("cos\nsystem\n(S'id'\ntR\u{1}".utf8))
    #expect(broken.problem?.code == .malformed)
    #expect(broken.stopOffset == nil)
    #expect(broken.events.count == 2)
  }

  @Test func flagsComputedGlobals() throws {
    // STACK_GLOBAL whose module comes out of a call.
    let bytes: [UInt8] = Array("cm\nf\n)R".utf8) + [0x8C, 1, 0x78, 0x93, 0x2E]
    #expect(anomalies(run(bytes)).contains { if case .computedGlobal = $0 { true } else { false } })
  }

  /// A defect over which Python stops does not hide what follows, but it is not forgotten either.
  @Test func goesOnAfterADefect() throws {
    for defect in ["Iabc\n", "Sabc\n", "g7\n", "Fx\n", "V\\u12\n"] {
      let result = run([0x80, 2] + Array(defect.utf8) + Array("0cos\nsystem\n)R.".utf8))
      #expect(result.problem?.code == .malformed, "\(defect)")
      #expect(result.stopOffset != nil, "\(defect)")
      #expect(result.events.contains { if case .call = $0.kind { true } else { false } }, "\(defect)")
      // Text that was not recognised as a pickle is not followed.
      #expect(run(Array(defect.utf8) + Array("0cos\nsystem\n)R.".utf8)).stopOffset == nil, "\(defect)")
    }
  }

  /// CPython's C parser reads a number up to a zero byte.
  @Test func readsNumbersUpToAZeroByte() throws {
    for number in ["L5\0junk\n", "F5\0junk\n", "I5\0junk\n"] {
      #expect(run(Array(number.utf8) + [0x2E]).problem == nil, "\(number.debugDescription)")
    }
  }

  /// joblib writes the numbers of arrays between the opcodes (joblib/numpy_pickle.py).
  @Test(arguments: 0...5) func stepsOverTheArraysOfJoblib(protocol version: Int) throws {
    let bytes = try ByteSlice(mappingFile: Fixture.path("malicious/pickles/good/joblib_\(version).joblib"))
    let result = PickleMachine.run(bytes)
    #expect(result.problem == nil)
    #expect(result.endOffset == bytes.count)
    // Seven arrays; the one of objects is a pickle of its own.
    #expect(result.rawArrays.count == 7)
    #expect(result.embedded.count == 1)
    // 4 x 5 numbers of 8 bytes behind one byte that says how much padding follows.
    let first = try #require(result.rawArrays.first)
    #expect(first.count >= 161 && first.count <= 161 + 255)
    #expect(PickleMachine.run(bytes, limits: PickleLimits(followsRawArrays: false)).problem != nil)
    for length in stride(from: 0, to: bytes.count, by: 7) {
      #expect(PickleMachine.run(ByteSlice(Array(bytes.prefix(length).array))).stopOffset == nil)
    }
  }

  @Test func flagsMisplacedFraming() throws {
    #expect(anomalies(run([0x4E, 0x30, 0x80, 4, 0x4E, 0x2E])) == [.misplacedProtocol])
    #expect(anomalies(run([0x80, 4, 0x80, 4, 0x4E, 0x2E])) == [.duplicateProtocol])
    #expect(anomalies(run([0x80, 77, 0x4E, 0x2E])) == [.unknownProtocol(77)])
    #expect(
      anomalies(run([0x95] + [UInt8](repeating: 255, count: 8) + [0x4E, 0x2E])) == [
        .frameBeyondEnd(declared: .max)
      ])
    #expect(anomalies(run([0x4E, 0x72, 255, 255, 255, 255, 0x2E])) == [.hugeMemoIndex(0xFFFF_FFFF)])
    #expect(anomalies(run([0x82, 3, 0x2E])).isEmpty)
  }

  @Test func refusesLyingLengths() {
    let lies: [[UInt8]] = [
      [0x8E] + [UInt8](repeating: 255, count: 8), [0x8D] + [255, 255, 255, 255, 255, 255, 255, 127],
      [0x96] + [0, 0, 0, 0, 0, 0, 0, 128], [0x42, 255, 255, 255, 255], [0x54, 255, 255, 255, 255],
      [0x8B, 255, 255, 255, 255], [0x58, 255, 255, 255, 127],
    ]
    for lie in lies { #expect(run(lie + [0x2E]).problem != nil) }
  }

  @Test func boundsBombs() {
    // A list that holds itself twice, doubled a thousand times: 2^1000 elements in Python terms.
    var bomb: [UInt8] = [0x5D]
    for _ in 0..<1000 { bomb += [0x32, 0x86] }
    #expect(run(bomb + [0x2E]).problem == nil)
    let endless = [UInt8](repeating: 0x4E, count: 100_000) + [0x2E]
    let limited = PickleMachine.run(ByteSlice(endless), limits: PickleLimits(opcodes: 1000))
    #expect(limited.problem?.code == .limitExceeded)
    #expect(
      PickleMachine.run(ByteSlice(endless), limits: PickleLimits(objects: 1000)).problem?.code
        == .limitExceeded)
  }

  @Test(arguments: 0...5) func survivesTruncationAndFlips(protocol version: Int) throws {
    let bytes = try ByteSlice(mappingFile: Fixture.path("formats/protocol\(version).pkl")).array
    for length in 0..<bytes.count {
      let cut = PickleMachine.run(ByteSlice(Array(bytes[..<length])))
      #expect(cut.problem != nil && cut.stopOffset == nil)
    }
    for position in bytes.indices {
      for bit in 0..<8 {
        var flipped = bytes
        flipped[position] ^= 1 << bit
        let result = PickleMachine.run(ByteSlice(flipped))
        #expect(result.problem != nil || result.stopOffset != nil)
      }
    }
  }

  @Test func startsAnywhere() {
    let two = ByteSlice([0x4E, 0x2E, 0x88, 0x2E])
    let first = PickleMachine.run(two)
    let second = PickleMachine.run(two, at: first.endOffset)
    #expect(second.stopOffset == 3)
    #expect(second.problem == nil)
    #expect(PickleMachine.run(two, at: 99).problem?.code == .truncated)
  }

  @Test func readsProtocolZeroText() throws {
    let escapes = run(Array("S'a\\x41\\n\\'\\101'\n.".utf8))
    #expect(escapes.result.flatMap { escapes.text($0) } == "aA\n'A")
    let unicode = run(Array("V\\u20ac\\\\u0041\n.".utf8))
    #expect(unicode.result.flatMap { unicode.text($0) } == "€\\\\u0041")
    #expect(run(Array("I01\n.".utf8)).result.map { _ in true } == true)
    #expect(run(Array("Ix\n.".utf8)).problem?.code == .malformed)
    #expect(run(Array("S'a\n.".utf8)).problem?.code == .malformed)
  }
}
