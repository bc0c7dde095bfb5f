import Foundation
import ScopeBytes
import ScopeFormats
import ScopeGraph
import TestSupport
import Testing

/// Cases written by `Tests/Fixtures/make_operators.py`: shapes, types and values by the ONNX reference evaluator.
struct OperatorCase: Decodable, CustomTestStringConvertible, Sendable {
  struct Array: Decodable, Sendable {
    var type: Int32
    var dims: [Int]
    var data: Data?
  }
  var label: String
  var opset: Int
  var fold: Bool
  var model: Data
  var inputs: [String: Array]
  var outputs: [Array]
  var testDescription: String { label }

  static let all: [OperatorCase] = {
    let url = URL(filePath: Fixture.path("graph/operators.json"))
    do {
      return try JSONDecoder().decode([OperatorCase].self, from: Data(contentsOf: url))
    } catch {
      Issue.record("operators.json cannot be read: \(error)")
      return []
    }
  }()
}

struct OperatorFixtureTests {
  @Test func fixturesAreThere() { #expect(OperatorCase.all.count > 150) }

  @Test(arguments: OperatorCase.all)
  func typesAgree(_ item: OperatorCase) throws {
    let model = try ONNXReader.read(ByteSlice([UInt8](item.model)), directory: nil)
    try GraphValidation.check(model)
    let types = ShapeInference.infer(model)
    #expect(!types.problems.contains { $0.kind != .unresolved }, "\(types.problems)")
    #expect(types.costs.allSatisfy { $0 != nil })
    for (index, expected) in item.outputs.enumerated() {
      #expect(types.shape("o\(index)")?.sizes == expected.dims, "output \(index)")
      #expect(types.dataType("o\(index)")?.rawValue == expected.type, "output \(index)")
    }
  }

  @Test(arguments: OperatorCase.all.filter(\.fold))
  func foldedValuesAgree(_ item: OperatorCase) throws {
    let model = try ONNXReader.read(ByteSlice([UInt8](item.model)), directory: nil)
    let node = model.graph.nodes[0]
    var inputs: [Tensor?] = []
    for name in node.inputs {
      guard let array = item.inputs[name] else {
        inputs.append(nil)
        continue
      }
      inputs.append(try tensor(array))
    }
    let results = try #require(try ConstantFolding.fold(node, inputs: inputs, opset: item.opset))
    for (result, array) in zip(results, item.outputs) {
      let expected = try tensor(array)
      #expect(result.dataType == expected.dataType)
      #expect(result.dimensions == expected.dimensions)
      if expected.dataType.isFloatingPoint {
        for (own, wanted) in zip(try result.floats(), try expected.floats()) {
          #expect(own == wanted || abs(own - wanted) <= 2e-6 * max(1, abs(wanted)), "\(own) for \(wanted)")
        }
      } else {
        #expect(try result.int64s() == expected.int64s())
      }
    }
    #expect(results.count >= item.outputs.count)
  }

  private func tensor(_ array: OperatorCase.Array) throws -> Tensor {
    try Tensor(
      dataType: try #require(DataType(rawValue: array.type)), dimensions: array.dims,
      storage: .packed(ByteSlice([UInt8](try #require(array.data)))))
  }
}
