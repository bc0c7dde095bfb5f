import ScopeBytes

/// One image to read and its class.
struct DatasetEntry: Sendable {
  /// Where the file is.
  let path: String
  /// Relative name shown to the user.
  let name: String
  let label: Int
}

/// The images of a source with their class indices, before anything is decoded.
struct Labelling {
  var entries: [DatasetEntry] = []
  var classNames: [String]?
  /// How labels were found, one sentence without a full stop.
  var description = ""
  var notes: [String] = []

  /// - Parameters:
  ///   - modelClasses: class names the model knows, in output order.
  ///   - classCount: outputs of the model; labels must be below it.
  /// - Throws: `invalidData` naming file and line, `notFound`, `unreadable`.
  init(
    _ source: DatasetSource, modelClasses: [String]?, classCount: Int?
  ) throws(ScopeError) {
    switch source {
    case .classFolders(let root, let classes):
      try readFolders(root, classes, modelClasses: modelClasses, classCount: classCount)
    case .labelsFile(let path, let folders):
      do throws(ScopeError) {
        try readLabels(path, folders, modelClasses: modelClasses, classCount: classCount)
      } catch { throw error.inFile(path) }
    case .images(let root):
      // Labels nobody reads: the data set says that it has none.
      entries = try Directory.names(in: root).filter(DatasetSource.isImage).sorted().map {
        DatasetEntry(path: DatasetSource.join(root, $0), name: $0, label: 0)
      }
      description = "\(entries.count) images without labels"
    case .arrays(let path):
      throw ScopeError(.invalidArgument, "arrays are not files of images", file: path)
    }
  }

  // MARK: - Class folders

  private mutating func readFolders(
    _ root: String, _ classes: [String], modelClasses: [String]?, classCount: Int?
  ) throws(ScopeError) {
    let known = modelClasses ?? Labelling.classList(in: root)
    let labels = try folderLabels(root, classes, known: known, classCount: classCount)
    for (name, label) in zip(classes, labels) {
      for image in try Directory.names(in: DatasetSource.join(root, name)) where DatasetSource.isImage(image)
      {
        entries.append(
          DatasetEntry(
            path: DatasetSource.join(root, "\(name)/\(image)"), name: "\(name)/\(image)", label: label))
      }
    }
    try Labelling.check(entries, classCount: classCount, file: root)
  }

  private mutating func folderLabels(
    _ root: String, _ classes: [String], known: [String]?, classCount: Int?
  ) throws(ScopeError) -> [Int] {
    if let known {
      let index = Labelling.index(known)
      let labels = classes.map { index[Labelling.key($0)] ?? -1 }
      if !labels.contains(-1) {
        classNames = known
        description = "\(classes.count) class folders matched to class names"
        return labels
      }
      if let unknown = zip(classes, labels).first(where: { $0.1 < 0 })?.0, labels.contains(where: { $0 >= 0 })
      {
        throw ScopeError(
          .invalidData, "the class folder \"\(unknown)\" is not among the known class names", file: root,
          expected: "every folder named after a class, for example \"\(known[0])\"",
          remedy: "Rename the folder, or name all folders by class index")
      }
    }
    let numbers = classes.map { Int($0) ?? -1 }
    if !numbers.contains(where: { $0 < 0 }), Set(numbers).count == numbers.count {
      description = "\(classes.count) class folders named by class index"
      classNames = known
      return numbers
    }
    classNames = classes
    description = "\(classes.count) class folders in alphabetical order"
    if let classCount, classes.count < classCount {
      notes.append(
        "The data has \(classes.count) class folders and the model \(classCount) classes: folders were numbered in "
          + "alphabetical order, which is right only if these are the model's first classes. Name the folders by "
          + "class index, or add a classes.txt with one class name per line, to make the labels certain.")
    }
    return Array(classes.indices)
  }

  // MARK: - Label file

  private mutating func readLabels(
    _ path: String, _ folders: [String], modelClasses: [String]?, classCount: Int?
  ) throws(ScopeError) {
    let file = try LabelsFile(ByteSlice(mappingFile: path))
    guard !file.rows.isEmpty else {
      throw ScopeError(.invalidData, "the label file names no images", expected: "rows after the header")
    }
    classNames = modelClasses ?? Labelling.classList(in: DatasetSource.parent(of: path))
    let index = classNames.map(Labelling.index)
    var seen: [String: (label: Int, line: Int)] = [:]
    for row in file.rows {
      guard let label = Int(row.label) ?? index?[Labelling.key(row.label)] else {
        throw ScopeError(
          .invalidData, "a label is neither a class index nor a known class name", place: "line \(row.line)",
          expected: "a number from 0", found: String(row.label.prefix(60)),
          remedy: index == nil ? "Use class indices, or add a classes.txt with one class name per line" : nil)
      }
      guard label >= 0, label < classCount ?? Int.max else {
        throw ScopeError(
          .invalidData, "a label is out of range", place: "line \(row.line)",
          expected: classCount.map { "0 to \($0 - 1), the model's classes" } ?? "a number from 0",
          found: "\(label)")
      }
      if let earlier = seen[row.file] {
        guard earlier.label == label else {
          throw ScopeError(
            .invalidData, "\(row.file) has two different labels",
            place: "lines \(earlier.line) and \(row.line)",
            found: "\(earlier.label) and \(label)")
        }
        continue
      }
      seen[row.file] = (label, row.line)
      let candidates = folders.map { DatasetSource.join($0, row.file) }
      let found = candidates.first { Directory.kind(of: $0) == .file } ?? candidates[0]
      entries.append(DatasetEntry(path: found, name: row.file, label: label))
    }
    if file.rows.count > entries.count {
      notes.append("\(file.rows.count - entries.count) repeated rows of the label file were counted once.")
    }
    description = "labels.csv with \(entries.count) images"
  }

  // MARK: - Shared

  /// Lines of a `classes.txt` in `folder`, one class name each, in index order.
  private static func classList(in folder: String) -> [String]? {
    let path = DatasetSource.join(folder, "classes.txt")
    guard Directory.kind(of: path) == .file, let bytes = try? ByteSlice(mappingFile: path),
      bytes.count < 1 << 22,
      let text = bytes.utf8String
    else { return nil }
    var names = text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.trimmed }
    while names.last?.isEmpty == true { names.removeLast() }
    return names.isEmpty ? nil : names
  }

  /// Class index per normalised name; names that occur twice are left out (they decide nothing).
  private static func index(_ names: [String]) -> [String: Int] {
    var index: [String: Int] = [:]
    var ambiguous: Set<String> = []
    for (position, name) in names.enumerated() {
      if index.updateValue(position, forKey: key(name)) != nil { ambiguous.insert(key(name)) }
    }
    for name in ambiguous { index[name] = nil }
    return index
  }

  /// Lower case, blanks and hyphens as underscores.
  private static func key(_ name: String) -> String {
    String(name.lowercased().map { $0 == " " || $0 == "-" ? "_" : $0 })
  }

  private static func check(_ entries: [DatasetEntry], classCount: Int?, file: String) throws(ScopeError) {
    guard let classCount, let wrong = entries.first(where: { $0.label >= classCount }) else { return }
    throw ScopeError(
      .invalidData, "the label of \(wrong.name) is out of range", file: file,
      expected: "0 to \(classCount - 1), the model's classes", found: "\(wrong.label)",
      remedy: "Use data made for this model")
  }
}
