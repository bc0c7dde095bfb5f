import ScopeAnalysis
import ScopeBytes
import ScopeFormats
import ScopeGraph
import Testing

struct ModulePathTests {
  private func path(_ name: String, _ opType: String = "Conv") -> String {
    ModulePath.of(node: Node(opType, name: name, inputs: ["x"], outputs: ["y"]))
  }

  @Test(arguments: [
    ("/layer1/layer1.0/conv1/Conv", "layer1.0.conv1"),
    ("/layer3/layer3.0/downsample/downsample.0/Conv", "layer3.0.downsample.0"),
    ("/features/features.7/block/block.3/block.3.0/Conv", "features.7.block.3.0"),
    ("/features/features.5/features.5.1/attn/Where_11", "features.5.1.attn"),
    ("/model/layers.0/self_attn/q_proj/MatMul", "model.layers.0.self_attn.q_proj"),
    ("/layers.1/layers.10/Conv", "layers.1.layers.10"),
    ("/GlobalAveragePool", ""), ("/conv1/Conv", "conv1"), ("/", ""), ("//", ""), ("", ""),
  ])
  func theTorchScriptExporterNamesAModulePerComponent(name: String, module: String) {
    #expect(path(name) == module)
  }

  @Test(arguments: [
    ("layer1.0.conv1", "layer1.0.conv1"), ("fc", "fc"), ("Conv_12", ""), ("Conv", ""),
    ("ConvBlock", "ConvBlock"),
    ("node_conv2d_3", ""), ("12", ""), ("model/block1/conv/Conv2D", "model.block1.conv"),
    ("/layer1/conv1/Conv#3/Relu_2", "layer1.conv1"), ("layer1.0.act#12/n3", "layer1.0.act"),
    ("a#b/Conv", "a#b"),
  ])
  func namesOfOtherSources(name: String, module: String) {
    #expect(path(name) == module)
  }

  /// Written by hand: the entry `key`, `value` of `metadata_props`.
  private func entry(_ key: String, _ value: String) -> ByteSlice {
    func text(_ number: UInt8, _ string: String) -> [UInt8] {
      [number << 3 | 2, UInt8(string.utf8.count)] + Array(string.utf8)
    }
    let inner = text(1, key) + text(2, value)
    return ByteSlice([9 << 3 | 2, UInt8(inner.count)] + inner)
  }

  @Test func theNewExporterWritesScopesIntoTheMetadata() {
    var node = Node("Conv", name: "node_Conv_329", inputs: ["x"], outputs: ["y"])
    node.unknownFields = [
      entry("other", "'a', 'b', 'c'"),
      entry("pkg.torch.onnx.name_scopes", "['', 'layer3', 'layer3.0.conv1', 'conv2d']"),
    ]
    #expect(ModulePath.of(node: node) == "layer3.0.conv1")
    node.unknownFields = [entry("namespace", ": m.Net/layer3: m.Seq/layer3.0: m.Block/add: aten.add.Tensor")]
    #expect(ModulePath.of(node: node) == "layer3.0")
    node.unknownFields = [entry("pkg.torch.onnx.name_scopes", "['', 'view']")]
    #expect(ModulePath.of(node: node) == "")
    // Damaged metadata says nothing; the name still does.
    node.name = "/conv1/Conv"
    node.unknownFields = [ByteSlice([9 << 3 | 2, 200, 1]), ByteSlice([])]
    #expect(ModulePath.of(node: node) == "conv1")
  }

  @Test func ancestorsLeadFromTheOutsideIn() {
    #expect(ModulePath.ancestors("layer1.0.conv1") == ["layer1", "layer1.0", "layer1.0.conv1"])
    #expect(ModulePath.ancestors("") == [])
    #expect(ModulePath.ancestors(".a") == [".a"])
  }
}
