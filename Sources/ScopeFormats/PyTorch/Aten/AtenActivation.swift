import ScopeBytes
import ScopeGraph

/// Activation functions and softmax.
enum AtenActivation {
  static let operators: [AtenOperator] = [
    simple("relu", "Relu"), simple("sigmoid", "Sigmoid"), simple("tanh", "Tanh"),
    simple("hardswish", "HardSwish"), simple("mish", "Mish"), simple("selu", "Selu"),
    .tensor("relu6", "self") { (builder, arguments) throws(ScopeError) in
      try builder.clamp(try arguments.tensor("self"), .int(0), .int(6))
    },
    .tensor("hardtanh", "self min_val max_val") { (builder, arguments) throws(ScopeError) in
      try builder.clamp(
        try arguments.tensor("self"), arguments["min_val"] ?? .int(-1), arguments["max_val"] ?? .int(1))
    },
    .tensor("clamp clip", "self min max") { (builder, arguments) throws(ScopeError) in
      try builder.clamp(try arguments.tensor("self"), arguments["min"], arguments["max"])
    },
    .tensor("clamp_min", "self min") { (builder, arguments) throws(ScopeError) in
      try builder.clamp(try arguments.tensor("self"), arguments["min"], nil)
    },
    .tensor("clamp_max", "self max") { (builder, arguments) throws(ScopeError) in
      try builder.clamp(try arguments.tensor("self"), nil, arguments["max"])
    },
    .tensor("hardsigmoid", "self") { (builder, arguments) throws(ScopeError) in
      try builder.emit(
        "HardSigmoid", [try arguments.tensor("self")], ["alpha": .float(1 / 6), "beta": .float(0.5)])
    },
    .tensor("silu", "self") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      return try builder.emit("Mul", [input, try builder.emit("Sigmoid", [input])])
    },
    .tensor("log_sigmoid", "self") { (builder, arguments) throws(ScopeError) in
      try builder.emit("Log", [try builder.emit("Sigmoid", [try arguments.tensor("self")])])
    },
    .tensor("gelu", "self approximate", gelu),
    .tensor("elu", "self alpha scale input_scale") { (builder, arguments) throws(ScopeError) in
      guard try arguments.double("scale", 1) == 1, try arguments.double("input_scale", 1) == 1 else {
        throw ScopeError(.unsupported, "a scaled ELU is not converted")
      }
      return try builder.emit(
        "Elu", [try arguments.tensor("self")], ["alpha": .float(Float(try arguments.double("alpha", 1)))])
    },
    .tensor("celu", "self alpha") { (builder, arguments) throws(ScopeError) in
      try builder.emit(
        "Celu", [try arguments.tensor("self")], ["alpha": .float(Float(try arguments.double("alpha", 1)))])
    },
    .tensor("leaky_relu", "self negative_slope") { (builder, arguments) throws(ScopeError) in
      try builder.emit(
        "LeakyRelu", [try arguments.tensor("self")],
        ["alpha": .float(Float(try arguments.double("negative_slope", 0.01)))])
    },
    .tensor("prelu _prelu_kernel", "self weight") { (builder, arguments) throws(ScopeError) in
      let (input, weight) = (try arguments.tensor("self"), try arguments.tensor("weight"))
      guard weight.shape?.rank == 1, let rank = input.shape?.rank, rank > 2 else {
        return try builder.emit("PRelu", [input, weight])
      }
      let shape = builder.literal([-1] + [Int](repeating: 1, count: rank - 2))
      return try builder.emit("PRelu", [input, try builder.emit("Reshape", [weight, shape])])
    },
    .tensor("softplus", "self beta threshold") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let beta = try arguments.double("beta", 1)
      let result = try builder.emit("Softplus", [try builder.scaled(input, by: beta)])
      return try builder.scaled(result, by: 1 / beta)
    },
    .tensor("glu", "self dim") { (builder, arguments) throws(ScopeError) in
      let input = try arguments.tensor("self")
      let axis = try arguments.axis("dim", -1, rank: try arguments.rank(input))
      let half = try arguments.size(input, axis) / 2
      let parts = try builder.emit(
        "Split", [input, builder.literal([half, half])], ["axis": .int(axis)], outputs: 2)
      return try builder.emit("Mul", [parts[0], try builder.emit("Sigmoid", [parts[1]])])
    },
    softmax("softmax _softmax _safe_softmax", "Softmax"), softmax("log_softmax _log_softmax", "LogSoftmax"),
  ]

  private static func simple(_ name: String, _ opType: String) -> AtenOperator {
    .tensor(name, "self") { (builder, arguments) throws(ScopeError) in
      try builder.emit(opType, [try arguments.tensor("self")])
    }
  }

  private static func softmax(_ names: String, _ opType: String) -> AtenOperator {
    .tensor(names, "self dim dtype half_to_float") { (builder, arguments) throws(ScopeError) in
      var input = try arguments.tensor("self")
      // The third argument is an element type, or half_to_float of the core form.
      if let value = arguments["dtype"], let type = AtenArguments.dataType(value) {
        input = try builder.cast(input, type)
      }
      return try builder.emit(opType, [input], ["axis": .int(try arguments.int("dim"))])
    }
  }

  /// x Phi(x), exactly or by its tanh approximation; the form that ONNX Runtime fuses.
  @Sendable private static func gelu(
    _ builder: inout AtenBuilder, _ arguments: AtenArguments
  ) throws(ScopeError) -> AtenTensor {
    let input = try arguments.tensor("self")
    let type = input.dataType ?? .float32
    let one = try builder.scalar(1.0, type)
    let inner: AtenTensor
    switch try arguments.string("approximate", "none") {
    case "none":
      let scaled = try builder.emit("Div", [input, try builder.scalar(2.0.squareRoot(), type)])
      inner = try builder.emit("Erf", [scaled])
    case "tanh":
      let square = try builder.emit("Mul", [input, input])
      let cube = try builder.emit("Mul", [square, input])
      let sum = try builder.emit("Add", [input, try builder.scaled(cube, by: 0.044715)])
      inner = try builder.emit("Tanh", [try builder.scaled(sum, by: (2 / Double.pi).squareRoot())])
    default: throw arguments.wrong("approximate", "none or tanh")
    }
    let product = try builder.emit("Mul", [input, try builder.emit("Add", [inner, one])])
    return try builder.scaled(product, by: 0.5)
  }
}

extension AtenBuilder {
  /// min(max(x, lower), upper); the bounds are numbers or tensors.
  mutating func clamp(
    _ value: AtenTensor, _ lower: AtenValue?, _ upper: AtenValue?
  ) throws(ScopeError) -> AtenTensor {
    let type = AtenPromotion.common([.tensor(value)] + [lower, upper].compactMap { $0 })
    let input = try cast(value, type)
    func isTensor(_ bound: AtenValue?) -> Bool {
      if case .tensor(let tensor)? = bound { tensor.shape?.rank != 0 } else { false }
    }
    if isTensor(lower) || isTensor(upper) {
      var result = input
      if let lower { result = try emit("Max", [result, try operand(lower, type)]) }
      if let upper { result = try emit("Min", [result, try operand(upper, type)]) }
      return result
    }
    var bounds: [AtenTensor?] = []
    for bound in [lower, upper] {
      bounds.append(try bound.map { (b) throws(ScopeError) in try operand(b, type) })
    }
    return try emit("Clip", [input] + bounds)
  }
}
