import ScopeBytes
import ScopeGraph

/// PyTorch's type promotion (torch.result_type): tensors with dimensions decide unless a scalar is of a higher category.
enum AtenPromotion {
  private static func category(_ type: DataType) -> Int {
    switch type {
    case .bool: 0
    case .complex64, .complex128: 3
    default: type.isFloatingPoint ? 2 : 1
    }
  }

  /// The type of an operation on two tensors.
  static func promote(_ left: DataType, _ right: DataType) -> DataType {
    if left == right { return left }
    let (a, b) = (category(left), category(right))
    if a != b { return a > b ? left : right }
    if a == 2 {
      let half: Set<DataType> = [.float16, .bfloat16]
      if half.contains(left), half.contains(right) { return .float32 }
      return left.bitWidth >= right.bitWidth ? left : right
    }
    // Integers: uint8 with a signed type of the same width takes the next wider signed one.
    if left.bitWidth == right.bitWidth { return left.bitWidth == 8 ? .int16 : .int64 }
    return left.bitWidth > right.bitWidth ? left : right
  }

  /// The common type of the operands.
  static func common(_ operands: [AtenValue]) -> DataType {
    // Priority 2: tensors with dimensions, 1: tensors without, 0: numbers.
    var types: [DataType?] = [nil, nil, nil]
    for operand in operands {
      let (priority, type): (Int, DataType)
      switch operand {
      case .tensor(let tensor):
        (priority, type) = (tensor.shape?.rank == 0 ? 1 : 2, tensor.dataType ?? .float32)
      case .float: (priority, type) = (0, .float32)
      case .bool: (priority, type) = (0, .bool)
      default: (priority, type) = (0, .int64)
      }
      types[priority] = types[priority].map { promote($0, type) } ?? type
    }
    var result: DataType?
    for type in types.reversed() {
      guard let type else { continue }
      if let higher = result {
        if category(type) > category(higher) { result = type }
      } else {
        result = type
      }
    }
    return result ?? .float32
  }
}

extension AtenBuilder {
  /// The value in another element type; itself when it has that type.
  mutating func cast(_ value: AtenTensor, _ type: DataType) throws(ScopeError) -> AtenTensor {
    if value.dataType == type { return value }
    return try emit("Cast", [value], ["to": .int(Int(type.rawValue))])
  }

  /// A tensor or number as a tensor of the given type.
  ///
  /// - Throws: `malformed` for anything else.
  mutating func operand(_ value: AtenValue, _ type: DataType?) throws(ScopeError) -> AtenTensor {
    switch value {
    case .tensor(let tensor): return try cast(tensor, type ?? tensor.dataType ?? .float32)
    case .symbolicInt(let tensor): return try cast(tensor, type ?? .int64)
    case .int(let number): return try scalar(number, type ?? .int64)
    case .float(let number): return try scalar(number, type ?? .float32)
    case .bool(let flag): return try scalar(flag ? 1 : 0, type ?? .bool)
    default: throw ScopeError(.malformed, "a tensor or a number is needed here")
    }
  }

  /// Both operands in their common type.
  mutating func promoted(
    _ left: AtenValue, _ right: AtenValue
  ) throws(ScopeError) -> (left: AtenTensor, right: AtenTensor, type: DataType) {
    let type = AtenPromotion.common([left, right])
    return (try operand(left, type), try operand(right, type), type)
  }
}
