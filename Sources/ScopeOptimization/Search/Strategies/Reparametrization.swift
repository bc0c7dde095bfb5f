import ScopeBytes
import ScopeGraph

/// Other weights for the same function, which may lose less when they are rounded.
enum Reparametrization: CaseIterable {
  /// ``CrossLayerEqualization``.
  case equalized
  /// ``SmoothQuant``.
  case smoothed

  /// Of the technique, at the start of a sentence.
  var words: String {
    switch self {
    case .equalized: "Cross-layer equalization"
    case .smoothed: "SmoothQuant"
    }
  }

  var prefix: String {
    switch self {
    case .equalized: "equalized + "
    case .smoothed: "smoothed + "
    }
  }

  var step: String {
    switch self {
    case .equalized: "Channels equalized across layers (cross-layer equalization)"
    case .smoothed: "Outlier channels of activations moved into the weights (SmoothQuant)"
    }
  }

  /// Whether the model may have a place for the technique.
  func suits(_ model: Model) -> Bool {
    switch self {
    case .equalized: true
    case .smoothed: SmoothQuant.hasSites(model)
    }
  }

  /// - Returns: whether anything changed.
  func apply(_ model: inout Model, _ context: OptimizationContext) throws(ScopeError) -> Bool {
    switch self {
    case .equalized: try CrossLayerEqualization.run(&model) > 0
    case .smoothed: try SmoothQuant.run(&model, context: context) > 0
    }
  }

  /// A source in other numbers, calibrated anew; nil where the model has no place for the technique.
  func source(
    _ source: QuantizationSource, _ context: OptimizationContext
  ) throws(ScopeError) -> QuantizationSource? {
    var model = source.model
    guard suits(model), try apply(&model, context) else { return nil }
    // Smoothing may add a product where a residual is read.
    return try QuantizationSource(
      model, prefix: source.prefix + prefix, changesKernels: self == .smoothed, steps: [step],
      context: context)
  }
}
