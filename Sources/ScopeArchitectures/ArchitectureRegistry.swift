import OrderedCollections
import ScopeFormats
import ScopeGraph

/// The architectures this version knows, and what a state dict is compared with them.
public enum ArchitectureRegistry {
  /// Every family; a new file under `Families/` is entered here.
  static let families: [any ArchitectureFamily.Type] = [
    ResNet.self, CIFARResNet.self, EfficientNetLite.self,
    EfficientNet.self, RegNet.self, ConvNeXt.self, VisionTransformer.self, SwinTransformer.self,
    TimmEfficientNet.self, TimmRegNet.self, TimmConvNeXt.self, TimmVisionTransformer.self,
    TimmSwinTransformer.self,
    TimmResNet.self, VGG.self, AlexNet.self, SqueezeNet.self, DenseNet.self, GoogLeNet.self, InceptionV3.self,
    MobileNetV2.self,
    MobileNetV3.self, TimmMobileNetV3.self, ShuffleNetV2.self, MNASNet.self,
  ]

  /// Names of all variants.
  public static var variantNames: [String] { families.flatMap { $0.variants.map(\.name) } }

  /// Names and shapes of a variant's state dict in PyTorch's order, and its counts; nil for an unknown name.
  package static func structure(
    of variant: String, classCount: Int
  ) -> (tensors: [(name: String, dimensions: [Int])], counts: ModuleCounts)? {
    guard let variant = families.flatMap({ $0.variants }).first(where: { $0.name == variant }), classCount > 0
    else {
      return nil
    }
    let blueprint = variant.blueprint(classCount, variant.imageSize)
    return (
      blueprint.expected.filter { $0.role != .formerTable }.map { ($0.name, $0.dimensions) }, blueprint.counts
    )
  }

  /// What the library calls a variant whose names and shapes a sibling has, too.
  package static func declaredName(of variant: String) -> String? {
    families.flatMap { $0.variants }.first { $0.name == variant }?.declaredName
  }

  /// Result of comparing a state dict with all known architectures.
  public enum Outcome: Sendable {
    case recognised(RecognisedArchitecture)
    /// At least six tenths of the tensors agree with a variant.
    case nearMiss(ArchitectureNearMiss)
    case unknown
  }

  /// What would make weights without a known architecture executable.
  public static let exportAdvice =
    "Export the model to ONNX where its Python class is known: torch.onnx.export(model.eval(), example_input, "
    + "\"model.onnx\", input_names=[\"input\"], output_names=[\"logits\"], "
    + "dynamic_axes={\"input\": {0: \"batch\"}, \"logits\": {0: \"batch\"}}, dynamo=False)"

  /// Families and variants as text, for messages.
  public static let knownArchitectures =
    "VGG, AlexNet, SqueezeNet, GoogLeNet, Inception v3, DenseNet, MobileNetV2, ShuffleNetV2 and MNASNet with the names "
    + "of torchvision, ResNet (ResNeXt, Wide-ResNet, SE-ResNet) and MobileNetV3 with the names of torchvision or timm, "
    + "CIFAR ResNet-20/32/44/56/110, EfficientNet-Lite0 to 4, "
    + "EfficientNet, EfficientNetV2, RegNet, ConvNeXt, ViT and Swin with the names of torchvision or timm"

  /// The known architecture whose tensors `state` holds exactly, or nil; nil is not an error.
  public static func recognise(_ state: StateDict) -> RecognisedArchitecture? {
    if case .recognised(let architecture) = examine(state) { architecture } else { nil }
  }

  /// Why `state` is not the architecture it resembles; nil when it is one, or resembles none.
  public static func nearMiss(_ state: StateDict) -> ArchitectureNearMiss? {
    if case .nearMiss(let miss) = examine(state) { miss } else { nil }
  }

  /// One message for a state dict that cannot be executed: what it resembles and what to do. Nil when it is
  /// recognised.
  public static func howToMakeExecutable(_ state: StateDict) -> String? {
    switch examine(state) {
    case .recognised: nil
    case .nearMiss(let miss): "The weights are \(miss.description). \(exportAdvice)"
    case .unknown:
      "The file holds weights without a graph, and their names and shapes are not of an architecture known here "
        + "(\(knownArchitectures)). \(exportAdvice)"
    }
  }

  /// The largest known state dict has about 1800 tensors; one that is not 0.6 of a dict's tensors cannot resemble it.
  private static let mostTensors = 4096

  /// Compares `state` with every known architecture by names and shapes alone; no weights are read.
  public static func examine(_ state: StateDict) -> Outcome {
    guard state.tensors.count <= mostTensors else { return .unknown }
    var tensors = state.tensors
    var prefix = ""
    var closest: (overlap: Double, miss: ArchitectureNearMiss)?
    // `_orig_mod.model.backbone.`: three wrappers are more than occur.
    for _ in 0..<4 {
      for family in families where isPlausible(family, tensors) {
        switch compare(tensors, family, prefix: prefix, state) {
        case .recognised(let architecture): return .recognised(architecture)
        case .closest(let overlap, let miss) where overlap > closest?.overlap ?? 0.6:
          closest = (overlap, miss)
        case .closest: break
        }
      }
      guard let component = commonComponent(tensors) else { break }
      prefix += component
      tensors = removing(prefix: component, from: tensors)
    }
    return closest.map { .nearMiss($0.miss) } ?? .unknown
  }

  /// What the file itself calls the model: the entry `arch` of timm's and torchvision's training checkpoints, or
  /// metadata of that name. Only chooses between architectures whose names and shapes are the same.
  private static func declaredName(_ state: StateDict) -> String? {
    for key in ["arch", "architecture"] {
      if let name = state.metadata[key] { return name }
      let entry = "\(key) = \""
      if let text = state.otherEntries.first(where: { $0.hasPrefix(entry) }), text.hasSuffix("\"") {
        return String(text.dropFirst(entry.count).dropLast())
      }
    }
    return nil
  }

  private enum Comparison {
    case recognised(RecognisedArchitecture)
    /// Agreeing tensors as a share of all names on either side.
    case closest(overlap: Double, miss: ArchitectureNearMiss)
  }

  private static func isPlausible(_ family: any ArchitectureFamily.Type, _ tensors: NamedTensors) -> Bool {
    family.anchors.contains { tensors[$0] != nil }
      && !tensors.keys.contains { name in family.foreign.contains { name.hasPrefix($0) } }
  }

  private static func compare(
    _ tensors: NamedTensors, _ family: any ArchitectureFamily.Type, prefix: String, _ state: StateDict
  ) -> Comparison {
    let depths = family.depths(of: tensors)
    // Same depth first, then a few of similar depth: recognition rarely looks at more than one variant.
    let variants = family.candidates(for: tensors, declaredName: declaredName(state))
    let others = variants.filter { $0.depths != depths }.map { ($0, distance($0.depths, depths)) }
      .sorted { $0.1 < $1.1 }
    let ordered = variants.filter { $0.depths == depths } + others.prefix(mostOtherDepths).map(\.0)
    var best: (overlap: Double, miss: ArchitectureNearMiss)?
    for variant in ordered {
      if let best, variant.depths != depths, best.overlap > 0.9 { break }
      let blueprint = variant.blueprint(variant.classCount(in: tensors), variant.imageSize)
      let comparison = BlueprintComparison(tensors, blueprint)
      if comparison.differences.isEmpty {
        return .recognised(
          RecognisedArchitecture(
            variant: variant, tensors: tensors, prefix: prefix, moduleClass: state.moduleClass,
            blueprint: blueprint
          ))
      }
      let overlap = Double(comparison.matched) / Double(comparison.matched + comparison.differences.count)
      if overlap > best?.overlap ?? -1 {
        best = (overlap, ArchitectureNearMiss(family: variant.family, variant: variant.name, comparison))
      }
    }
    guard let best else {
      return .closest(
        overlap: 0,
        miss: ArchitectureNearMiss(
          family: family.name, variant: family.name, matchedTensors: 0, expectedTensors: 0, differences: []))
    }
    return .closest(overlap: best.overlap, miss: best.miss)
  }

  /// Variants of other depths that are compared when none of the same depth agrees.
  private static let mostOtherDepths = 3

  /// Blocks that have to be added or taken away.
  private static func distance(_ left: [Int], _ right: [Int]) -> Int {
    let shared = min(left.count, right.count)
    return zip(left, right).reduce(0) { $0 + abs($1.0 - $1.1) }
      + (left.dropFirst(shared) + right.dropFirst(shared)).reduce(0, +)
  }

  /// The first component of the names with its dot when all names share it.
  private static func commonComponent(_ tensors: NamedTensors) -> String? {
    guard let first = tensors.keys.first, let dot = first.firstIndex(of: ".") else { return nil }
    let component = String(first[...dot])
    return tensors.keys.allSatisfy { $0.hasPrefix(component) && $0.count > component.count } ? component : nil
  }

  /// `tensors` with `prefix` taken off the names that have it.
  static func removing(prefix: String, from tensors: NamedTensors) -> NamedTensors {
    guard !prefix.isEmpty else { return tensors }
    var result: NamedTensors = [:]
    result.reserveCapacity(tensors.count)
    for (name, tensor) in tensors {
      result[name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name] = tensor
    }
    return result
  }
}
