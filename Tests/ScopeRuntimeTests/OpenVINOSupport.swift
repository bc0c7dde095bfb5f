import Foundation
import ScopeBytes
import ScopeGraph
import ScopeRuntime
import TestSupport
import Testing

/// OpenVINO where the product finds it: `NEURAL_SCOPE_OPENVINO`, `.runtime/` above, a Python environment.
enum OpenVINOLibrary {
  static let engine = try? OpenVINOEngine.load()
  static let reason = "needs OpenVINO: run scripts/bootstrap --openvino or set NEURAL_SCOPE_OPENVINO"
  static var isPresent: Bool { engine != nil }
}

/// Models on which engines are compared, with what the onnx package's reference evaluator computes.
enum EngineFixture {
  struct Golden: Decodable {
    struct Quantized: Decodable {
      var x: [Float]
      var dimensions: [Int]
      var scores: [Float]
    }
    struct Output: Decodable {
      var dimensions: [Int]
      var values: [Double]
    }
    var quantized: Quantized
    var types: [String: Output]
  }

  static func golden() throws -> Golden {
    try JSONDecoder().decode(
      Golden.self, from: Data(contentsOf: URL(filePath: Fixture.path("engines/engines.json"))))
  }

  static func bytes(_ name: String) throws -> ByteSlice {
    try ByteSlice(mappingFile: Fixture.path(name))
  }

  static let typeFeeds: [String: HostArray] = [
    "x": HostArray([0.5, -1.25, 3, 0, -0.5, -1, -2, -3] as [Float], [2, 4]),
    "indices": HostArray([3, 0, 0] as [Int64], [3]), "bytes": HostArray(.int8([-128, 0, 127]), [3]),
    "flags": HostArray(.bool([true, false]), [2]), "unused": HostArray([0] as [Float], [1]),
    "zero": HostArray([0] as [Float], []),
  ]

  /// Images of a batch.
  static func images(_ batch: Int) throws -> [String: HostArray] {
    let golden = try golden().quantized
    let size = golden.dimensions.dropFirst().reduce(1, *)
    let values = (0..<batch).flatMap { golden.x[($0 % 3 * size)..<($0 % 3 * size + size)] }
    return ["x": HostArray(values, [batch] + golden.dimensions.dropFirst())]
  }
}

extension HostArray {
  /// The elements as numbers; the bit patterns of float16.
  var numbers: [Double] {
    switch values {
    case .float32(let a): a.map(Double.init)
    case .float64(let a): a
    case .int64(let a): a.map(Double.init)
    case .int32(let a): a.map(Double.init)
    case .uint8(let a): a.map(Double.init)
    case .int8(let a): a.map(Double.init)
    case .bool(let a): a.map { $0 ? 1 : 0 }
    case .other(_, let a):
      stride(from: 0, to: a.count, by: 2).map { Double(Int(a[$0]) | Int(a[$0 + 1]) << 8) }
    }
  }
}
