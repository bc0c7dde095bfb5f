import OrderedCollections

/// The variables of a Keras model, from the datasets of its HDF5 file: which layer they belong to, and whether training
/// changes them.
struct KerasWeights {
  private(set) var tensors: [ModelDescription.Tensor] = []
  /// Elements of optimizer states, which are no part of the model.
  private(set) var optimizerElements = 0

  private let file: HDF5File
  /// By the layer's path, and by its own name where only that is known.
  private var layers: [String: KerasLayer] = [:]
  /// Datasets by the group they lie in.
  private var counts: [String: Int] = [:]

  init(_ file: HDF5File, _ structure: KerasStructure?) {
    self.file = file
    for layer in structure?.layers ?? [] {
      if let own = layer.path.last, layers[own] == nil { layers[own] = layer }
      layers[layer.path.joined(separator: ".")] = layer
    }
    let isVariables = file.groups.keys.contains { $0 == "vars" || $0.hasSuffix("/vars") }
    for dataset in file.datasets { counts[Self.group(dataset.path), default: 0] += 1 }
    for dataset in file.datasets {
      if dataset.path.hasPrefix("optimizer/") || dataset.path.hasPrefix("optimizer_weights/") {
        optimizerElements = optimizerElements.addingReportingOverflow(dataset.elements).partialValue
        continue
      }
      tensors.append(isVariables ? variable(dataset) : weight(dataset))
    }
  }

  private func tensor(
    _ dataset: HDF5Dataset, name: String, layer: KerasLayer?, isBuffer: Bool
  ) -> ModelDescription.Tensor {
    let isNumber = dataset.type.hasPrefix("float") || dataset.type == "bfloat16"
    return ModelDescription.Tensor(
      name: name, type: dataset.type, dimensions: dataset.dimensions, elements: dataset.elements,
      bytes: dataset.bytes,
      role: isBuffer || !isNumber ? .buffer : .parameter, isTrainable: layer?.isTrainable ?? true)
  }

  private static func group(_ path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
  }

  // MARK: Keras 3: layers/CLASS_N/vars/INDEX

  private func variable(_ dataset: HDF5Dataset) -> ModelDescription.Tensor {
    let parts = dataset.path.split(separator: "/").map(String.init)
    guard parts.count >= 2, parts[parts.count - 2] == "vars" else {
      return tensor(dataset, name: parts.joined(separator: "."), layer: nil, isBuffer: false)
    }
    var names: [String] = []
    for depth in 1..<max(parts.count - 1, 2) {
      let prefix = parts.prefix(depth).joined(separator: "/")
      // A group of variables carries its layer's name; lists of layers have none.
      if let name = file.groups[prefix + "/vars"]?["name"]?.text {
        names.append(String(name.prefix(200)))
      } else if file.groups[prefix + "/vars"] != nil {
        names.append(parts[depth - 1])
      }
    }
    let group = parts.dropLast(2)
    let layer = layers[names.joined(separator: ".")] ?? names.last.flatMap { layers[$0] }
    let className = layer?.className ?? Self.className(group.last ?? "")
    let index = Int(parts[parts.count - 1]) ?? 0
    let count = counts[Self.group(dataset.path)] ?? 0
    let isSeed = group.contains { $0.hasPrefix("seed_generator") }
    let isBuffer = isSeed || Self.isBuffer(className, index: index, of: count)
    let name =
      Self.variableNames[className].flatMap { $0.indices.contains(index) ? $0[index] : nil }
      ?? parts[parts.count - 1]
    return tensor(
      dataset, name: (names + [name]).joined(separator: "."), layer: layer, isBuffer: isBuffer)
  }

  /// Keras stores a layer's trainable variables first, then the others.
  private static func isBuffer(_ className: String, index: Int, of count: Int) -> Bool {
    switch className {
    case "BatchNormalization": index >= count - 2
    case "Normalization", "SeedGenerator": true
    default: false
    }
  }

  private static let variableNames: [String: [String]] = [
    "Dense": ["kernel", "bias"], "Conv1D": ["kernel", "bias"], "Conv2D": ["kernel", "bias"],
    "Conv3D": ["kernel", "bias"], "Conv2DTranspose": ["kernel", "bias"],
    "DepthwiseConv2D": ["kernel", "bias"],
    "SeparableConv2D": ["depthwise_kernel", "pointwise_kernel", "bias"], "Embedding": ["embeddings"],
    "LayerNormalization": ["gamma", "beta"], "EinsumDense": ["kernel", "bias"],
    "LSTMCell": ["kernel", "recurrent_kernel", "bias"], "GRUCell": ["kernel", "recurrent_kernel", "bias"],
    "SimpleRNNCell": ["kernel", "recurrent_kernel", "bias"],
  ]

  /// `batch_normalization_3` is the fourth BatchNormalization of its list.
  private static func className(_ group: String) -> String {
    var words = group.split(separator: "_")
    if words.count > 1, let last = words.last, Int(last) != nil { words.removeLast() }
    return words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }

  // MARK: Keras 1 and 2: LAYER/.../NAME:0

  private func weight(_ dataset: HDF5Dataset) -> ModelDescription.Tensor {
    var parts = dataset.path.split(separator: "/").map(String.init)
    if parts.first == "model_weights" { parts.removeFirst() }
    // The group repeats the layer's name before the variable's own path.
    if parts.count > 2, parts[0] == parts[1] { parts.removeFirst() }
    let layer = parts.dropLast().reversed().lazy.compactMap { layers[$0] }.first
    let frozen = parts.dropLast().compactMap { layers[$0] }.contains { !$0.isTrainable }
    var name = parts.last ?? ""
    if name.hasSuffix(":0") { name.removeLast(2) }
    let statistics = ["moving_mean", "moving_variance", "running_mean", "running_std"]
    let isNormalization = layer?.className == "Normalization"
    let isBuffer =
      statistics.contains(name) || isNormalization || parts.contains { $0.hasPrefix("seed_generator") }
    var result = tensor(
      dataset, name: (parts.dropLast() + [name]).joined(separator: "."), layer: layer, isBuffer: isBuffer)
    if frozen { result.isTrainable = false }
    return result
  }
}
