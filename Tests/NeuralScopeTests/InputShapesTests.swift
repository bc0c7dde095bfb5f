import NeuralScope
import ScopeBytes
import ScopeGraph
import Testing

struct InputShapesTests {
  @Test func bothFormsAreRead() throws {
    #expect(try InputShapes.parse("input=1x3x224x224").shape == [1, 3, 224, 224])
    #expect(try InputShapes.parse("input=1,3,224,224").shape == [1, 3, 224, 224])
    #expect(try InputShapes.parse("input=1, 3").shape == [1, 3])
    #expect(
      try InputShapes.parse("input.1=Nx3xHxW").shape
        == Shape([.symbolic("N"), .known(3), .symbolic("H"), .symbolic("W")]))
    #expect(try InputShapes.parse("a=b=batch,max_len").input == "a=b")
    #expect(try InputShapes.parse("scalar=").shape == [])
    #expect(try InputShapes.parse("vector=7").shape == [7])
  }

  @Test(arguments: [
    "", "input", "=1x2", "input=0x3", "input=-1x3", "input=1xx3", "input=1x3x", "input=1.5",
    "input=99999999999999999999",
    "input=1,,3", "input=3a", "input=a+b",
    "input=" + Array(repeating: "1", count: 100).joined(separator: "x"),
  ]) func whatIsNoShapeIsRefused(_ text: String) {
    do throws(ScopeError) {
      _ = try InputShapes.parse(text)
      Issue.record("\(text) was read")
    } catch {
      #expect(error.code == .invalidArgument)
    }
  }

  private var graph: Graph {
    func input(_ name: String, _ sizes: [Dimension]) -> ValueInfo {
      ValueInfo(name: name, dataType: .float32, shape: Shape(sizes))
    }
    return Graph(
      name: "g",
      inputs: [
        input("ids", [.symbolic("batch"), .symbolic("length")]),
        input("mask", [.symbolic("batch"), .symbolic("past + length")]),
        input("past", [.symbolic("batch"), .symbolic("past"), .known(64)]),
      ])
  }

  private func message(_ shapes: [String: Shape]) -> String? {
    do throws(ScopeError) {
      _ = try InputShapes.bindings(shapes, for: graph)
      return nil
    } catch {
      return error.description
    }
  }

  @Test func shapesThatFitPass() {
    #expect(message(["ids": [2, 5]]) == nil)
    #expect(message(["ids": [2, 5], "past": [2, 3, 64], "mask": [2, 8]]) == nil)
    #expect(message(["ids": Shape([.symbolic("batch"), .known(5)])]) == nil)
  }

  @Test func contradictionsAreNamed() {
    #expect(message(["image": [1]])?.contains("no input 'image'") == true)
    #expect(message(["image": [1]])?.contains("ids, mask, past") == true)
    #expect(message(["ids": [1, 2, 3]])?.contains("another number of sizes") == true)
    #expect(message(["past": [1, 2, 65]])?.contains("fixed (expected 64, found 65)") == true)
    #expect(
      message(["ids": [1, 5], "past": [2, 3, 64]])?.contains("two sizes are given for 'batch'") == true)
    #expect(message(["ids": [1, 5], "past": [1, 3, 64], "mask": [1, 9]])?.contains("contradicts") == true)
  }
}
