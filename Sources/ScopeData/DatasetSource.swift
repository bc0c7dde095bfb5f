import ScopeBytes

/// Where labelled images come from, recognised by what lies at a path.
public enum DatasetSource: Sendable, Hashable {
  /// A folder with one sub-folder per class.
  case classFolders(root: String, classes: [String])
  /// A label file, the folders its file names are relative to, in the order they are tried.
  case labelsFile(path: String, imageFolders: [String])
  /// A folder of images without labels.
  case images(root: String)
  /// A NumPy archive with the arrays `x` and `y`.
  case arrays(path: String)

  static let imageExtensions: Set<String> = ["jpg", "jpeg", "png", "jpe", "jfif"]

  /// - Parameter needsLabels: whether a folder of images without labels is refused.
  /// - Throws: `notFound`; `invalidData` saying what is missing when the path holds no labelled images.
  public static func detect(_ path: String, needsLabels: Bool = true) throws(ScopeError) -> DatasetSource {
    do throws(ScopeError) { return try detect(path, depth: 0) } catch {
      guard !needsLabels, Directory.kind(of: path) == .folder,
        try Directory.names(in: path).contains(where: isImage)
      else { throw error }
      return .images(root: path)
    }
  }

  private static func detect(_ path: String, depth: Int) throws(ScopeError) -> DatasetSource {
    switch Directory.kind(of: path) {
    case .missing: throw ScopeError(.notFound, "no such data", file: path, remedy: "Check the path")
    case .other: throw ScopeError(.unreadable, "this is neither a file nor a folder", file: path)
    case .file: return try detectFile(path)
    case .folder: return try detectFolder(path, depth: depth)
    }
  }

  private static func detectFile(_ path: String) throws(ScopeError) -> DatasetSource {
    let start = try ByteSlice(mappingFile: path).prefix(4)
    if start.starts(with: [0x50, 0x4B]) { return .arrays(path: path) }
    if path.lowercased().hasSuffix(".csv") {
      return .labelsFile(path: path, imageFolders: folders(beside: parent(of: path)))
    }
    throw ScopeError(
      .invalidData, "this file does not hold labelled images", file: path,
      expected: "a folder of images, a labels.csv or an .npz with x and y",
      remedy: start.starts(with: [0x93, 0x4E])
        ? "Save images and labels together with numpy.savez(x=..., y=...)" : nil)
  }

  private static func detectFolder(_ path: String, depth: Int) throws(ScopeError) -> DatasetSource {
    let names = try Directory.names(in: path)
    if names.contains("labels.csv") {
      return .labelsFile(path: join(path, "labels.csv"), imageFolders: folders(beside: path))
    }
    let folders = names.filter { Directory.kind(of: join(path, $0)) == .folder }
    var classes: [String] = []
    for name in folders where try Directory.names(in: join(path, name)).contains(where: isImage) {
      classes.append(name)
    }
    let images = names.filter(isImage).count
    if !classes.isEmpty, images > 0 || (classes == ["images"] && folders.count == 1) {
      throw ScopeError(
        .invalidData, "the images have no labels", file: path,
        expected: "one sub-folder per class, or a labels.csv with the header file,label",
        found: images > 0
          ? "\(images) images beside \(classes.count) folders of images" : "one folder called images")
    }
    if !classes.isEmpty { return .classFolders(root: path, classes: classes) }
    guard images > 0 else {
      throw ScopeError(
        .invalidData, "the folder holds no images", file: path,
        expected:
          "JPEG or PNG images in one sub-folder per class, or a labels.csv with the header file,label",
        found: names.isEmpty ? "an empty folder" : "\(names.count) other entries",
        remedy: depth == 0 ? deeper(path, folders) : nil)
    }
    throw ScopeError(
      .invalidData, "the images have no labels", file: path,
      expected: "a labels.csv with the header file,label",
      found: "\(images) images and no label file", remedy: "Add labels.csv, or one sub-folder per class")
  }

  /// The way to a data set one level further down, as in `data/train`, `data/test`.
  private static func deeper(_ path: String, _ folders: [String]) -> String? {
    for name in folders {
      let folder = join(path, name)
      if (try? detect(folder, depth: 1)) != nil {
        return "Give one of its sub-folders, for example \(folder)"
      }
    }
    return nil
  }

  static func isImage(_ name: String) -> Bool {
    guard let dot = name.lastIndex(of: ".") else { return false }
    return imageExtensions.contains(name[name.index(after: dot)...].lowercased())
  }

  private static func folders(beside folder: String) -> [String] { [folder, join(folder, "images")] }

  static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  static func join(_ folder: String, _ name: String) -> String {
    name.hasPrefix("/") ? name : folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
  }
}
