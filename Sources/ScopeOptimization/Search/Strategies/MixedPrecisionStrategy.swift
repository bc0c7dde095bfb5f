import ScopeBytes

/// Where INT8 everywhere costs too much accuracy, the layers that hurt most stay in float.
enum MixedPrecisionStrategy {
  static func run(
    _ quantization: StaticQuantizationStrategy, _ bench: inout Workbench, until share: Double
  ) throws(ScopeError) {
  }
}
