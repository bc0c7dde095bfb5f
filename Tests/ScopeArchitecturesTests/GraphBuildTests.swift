import OrderedCollections
import ScopeArchitectures
import ScopeBytes
import ScopeFormats
import ScopeGraph
import Testing

@Suite("Built graphs")
struct GraphBuildTests {
  private func smallState() throws -> StateDict {
    DeterministicWeights.state(
      try #require(ArchitectureRegistry.structure(of: "CIFAR ResNet-20", classCount: 10)).tensors)
  }

  @Test func inputsOutputsAndNames() throws {
    let state = try smallState()
    let model = try #require(ArchitectureRegistry.recognise(state)).build(state)
    #expect(model.opset == 17)
    #expect(model.graph.inputs.map(\.name) == ["input"])
    #expect(model.graph.inputs[0].shape?.description == "batchx3x32x32")
    #expect(model.graph.outputs.map(\.name) == ["logits"])
    #expect(model.graph.outputs[0].shape?.description == "batchx10")
    let names = model.graph.nodes.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(names.contains("layer1.0.conv1") && names.contains("layer2.0.shortcut.pad"))
    #expect(model.graph.nodes.filter { $0.opType == "BatchNormalization" }.count == 19)
    // Every value that is read has been defined before.
    var defined = Set(model.graph.initializers.keys).union(["input"])
    for node in model.graph.nodes {
      for input in node.inputs { #expect(defined.contains(input)) }
      defined.formUnion(node.outputs)
    }
  }

  @Test func weightsAreNotCopied() throws {
    let bytes = ByteSlice([UInt8](repeating: 0, count: 16 * 27 * 4 + 100))
    var state = try smallState()
    let slice = try bytes.slice(at: 64, count: 16 * 27 * 4)
    state.tensors["conv1.weight"] = try Tensor(
      dataType: .float32, dimensions: [16, 3, 3, 3], storage: .packed(slice))
    let model = try #require(ArchitectureRegistry.recognise(state)).build(state)
    let used = try #require(model.graph.initializers["conv1.weight"]).packedBytes()
    // An owned copy would begin at offset 0.
    #expect(used.offset == 64)
  }

  @Test func stridedViewsArePacked() throws {
    var state = try smallState()
    let weight = try #require(state.tensors["linear.weight"])
    let values = try weight.floats()
    var transposed = [Float](repeating: 0, count: values.count)
    for row in 0..<10 { for column in 0..<64 { transposed[column * 10 + row] = values[row * 64 + column] } }
    state.tensors["linear.weight"] = try Tensor(
      dataType: .float32, dimensions: [10, 64],
      storage: .strided(ByteSlice(elements: transposed), strides: [1, 10]))
    let model = try #require(ArchitectureRegistry.recognise(state)).build(state)
    #expect(try #require(model.graph.initializers["linear.weight"]).floats() == values)
  }

  @Test func viewsThatRepeatElementsAreBounded() throws {
    var state = try smallState()
    let zero = ByteSlice(elements: [Float](repeating: 0, count: 64))
    state.tensors["linear.weight"] = try Tensor(
      dataType: .float32, dimensions: [900_000, 64], storage: .strided(zero, strides: [0, 1]))
    state.tensors["linear.bias"] = try Tensor(
      dataType: .float32, dimensions: [900_000], storage: .strided(zero, strides: [0]))
    let found = try #require(ArchitectureRegistry.recognise(state))
    #expect(found.classCount == 900_000)
    let error = #expect(throws: ScopeError.self) { try found.build(state) }
    #expect(error?.code == .limitExceeded)
    #expect(error?.place == "linear.weight")
  }

  /// Memory formats as PyTorch's `channels_last` saves them, against the elements taken one by one.
  @Test func channelsLastWeightsArePacked() throws {
    var state = try smallState()
    let shape = [16, 3, 3, 3]
    let strides = [27, 1, 9, 3]
    let stored = (0..<432).map { Float($0) }
    state.tensors["conv1.weight"] = try Tensor(
      dataType: .float32, dimensions: shape, storage: .strided(ByteSlice(elements: stored), strides: strides))
    var expected: [Float] = []
    for n in 0..<16 {
      for c in 0..<3 {
        for y in 0..<3 { for x in 0..<3 { expected.append(stored[n * 27 + c + y * 9 + x * 3]) } }
      }
    }
    let model = try #require(ArchitectureRegistry.recognise(state)).build(state)
    #expect(try model.graph.initializers["conv1.weight"]?.floats() == expected)
  }

  /// Every order of the axes in memory, of the sizes 16 x 3 x 3 x 3 and 5 x 1 x 2 x 40, against one by one.
  @Test(arguments: [[16, 3, 3, 3], [5, 1, 2, 40]])
  func everyMemoryOrderIsPacked(shape: [Int]) throws {
    let count = shape.reduce(1, *)
    for code in 0..<256 {
      let order = [code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6 & 3]
      guard Set(order).count == 4 else { continue }
      var strides = [0, 0, 0, 0]
      var step = 1
      for axis in order {
        strides[axis] = step
        step *= shape[axis]
      }
      let view = try Tensor(
        dataType: .int16, dimensions: shape,
        storage: .strided(ByteSlice(elements: (0..<count).map { Int16($0) }), strides: strides))
      var expected: [Int64] = []
      for flat in 0..<count {
        var (rest, position) = (flat, 0)
        for axis in (0..<4).reversed() {
          position += rest % shape[axis] * strides[axis]
          rest /= shape[axis]
        }
        expected.append(Int64(position))
      }
      #expect(try view.int64s() == expected, "memory order \(order)")
    }
  }

  @Test func smallFloatsBecomeFloat32() throws {
    var state = try smallState()
    let bfloat: [UInt16] = (0..<16).map { UInt16(Float($0).bitPattern >> 16) }
    state.tensors["bn1.weight"] = try Tensor(
      dataType: .bfloat16, dimensions: [16], storage: .packed(ByteSlice(elements: bfloat)))
    let half: [UInt16] = [UInt16](repeating: 0x3E00, count: 16)
    state.tensors["bn1.bias"] = try Tensor(
      dataType: .float16, dimensions: [16], storage: .packed(ByteSlice(elements: half)))
    let found = try #require(ArchitectureRegistry.recognise(state))
    #expect(found.notes == ["bfloat16, float16 weights are converted to float32 in the built graph"])
    let model = try found.build(state)
    #expect(try model.graph.initializers["bn1.weight"]?.floats() == (0..<16).map { Float($0) })
    #expect(try model.graph.initializers["bn1.bias"]?.floats() == [Float](repeating: 1.5, count: 16))
    #expect(model.graph.initializers["bn1.bias"]?.dataType == .float32)
  }

  @Test func anotherStateDictIsRefusedByName() throws {
    var state = try smallState()
    let found = try #require(ArchitectureRegistry.recognise(state))
    state.tensors["layer2.1.conv2.weight"] = nil
    let error = #expect(throws: ScopeError.self) { try found.build(state) }
    #expect(error?.code == .invalidData)
    #expect(error?.place == "layer2.1.conv2.weight")
    #expect(error?.message.contains("layer2.1.conv2.weight is missing") == true)
  }

  @Test(arguments: [-1, 0, 15, 100_000])
  func impossibleImageSizes(size: Int) throws {
    let state = try smallState()
    let error = #expect(throws: ScopeError.self) {
      try #require(ArchitectureRegistry.recognise(state)).build(state, imageSize: size)
    }
    #expect(error?.code == .invalidArgument)
  }
}
