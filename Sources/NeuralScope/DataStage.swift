import ScopeArchitectures
import ScopeBytes
import ScopeData
import ScopeOptimization

/// Labelled images in the model's own preprocessing, and where that preprocessing comes from.
struct PreparedData: Sendable {
  let dataset: LoadedDataset
  /// `the default of EfficientNet-Lite0`, `--preset imagenet` ...
  let preprocessingSource: String

  var images: LabeledImages { dataset.images }
  var normalization: Normalization { dataset.preprocessing.normalization }
  var samples: SampleSet {
    SampleSet(images: images, normalization: normalization, isLabelled: dataset.isLabelled)
  }

  /// - Throws: `invalidArgument` without a data path, and what the loader throws.
  static func load(
    for model: LoadedModel, options: ScopeOptions, needsLabels: Bool = true
  ) throws(ScopeError) -> PreparedData {
    guard let path = options.data.path else {
      throw ScopeError(.invalidArgument, "labelled images are needed", remedy: "Give them with --data DIR")
    }
    let input = try model.imageInput()
    let (preprocessing, source) = try preprocessing(for: model, input: input, options: options.data)
    var loading = ImageLoader.Options()
    loading.inputSize = input.size
    loading.channels = input.channels
    loading.limit = options.data.limit
    loading.strict = options.data.strict
    loading.needsLabels = needsLabels
    loading.classCount = model.architecture?.classCount ?? model.graph?.classCount
    if options.threads > 0 { loading.threads = options.threads }
    if let progress = options.progress {
      loading.progress = { done, total in
        progress(ScopeProgress(stage: "Reading images", fraction: Double(done) / Double(max(total, 1))))
      }
    }
    let dataset = try ImageLoader.load(path: path, preprocessing: preprocessing, options: loading)
    return PreparedData(dataset: dataset, preprocessingSource: source)
  }

  /// The user's choice, else the recognised architecture's own, else a documented guess from the input size.
  private static func preprocessing(
    for model: LoadedModel, input: ImageInput, options: DataOptions
  ) throws(ScopeError) -> (Preprocessing, source: String) {
    var base: Preprocessing
    var source: String
    if let preset = options.preset {
      base = try Preprocessing.preset(preset)
      source = "--preset \(preset)"
    } else if let architecture = model.architecture {
      base = Preprocessing(architecture.preprocessing)
      source = "the default of \(architecture.variant)"
    } else if let size = input.size, size.height <= 64 {
      base = .cifar
      source = "assumed from the \(size.height) x \(size.width) input; choose with --preset, --mean and --std"
    } else {
      base = .imagenet
      source = "assumed, as the model does not say; choose with --preset, --mean and --std"
    }
    if options.isCustomised,
      options.mean ?? options.standardDeviation ?? options.resize ?? options.crop ?? options.interpolation
        != nil
    {
      base = try Preprocessing.custom(
        basedOn: base, mean: options.mean, standardDeviation: options.standardDeviation,
        resize: options.resize,
        crop: options.crop, interpolation: options.interpolation)
      source =
        options.preset.map { "--preset \($0) with the constants given" }
        ?? "the constants given, otherwise \(source)"
    }
    return (base, source)
  }
}

extension Preprocessing {
  /// An architecture's own preprocessing as the data room's value.
  init(_ defaults: PreprocessingDefaults) {
    self.init(
      name: defaults.preset, resize: defaults.resize,
      interpolation: defaults.interpolation == .bicubic ? .bicubic : .bilinear,
      crop: defaults.crop.map { Size(height: $0, width: $0) },
      normalization: Normalization(mean: defaults.mean, standardDeviation: defaults.standardDeviation))
  }
}
