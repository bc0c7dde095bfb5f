import ScopeReport

/// Reports with the details of an analysis, on generated graphs. Their times are inputs of the renderers, computed from
/// the arithmetic by a fixed rule, not claims about a model.
enum SampleGraphs {
  /// Adds layers call by call.
  struct Builder {
    var layers: [Report.Layer] = []

    @discardableResult
    mutating func add(
      _ name: String, _ opType: String, _ inputs: [Int], _ shape: [Int], parameters: Int = 0, macs: Int = 0,
      module: String? = nil
    ) -> Int {
      let path = module ?? name.split(separator: "/").dropLast().last.map { String($0) } ?? ""
      var layer = Report.Layer(name: "/" + name, module: path, opType: opType, inputs: inputs)
      layer.outputShape = shape.map { String($0) }
      layer.outputType = "float32"
      layer.parameters = parameters
      layer.weightBytes = 4 * parameters
      layer.macs = macs
      layer.otherOperations = macs == 0 ? shape.reduce(1, *) : 0
      layer.activationBytes = 8 * shape.reduce(1, *)
      layers.append(layer)
      return layers.count - 1
    }

    mutating func conv(_ module: String, _ input: Int, _ from: Int, _ to: Int, _ side: Int, _ kernel: Int)
      -> Int
    {
      let weights = from * to * kernel * kernel
      return add(
        "\(module)/Conv", "Conv", [input], [1, to, side, side], parameters: weights + to,
        macs: weights * side * side,
        module: module)
    }
  }

  /// ResNet18 as torchvision builds and exports it with folded batch normalisation.
  static func resNet() -> Report {
    var graph = Builder()
    var value = graph.conv("conv1", -1, 3, 64, 112, 7)
    value = graph.add("relu/Relu", "Relu", [value], [1, 64, 112, 112], module: "relu")
    value = graph.add("maxpool/MaxPool", "MaxPool", [value], [1, 64, 56, 56], module: "maxpool")
    var channels = 64
    for (stage, width) in [64, 128, 256, 512].enumerated() {
      let side = 56 >> stage
      for block in 0..<2 {
        let path = "layer\(stage + 1).\(block)"
        let entry = value
        var branch = graph.conv("\(path).conv1", entry, channels, width, side, 3)
        branch = graph.add(
          "\(path)/relu/Relu", "Relu", [branch], [1, width, side, side], module: "\(path).relu")
        branch = graph.conv("\(path).conv2", branch, width, width, side, 3)
        var shortcut = entry
        if channels != width {
          shortcut = graph.conv("\(path).downsample.0", entry, channels, width, side, 1)
        }
        value = graph.add("\(path)/Add", "Add", [branch, shortcut], [1, width, side, side], module: path)
        value = graph.add(
          "\(path)/relu_1/Relu", "Relu", [value], [1, width, side, side], module: "\(path).relu")
        channels = width
      }
    }
    value = graph.add(
      "avgpool/GlobalAveragePool", "GlobalAveragePool", [value], [1, 512, 1, 1], module: "avgpool")
    value = graph.add("Flatten", "Flatten", [value], [1, 512], module: "")
    graph.add("fc/Gemm", "Gemm", [value], [1, 1000], parameters: 513_000, macs: 512_000, module: "fc")
    return report("resnet18.onnx", "ResNet18", graph.layers)
  }

  /// A densely connected block between two convolutions: every layer reads all before it.
  static func denseNet(layers count: Int = 24) -> Report {
    var graph = Builder()
    var all = [graph.conv("features.conv0", -1, 3, 64, 56, 7)]
    for index in 1...count {
      let path = "features.denseblock1.denselayer\(index)"
      let joined = graph.add("\(path)/Concat", "Concat", all, [1, 64 + 32 * index, 56, 56], module: path)
      let norm = graph.add(
        "\(path)/norm1", "BatchNormalization", [joined], [1, 64 + 32 * index, 56, 56], module: "\(path).norm1"
      )
      let wide = graph.conv("\(path).conv1", norm, 64 + 32 * index, 128, 56, 1)
      all.append(graph.conv("\(path).conv2", wide, 128, 32, 56, 3))
    }
    let end = graph.add("features/Concat", "Concat", all, [1, 64 + 32 * count, 56, 56], module: "features")
    graph.add(
      "classifier/Gemm", "Gemm", [end], [1, 1000], parameters: 1_025_000, macs: 1_024_000,
      module: "classifier")
    return report("densenet.onnx", "DenseNet", graph.layers)
  }

  /// A transformer of `blocks` blocks with 21 nodes each; 95 blocks are 2,000 nodes.
  static func transformer(blocks: Int = 95, withModules: Bool = true) -> Report {
    var graph = Builder()
    let shape = [1, 197, 768]
    var value = graph.add(
      "embeddings/Conv", "Conv", [-1], [1, 768, 14, 14], parameters: 590_592, macs: 115_605_504,
      module: "embeddings")
    for block in 0..<blocks {
      let path = "encoder.layers.encoder_layer_\(block)"
      func module(_ name: String) -> String { withModules ? "\(path).\(name)" : "" }
      let entry = value
      var branch = graph.add(
        "\(path)/ln_1/LayerNormalization", "LayerNormalization", [entry], shape, parameters: 1536,
        module: module("ln_1"))
      let heads = ["query", "key", "value"].map { name -> Int in
        let product = graph.add(
          "\(path)/\(name)/MatMul", "MatMul", [branch], shape, parameters: 589_824, macs: 116_195_328,
          module: module("self_attention.\(name)"))
        let sum = graph.add(
          "\(path)/\(name)/Add", "Add", [product], shape, parameters: 768,
          module: module("self_attention.\(name)"))
        let split = graph.add(
          "\(path)/\(name)/Reshape", "Reshape", [sum], [1, 197, 12, 64], module: module("self_attention"))
        return graph.add(
          "\(path)/\(name)/Transpose", "Transpose", [split], [1, 12, 197, 64],
          module: module("self_attention"))
      }
      let scores = graph.add(
        "\(path)/MatMul", "MatMul", [heads[0], heads[1]], [1, 12, 197, 197], macs: 29_805_312,
        module: module("self_attention"))
      let soft = graph.add(
        "\(path)/Softmax", "Softmax", [scores], [1, 12, 197, 197], module: module("self_attention"))
      branch = graph.add(
        "\(path)/MatMul_1", "MatMul", [soft, heads[2]], shape, macs: 29_805_312,
        module: module("self_attention"))
      branch = graph.add(
        "\(path)/out_proj/Gemm", "Gemm", [branch], shape, parameters: 590_592, macs: 116_195_328,
        module: module("self_attention.out_proj"))
      value = graph.add("\(path)/Add", "Add", [branch, entry], shape, module: module("").isEmpty ? "" : path)
      branch = graph.add(
        "\(path)/ln_2/LayerNormalization", "LayerNormalization", [value], shape, parameters: 1536,
        module: module("ln_2"))
      branch = graph.add(
        "\(path)/mlp/0/Gemm", "Gemm", [branch], [1, 197, 3072], parameters: 2_362_368, macs: 464_781_312,
        module: module("mlp.0"))
      branch = graph.add(
        "\(path)/mlp/3/Gemm", "Gemm", [branch], shape, parameters: 2_360_064, macs: 464_781_312,
        module: module("mlp.3"))
      value = graph.add("\(path)/Add_1", "Add", [branch, value], shape, module: withModules ? path : "")
    }
    graph.add("head/Gemm", "Gemm", [value], [1, 1000], parameters: 769_000, macs: 768_000, module: "head")
    return report("transformer.onnx", "ViT", graph.layers)
  }

  /// Every detail of a profiled model with these layers.
  static func report(_ name: String, _ architecture: String, _ layers: [Report.Layer]) -> Report {
    var report = SampleReports.imageClassifier()
    report.model.name = name
    report.model.path = "models/\(name)"
    report.model.format = "onnx"
    report.model.formatDetail = "opset 17, written by pytorch 2.13"
    report.model.architecture = architecture
    report.model.architectureDescription = nil
    report.robustness?.samples = []
    let parameters = layers.reduce(0) { $0 + $1.parameters }
    let macs = layers.reduce(0) { $0 + ($1.macs ?? 0) }
    report.model.bytes = 4 * parameters + 40_000
    guard var analysis = report.analysis else { return report }
    analysis.parameters = .count(parameters)
    analysis.trainableParameters = nil
    analysis.buffers = nil
    analysis.modules = nil
    analysis.parameterisedModules = nil
    analysis.weightLayers = .count(layers.filter { $0.parameters > 0 }.count)
    analysis.weightBytes = .bytes(4 * parameters)
    analysis.macs = .macs(macs, conditions: "convolutions and matrix products, bias not included")
    analysis.macsFormula = "\(Format.integer(macs)) × N"
    analysis.coverage = Report.Coverage(nodesCounted: layers.count, nodesNotCounted: 0)
    analysis.graphNodes = .count(layers.count)
    analysis.computeNodes = .count(layers.count - 1)
    analysis.optimizedNodes = .count(layers.filter { $0.opType != "Relu" }.count)
    analysis.fileBytes = .bytes(report.model.bytes)
    analysis.layers = layers
    analysis.work = [
      Report.Work(kind: .bias, operations: macs / 700, nodes: 21),
      Report.Work(kind: .activation, operations: macs / 800, nodes: 17),
      Report.Work(kind: .elementwise, operations: macs / 2400, nodes: 8),
      Report.Work(kind: .pooling, operations: macs / 900, nodes: 2),
    ]
    profile(&analysis)
    memory(&analysis)
    throughput(&analysis)
    weights(&analysis)
    report.analysis = analysis
    return report
  }

  private static func profile(_ analysis: inout Report.Analysis) {
    var profile = Report.Profile(kernelMilliseconds: 0, runs: 20, conditions: "2 threads, batch 1")
    var roofline = Report.Roofline(
      peakCompute: Figure(80.6, .gigaflopsPerSecond), bandwidth: Figure(17.3, .gigabytesPerSecond), threads: 2
    )
    roofline.peakCompute.conditions = "matrix product of 1024, in the engine"
    var times: [(Double, Int)] = []
    for (index, layer) in analysis.layers.enumerated() {
      if layer.opType == "Relu", let before = layer.inputs.first, before >= 0 {
        analysis.layers[index].kernel = analysis.layers[before].kernel
        if let kernel = analysis.layers[index].kernel { profile.kernels[kernel].sources.append(layer.name) }
        continue
      }
      if layer.opType == "Reshape" || layer.opType == "Flatten" { continue }
      let operations = 2 * (layer.macs ?? 0) + (layer.otherOperations ?? 0)
      let bytes = (layer.activationBytes ?? 0) + layer.weightBytes
      let slow = 1 / (0.5 + 0.4 * Double(index % 7) / 7)
      let byCompute = Double(operations) / 80.6e6 * slow
      let byMemory = Double(bytes) / 17.3e6 * slow
      let time = max(byCompute, byMemory) + 0.004
      var kernel = Report.Kernel(
        name: "kernel_\(index)", opType: layer.opType, sources: [layer.name], milliseconds: time, share: 0)
      kernel.macs = layer.macs
      kernel.operations = operations
      kernel.bytes = bytes
      kernel.gigaflopsPerSecond = Double(operations) / time / 1e6
      kernel.gigabytesPerSecond = Double(bytes) / time / 1e6
      kernel.intensity = Double(operations) / Double(max(bytes, 1))
      kernel.bound = byCompute + byMemory < 0.006 ? .overhead : byCompute >= byMemory ? .compute : .memory
      kernel.roofShare = max(byCompute, byMemory) / slow / time
      analysis.layers[index].kernel = profile.kernels.count
      profile.kernels.append(kernel)
      times.append((time, index))
    }
    var reorder = Report.Kernel(
      name: "ReorderOutput_1", opType: "ReorderOutput", sources: [], milliseconds: 0.3, share: 0)
    reorder.bytes = 2_000_000
    reorder.bound = .memory
    profile.kernels.append(reorder)
    let total = profile.kernels.reduce(0) { $0 + $1.milliseconds }
    profile.kernelMilliseconds = total
    var byOperator: [String: Report.TimeShare] = [:]
    for index in profile.kernels.indices {
      profile.kernels[index].share = profile.kernels[index].milliseconds / total
      let kernel = profile.kernels[index]
      var group =
        byOperator[kernel.opType]
        ?? Report.TimeShare(name: kernel.opType, kernels: 0, milliseconds: 0, share: 0)
      group.kernels += 1
      group.milliseconds += kernel.milliseconds
      group.share += kernel.share
      byOperator[kernel.opType] = group
    }
    profile.byOperator = byOperator.values.sorted { ($1.milliseconds, $0.name) < ($0.milliseconds, $1.name) }
    var byModule: [String: Report.TimeShare] = [:]
    for (time, layer) in times {
      let name = analysis.layers[layer].module.split(separator: ".").prefix(2).joined(separator: ".")
      var group = byModule[name] ?? Report.TimeShare(name: name, kernels: 0, milliseconds: 0, share: 0)
      group.kernels += 1
      group.milliseconds += time
      group.share += time / total
      byModule[name] = group
    }
    profile.byModule = byModule.values.sorted { ($1.milliseconds, $0.name) < ($0.milliseconds, $1.name) }
    analysis.latency?.p50Milliseconds = .milliseconds(
      total, interval: Figure.Interval(low: total * 0.99, high: total * 1.012), samples: 240)
    analysis.latency?.imagesPerSecond = Figure(1000 / total, .imagesPerSecond)
    analysis.profile = profile
    analysis.roofline = roofline
    analysis.bottlenecks = profile.kernels.indices.sorted {
      profile.kernels[$0].share > profile.kernels[$1].share
    }.prefix(3)
      .map { index in
        let kernel = profile.kernels[index]
        return Report.Bottleneck(
          kernel: index,
          sentence:
            "\(kernel.sources.first ?? kernel.name): bound by \(kernel.bound?.rawValue ?? "nothing known") at \(Format.percent(kernel.roofShare ?? 0, 0)) of the roof"
        )
      }
  }

  private static func memory(_ analysis: inout Report.Analysis) {
    var memory = Report.Memory()
    for (index, layer) in analysis.layers.enumerated() {
      memory.timeline.append(.init(layer: index, bytes: layer.activationBytes ?? 0))
    }
    guard let peak = memory.timeline.max(by: { $0.bytes < $1.bytes }), let at = peak.layer else { return }
    memory.peakNode = analysis.layers[at].name
    memory.peakTensors = [
      .init(
        name: "\(analysis.layers[at].name)_output_0", bytes: peak.bytes / 2,
        shape: analysis.layers[at].outputShape),
      .init(name: "input", bytes: peak.bytes / 2, shape: ["1", "3", "224", "224"]),
    ]
    memory.enginePeakBytes = .bytes(
      peak.bytes * 5 / 4, conditions: "arena in use in the profile, most minus least")
    memory.residentGrowthBytes = .bytes(
      3 * (analysis.weightBytes.map { Int($0.value) } ?? 0), conditions: "after 20 runs")
    let weights = analysis.weightBytes.map { Int($0.value) } ?? 0
    memory.batches = [1, 2, 4, 8, 16, 32].map {
      .init(batch: $0, activationBytes: $0 * peak.bytes, totalBytes: $0 * peak.bytes + weights)
    }
    analysis.peakActivationBytes = .bytes(peak.bytes, conditions: "liveness in graph order, batch 1")
    analysis.peakActivationBytesNaive = .bytes(peak.bytes * 8 / 5)
    analysis.peakActivationTensor = analysis.layers[at].name
    analysis.memory = memory
  }

  private static func throughput(_ analysis: inout Report.Analysis) {
    let single = analysis.latency?.p50Milliseconds.value ?? 10
    for threads in [1, 2] {
      for batch in [1, 2, 4, 8, 16, 32] {
        let each = single * 2 / Double(threads) * (threads == 2 ? 1.12 : 1) * (0.82 + 0.18 / Double(batch))
        let median = each * Double(batch)
        analysis.throughput.append(
          Report.Throughput(
            batch: batch, threads: threads,
            medianMilliseconds: .milliseconds(
              median, interval: Figure.Interval(low: median * 0.985, high: median * 1.02),
              spread: median * 0.03, samples: 40),
            imagesPerSecond: Figure(1000 / each, .imagesPerSecond)))
      }
    }
    var deployment = Report.Deployment(
      imagesPerSecondPerCore: Figure(500 / single, .imagesPerSecond), batch: 32, threads: 2)
    deployment.pricePerHour = 0.12
    deployment.costPerMillion = Figure(0.12 / 3600 * 1e6 * single / 1000, .currency)
    analysis.deployment = deployment
  }

  private static func weights(_ analysis: inout Report.Analysis) {
    let parameters = Int(analysis.parameters.value)
    var detail = Report.ParameterDetail(stored: parameters - 3840, logical: parameters, constants: 24)
    detail.byType = [
      Report.TypeSize(
        type: "float32", tensors: 41, elements: parameters - 3840, bytes: 4 * (parameters - 3840))
    ]
    analysis.parameterDetail = detail
    analysis.precisions = [("float16", 2), ("int8", 1)].map {
      Report.TypeSize(type: $0.0, tensors: 41, elements: parameters, bytes: $0.1 * parameters)
    }
    for layer in analysis.layers where layer.parameters > 0 {
      var tensor = Report.TensorStatistics(
        name: "\(layer.module).weight", dataType: "float32", shape: [layer.parameters],
        elements: layer.parameters,
        bytes: layer.weightBytes)
      tensor.minimum = -0.41
      tensor.maximum = 0.52
      tensor.mean = 0.000_031
      tensor.standardDeviation = 0.047
      tensor.zeroFraction = 0.0002
      analysis.tensors.append(tensor)
    }
    if analysis.tensors.count > 3 { analysis.tensors[3].deadChannels = 4 }
  }

  /// A decoder language model as sharded safetensors: weights and configuration, no graph.
  static func languageModel() -> Report {
    var report = SampleReports.structureOnly()
    report.model.name = "tiny-llama"
    report.model.architecture = "LlamaForCausalLM"
    report.model.bytes = 2_200_119_864
    var analysis = Report.Analysis(parameters: .count(1_100_048_384))
    analysis.weightBytes = .bytes(2_200_096_768)
    analysis.weightTypes = ["bfloat16"]
    analysis.weightLayers = .count(156)
    var detail = Report.ParameterDetail(stored: 1_100_048_384, logical: 1_100_048_384, constants: 0)
    detail.byType = [
      Report.TypeSize(type: "bfloat16", tensors: 201, elements: 1_100_048_384, bytes: 2_200_096_768)
    ]
    analysis.parameterDetail = detail
    analysis.moduleSizes = [
      .init(path: "", tensors: 201, parameters: 1_100_048_384, bytes: 2_200_096_768),
      .init(path: "model", tensors: 200, parameters: 1_034_512_384, bytes: 2_069_024_768),
      .init(path: "lm_head", tensors: 1, parameters: 65_536_000, bytes: 131_072_000),
    ]
    analysis.precisions = [("float32", 4), ("int8", 1)].map {
      Report.TypeSize(type: $0.0, tensors: 201, elements: 1_100_048_384, bytes: $0.1 * 1_100_048_384)
    }
    var model = Report.LanguageModel(
      layers: 22, hiddenSize: 2048, attentionHeads: 32, keyValueHeads: 4, headSize: 64,
      cacheBytesPerToken: .bytes(22_528, conditions: "2 × 22 layers × 4 heads × 64, bfloat16"))
    model.vocabularySize = 32_000
    model.contextLength = 2048
    model.contexts = [512, 2048].map {
      .init(tokens: $0, cacheBytes: 22_528 * $0, totalBytes: 22_528 * $0 + 2_200_096_768)
    }
    analysis.languageModel = model
    report.analysis = analysis
    return report
  }

  /// A program of which some operators could not be converted: totals are lower bounds, nothing was executed.
  static func notConverted() -> Report {
    var report = resNet()
    report.model.name = "detector.pt"
    report.model.architecture = nil
    report.conditions.engine = nil
    report.optimization = nil
    report.robustness = nil
    guard var analysis = report.analysis else { return report }
    analysis.macsComplete = false
    analysis.coverage = Report.Coverage(
      nodesCounted: analysis.layers.count - 2, nodesNotCounted: 2,
      missing: [
        .init(node: "/roi_heads/nms", opType: "torchvision::nms", reason: "the operator is not known here"),
        .init(
          node: "/roi_heads/Gather", opType: "Gather", reason: "its output depends on the input's values"),
      ])
    analysis.latency = nil
    analysis.profile = nil
    analysis.roofline = nil
    analysis.bottlenecks = []
    analysis.throughput = []
    analysis.deployment = nil
    analysis.memory?.enginePeakBytes = nil
    analysis.memory?.residentGrowthBytes = nil
    for index in analysis.layers.indices { analysis.layers[index].kernel = nil }
    for index in analysis.layers.indices.suffix(2) {
      analysis.layers[index].macs = nil
      analysis.layers[index].outputShape = nil
    }
    analysis.tensors = []
    report.analysis = analysis
    report.notMeasured = ["analysis.latency", "analysis.roofline", "analysis.throughput"].map {
      Report.NotMeasured(
        path: $0, reason: "the program calls torchvision::nms, which could not be converted",
        remedy: "export the part before it to ONNX")
    }
    return report
  }

  /// Hostile names in every place of the details.
  static func hostile() -> Report {
    let text = "</script><img src=x onerror=alert(1)>" + SampleReports.hostileText
    var report = resNet()
    for index in [0, 3, 7] {
      report.analysis?.layers[index].name = text
      report.analysis?.layers[index].opType = text
      report.analysis?.layers[index].module = text + "." + text
      report.analysis?.layers[index].outputShape = [text]
    }
    report.analysis?.layers[5].inputs = [-7, 99_999, 5, .max, .min]
    report.analysis?.layers[6].kernel = 99_999
    report.analysis?.profile?.kernels[0].name = text
    report.analysis?.profile?.kernels[0].sources = [text]
    report.analysis?.profile?.kernels[1].share = .nan
    report.analysis?.profile?.kernels[2].intensity = -1
    report.analysis?.profile?.kernels[3].intensity = .infinity
    report.analysis?.profile?.byModule[0].name = text
    report.analysis?.memory?.peakNode = text
    report.analysis?.memory?.peakTensors[0].name = text
    report.analysis?.memory?.timeline[4].layer = 99_999
    report.analysis?.bottlenecks[0].sentence = text
    report.analysis?.macsFormula = text
    report.analysis?.tensors[0].name = text
    report.analysis?.coverage?.missing = [.init(node: text, opType: text, reason: text)]
    report.analysis?.coverage?.nodesNotCounted = 1
    return report
  }
}
