import ScopeBytes
import ScopeGraph

/// `QuantizeLinear`, `DequantizeLinear` by the straight-through estimator (Bengio et al. 2013, arXiv:1308.3432):
/// rounding counts as the identity, saturation as flat.
///
/// The gradient of a quantized tensor is carried in the units of the real numbers it stands for, so that a pair with
/// one scale only masks.
enum QuantizationRule: GradientRule {
  static let operators = ["QuantizeLinear", "DequantizeLinear"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    try application.requireOnlyFirstInput()
    let node = application.node
    if node.opType == "DequantizeLinear" {
      return application.first(try rescaled(application, in: context))
    }
    guard let scaleName = node.input(1), let scale = try context.constants.floats(scaleName), scale.count == 1
    else {
      throw application.unsupported("its scale is not one constant for the whole activation")
    }
    var zero: Float = 0
    var type = DataType.uint8
    if let name = node.input(2) {
      guard let tensor = try context.constants.tensor(name), let value = try tensor.floats().first else {
        throw application.unsupported("its zero point is computed while running")
      }
      zero = value
      type = tensor.dataType
    } else if let code = node.int("output_dtype"), let declared = DataType(rawValue: Int32(clamping: code)) {
      type = declared
    }
    guard let range = range(of: type) else {
      throw application.unsupported("it quantizes to \(type.name)")
    }
    let x = node.inputs[0]
    let low = (range.lowerBound - zero) * scale[0]
    let high = (range.upperBound - zero) * scale[0]
    // A value on the bound itself still passes: black and white pixels sit there.
    let slack = scale[0] / 1024
    let inside = context.multiply(context.above(x, low - slack), context.below(x, high + slack))
    return application.first(context.multiply(application.gradient, inside))
  }

  /// The gradient in the units of the QuantizeLinear that made the quantized value, when that uses another scale.
  private static func rescaled(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> String
  {
    let node = application.node
    guard let scaleName = node.input(1), let scale = try context.constants.floats(scaleName), scale.count == 1
    else {
      throw application.unsupported("its scale is not one constant for the whole activation")
    }
    var value = node.inputs[0]
    // Operators that move quantized values without changing them.
    let moving: Set<String> = [
      "Reshape", "Flatten", "Transpose", "MaxPool", "Identity", "Squeeze", "Unsqueeze", "Slice",
    ]
    var steps = 0
    while let producer = context.producer(value), moving.contains(producer.opType), steps < 64 {
      value = producer.inputs[0]
      steps += 1
    }
    guard let producer = context.producer(value), producer.isStandard("QuantizeLinear"),
      let name = producer.input(1), let made = try context.constants.floats(name), made.count == 1
    else { throw application.unsupported("its quantized input is not made by QuantizeLinear") }
    if made[0] == scale[0] { return application.gradient }
    return context.multiply(
      application.gradient, context.scalar(scale[0] / made[0], like: node.outputs[0]))
  }

  private static func range(of type: DataType) -> ClosedRange<Float>? {
    switch type {
    case .int8: -128...127
    case .uint8: 0...255
    case .int16: -32768...32767
    case .uint16: 0...65535
    case .int4: -8...7
    case .uint4: 0...15
    default: nil
    }
  }
}
