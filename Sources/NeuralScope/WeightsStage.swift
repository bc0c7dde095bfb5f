import ScopeAnalysis
import ScopeBytes
import ScopeFormats
import ScopeReport

/// What the stored tensors tell beside the counts: parameters by module, element types, sizes at other precisions, and
/// through the configuration the memory of a language model.
enum WeightsStage {
  /// - Returns: what could not be told.
  static func run(
    _ analysis: inout Report.Analysis, _ model: LoadedModel, options: ScopeOptions
  ) -> [Report.NotMeasured] {
    let inventory: WeightInventory
    if let weights = model.weights {
      inventory = WeightInventory(weights, bits: model.file.configuration?.quantization?.bits)
    } else if case .description(let description) = model.file.content {
      inventory = WeightInventory(description)
    } else {
      return LanguageModelStage.run(&analysis, model, options: options)
    }
    if inventory.isPacked { unpack(&analysis, inventory, model) }
    fill(&analysis, inventory, logical: model.weights.map { sharedElements($0) + inventory.parameters })
    analysis.notes += model.file.notes
    if let weights = model.weights {
      analysis.notes += configurationNotes(model, TransformerShapes(weights.tensors))
    }
    return LanguageModelStage.run(&analysis, model, options: options)
  }

  private static func fill(_ analysis: inout Report.Analysis, _ inventory: WeightInventory, logical: Int?) {
    let (modules, cut) = inventory.modules()
    if analysis.moduleSizes.isEmpty {
      analysis.moduleSizes = modules.map {
        Report.ModuleSize(path: $0.path, tensors: $0.tensors, parameters: $0.parameters, bytes: $0.bytes)
      }
      if let cut { analysis.notes.append("modules are listed down to level \(cut) of their names") }
    }
    guard inventory.parameters > 0 else { return }
    analysis.precisions = inventory.precisions.map(Report.TypeSize.init)
    analysis.notes.append(
      "sizes at other precisions are computed, not measured: every parameter converted; int8 and int4 take matrices in "
        + "groups of \(WeightInventory.group) along the last axis with a float16 scale each and keep vectors in float16"
    )
    if analysis.parameterDetail == nil {
      var detail = Report.ParameterDetail(
        stored: inventory.parameters, logical: logical ?? inventory.parameters, constants: inventory.constants
      )
      detail.byType = inventory.types.map(Report.TypeSize.init)
      analysis.parameterDetail = detail
    }
  }

  /// Elements of parameters under a second name.
  private static func sharedElements(_ weights: StateDict) -> Int {
    weights.sharedWith.keys.reduce(0) { total, name in
      guard let tensor = weights.tensors[name], !WeightsAnalysis.isBuffer(name, tensor) else { return total }
      return total + tensor.elementCount
    }
  }

  /// Packed words are not parameters: the layer's own elements are counted.
  private static func unpack(
    _ analysis: inout Report.Analysis, _ inventory: WeightInventory, _ model: LoadedModel
  ) {
    let method = model.file.configuration?.quantization?.method
    let bits = model.file.configuration?.quantization?.bits
    let how = [method, bits.map { "\($0) bits" }].compactMap { $0 }.joined(separator: ", ")
    analysis.parameters = .count(
      inventory.parameters,
      conditions:
        "weights that a quantizer packed are counted unpacked (\(how.isEmpty ? "4 bits by their names" : how))"
    )
    analysis.trainableParameters = nil
    analysis.buffers = .count(inventory.constants, conditions: "scales, zero points, indices, statistics")
  }

  private static func configurationNotes(_ model: LoadedModel, _ shapes: TransformerShapes) -> [String] {
    guard let configuration = model.file.configuration else { return [] }
    var notes: [String] = []
    if let method = configuration.quantization?.method {
      notes.append("the configuration says quantized by \(method)")
    }
    if let tied = configuration.tiesEmbeddings, shapes.vocabularySize != nil {
      if tied, let output = shapes.outputProjection, model.weights?.sharedWith[output] == nil {
        notes.append(
          "the configuration ties input and output embeddings, but the file stores both: \(output.prefix(100)) is counted as well"
        )
      } else if tied, !shapes.hasOutputProjection {
        notes.append("input and output embeddings are one tensor, stored and counted once")
      }
    }
    if let file = model.file.path.split(separator: "/").last, let shard = ShardName(String(file)) {
      notes.append(
        "this file is shard \(shard.number) of \(shard.count): the figures are of its tensors alone; give the folder for the whole model"
      )
    }
    return notes
  }
}

extension Report.TypeSize {
  fileprivate init(_ total: WeightInventory.TypeTotal) {
    self.init(type: total.type, tensors: total.tensors, elements: total.elements, bytes: total.bytes)
  }
}
