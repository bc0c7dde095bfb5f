import ScopeBytes
import ScopeData
import ScopeGradients
import ScopeGraph
import ScopeRuntime

/// A model loaded twice: to predict as deployed, and to give the gradient of the loss with respect to pixels.
package final class AttackTarget {
  package let forward: Session
  /// Nil when only predictions are asked for.
  package let gradient: (session: Session, model: GradientModel)?
  package let batchSize: Int
  package let classCount: Int?
  private let imageInput: String
  private let logitsOutput: String

  /// Forward values wait for the backward pass and gradients are freed as it goes: an upper estimate of live bytes per
  /// byte of forward activation.
  private static let liveBytesPerActivationByte = 2

  /// - Parameters:
  ///   - model: takes normalised images; `normalization` is folded in front.
  ///   - withGradient: whether to build the backward graph.
  /// - Throws: `unsupported` when the gradient cannot be built; `engineFailure`.
  package init(
    engine: Engine, model: Model, normalization: Normalization, images: LabeledImages, withGradient: Bool,
    options: RobustnessOptions
  ) throws(ScopeError) {
    let pixels = try model.takingPixels(
      mean: normalization.mean, standardDeviation: normalization.standardDeviation)
    let sessionOptions = SessionOptions(threads: options.threads)
    let free = try DynamicBatch.rewrite(pixels)
    var single = free.changed
    if free.changed,
      try AttackTarget.treatsImagesAlone(free.model, original: pixels, engine, images, sessionOptions)
    {
      single = false
    }
    if single, let batch = pixels.graph.requiredInputs.first?.shape?.dimensions.first?.value, batch > 1 {
      throw ScopeError(
        .unsupported, "the model only takes \(batch) images at once and its images are not independent",
        remedy: "Export the model with a dynamic batch dimension")
    }
    let chosen = AttackTarget.sized(single ? pixels : free.model, images)
    imageInput = chosen.graph.requiredInputs[0].name
    forward = try Session(engine: engine, model: chosen, options: sessionOptions)
    guard let output = forward.outputs.first else {
      throw ScopeError(.invalidGraph, "the model has no output")
    }
    logitsOutput = output.name
    if withGradient {
      let built = try BackwardGraph.inputGradient(of: chosen, loss: .attack)
      gradient = (try Session(engine: engine, model: built.model, options: sessionOptions), built)
      classCount = built.classCount
      let perImage = max(built.activationBytesPerImage, 1) * AttackTarget.liveBytesPerActivationByte
      let fitting = max(1, min(options.maximumBatch, options.memoryBudgetBytes / perImage))
      batchSize = single ? 1 : min(options.batchSize ?? fitting, max(images.count, 1))
    } else {
      gradient = nil
      classCount = nil
      batchSize = single ? 1 : min(options.batchSize ?? options.maximumBatch, max(images.count, 1))
    }
  }

  /// The model with the image sizes filled in where its input leaves them open.
  private static func sized(_ model: Model, _ images: LabeledImages) -> Model {
    var model = model
    let sizes = [images.channels, images.height, images.width]
    for index in model.graph.inputs.indices
    where model.graph.initializers[model.graph.inputs[index].name] == nil {
      guard var shape = model.graph.inputs[index].shape, shape.rank == 4 else { continue }
      for (axis, size) in sizes.enumerated() where shape.dimensions[axis + 1].value == nil {
        shape.dimensions[axis + 1] = .known(size)
        // Declared inner shapes may carry the symbolic size.
        model.graph.valueInfo = []
      }
      model.graph.inputs[index].shape = shape
    }
    return model
  }

  /// Whether two images together give what each gives alone, so that the rewritten batch may be used.
  private static func treatsImagesAlone(
    _ model: Model, original: Model, _ engine: Engine, _ images: LabeledImages, _ options: SessionOptions
  ) throws(ScopeError) -> Bool {
    guard images.count >= 2, let batch = original.graph.requiredInputs.first?.shape?.dimensions.first?.value,
      batch >= 1, batch <= 1024
    else { return false }
    let name = original.graph.requiredInputs[0].name
    let sizes = [images.channels, images.height, images.width]
    let pair = images.pixelValues([0, images.count - 1])
    let alone = try Session(engine: engine, model: original, options: options)
    var expected: [Float] = []
    for index in 0..<2 {
      // As many copies as the model wants; the first one's scores are the image's own.
      let one = Array(pair[index * images.imageSize..<(index + 1) * images.imageSize])
      let copies = (0..<batch).flatMap { _ in one }
      let scores =
        try alone.run([name: HostArray(copies, [batch] + sizes)])[alone.outputs[0].name]?.floats ?? []
      expected += scores.prefix(scores.count / batch)
    }
    // A model that cannot run with two images fails here; then one at a time it is.
    guard let together = try? Session(engine: engine, model: model, options: options),
      let found = try? together.run([name: HostArray(pair, [2] + sizes)])[together.outputs[0].name]?.floats,
      found.count == expected.count, !found.isEmpty
    else { return false }
    let scale = expected.reduce(Float(1e-6)) { max($0, $1.magnitude) }
    return zip(found, expected).allSatisfy { ($0 - $1).magnitude <= 1e-3 * scale }
  }

  /// Logits of `pixels` [n, C, H, W] in [0, 1], row-major [n, classes].
  package func logits(_ pixels: [Float], shape: [Int]) throws(ScopeError) -> Logits {
    let results = try forward.run([imageInput: HostArray(pixels, shape)], fetch: [logitsOutput])
    let scores = results[logitsOutput]?.floats ?? []
    guard !scores.isEmpty, scores.count % max(shape[0], 1) == 0 else {
      throw ScopeError(
        .unsupported, "the output '\(logitsOutput)' is not a float32 list of class scores per image",
        found: results[logitsOutput].map { "\($0.dataType.name) \($0.dimensions)" } ?? "nothing",
        remedy: "Export the model with float32 logits as its first output")
    }
    return Logits(scores, count: shape[0])
  }

  /// The gradient of the summed cross-entropy with respect to the pixels, with the logits of the same pass.
  package func lossGradient(
    _ pixels: [Float], labels: [Int64], shape: [Int]
  ) throws(ScopeError) -> (gradient: [Float], logits: Logits) {
    let result = try gradients(
      pixels, questions: labels.map { (.crossEntropy, Int($0), 0) }, shape: shape)
    return (result.gradient, result.logits)
  }

  /// What one pass through the backward graph gives.
  package struct Gradients {
    /// [n, C, H, W].
    var gradient: [Float] = []
    /// [n].
    var losses: [Float] = []
    var logits = Logits([], count: 0)
  }

  /// The gradient of each image's own loss with respect to its pixels.
  ///
  /// - Parameters:
  ///   - pixels: [n, C, H, W] in [0, 1].
  ///   - questions: per image.
  package func gradients(
    _ pixels: [Float], questions: [(loss: AttackLoss, label: Int, target: Int)], shape: [Int]
  ) throws(ScopeError) -> Gradients {
    guard let (session, model) = gradient, let loss = model.lossOutput, let targets = model.targetsInput,
      let choice = model.choiceInput
    else { throw ScopeError(.invalidArgument, "this model was loaded without its gradient") }
    let count = [questions.count]
    let results = try session.run(
      [
        model.imageInput: HostArray(pixels, shape),
        model.labelsInput: HostArray(questions.map { Int64($0.label) }, count),
        targets: HostArray(questions.map { Int64($0.target) }, count),
        choice: HostArray(questions.map(\.loss.rawValue), count),
      ], fetch: [model.gradientOutput, model.logitsOutput, loss])
    return Gradients(
      gradient: results[model.gradientOutput]?.floats ?? [], losses: results[loss]?.floats ?? [],
      logits: Logits(results[model.logitsOutput]?.floats ?? [], count: shape[0]))
  }
}

/// Class scores of a batch.
package struct Logits {
  /// [images, classes].
  package let values: [Float]
  let classes: Int

  init(_ values: [Float], count: Int) {
    self.values = values
    classes = count == 0 ? 0 : values.count / count
  }

  /// Class of the largest score of image `index`.
  func prediction(_ index: Int) -> Int {
    AttackAnswer.largest(values[index * classes..<(index + 1) * classes])
  }

  /// Softmax probability of `label` for image `index`; scores that already are probabilities are read as they are.
  func probability(_ index: Int, of label: Int) -> Double {
    guard label >= 0, label < classes else { return 0 }
    let row = values[index * classes..<(index + 1) * classes].map(Double.init)
    let sum = row.reduce(0, +)
    if abs(sum - 1) < 1e-3, row.allSatisfy({ $0 >= 0 && $0 <= 1 }) { return row[label] }
    let largest = row.max() ?? 0
    let exponentials = row.map { exponential($0 - largest) }
    return exponentials[label] / exponentials.reduce(0, +)
  }
}
