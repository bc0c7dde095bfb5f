import ScopeBytes
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Decodes many images into one array on several threads.
final class DecodingJob: Sendable {
  struct Result {
    /// Nil when no image could be used.
    var images: LabeledImages?
    var skipped: [SkippedImage]
    /// Used images with an EXIF orientation other than upright.
    var rotated: Int
  }

  /// What became of one image.
  private enum Outcome: Sendable {
    case pending
    case done(rotated: Bool)
    case failed(ScopeError)
  }

  /// A pointer handed to worker threads, each of which writes its own slots only.
  private struct Slots: @unchecked Sendable {
    let base: UnsafeMutablePointer<UInt8>
  }

  private let entries: [DatasetEntry]
  private let preprocessing: Preprocessing
  private let size: Preprocessing.Size
  private let options: ImageLoader.Options
  private let outcomes: Mutex<[Outcome]>
  private let stop = Atomic<Bool>(false)
  private let finished = Atomic<Int>(0)

  private init(
    _ entries: [DatasetEntry], _ preprocessing: Preprocessing, _ size: Preprocessing.Size,
    _ options: ImageLoader.Options
  ) {
    self.entries = entries
    self.preprocessing = preprocessing
    self.size = size
    self.options = options
    outcomes = Mutex([Outcome](repeating: .pending, count: entries.count))
  }

  /// - Throws: `limitExceeded` when the array would not fit into memory; with `strict` the first image's error.
  static func run(
    _ entries: [DatasetEntry], root: String, preprocessing: Preprocessing, options: ImageLoader.Options
  ) throws(ScopeError) -> Result {
    let size = commonSize(entries, preprocessing, options) ?? Preprocessing.Size(height: 1, width: 1)
    let imageSize = try checkedProduct([options.channels, size.height, size.width], what: "image size")
    let total = try checkedProduct([imageSize, entries.count], what: "image array")
    try checkMemory(total, count: entries.count, path: root)

    let job = DecodingJob(entries, preprocessing, size, options)
    var kept: [Int] = []
    let pixels = [UInt8](unsafeUninitializedCapacity: total) { buffer, initialized in
      guard let base = buffer.baseAddress else { return }
      let slots = Slots(base: base)
      ParallelLoop.run(count: entries.count, threads: options.threads ?? ParallelLoop.processors) { index in
        job.process(index, into: slots.base + index * imageSize)
      }
      kept = job.usable
      for (position, index) in kept.enumerated() where position != index {
        memmove(base + position * imageSize, base + index * imageSize, imageSize)
      }
      initialized = kept.count * imageSize
    }
    return try job.result(pixels, kept)
  }

  // MARK: - One image

  private func process(_ index: Int, into target: UnsafeMutablePointer<UInt8>) {
    guard !stop.load(ordering: .relaxed) else { return }
    let outcome: Outcome
    do throws(ScopeError) {
      let image = try DecodingJob.read(entries[index], channels: options.channels)
      let (pixels, found) = try preprocessing.apply(to: image)
      guard found == size else {
        throw ScopeError(
          .invalidData, "the image has another size", expected: "\(size.height) x \(size.width)",
          found: "\(found.height) x \(found.width)", remedy: "Choose a resize and a crop")
      }
      pixels.withUnsafeBufferPointer { source in
        if let source = source.baseAddress {
          target.initialize(from: source, count: options.channels * size.height * size.width)
        }
      }
      outcome = .done(rotated: image.orientation != 1)
    } catch {
      outcome = .failed(error)
      if options.strict { stop.store(true, ordering: .relaxed) }
    }
    outcomes.withLock { $0[index] = outcome }
    let done = finished.wrappingAdd(1, ordering: .relaxed).newValue
    options.progress?(done, entries.count)
  }

  private static func read(_ entry: DatasetEntry, channels: Int) throws(ScopeError) -> DecodedImage {
    guard Directory.kind(of: entry.path) == .file else { throw ScopeError(.notFound, "no such file") }
    let image = try ImageDecoder.decode(ByteSlice(mappingFile: entry.path))
    return channels == 1 ? image.luminance : image
  }

  // MARK: - Results

  private var usable: [Int] {
    outcomes.withLock { outcomes in
      outcomes.indices.filter { if case .done = outcomes[$0] { true } else { false } }
    }
  }

  private func result(_ pixels: [UInt8], _ kept: [Int]) throws(ScopeError) -> Result {
    var result = Result(images: nil, skipped: [], rotated: 0)
    for (entry, outcome) in zip(entries, outcomes.withLock { $0 }) {
      switch outcome {
      case .pending: break
      case .done(let rotated): if rotated { result.rotated += 1 }
      case .failed(let error):
        var named = error
        named.file = entry.name
        if options.strict { throw named }
        named.file = nil
        named.remedy = nil
        result.skipped.append(SkippedImage(name: entry.name, reason: named.description))
      }
    }
    if !kept.isEmpty {
      result.images = try LabeledImages(
        channels: options.channels, height: size.height, width: size.width, pixels: .bytes(pixels),
        labels: kept.map { entries[$0].label }, names: kept.map { entries[$0].name })
    }
    return result
  }

  // MARK: - Sizes

  /// The size every image must have afterwards: the crop's, else the model's, else the first readable image's.
  private static func commonSize(
    _ entries: [DatasetEntry], _ preprocessing: Preprocessing, _ options: ImageLoader.Options
  ) -> Preprocessing.Size? {
    if let size = preprocessing.crop ?? options.inputSize { return size }
    for entry in entries {
      guard let image = try? read(entry, channels: options.channels),
        let geometry = try? preprocessing.geometry(width: image.width, height: image.height)
      else { continue }
      return Preprocessing.Size(height: geometry.window.height, width: geometry.window.width)
    }
    return nil
  }

  /// Refuses an array beyond half of this machine's memory.
  static func checkMemory(_ bytes: Int, count: Int, path: String) throws(ScopeError) {
    let memory = max(1 << 30, sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)))
    guard bytes > memory / 2 else { return }
    throw ScopeError(
      .limitExceeded, "the images do not fit into memory", file: path,
      expected: "at most \(memory >> 21) MiB, half of this machine's memory",
      found: "\(bytes >> 20) MiB for \(count) images",
      remedy: "Take fewer with a limit of \(max(1, memory / 2 / max(1, bytes / max(1, count)))) images")
  }
}

extension DecodedImage {
  /// Grey in all three channels: ITU-R 601-2 luma with Pillow's integer weights.
  var luminance: DecodedImage {
    var grey = rgb
    for pixel in stride(from: 0, to: grey.count, by: 3) {
      let sum = Int(rgb[pixel]) * 19595 + Int(rgb[pixel + 1]) * 38470 + Int(rgb[pixel + 2]) * 7471 + 0x8000
      let value = UInt8(truncatingIfNeeded: sum >> 16)
      grey[pixel] = value
      grey[pixel + 1] = value
      grey[pixel + 2] = value
    }
    return DecodedImage(width: width, height: height, rgb: grey, orientation: orientation, bitDepth: bitDepth)
  }
}
