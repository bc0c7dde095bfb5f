import ScopeGraph

/// Every gradient rule, listed by hand; a test holds this list and the rule files together.
public enum GradientRegistry {
  package static let rules: [any GradientRule.Type] = [
    AdditionRule.self, AveragePoolRule.self, BatchNormalizationRule.self, ClipRule.self, ConcatRule.self,
    ConvolutionRule.self, DivisionRule.self, ElementaryFunctionRule.self, ExpandRule.self,
    ExponentialLinearRule.self, ExtremeRule.self, GatherRule.self, GeluRule.self, GemmRule.self,
    GlobalAveragePoolRule.self, GlobalMaxPoolRule.self, HardSigmoidRule.self, HardSwishRule.self,
    IdentityRule.self,
    LayerNormalizationRule.self, LeakyReluRule.self, MatMulRule.self, MaxPoolRule.self,
    MultiplicationRule.self,
    PadRule.self, ParametricReluRule.self, PowerRule.self, QuantizationRule.self, ReduceExtremeRule.self,
    ReduceMeanRule.self, ReduceSumRule.self, ReluRule.self, ReshapeRule.self, ResizeRule.self,
    SigmoidRule.self,
    SliceRule.self, SoftFunctionsRule.self, SoftmaxRule.self, SpaceDepthRule.self, SplitRule.self,
    SubtractionRule.self, TanhRule.self, CumulativeSumRule.self, GatherElementsRule.self,
    InstanceNormalizationRule.self, MishRule.self, ReduceNormRule.self, ThresholdedReluRule.self,
    TriangleRule.self, TrigonometricRule.self, TransposeRule.self, TransposedConvolutionRule.self,
    WhereRule.self,
  ]

  private static let byOperator: [String: any GradientRule.Type] = {
    var table: [String: any GradientRule.Type] = [:]
    for rule in rules { for name in rule.operators { table[name] = rule } }
    return table
  }()

  package static func rule(for node: Node) -> (any GradientRule.Type)? {
    node.domain.isEmpty || node.domain == "ai.onnx" ? byOperator[node.opType] : nil
  }

  /// Operators of the default ONNX domain that gradients can pass through, sorted.
  public static let supportedOperators: [String] = byOperator.keys.sorted()
}
