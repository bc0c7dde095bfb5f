import Foundation
import ScopeBytes
import ScopeFormats
import TestSupport
import Testing

/// What gguf, Keras, h5py and LiteRT say about the files that `Tests/Fixtures/make_described.py` writes.
struct DescribedFacts: Decodable, Sendable {
  struct TensorFacts: Decodable, Sendable {
    let name, type: String
    let shape: [Int]
    let elements, bytes: Int
  }

  let tensors: [TensorFacts]?
  let parameters, trainable, buffers, constants, macs: Int?
  let names, inputs, outputs: [String]?
  let datasets: [String: [Int]]?

  static let all: [String: DescribedFacts] = {
    let data = FileManager.default.contents(atPath: Fixture.path("described/facts.json")) ?? Data()
    return (try? JSONDecoder().decode([String: DescribedFacts].self, from: data)) ?? [:]
  }()

  static func description(_ name: String) throws -> ModelDescription {
    let file = try ModelReader.read(path: Fixture.path("described/\(name)"))
    guard case .description(let description) = file.content else { throw CocoaError(.fileReadUnknown) }
    return description
  }
}

extension ModelDescription {
  func elements(_ role: Role) -> Int { tensors.reduce(0) { $0 + ($1.role == role ? $1.elements : 0) } }
}

@Suite struct DescribedDamageTests {
  static let files = ["tiny.gguf", "tiny.keras", "tiny.h5", "tiny.weights.h5", "dense.h5", "tiny.tflite"]

  /// Files cut short and files with flipped bits: parse or throw, never trap. Headers are tried at every byte.
  @Test(arguments: files) func survivesDamage(_ name: String) throws {
    let bytes = try ByteSlice(mappingFile: Fixture.path("described/\(name)")).array
    func parses(_ bytes: [UInt8]) -> Bool { (try? ModelReader.read(ByteSlice(bytes), path: name)) != nil }
    #expect(parses(bytes))
    let places = Array(0..<min(bytes.count, 1500)) + Array(stride(from: 1500, to: bytes.count, by: 61))
    // The last bytes may be padding.
    for length in places where length < bytes.count - 64 {
      #expect(!parses(Array(bytes[..<length])), "\(length)")
    }
    var changed = bytes
    for position in places where position < bytes.count {
      for value in [changed[position] ^ (1 << UInt8(position % 8)), 0xFF, 0] {
        let kept = changed[position]
        changed[position] = value
        _ = parses(changed)
        changed[position] = kept
      }
    }
  }
}
