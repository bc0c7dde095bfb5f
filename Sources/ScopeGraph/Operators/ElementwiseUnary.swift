import ScopeBytes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Operators that map each element on its own: activations, roots, exponentials, trigonometry, Clip.
enum ElementwiseUnaryOperators {
  static let definitions: [OperatorDefinition] =
    floatFunctions.map { name, function in
      OperatorDefinition(
        name, memory: .inPlace, infer: OperatorDefinition.sameAsFirstInput,
        cost: OperatorDefinition.perOutputElement(1, activations.contains(name) ? .activation : .elementwise),
        fold: { (context) throws(ScopeError) in
          [try map(context, floats: function, integers: integerFunctions[name])]
        })
    }
    + parametric.map { name, function in
      OperatorDefinition(
        name, memory: .inPlace, infer: OperatorDefinition.sameAsFirstInput,
        cost: OperatorDefinition.perOutputElement(1, activations.contains(name) ? .activation : .elementwise),
        fold: { (context) throws(ScopeError) in
          let node = context.node
          return [try map(context, floats: { function(node, $0) }, integers: nil)]
        })
    }
    + [
      OperatorDefinition(
        "Clip", memory: .inPlace, infer: OperatorDefinition.sameAsFirstInput,
        cost: OperatorDefinition.perOutputElement(2, .activation),
        fold: clip),
      OperatorDefinition(
        "BitwiseNot", memory: .inPlace, infer: OperatorDefinition.sameAsFirstInput,
        cost: OperatorDefinition.perOutputElement(1, .elementwise),
        fold: { (context) throws(ScopeError) in [try map(context, floats: nil, integers: { ~$0 })] }),
    ]

  /// Those that are counted as activations; the others are plain elementwise arithmetic.
  static let activations: Set<String> = [
    "Relu", "Sigmoid", "Tanh", "Erf", "Softplus", "Softsign", "HardSwish", "Mish", "LeakyRelu", "Elu", "Celu",
    "Selu",
    "HardSigmoid", "ThresholdedRelu", "Gelu", "Swish", "Shrink",
  ]

  /// Functions of one number, in double precision.
  static let floatFunctions: [(String, @Sendable (Double) -> Double)] = [
    ("Relu", { $0 < 0 ? 0 : $0 }), ("Sigmoid", sigmoid), ("Tanh", { tanh($0) }), ("Exp", { exp($0) }),
    ("Log", { log($0) }), ("Sqrt", { $0.squareRoot() }), ("Abs", { abs($0) }), ("Neg", { -$0 }),
    ("Ceil", { $0.rounded(.up) }), ("Floor", { $0.rounded(.down) }),
    ("Round", { $0.rounded(.toNearestOrEven) }),
    ("Sign", { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }), ("Reciprocal", { 1 / $0 }), ("Erf", { erf($0) }),
    ("Softplus", { log1p(exp(-abs($0))) + max($0, 0) }), ("Softsign", { $0 / (1 + abs($0)) }),
    ("HardSwish", { $0 * min(max($0 / 6 + 0.5, 0), 1) }),
    ("Mish", { $0 * tanh(log1p(exp(-abs($0))) + max($0, 0)) }),
    ("Sin", { sin($0) }), ("Cos", { cos($0) }), ("Tan", { tan($0) }), ("Asin", { asin($0) }),
    ("Acos", { acos($0) }),
    ("Atan", { atan($0) }), ("Sinh", { sinh($0) }), ("Cosh", { cosh($0) }), ("Asinh", { asinh($0) }),
    ("Acosh", { acosh($0) }), ("Atanh", { atanh($0) }),
  ]

  /// The same on integers, where the operator allows them.
  static let integerFunctions: [String: @Sendable (Int64) -> Int64] = [
    "Relu": { max($0, 0) }, "Abs": { $0 < 0 ? 0 &- $0 : $0 }, "Neg": { 0 &- $0 }, "Sign": { $0.signum() },
  ]

  /// Functions with attributes; defaults of the ONNX specification.
  static let parametric: [(String, @Sendable (Node, Double) -> Double)] = [
    ("LeakyRelu", { node, x in x < 0 ? x * Double(node.float("alpha") ?? 0.01) : x }),
    ("Elu", { node, x in x < 0 ? Double(node.float("alpha") ?? 1) * expm1(x) : x }),
    (
      "Celu",
      { node, x in
        let alpha = Double(node.float("alpha") ?? 1)
        return max(0, x) + min(0, alpha * expm1(x / alpha))
      }
    ),
    (
      "Selu",
      { node, x in
        let gamma = Double(node.float("gamma") ?? 1.050_701)
        return gamma * (x > 0 ? x : Double(node.float("alpha") ?? 1.673_263_2) * expm1(x))
      }
    ),
    (
      "HardSigmoid",
      { node, x in min(max(Double(node.float("alpha") ?? 0.2) * x + Double(node.float("beta") ?? 0.5), 0), 1)
      }
    ),
    ("ThresholdedRelu", { node, x in x > Double(node.float("alpha") ?? 1) ? x : 0 }),
    (
      "Gelu",
      { node, x in
        node.string("approximate") == "tanh"
          ? 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
          : 0.5 * x * (1 + erf(x / 2.0.squareRoot()))
      }
    ),
    ("Swish", { node, x in x * sigmoid(Double(node.float("alpha") ?? 1) * x) }),
    (
      "Shrink",
      { node, x in
        let lambda = Double(node.float("lambd") ?? 0.5)
        let bias = Double(node.float("bias") ?? 0)
        return x < -lambda ? x + bias : x > lambda ? x - bias : 0
      }
    ),
  ]

  @Sendable static func sigmoid(_ x: Double) -> Double { x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)) }

  static func map(
    _ context: OperatorContext, floats: ((Double) -> Double)?, integers: ((Int64) -> Int64)?
  ) throws(ScopeError) -> Tensor {
    var array = try context.array(0)
    switch array.values {
    case .floats(let values):
      guard let floats else { throw context.invalid("the operator takes integers") }
      array.values = .floats(values.map(floats))
    case .integers(let values):
      guard let integers else { throw context.invalid("the operator takes floating-point numbers") }
      array.values = .integers(values.map(integers))
    }
    return try array.tensor()
  }

  /// Limits as attributes (opset < 11) or optional inputs.
  @Sendable static func clip(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    var array = try context.array(0)
    let low = context.has(1) ? try context.array(1) : nil
    let high = context.has(2) ? try context.array(2) : nil
    switch array.values {
    case .floats(let values):
      let minimum = low?.asFloats.first ?? context.node.float("min").map(Double.init) ?? -.infinity
      let maximum = high?.asFloats.first ?? context.node.float("max").map(Double.init) ?? .infinity
      array.values = .floats(values.map { $0.isNaN ? $0 : min(max($0, minimum), maximum) })
    case .integers(let values):
      var minimum = Int64.min
      var maximum = Int64.max
      if case .integers(let limits)? = low?.values, let first = limits.first { minimum = first }
      if case .integers(let limits)? = high?.values, let first = limits.first { maximum = first }
      array.values = .integers(values.map { min(max($0, minimum), maximum) })
    }
    return [try array.tensor()]
  }
}
