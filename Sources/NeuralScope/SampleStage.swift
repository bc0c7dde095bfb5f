import ScopeBytes
import ScopeData
import ScopeGraph
import ScopeOptimization
import ScopeReport
import ScopeRuntime

/// What a model is optimized on: images in its preprocessing, arrays for its inputs, or inputs made up.
enum SampleStage {
  /// Samples and how the report names them.
  struct Prepared {
    var samples: SampleSet
    /// Where the samples are images.
    var images: PreparedData?
    /// Nil when the inputs were made up.
    var dataset: Report.Dataset?
    var warnings: [String]
  }

  /// Made-up samples: enough for a batch axis to be seen, few enough to cost nothing.
  private static let madeUpCount = 4

  /// - Throws: what the loaders throw; `unsupported` when inputs cannot be made up.
  static func load(_ model: LoadedModel, options: ScopeOptions) throws(ScopeError) -> Prepared {
    guard let path = options.data.path else { return try madeUp(model, options: options) }
    if (try? model.imageInput()) != nil {
      let data = try PreparedData.load(for: model, options: options, needsLabels: false)
      return Prepared(
        samples: data.samples, images: data, dataset: Report.Dataset(data, path: path),
        warnings: data.dataset.notes)
    }
    let names = try model.executableGraph().graph.requiredInputs.map(\.name)
    let loaded = try NumpySamples.load(path, names: names, limit: options.data.limit)
    var arrays: [String: HostArray] = [:]
    for (name, tensor) in loaded.inputs { arrays[name] = try HostArray(tensor) }
    let samples = try SampleSet(arrays: arrays, labels: loaded.labels)
    let dataset = Report.Dataset(
      path: path, images: loaded.count, classes: Set(loaded.labels ?? []).count,
      preprocessing: "arrays as stored: \(names.joined(separator: ", "))")
    return Prepared(samples: samples, dataset: dataset, warnings: [])
  }

  private static func madeUp(
    _ model: LoadedModel, options: ScopeOptions
  ) throws(ScopeError) -> Prepared {
    let made = try SampleInputs.prepare(try model.executableGraph(), shapes: options.shapes)
    var arrays = made.feeds
    // One row of each input, repeated; where the model's batch is fixed its rows are kept.
    for (name, array) in made.feeds where array.dimensions.first == 1 {
      arrays[name] = array.rows([Int](repeating: 0, count: madeUpCount))
    }
    return Prepared(
      samples: try SampleSet(arrays: arrays, isReal: false), dataset: nil,
      warnings: made.assumptions.map { "Assumed \($0), as the model leaves it open; choose with --shape." })
  }
}
