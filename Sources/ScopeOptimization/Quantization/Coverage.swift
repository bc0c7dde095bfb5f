/// Which groups of operators run in integers. Each case includes the ones before it; whether a wider one is faster
/// depends on the model and the processor and is measured.
public enum Coverage: String, Sendable, Hashable, Codable, CaseIterable {
  /// Convolutions and matrix products with constant weights, and what only moves numbers between them.
  case layers
  /// Additions, products, pooling, concatenation, selection and tabulated activations between them.
  case arithmetic
  /// Outputs of matrix products are rounded too, so that what follows them may run in integers.
  case products
  /// Products of two activations, and Softmax.
  case attention

  package static func < (a: Coverage, b: Coverage) -> Bool {
    (allCases.firstIndex(of: a) ?? 0) < (allCases.firstIndex(of: b) ?? 0)
  }
}
