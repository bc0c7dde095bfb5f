/// Sizes of an architecture, computed from its structure by PyTorch's conventions.
public struct ModuleCounts: Sendable, Hashable, Codable {
  /// `len(list(model.modules()))`: every module once, containers and the model itself included.
  public var modules = 0
  /// Modules that own parameters directly: convolutions, normalisations, fully connected layers.
  public var parameterisedModules = 0
  /// Convolutions (projections of shortcuts included) and fully connected layers.
  public var weightLayers = 0
  /// Elements of all `parameters()`: what training changes.
  public var trainableParameters = 0
  /// Number of `buffers()` (running mean and variance, `num_batches_tracked`).
  public var bufferTensors = 0
  /// Elements of all `buffers()`.
  public var bufferElements = 0

  public init() {}
}
