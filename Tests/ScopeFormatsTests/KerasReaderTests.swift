import ScopeBytes
import ScopeFormats
import TestSupport
import Testing

@Suite struct KerasReaderTests {
  @Test(arguments: ["tiny.keras", "tiny.h5", "tiny.weights.h5"]) func agreesWithKeras(_ name: String) throws {
    let description = try DescribedFacts.description(name)
    let facts = try #require(DescribedFacts.all[name])
    #expect(description.elements(.parameter) == facts.parameters)
    #expect(description.elements(.buffer) == facts.buffers)
    guard name != "tiny.weights.h5" else { return }
    let trainable = description.tensors.reduce(0) {
      $0 + ($1.role == .parameter && $1.isTrainable ? $1.elements : 0)
    }
    #expect(trainable == facts.trainable)
    #expect(description.architecture == "tiny (Functional)")
    #expect(description.operators["Dense"] == 2 && description.operators["BatchNormalization"] == 1)
    #expect(description.inputs.first?.dimensions == ["?", "8", "8", "3"])
    #expect(description.outputs.first?.name == "head")
    #expect(description.notes.contains { $0.contains("optimizer") })
  }

  @Test func namesVariablesByTheirLayers() throws {
    let names = try DescribedFacts.description("tiny.keras").tensors.map(\.name)
    for name in ["stem.kernel", "stem.bias", "inner.inside.kernel", "head.bias"] {
      #expect(names.contains(name))
    }
  }

  @Test func tellsHDF5WithoutAModel() throws {
    let file = try HDF5File(try ByteSlice(mappingFile: Fixture.path("described/dense.h5")))
    let facts = try #require(DescribedFacts.all["dense.h5"]?.datasets)
    #expect(Dictionary(uniqueKeysWithValues: file.datasets.map { ($0.path, $0.dimensions) }) == facts)
    #expect(file.datasets.allSatisfy { $0.type == "float32" && !$0.isExternal })
    #expect(file.groups["many"]?["attribute7"]?.text == "value 7")
    #expect(file.groups["many"]?["long"]?.text == String(repeating: "x", count: 70000))
    #expect(file.links.contains { $0.file == "other.h5" && $0.target == "/secret" })
    #expect(file.links.contains { $0.file == nil && $0.target == "/many" })
  }
}
