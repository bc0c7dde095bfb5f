import ScopeBytes
import ScopeData
import ScopeGraph
import ScopeRuntime

/// Class scores of several images.
package struct Logits: Sendable {
  /// [images, classes], row-major.
  package var values: [Float] = []
  var classes = 0

  package var count: Int { classes > 0 ? values.count / classes : 0 }

  func row(_ image: Int) -> ArraySlice<Float> { values[image * classes..<(image + 1) * classes] }

  /// Index of the largest score of each image; the first of equals.
  package var predictions: [Int] {
    (0..<count).map { image in
      let scores = row(image)
      var best = scores.startIndex
      for position in scores.indices where scores[position] > scores[best] { best = position }
      return best - scores.startIndex
    }
  }
}

/// Runs an image classifier over data in batches.
package struct ClassifierRunner {
  let session: Session
  let input: String
  let output: String
  /// Batch size written into the model; nil when any batch runs.
  let fixedBatch: Int?

  /// - Throws: `unsupported` unless the model takes one float32 image batch [N, C, H, W].
  package init(session: Session, output: String) throws(ScopeError) {
    guard session.inputs.count == 1, session.inputs[0].dataType == .float32,
      session.inputs[0].shape?.rank == 4
    else {
      throw ScopeError(
        .unsupported, "only classifiers with one float32 image input can be optimized on images",
        expected: "one input [N, C, H, W]",
        found: session.inputs.map { "\($0.name) \($0.shape?.description ?? "?")" }.joined(separator: ", "))
    }
    self.session = session
    input = session.inputs[0].name
    self.output = output
    fixedBatch = session.inputs[0].shape?.dimensions.first?.value
  }

  /// Images per run: enough to keep the cores busy, few enough to stay in cache and memory.
  static func batchSize(_ images: LabeledImages) -> Int {
    max(1, min(64, 1_200_000 / max(images.imageSize, 1)))
  }

  /// - Throws: `invalidData` when the images have another shape than the model's input.
  private func check(_ images: LabeledImages) throws(ScopeError) {
    let wanted = session.inputs[0].shape?.dimensions.dropFirst() ?? []
    let found = [images.channels, images.height, images.width]
    for (dimension, size) in zip(wanted, found) {
      if let known = dimension.value, known != size {
        throw ScopeError(
          .invalidData, "the images do not fit the model's input", place: "input \(input)",
          expected: wanted.map(\.description).joined(separator: "x"),
          found: found.map(String.init).joined(separator: "x"),
          remedy: "Choose a preprocessing with the model's size")
      }
    }
  }

  /// Calls `body` with the outputs of each batch and the number of images in it that are not padding.
  func forEachBatch(
    _ images: LabeledImages, _ normalization: Normalization, _ indices: [Int], batch wanted: Int? = nil,
    _ body: ([String: HostArray], Int) throws(ScopeError) -> Bool
  ) throws(ScopeError) {
    try check(images)
    let batch = fixedBatch ?? wanted ?? Self.batchSize(images)
    var start = 0
    while start < indices.count {
      var chosen = Array(indices[start..<min(start + batch, indices.count)])
      let real = chosen.count
      // A fixed batch is filled up with its last image.
      if fixedBatch != nil { while chosen.count < batch { chosen.append(chosen[chosen.count - 1]) } }
      let array = HostArray(
        images.normalizedValues(chosen, normalization),
        [chosen.count, images.channels, images.height, images.width])
      guard try body(try session.run([input: array]), real) else { return }
      start += batch
    }
  }

  /// Class scores of the images at `indices`.
  ///
  /// - Parameter deadline: stop after the batch in which this moment passes.
  package func logits(
    _ images: LabeledImages, _ normalization: Normalization, _ indices: [Int],
    deadline: ContinuousClock.Instant? = nil
  ) throws(ScopeError) -> Logits {
    var result = Logits()
    try forEachBatch(images, normalization, indices) { (outputs, real) throws(ScopeError) in
      guard let array = outputs[output], let first = array.dimensions.first, first > 0, !array.floats.isEmpty
      else {
        throw ScopeError(.unsupported, "the model's output is not a batch of float32 scores", found: output)
      }
      let classes = array.floats.count / first
      guard result.classes == 0 || result.classes == classes else {
        throw ScopeError(.unsupported, "the number of classes changes from batch to batch", found: output)
      }
      result.classes = classes
      result.values.append(contentsOf: array.floats.prefix(real * classes))
      if let deadline, ContinuousClock.now >= deadline { return false }
      return true
    }
    return result
  }
}
