import ScopeArchitectures
import ScopeBytes
import Testing

@Suite("Structures agree with PyTorch")
struct ArchitectureStructureTests {
  @Test func everyVariantHasAReference() throws {
    #expect(Set(ArchitectureRegistry.variantNames) == Set(try ReferenceStructure.all().keys))
  }

  @Test(arguments: ArchitectureRegistry.variantNames)
  func namesShapesAndCounts(variant: String) throws {
    let reference = try #require(try ReferenceStructure.all()[variant])
    let structure = try #require(ArchitectureRegistry.structure(of: variant, classCount: reference.classes))
    #expect(structure.counts.trainableParameters == reference.trainableParameters)
    #expect(structure.counts.modules == reference.modules)
    #expect(structure.counts.parameterisedModules == reference.parameterisedModules)
    #expect(structure.counts.weightLayers == reference.weightLayers)
    #expect(structure.counts.bufferTensors == reference.bufferTensors)
    #expect(structure.counts.bufferElements == reference.bufferElements)
    #expect(structure.tensors.count == reference.keys)
    let lines = structure.tensors.map {
      "\($0.name):\($0.dimensions.map(String.init).joined(separator: "x"))"
    }
    let text = lines.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }.joined(
      separator: "\n")
    #expect(ByteSlice(Array(text.utf8)).sha256 == reference.sha256)
  }

  @Test(arguments: [
    ("ResNet-18", "resnet18.txt"), ("CIFAR ResNet-20", "cifar-resnet20.txt"),
    ("EfficientNet-Lite0", "efficientnet-lite0.txt"),
  ])
  func orderOfNames(variant: String, file: String) throws {
    let reference = try #require(try ReferenceStructure.all()[variant])
    let structure = try #require(ArchitectureRegistry.structure(of: variant, classCount: reference.classes))
    let list = try ShapesOnly.list(file)
    #expect(structure.tensors.map(\.name) == list.map(\.name))
    #expect(structure.tensors.map(\.dimensions) == list.map(\.dimensions))
  }
}
