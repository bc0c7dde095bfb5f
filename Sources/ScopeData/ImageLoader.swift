import ScopeBytes

/// An image that could not be used.
public struct SkippedImage: Sendable, Hashable, Codable {
  public let name: String
  public let reason: String
}

/// Labelled images ready for a model, and how they came to be.
public struct LoadedDataset: Sendable {
  /// Pixel space, not normalised.
  public let images: LabeledImages
  /// False when the labels stand for nothing.
  public let isLabelled: Bool
  public let skipped: [SkippedImage]
  /// Class names in index order, when the data or the model names them.
  public let classNames: [String]?
  /// One sentence without a full stop: layout, labels and what was left out.
  public let description: String
  /// Images in the source, before `limit` and before skipping.
  public let sourceCount: Int
  /// What was done, sizes adapted to the model.
  public let preprocessing: Preprocessing
  /// Things the reader of the results should know, full sentences.
  public let notes: [String]
}

/// Reads labelled images in any supported layout.
public enum ImageLoader {
  /// How data is read.
  public struct Options: Sendable {
    /// The model's fixed input size; nil when it takes any.
    public var inputSize: Preprocessing.Size?
    /// The model's input channels, 1 or 3.
    public var channels = 3
    /// At most this many images, spread over the classes.
    public var limit: Int?
    /// Stop at the first image that cannot be used instead of skipping it.
    public var strict = false
    /// Refuse images without labels.
    public var needsLabels = true
    /// Outputs of the model; labels must be below it.
    public var classCount: Int?
    /// Class names in the model's output order.
    public var classNames: [String]?
    /// Threads that decode; nil means every processor this process may use.
    public var threads: Int?
    /// Called with (images done, images in total), from any thread.
    public var progress: (@Sendable (Int, Int) -> Void)?

    public init() {}
  }

  /// - Parameter path: a folder with one sub-folder per class, a folder with `labels.csv`, a label file, or an
  ///   `.npz` with `x` and `y`.
  /// - Throws: `notFound`, `unreadable`, `invalidData` naming file and row, `invalidArgument` for a bad limit,
  ///   `limitExceeded` when the images would not fit into memory; with `strict` also the first image's error.
  public static func load(
    path: String, preprocessing: Preprocessing, options: Options = Options()
  ) throws(ScopeError) -> LoadedDataset {
    if let limit = options.limit, limit < 1 {
      throw ScopeError(
        .invalidArgument, "the limit is not a number of images", expected: "1 or more", found: "\(limit)")
    }
    let preprocessing = preprocessing.adapted(to: options.inputSize)
    let source = try DatasetSource.detect(path, needsLabels: options.needsLabels)
    if case .arrays(let file) = source {
      return try NumpyDataset.load(file, preprocessing: preprocessing, options: options)
    }
    guard options.channels == 3 || options.channels == 1 else {
      throw ScopeError(
        .unsupported, "images have 1 or 3 channels, the model takes \(options.channels)", file: path,
        remedy: "Give an .npz with arrays of the model's own shape")
    }
    let labelling = try Labelling(source, modelClasses: options.classNames, classCount: options.classCount)
    let chosen = Subset.classSpread(
      labels: labelling.entries.map(\.label), limit: options.limit ?? labelling.entries.count
    ).map { labelling.entries[$0] }
    let decoded = try DecodingJob.run(chosen, root: path, preprocessing: preprocessing, options: options)
    guard let images = decoded.images else {
      throw ScopeError(
        .invalidData, "none of the \(chosen.count) images can be used", file: path,
        found: decoded.skipped.first.map { "\($0.name): \($0.reason)" })
    }
    var description = labelling.description
    if chosen.count < labelling.entries.count {
      description += ", \(chosen.count) of \(labelling.entries.count) images taken, spread over the classes"
    }
    if !decoded.skipped.isEmpty { description += ", \(decoded.skipped.count) skipped" }
    var notes = labelling.notes
    if decoded.rotated > 0 {
      notes.append(
        "\(decoded.rotated) images carry an EXIF rotation; they were used as stored, like torchvision's loader does."
      )
    }
    var isLabelled = true
    if case .images = source { isLabelled = false }
    return LoadedDataset(
      images: images, isLabelled: isLabelled, skipped: decoded.skipped, classNames: labelling.classNames,
      description: description,
      sourceCount: labelling.entries.count, preprocessing: preprocessing, notes: notes)
  }
}
