import ScopeBytes
import ScopeGraph

/// The arguments of one call by the names of the operator's schema.
struct AtenArguments {
  let operation: String
  /// As they were given by position.
  let positional: [AtenValue]
  private var values: [String: AtenValue] = [:]

  /// - Parameter parameters: the schema's argument names in order.
  /// - Throws: `malformed` for more arguments than the schema has; `unsupported` for an unknown keyword.
  init(
    _ operation: String, _ parameters: [String], _ positional: [AtenValue], _ named: [String: AtenValue]
  ) throws(ScopeError) {
    self.operation = operation
    self.positional = positional
    guard positional.count <= parameters.count else {
      throw ScopeError(
        .malformed, "the operator is called with too many arguments", expected: "at most \(parameters.count)",
        found: "\(positional.count)")
    }
    for (name, value) in zip(parameters, positional) { values[name] = value }
    for (name, value) in named {
      if parameters.contains(name) {
        values[name] = value
        continue
      }
      switch value {
      case .none, .ignored, .bool(false): break
      default: throw ScopeError(.unsupported, "the argument \(name.prefix(80)) is not known")
      }
    }
  }

  /// Nil when the argument is absent or None.
  subscript(_ name: String) -> AtenValue? {
    if case .some(.none) = values[name] { nil } else { values[name] }
  }

  func wrong(_ name: String, _ expected: String) -> ScopeError {
    ScopeError(
      .malformed, "the argument \(name) is not as the operator needs it", expected: expected,
      found: values[name].map(Self.kind) ?? "nothing")
  }

  private static func kind(_ value: AtenValue) -> String {
    switch value {
    case .tensor: "a tensor"
    case .int(let value): "\(value)"
    case .symbolicInt: "a size that is known only at run time"
    case .float(let value): "\(value)"
    case .bool(let value): "\(value)"
    case .string(let text): "\"\(text.prefix(80))\""
    case .none: "None"
    case .list(let items), .tuple(let items): "a list of \(items.count)"
    case .dataType(let type): type.name
    case .ignored(let text): String(text.prefix(80))
    }
  }

  func value(_ name: String) throws(ScopeError) -> AtenValue {
    guard let value = self[name] else { throw wrong(name, "a value") }
    return value
  }

  func tensor(_ name: String) throws(ScopeError) -> AtenTensor {
    switch self[name] {
    case .tensor(let tensor)?: return tensor
    case .symbolicInt(let tensor)?: return tensor
    default: throw wrong(name, "a tensor")
    }
  }

  func optionalTensor(_ name: String) throws(ScopeError) -> AtenTensor? {
    self[name] == nil ? nil : try tensor(name)
  }

  /// An integer, also as a constant tensor of one element.
  static func int(_ value: AtenValue) -> Int? {
    switch value {
    case .int(let value): value
    case .bool(let value): value ? 1 : 0
    case .float(let value): value.rounded() == value && value.magnitude < 0x1p53 ? Int(value) : nil
    case .tensor(let tensor), .symbolicInt(let tensor):
      tensor.constant.flatMap { constant in
        constant.elementCount == 1 && !constant.dataType.isFloatingPoint
          ? (try? constant.ints())?.first : nil
      }
    default: nil
    }
  }

  func int(_ name: String, _ fallback: Int? = nil) throws(ScopeError) -> Int {
    if self[name] == nil, let fallback { return fallback }
    guard let value = self[name].flatMap(Self.int) else { throw wrong(name, "an integer") }
    return value
  }

  func optionalInt(_ name: String) throws(ScopeError) -> Int? { self[name] == nil ? nil : try int(name) }

  /// An integer list; a single integer is a list of one.
  func ints(_ name: String) throws(ScopeError) -> [Int] {
    guard let value = self[name] else { throw wrong(name, "a list of integers") }
    if let single = Self.int(value) { return [single] }
    var result: [Int] = []
    for item in try values(name) {
      guard let number = Self.int(item) else { throw wrong(name, "a list of integers") }
      result.append(number)
    }
    return result
  }

  /// An integer list of `count` entries; one entry counts for all, an absent or empty list is the fallback.
  func ints(_ name: String, count: Int, _ fallback: [Int]? = nil) throws(ScopeError) -> [Int] {
    var list = self[name] == nil ? [] : try ints(name)
    if list.isEmpty, let fallback { list = fallback }
    if list.count == 1, count > 1 { list = [Int](repeating: list[0], count: count) }
    guard list.count == count else { throw wrong(name, "\(count) integers") }
    return list
  }

  func optionalInts(_ name: String) throws(ScopeError) -> [Int]? { self[name] == nil ? nil : try ints(name) }

  /// The entries of a list or tuple.
  func values(_ name: String) throws(ScopeError) -> [AtenValue] {
    switch self[name] {
    case .list(let items)?, .tuple(let items)?: return items
    case .int?, .symbolicInt?, .bool?, .float?: return [try value(name)]
    case .tensor(let tensor)?:
      // A one-dimensional constant of sizes.
      guard let constant = tensor.constant, constant.dimensions.count <= 1, constant.elementCount <= 64,
        let list = try? constant.ints()
      else { throw wrong(name, "a list") }
      return list.map { .int($0) }
    default: throw wrong(name, "a list")
    }
  }

  func tensors(_ name: String) throws(ScopeError) -> [AtenTensor] {
    var result: [AtenTensor] = []
    for item in try values(name) {
      guard case .tensor(let tensor) = item else { throw wrong(name, "a list of tensors") }
      result.append(tensor)
    }
    return result
  }

  func double(_ name: String, _ fallback: Double? = nil) throws(ScopeError) -> Double {
    if self[name] == nil, let fallback { return fallback }
    guard let value = self[name].flatMap(Self.double) else { throw wrong(name, "a number") }
    return value
  }

  func optionalDouble(_ name: String) throws(ScopeError) -> Double? {
    self[name] == nil ? nil : try double(name)
  }

  static func double(_ value: AtenValue) -> Double? {
    if case .float(let number) = value { return number }
    if case .tensor(let tensor) = value, let constant = tensor.constant, constant.elementCount == 1 {
      return (try? NumericArray(constant))?.asFloats.first
    }
    return int(value).map { Double($0) }
  }

  func bool(_ name: String, _ fallback: Bool) throws(ScopeError) -> Bool {
    switch self[name] {
    case nil: return fallback
    case .bool(let value)?: return value
    case .int(let value)?: return value != 0
    default: throw wrong(name, "true or false")
    }
  }

  func string(_ name: String, _ fallback: String) throws(ScopeError) -> String {
    switch self[name] {
    case nil: return fallback
    case .string(let text)?: return text
    default: throw wrong(name, "a text")
    }
  }

  /// An element type: itself, PyTorch's number of it, or its name.
  func dataType(_ name: String) throws(ScopeError) -> DataType? {
    guard let value = self[name] else { return nil }
    guard let type = Self.dataType(value) else { throw wrong(name, "an element type") }
    return type
  }

  static func dataType(_ value: AtenValue) -> DataType? {
    switch value {
    case .dataType(let type): return type
    case .int(let code): return scalarTypes[code]
    case .string(let name): return PyTorchTypes.element(named: name)
    default: return nil
    }
  }

  /// c10's `ScalarType` numbers.
  private static let scalarTypes: [Int: DataType] = [
    0: .uint8, 1: .int8, 2: .int16, 3: .int32, 4: .int64, 5: .float16, 6: .float32, 7: .float64,
    9: .complex64, 10: .complex128, 11: .bool, 15: .bfloat16,
  ]

  /// An axis counted from the front.
  func axis(_ name: String, _ fallback: Int? = nil, rank: Int) throws(ScopeError) -> Int {
    try axis(try int(name, fallback), name, rank: rank)
  }

  func axis(_ axis: Int, _ name: String, rank: Int) throws(ScopeError) -> Int {
    // A scalar takes the axes of a list of one.
    let limit = max(rank, 1)
    guard axis >= -limit, axis < limit else { throw wrong(name, "an axis in -\(limit) ..< \(limit)") }
    return axis < 0 ? axis + limit : axis
  }

  /// The tensor's rank.
  ///
  /// - Throws: `unsupported` when it is not known.
  func rank(_ tensor: AtenTensor) throws(ScopeError) -> Int {
    guard let shape = tensor.shape else {
      throw ScopeError(
        .unsupported, "the rank of a tensor is not known where the conversion depends on it",
        found: tensor.name)
    }
    return shape.rank
  }

  /// The size of one axis.
  ///
  /// - Throws: `unsupported` when it is not known.
  func size(_ tensor: AtenTensor, _ axis: Int) throws(ScopeError) -> Int {
    guard let shape = tensor.shape, shape.dimensions.indices.contains(axis),
      let size = shape.dimensions[axis].value
    else {
      throw ScopeError(
        .unsupported, "a size that the conversion depends on is known only at run time",
        found: "\(tensor.name) \(tensor.shape?.description ?? "of unknown rank"), axis \(axis)")
    }
    return size
  }
}
