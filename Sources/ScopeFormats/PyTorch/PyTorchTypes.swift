import ScopeGraph

/// PyTorch's names of element types.
enum PyTorchTypes {
  /// What `torch.FloatStorage` and the like hold.
  enum StorageType {
    case typed(DataType)
    /// `UntypedStorage`: bytes; the tensor says what they are.
    case untyped
  }

  /// The storage class in a persistent id; nil when it is none of PyTorch's.
  static func storage(_ global: PickleGlobal) -> StorageType? {
    guard ["torch", "torch.cuda", "torch.storage"].contains(global.module) else { return nil }
    if global.name == "UntypedStorage" || global.name == "_UntypedStorage" { return .untyped }
    return storages[global.name].map { .typed($0) }
  }

  /// `torch.float32` and the like.
  static func element(_ global: PickleGlobal) -> DataType? {
    global.module == "torch" ? element(named: global.name) : nil
  }

  /// `float32` and the like.
  static func element(named name: String) -> DataType? { elements[name] }

  private static let storages: [String: DataType] = [
    "DoubleStorage": .float64, "FloatStorage": .float32, "HalfStorage": .float16,
    "BFloat16Storage": .bfloat16,
    "LongStorage": .int64, "IntStorage": .int32, "ShortStorage": .int16, "CharStorage": .int8,
    "ByteStorage": .uint8, "BoolStorage": .bool, "ComplexFloatStorage": .complex64,
    "ComplexDoubleStorage": .complex128, "QInt8Storage": .int8, "QUInt8Storage": .uint8,
    "QInt32Storage": .int32,
  ]

  private static let elements: [String: DataType] = [
    "float64": .float64, "double": .float64, "float32": .float32, "float": .float32, "float16": .float16,
    "half": .float16, "bfloat16": .bfloat16, "int64": .int64, "long": .int64, "int32": .int32, "int": .int32,
    "int16": .int16, "short": .int16, "int8": .int8, "uint8": .uint8, "bool": .bool, "uint16": .uint16,
    "uint32": .uint32, "uint64": .uint64, "complex64": .complex64, "complex128": .complex128,
    "qint8": .int8, "quint8": .uint8, "qint32": .int32, "float8_e4m3fn": .float8e4m3fn,
    "float8_e4m3fnuz": .float8e4m3fnuz, "float8_e5m2": .float8e5m2, "float8_e5m2fnuz": .float8e5m2fnuz,
    "float8_e8m0fnu": .float8e8m0,
  ]
}
