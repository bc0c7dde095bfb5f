import Foundation
import ScopeBytes
import ScopeFormats
import ScopeGraph
import TestSupport
import Testing

/// A TorchScript archive whose source can be replaced.
private struct ScriptArchive {
  var members: [(name: String, bytes: [UInt8])] = []

  init(_ fixture: String) throws {
    let archive = try ZipArchive(try ByteSlice(mappingFile: Fixture.path("programs/\(fixture).pt")))
    for member in archive.members where !member.name.hasSuffix("debug_pkl") {
      members.append((member.name, try archive.contents(of: member).array))
    }
  }

  /// Index of the file that defines the model's class.
  var main: Int {
    members.firstIndex { String(decoding: $0.bytes, as: UTF8.self).contains("class Cnn(") } ?? 0
  }

  /// Everything stored, nothing compressed; checksums are not read.
  func written() -> ByteSlice {
    var bytes: [UInt8] = []
    var directory: [UInt8] = []
    func little(_ value: Int, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    for (name, content) in members {
      let name = Array(name.utf8)
      let common =
        little(20, 2) + little(0, 8) + little(0, 4) + little(content.count, 4) + little(content.count, 4)
        + little(name.count, 2) + little(0, 2)
      directory +=
        [0x50, 0x4B, 1, 2] + little(20, 2) + common + little(0, 10) + little(bytes.count, 4) + name
      bytes += [0x50, 0x4B, 3, 4] + common + name + content
    }
    let start = bytes.count
    bytes +=
      directory + [0x50, 0x4B, 5, 6] + little(0, 4) + little(members.count, 2) + little(members.count, 2)
    bytes += little(directory.count, 4) + little(start, 4) + little(0, 2)
    return ByteSlice(bytes)
  }

  /// The scripted network with other methods.
  static func program(_ methods: String) throws -> ByteSlice {
    var archive = try ScriptArchive("cnn_scripted")
    let index = archive.main
    archive.members[index].bytes = Array(("class Cnn(Module):\n" + methods + "\n").utf8)
    return archive.written()
  }

  static func program(body: [String]) throws -> ByteSlice {
    try program("  def forward(self: X, x: Tensor) -> Tensor:\n" + body.map { "    \($0)\n" }.joined())
  }
}

private func convert(_ bytes: ByteSlice, shapes: [Shape] = []) throws -> ConvertedProgram {
  guard
    case .program(_, let program) = try ModelReader.read(bytes, path: "program.pt", inputShapes: shapes)
      .content
  else { throw ScopeError(.malformed, "no program") }
  return program
}

private func failure(_ bytes: ByteSlice) throws -> ScopeError? {
  if case .failed(let error) = try convert(bytes) { error } else { nil }
}

private func graph(_ bytes: ByteSlice, shapes: [Shape] = []) throws -> Model {
  switch try convert(bytes, shapes: shapes) {
  case .graph(let model): return model
  case .failed(let error): throw error
  }
}

@Suite struct TorchScriptConverterTests {
  private func fixture(_ name: String) throws -> ByteSlice {
    try ByteSlice(mappingFile: Fixture.path("programs/\(name).pt"))
  }

  @Test func inputsAreFoundAndStayOpen() throws {
    for name in ["cnn_traced", "cnn_scripted"] {
      let input = try graph(try fixture(name)).graph.requiredInputs
      #expect(input.count == 1 && input[0].dataType == .float32)
      #expect(input[0].shape?.description == "batchx3xheightxwidth")
    }
    for name in ["encoder_traced", "encoder_scripted"] {
      let input = try graph(try fixture(name)).graph.requiredInputs
      #expect(input.count == 1 && input[0].dataType == .int64)
      #expect(input[0].shape?.description == "batchxsequence")
    }
  }

  @Test func nodesAreNamedAfterModules() throws {
    let model = try graph(try fixture("cnn_scripted")).graph
    let convolutions = model.nodes.filter { $0.opType == "Conv" }.map(\.name)
    #expect(convolutions == ["stem", "blocks.0", "blocks.1"])
    #expect(model.initializers["stem.weight"] != nil)
  }

  @Test func givenShapesAreTaken() throws {
    let input = try graph(try fixture("cnn_traced"), shapes: [[4, 3, 16, 12]]).graph.requiredInputs
    #expect(input[0].shape == [4, 3, 16, 12])
  }

  @Test func modulesAreCountedAsPyTorchCountsThem() throws {
    let content = try ModelReader.read(path: Fixture.path("programs/cnn_scripted.pt")).content
    guard case .program(let state, _) = content else { throw ScopeError(.malformed, "no program") }
    // The model, stem, norm, blocks, blocks.0, blocks.1, head.
    #expect(state.modules?.moduleCount == 7)
    #expect(state.modules?.parameterisedModuleCount == 5)
    #expect(state.modules?.weightLayerCount == 4)
    #expect(state.buffers.contains("norm.running_mean"))
  }

  @Test func aProgramThatCannotBeConvertedStillHasItsWeights() throws {
    let bytes = try ScriptArchive.program(body: [
      "x0 = torch.conv2d(x, self.stem.weight)", "return torch.fft_nonsense(x0)",
    ])
    guard case .program(let state, .failed(let error)) = try ModelReader.read(bytes, path: "p").content else {
      throw ScopeError(.malformed, "no failed program")
    }
    #expect(state.tensors["stem.weight"]?.dimensions == [4, 3, 3, 3])
    #expect(error.code == .unsupported && error.message.contains("aten::fft_nonsense"))
    #expect(error.place?.contains("line 4") ?? false)
  }

  @Test func sizesTheProgramChecksAreFound() throws {
    let model = try graph(
      try ScriptArchive.program(body: [
        "n, c, h, w, = torch.size(x)", "if torch.eq(h, 299):", "  pass", "else:",
        "  ops.prim.RaiseException(\"wrong height\")", "return torch.conv2d(x, self.stem.weight)",
      ]))
    #expect(model.graph.requiredInputs[0].shape?.description == "batchx3x299x299")
    #expect(model.metadata["assumed_inputs"] == "images of 299 x 299")
  }

  // MARK: Hostile programs

  @Test(arguments: [
    // Endless recursion, endless loops, huge trip counts and lists.
    ["return (self).forward(x, )"],
    ["while True:", "  y = 1", "return x"],
    ["for i in range(4611686018427387904):", "  y = i", "return x"],
    ["l = [1]", "for i in range(60):", "  l = torch.add(l, l)", "return x"],
    ["l = torch.mul([1], 4611686018427387904)", "return x"],
    ["s = \"aa\"", "for i in range(60):", "  s = torch.add(s, s)", "return x"],
    // Numbers beyond 64 bits, division by zero.
    ["y = 99999999999999999999999", "return x"],
    ["y = torch.mul(4611686018427387904, 4)", "return x"],
    ["y = torch.neg(-9223372036854775808)", "return x"],
    ["y = torch.floordiv(1, 0)", "return x"],
    ["y = torch.floordiv(-9223372036854775808, -1)", "return x"],
    ["y = torch.pow(10, 100000000000)", "return x"],
    ["y = torch.__range_length(0, 5, -9223372036854775808)", "return y2"],
    // Names the archive does not have.
    ["return CONSTANTS.c7"], ["return CONSTANTS.c99999999999999999999"], ["return self.nothing"],
    ["return (self.stem).nothing(x, )"], ["return __torch__.nowhere.f(x, )"], ["return unknown"],
    ["return missing(x)"], ["a, b, = [1]", "return x"], ["y = [1][5]", "return x"], ["return None"],
    ["return torch.conv2d(x, x, x, x, x)"], ["return torch.view(x, [-1, -1, -7])"], ["x.y = 1", "return x"],
    ["return ops.prim.nonsense(x)"],
    ["return torch.conv2d(x, self.stem.weight, None, [0, 0], [-9, 9223372036854775807])"],
    // Broken source.
    ["return (x"], ["return x)"], ["y = \"open", "return x"], ["  return x", " return x"], ["return ]["],
    ["if x"],
    ["y = = 2"], ["return \u{1}"], ["def"], ["with x:", "  pass"],
  ])
  func hostileProgramsAreNamed(body: [String]) throws {
    let error = try #require(try failure(try ScriptArchive.program(body: body)))
    #expect(error.place?.contains("code/__torch__/") ?? false)
    #expect(error.place?.contains("line ") ?? false)
  }

  @Test func deepNestingIsRefused() throws {
    let expression = String(repeating: "(", count: 5000) + "x" + String(repeating: ")", count: 5000)
    #expect(try failure(try ScriptArchive.program(body: ["return \(expression)"]))?.code == .limitExceeded)
    let attributes = "x" + String(repeating: ".a", count: 5000)
    #expect(try failure(try ScriptArchive.program(body: ["return \(attributes)"]))?.code == .limitExceeded)
    let negations = String(repeating: "-", count: 5000) + "1"
    #expect(try failure(try ScriptArchive.program(body: ["return \(negations)"]))?.code == .limitExceeded)
    let sums = "1" + String(repeating: " + 1", count: 5000)
    #expect(try failure(try ScriptArchive.program(body: ["return \(sums)"]))?.code == .limitExceeded)
    let blocks = (0..<500).map { String(repeating: " ", count: $0) + "if True:" }
    #expect(try failure(try ScriptArchive.program(body: blocks))?.code == .limitExceeded)
  }

  @Test func truncatedSourceIsNamed() throws {
    let whole = try ScriptArchive("cnn_scripted")
    let index = whole.main
    for length in stride(from: 0, to: whole.members[index].bytes.count, by: 17) {
      var archive = whole
      archive.members[index].bytes = Array(whole.members[index].bytes.prefix(length))
      if let error = try failure(archive.written()) { #expect(error.place != nil || !error.message.isEmpty) }
    }
  }

  /// Changed bytes end in a graph or in an error, never in a trap.
  @Test func mutatedSourceEndsInAGraphOrAnError() throws {
    var state: UInt64 = 7
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let pieces = [
      "(", ")", "[", "]", "\n", "    ", "\"", "0", "9", "-", ",", ".", "x", "self", "None", "\u{7f}",
    ]
    var refused = 0
    for fixture in ["cnn_scripted", "encoder_scripted"] {
      let whole = try ScriptArchive(fixture)
      let sources = whole.members.indices.filter { whole.members[$0].name.hasSuffix(".py") }
      for _ in 0..<300 {
        var archive = whole
        for _ in 0...random(3) {
          let index = sources[random(sources.count)]
          guard !archive.members[index].bytes.isEmpty else { continue }
          let place = random(archive.members[index].bytes.count)
          archive.members[index].bytes.replaceSubrange(
            place..<min(place + random(3), archive.members[index].bytes.count),
            with: Array(pieces[random(pieces.count)].utf8))
        }
        if try failure(archive.written()) != nil { refused += 1 }
      }
    }
    #expect(refused > 100)
  }
}
