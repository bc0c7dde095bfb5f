import ScopeBytes

/// Labelled images from a NumPy archive with the arrays `x` and `y`.
enum NumpyDataset {
  static func load(
    _ path: String, preprocessing: Preprocessing, options: ImageLoader.Options
  ) throws(ScopeError) -> LoadedDataset {
    throw ScopeError(.unsupported, "arrays are read in the next commit", file: path)
  }
}
