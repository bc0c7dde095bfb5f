import Foundation
import OrderedCollections
import ScopeBytes
import ScopeFormats
import ScopeGraph
import TestSupport

/// The weights that `Tests/Fixtures/make_architectures.py` gives its models, by the same integer formula.
enum DeterministicWeights {
  /// `count` numbers in [0, 1) that depend on `name` only.
  static func uniform(_ name: String, _ count: Int) -> [Double] {
    var seed: UInt32 = 2_166_136_261
    for byte in name.utf8 { seed = (seed ^ UInt32(byte)) &* 16_777_619 }
    return (0..<count).map { index in
      var x = seed &+ UInt32(truncatingIfNeeded: index) &* 2_654_435_761
      for _ in 0..<2 { x = (x ^ (x >> 16)) &* 0x45D_9F3B }
      x ^= x >> 16
      return Double(x >> 8) / Double(1 << 24)
    }
  }

  static func tensor(_ name: String, _ dimensions: [Int]) -> Tensor {
    let count = dimensions.reduce(1, *)
    if name.hasSuffix("num_batches_tracked") { return .int64s([0], []) }
    let values = uniform(name, count)
    if dimensions.count > 1 {
      let bound = (3 / Double(count / dimensions[0])).squareRoot()
      return .floats(values.map { Float((2 * $0 - 1) * bound) }, dimensions)
    }
    if name.hasSuffix("weight") || name.hasSuffix("running_var") {
      return .floats(values.map { Float(0.5 + $0) }, dimensions)
    }
    return .floats(values.map { Float(($0 - 0.5) * 0.2) }, dimensions)
  }

  /// [batch, 3, size, size].
  static func image(batch: Int, size: Int) -> [Float] {
    uniform("input", batch * 3 * size * size).map { Float(2 * $0 - 1) }
  }

  static func state(_ shapes: [(name: String, dimensions: [Int])]) -> StateDict {
    StateDict(
      tensors: OrderedDictionary(
        uniqueKeysWithValues: shapes.map { ($0.name, tensor($0.name, $0.dimensions)) }))
  }
}

/// State dicts whose numbers lie elsewhere: shapes are all that recognition looks at.
enum ShapesOnly {
  static func state(_ shapes: [(name: String, dimensions: [Int])]) throws -> StateDict {
    var tensors: OrderedDictionary<String, Tensor> = [:]
    for (name, dimensions) in shapes {
      tensors[name] = try Tensor(
        dataType: name.hasSuffix("num_batches_tracked") ? .int64 : .float32, dimensions: dimensions,
        storage: .external(ExternalData(location: "elsewhere")))
    }
    return StateDict(tensors: tensors)
  }

  /// A committed list of `name:AxBxC` lines in PyTorch's order.
  static func list(_ file: String) throws -> [(name: String, dimensions: [Int])] {
    try String(contentsOfFile: Fixture.path("architectures/\(file)"), encoding: .utf8).split(separator: "\n")
      .map {
        let parts = $0.split(separator: ":", omittingEmptySubsequences: false)
        return (String(parts[0]), parts[1].split(separator: "x").compactMap { Int($0) })
      }
  }
}

/// What PyTorch says about a variant (`structures*.json`).
struct ReferenceStructure: Decodable {
  let classes: Int
  let trainableParameters: Int
  let modules: Int
  let parameterisedModules: Int
  let weightLayers: Int
  let bufferTensors: Int
  let bufferElements: Int
  let keys: Int
  let sha256: String

  static func all() throws -> [String: ReferenceStructure] {
    let folder = URL(filePath: Fixture.path("architectures"))
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path()).filter {
      $0.hasPrefix("structures") && $0.hasSuffix(".json")
    }
    return try files.sorted().reduce(into: [:]) { result, file in
      let part = try JSONDecoder().decode(
        [String: ReferenceStructure].self, from: Data(contentsOf: folder.appending(path: file)))
      result.merge(part) { first, _ in first }
    }
  }
}

/// PyTorch's logits for deterministic weights and input.
struct GoldenLogits: Decodable, CustomStringConvertible {
  let variant: String
  let classes: Int
  let imageSize: Int
  /// [batch][class].
  let logits: [[Float]]

  var description: String { "\(variant) at \(imageSize)" }

  static func all(_ file: String) throws -> [GoldenLogits] {
    try JSONDecoder().decode(
      [GoldenLogits].self, from: Data(contentsOf: URL(filePath: Fixture.path("architectures/\(file)"))))
  }
}
