import ScopeBytes
import ScopeFormats
import ScopeGraph

/// A known architecture found in a state dict, with the facts that belong to it.
public struct RecognisedArchitecture: Sendable {
  /// `ResNet`, `CIFAR ResNet`, `EfficientNet-Lite` ...
  public let family: String
  /// `ResNet-18`.
  public let variant: String
  /// Year of the first publication.
  public let year: Int
  /// Paper or announcement with its arXiv identifier.
  public let citation: String
  /// What it is known for, one sentence.
  public let summary: String
  /// Outputs of the classifier.
  public let classCount: Int
  /// The published input of one image: [channels, height, width].
  public let inputSize: [Int]
  /// Why it was recognised, one fact per entry.
  public let evidence: [String]
  /// What a state dict does not say and is taken from the reference definition.
  public let assumptions: [String]
  /// What the reader should know about this checkpoint (converted weights, removed prefix).
  public let notes: [String]
  public let preprocessing: PreprocessingDefaults
  /// Counts by PyTorch's conventions, computed from the structure.
  public let counts: ModuleCounts

  let prefix: String
  let imageSizes: ImageSizes
  let makeBlueprint: @Sendable (_ imageSize: Int) -> Blueprint

  init(
    variant: ArchitectureVariant, tensors: NamedTensors, prefix: String, moduleClass: String?,
    blueprint: Blueprint
  ) {
    let classes = blueprint.classCount
    family = variant.family
    self.variant = variant.name
    year = variant.year
    citation = variant.citation
    summary = variant.summary
    classCount = classes
    inputSize = blueprint.inputSize
    let channels = blueprint.inputSize[0]
    assumptions =
      variant.assumptions
      + (channels == 3
        ? [] : ["the published preprocessing is for 3 colour channels, this model takes \(channels)"])
    preprocessing = variant.preprocessing
    counts = blueprint.counts
    self.prefix = prefix
    imageSizes = variant.imageSizes
    let make = variant.blueprint
    makeBlueprint = { make(classes, $0) }

    let needed = blueprint.expected.filter(\.role.isRead)
    var evidence = [
      "all \(needed.count) parameter and statistics tensors of \(variant.name) are present with its shapes, no others",
      variant.structure,
    ]
    if let weight = tensors["\(variant.classifier).weight"] {
      evidence.append("\(variant.classifier).weight is \(sizes(weight.dimensions)): \(classes) classes")
    }
    if let moduleClass { evidence.append("the file names the class \(shortened(moduleClass))") }
    self.evidence = evidence

    var notes: [String] = []
    if !prefix.isEmpty { notes.append("the common prefix '\(prefix)' of all names was removed") }
    let converted = Set(needed.compactMap { tensors[$0.name]?.dataType }).subtracting([.float32])
    if !converted.isEmpty {
      let types = converted.map(\.name).sorted().joined(separator: ", ")
      notes.append("\(types) weights are converted to float32 in the built graph")
    }
    self.notes = notes
  }

  /// Builds the executable graph (ONNX opset 17): input `input` [batch, C, H, W], output `logits`
  /// [batch, classes]. float32 weights are not copied; they refer to the checkpoint's bytes.
  ///
  /// - Parameters:
  ///   - state: The state dict that was recognised.
  ///   - imageSize: Side of the square input in pixels; nil: the published one. EfficientNet-Lite's padding
  ///     depends on it.
  /// - Throws: `invalidData` naming missing, extra or mis-shaped tensors when `state` is another one;
  ///   `invalidArgument` for an impossible image size; `unsupported` for weights in a file that was not opened.
  public func build(_ state: StateDict, imageSize: Int? = nil) throws(ScopeError) -> Model {
    let size = imageSize ?? inputSize[1]
    guard imageSizes.contains(size) else {
      throw ScopeError(
        .invalidArgument, "the image size is not possible for \(variant)", expected: imageSizes.description,
        found: "\(size)")
    }
    let tensors = ArchitectureRegistry.removing(prefix: prefix, from: state.tensors)
    let blueprint = makeBlueprint(size)
    let comparison = BlueprintComparison(tensors, blueprint)
    guard comparison.differences.isEmpty else {
      let miss = ArchitectureNearMiss(family: family, variant: variant, comparison)
      throw ScopeError(
        .invalidData, "the state dict is not \(variant): \(miss.description)",
        place: comparison.differences.first?.name, remedy: ArchitectureRegistry.exportAdvice)
    }
    return try GraphAssembly.model(blueprint, tensors, architecture: variant)
  }
}

extension ArchitectureNearMiss {
  init(family: String, variant: String, _ comparison: BlueprintComparison) {
    self.init(
      family: family, variant: variant, matchedTensors: comparison.matched,
      expectedTensors: comparison.needed,
      differences: comparison.differences)
  }
}
