import ScopeBytes

/// Labelled images from a NumPy archive with the arrays `x` and `y`.
///
/// Integer arrays are pixels in 0...255, float arrays pixels in [0, 1]. With the preset `none`, floats outside
/// [0, 1] are accepted as already preprocessed.
enum NumpyDataset {
  static func load(
    _ path: String, preprocessing: Preprocessing, options: ImageLoader.Options
  ) throws(ScopeError) -> LoadedDataset {
    do throws(ScopeError) {
      return try read(path, preprocessing, options)
    } catch { throw error.inFile(path) }
  }

  private static func read(
    _ path: String, _ preprocessing: Preprocessing, _ options: ImageLoader.Options
  ) throws(ScopeError) -> LoadedDataset {
    let archive = try ZipArchive(ByteSlice(mappingFile: path))
    let images = try NumpyImages(array("x", in: archive), channels: options.channels)
    var labels: [Int]?
    if options.needsLabels || archive.member(named: "y.npy") != nil {
      labels = try Self.labels(array("y", in: archive), count: images.count, classCount: options.classCount)
    }
    let classes = labels ?? [Int](repeating: 0, count: images.count)
    let chosen = Subset.classSpread(labels: classes, limit: options.limit ?? classes.count)
    let values = try checkedProduct(
      [chosen.count, images.channels, images.height, images.width, images.array.element == .uint8 ? 1 : 4],
      what: "image array")
    try DecodingJob.checkMemory(values, count: chosen.count, path: path)

    var notes = images.note.map { [$0] } ?? []
    let names = chosen.map { "x[\($0)]" }
    let kept = chosen.map { classes[$0] }
    let result: LabeledImages
    if let bytes = try pixels(images, chosen) {
      result = try ByteImages(images, bytes, labels: kept, names: names).prepared(preprocessing, options)
    } else {
      result = try floats(images, chosen, preprocessing, options, labels: kept, names: names, &notes)
    }
    var description = "NumPy arrays with \(images.count) images"
    if chosen.count < images.count { description += ", \(chosen.count) taken, spread over the classes" }
    return LoadedDataset(
      images: result, isLabelled: labels != nil, skipped: [], classNames: options.classNames,
      description: description,
      sourceCount: images.count, preprocessing: preprocessing, notes: notes)
  }

  static func array(
    _ name: String, in archive: ZipArchive, expected: String = "arrays x and y"
  ) throws(ScopeError) -> NumpyArray {
    guard let member = archive.member(named: "\(name).npy") else {
      throw ScopeError(
        .invalidData, "the archive has no array \(name)", expected: expected,
        found: archive.members.prefix(8).map { String($0.name.prefix(40)) }.joined(separator: ", "),
        remedy: "Save them with numpy.savez(file, x=images, y=labels)")
    }
    let contents = try archive.contents(of: member)
    if archive.bytes.count < 1 << 28, let anomaly = try archive.verify(member) {
      throw ScopeError(.malformed, "the array \(name) is damaged: \(anomaly.detail)")
    }
    do throws(ScopeError) { return try NumpyArray(contents) } catch { throw error.at("array \(name)") }
  }

  static func labels(_ array: NumpyArray, count: Int, classCount: Int?) throws(ScopeError) -> [Int] {
    let shape = array.dimensions
    guard shape == [count] || shape == [count, 1] else {
      throw ScopeError(
        .invalidData, "y does not hold one class index per image", expected: "[\(count)]", found: "\(shape)",
        remedy: shape.count == 2 ? "Save y.argmax(1) for one-hot labels" : nil)
    }
    var labels: [Int] = []
    for (index, label) in array.integers().enumerated() {
      guard let label, label >= 0, label < classCount ?? Int.max else {
        throw ScopeError(
          .invalidData, "a label is out of range", place: "y[\(index)]",
          expected: classCount.map { "0 to \($0 - 1), the model's classes" } ?? "a whole number from 0",
          found: label.map(String.init) ?? "a fraction or a number beyond 63 bits")
      }
      labels.append(label)
    }
    return labels
  }

  /// The images as bytes when the array holds whole numbers; nil for floats.
  private static func pixels(_ images: NumpyImages, _ chosen: [Int]) throws(ScopeError) -> [UInt8]? {
    if images.array.element.isFloat { return nil }
    if images.array.element == .uint8 { return images.bytes(chosen) }
    let values = images.values(chosen)
    guard let wrong = values.firstIndex(where: { $0 < 0 || $0 > 255 }) else {
      return values.map { UInt8($0) }
    }
    throw ScopeError(
      .invalidData, "a pixel is out of range", place: "x[\(chosen[wrong * chosen.count / values.count])]",
      expected: "0 to 255", found: "\(values[wrong])")
  }

  private static func floats(
    _ images: NumpyImages, _ chosen: [Int], _ preprocessing: Preprocessing, _ options: ImageLoader.Options,
    labels: [Int], names: [String], _ notes: inout [String]
  ) throws(ScopeError) -> LabeledImages {
    let found = Preprocessing.Size(height: images.height, width: images.width)
    if let size = options.inputSize, size != found {
      throw ScopeError(
        .invalidData, "float images are not resized",
        expected: "\(size.height) x \(size.width), the model's input",
        found: "\(found.height) x \(found.width)", remedy: "Save x as uint8 pixels, or at the model's size")
    }
    guard images.channels == options.channels else {
      throw ScopeError(
        .invalidData, "the images have another number of channels than the model",
        expected: "\(options.channels)",
        found: "\(images.channels)")
    }
    let values = images.values(chosen)
    let perImage = values.count / max(1, chosen.count)
    if let wrong = values.firstIndex(where: { !$0.isFinite }) {
      throw ScopeError(
        .invalidData, "a pixel is not a finite number", place: "x[\(chosen[wrong / perImage])]",
        found: "\(values[wrong])")
    }
    let low = values.min() ?? 0
    let high = values.max() ?? 0
    if low < 0 || high > 1 {
      guard preprocessing.name == Preprocessing.none.name else {
        throw ScopeError(
          .invalidData, "float pixels must be in [0, 1]", expected: "0 to 1", found: "\(low) to \(high)",
          remedy: low >= 0 && high <= 255
            ? "Save x as uint8, or divided by 255"
            : "Save pixels before normalisation, or choose the preprocessing \"none\" for normalised ones")
      }
      notes.append("The values of x span \(low) to \(high): they were taken as already preprocessed.")
    }
    return try LabeledImages(
      channels: images.channels, height: images.height, width: images.width, pixels: .floats(values),
      labels: labels, names: names)
  }
}

/// 8-bit images of one size that may still need the model's channels and size.
private struct ByteImages {
  let images: LabeledImages
  let bytes: [UInt8]

  init(_ source: NumpyImages, _ bytes: [UInt8], labels: [Int], names: [String]) throws(ScopeError) {
    self.bytes = bytes
    images = try LabeledImages(
      channels: source.channels, height: source.height, width: source.width, pixels: .bytes(bytes),
      labels: labels,
      names: names)
  }

  /// At the model's size already: as they are. Otherwise resized and cropped like image files.
  func prepared(
    _ preprocessing: Preprocessing, _ options: ImageLoader.Options
  ) throws(ScopeError) -> LabeledImages {
    let found = Preprocessing.Size(height: images.height, width: images.width)
    let wanted = options.inputSize ?? preprocessing.crop
    if images.channels == options.channels, wanted == nil || wanted == found { return images }
    guard images.channels == 1 || images.channels == 3, options.channels == 1 || options.channels == 3 else {
      throw ScopeError(
        .invalidData, "the images have another number of channels than the model",
        expected: "\(options.channels)",
        found: "\(images.channels)")
    }
    var result: [UInt8] = []
    var size = found
    for index in 0..<images.count {
      let image = options.channels == 1 ? decoded(index).luminance : decoded(index)
      let (planes, reached) = wanted == found ? (planar(image), found) : try preprocessing.apply(to: image)
      guard reached == wanted ?? reached else {
        throw ScopeError(
          .invalidData, "the images have another size than the model's input",
          expected: wanted.map { "\($0.height) x \($0.width)" },
          found: "\(reached.height) x \(reached.width)",
          remedy: "Choose a resize and a crop")
      }
      size = reached
      result += planes.prefix(options.channels * size.height * size.width)
    }
    return try LabeledImages(
      channels: options.channels, height: size.height, width: size.width, pixels: .bytes(result),
      labels: images.labels, names: images.names)
  }

  /// Image `index` as [H, W, 3].
  private func decoded(_ index: Int) -> DecodedImage {
    let plane = images.height * images.width
    let start = index * images.imageSize
    var rgb = [UInt8](repeating: 0, count: 3 * plane)
    for channel in 0..<3 {
      let source = start + (images.channels == 1 ? 0 : channel * plane)
      for position in 0..<plane { rgb[3 * position + channel] = bytes[source + position] }
    }
    return DecodedImage(width: images.width, height: images.height, rgb: rgb)
  }

  /// [H, W, 3] as [3, H, W].
  private func planar(_ image: DecodedImage) -> [UInt8] {
    let plane = image.width * image.height
    return (0..<3 * plane).map { image.rgb[$0 % plane * 3 + $0 / plane] }
  }
}
