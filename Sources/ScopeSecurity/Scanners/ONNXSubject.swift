import ScopeBytes
import ScopeGraph

/// What the security rules need to know about an ONNX file, collected from the wire format itself so that a
/// model that readers refuse is examined as well.
///
/// Field numbers: `onnx.proto` of ONNX 1.23.
struct ONNXSubject {
  struct ExternalTensor {
    var place: String
    var offset: Int
    var location: String?
    var start: Int?
    var length: Int?
    /// Bytes that type and shape need.
    var byteCount: Int?
    /// Offset or length that is not a number from 0.
    var badNumbers: [(key: String, value: String)] = []
    var unknownKeys: [String] = []
  }

  struct OperatorUse {
    var domain: String
    var type: String
    var place: String
    var offset: Int
  }

  /// The folder external data is relative to; nil when the model does not lie in one (inside an archive).
  let directory: String?
  private(set) var externalTensors: [ExternalTensor] = []
  private(set) var overflowingTensors: [(place: String, offset: Int, dimensions: [Int64])] = []
  /// One use per operator and domain.
  private(set) var operators: [OperatorUse] = []
  private(set) var functionDomains: Set<String> = []
  /// The model as a strict reader sees it, external data left where it is; nil when the reader refuses it.
  var model: Model?
  /// Why the walk is not complete, if it is not.
  private(set) var limit: String?

  private var seenOperators: Set<String> = []
  private var budget = 8_000_000

  init(_ bytes: ByteSlice, directory: String?) {
    self.directory = directory
    for case (let number, .bytes(let message)) in ProtobufFields(bytes) {
      switch number {
      case 7: graph(message, "graph", depth: 0)
      case 20:
        for case (let part, .bytes(let inner)) in ProtobufFields(message) where part == 1 || part == 2 {
          graph(inner, "training_info.\(part == 1 ? "initialization" : "algorithm")", depth: 0)
        }
      case 25: function(message)
      default: break
      }
    }
  }

  private mutating func spend() -> Bool {
    budget -= 1
    if budget < 0 { limit = "the model has more than 8000000 parts" }
    return budget >= 0
  }

  private mutating func graph(_ message: ByteSlice, _ place: String, depth: Int) {
    guard depth <= 64 else {
      limit = "sub-graphs are nested more than 64 deep"
      return
    }
    var node = 0
    var initializer = 0
    for case (let number, .bytes(let inner)) in ProtobufFields(message) {
      guard spend() else { return }
      switch number {
      case 1:
        self.node(inner, "\(place).node[\(node)]", depth: depth)
        node += 1
      case 5:
        tensor(inner, "\(place).initializer[\(initializer)]")
        initializer += 1
      case 15: sparse(inner, "\(place).sparse_initializer")
      default: break
      }
    }
  }

  private mutating func function(_ message: ByteSlice) {
    var place = "function"
    var domain = ""
    for case (let number, .bytes(let inner)) in ProtobufFields(message) {
      if number == 1 { place = "function \(inner.utf8String ?? "")" }
      if number == 10 { domain = inner.utf8String ?? "" }
    }
    functionDomains.insert(domain)
    var node = 0
    for case (let number, .bytes(let inner)) in ProtobufFields(message) {
      guard spend() else { return }
      if number == 7 {
        self.node(inner, "\(place).node[\(node)]", depth: 0)
        node += 1
      } else if number == 11 {
        attribute(inner, place, depth: 0)
      }
    }
  }

  private mutating func node(_ message: ByteSlice, _ place: String, depth: Int) {
    var type = ""
    var domain = ""
    for case (let number, .bytes(let inner)) in ProtobufFields(message) {
      switch number {
      case 4: type = inner.utf8String ?? "?"
      case 7: domain = inner.utf8String ?? "?"
      case 5:
        guard spend() else { return }
        attribute(inner, place, depth: depth)
      default: break
      }
    }
    if seenOperators.insert("\(domain):\(type)").inserted {
      operators.append(OperatorUse(domain: domain, type: type, place: place, offset: message.offset))
    }
  }

  private mutating func attribute(_ message: ByteSlice, _ place: String, depth: Int) {
    var name = "?"
    for case (1, .bytes(let inner)) in ProtobufFields(message) { name = inner.utf8String ?? "?" }
    for case (let number, .bytes(let inner)) in ProtobufFields(message) {
      guard spend() else { return }
      switch number {
      case 5, 10: tensor(inner, "\(place).\(name)")
      case 6, 11: graph(inner, "\(place).\(name)", depth: depth + 1)
      case 22, 23: sparse(inner, "\(place).\(name)")
      default: break
      }
    }
  }

  private mutating func sparse(_ message: ByteSlice, _ place: String) {
    for case (let number, .bytes(let inner)) in ProtobufFields(message) where number == 1 || number == 2 {
      tensor(inner, "\(place).\(number == 1 ? "values" : "indices")")
    }
  }

  private mutating func tensor(_ message: ByteSlice, _ place: String) {
    var dimensions: [Int64] = []
    var type: DataType?
    var name = ""
    var isExternal = false
    var entries: [(String, String)] = []
    for (number, payload) in ProtobufFields(message) {
      switch (number, payload) {
      case (1, .varint(let value)): dimensions.append(Int64(bitPattern: value))
      case (1, .bytes(let packed)):
        var reader = ByteReader(packed)
        while !reader.isAtEnd, dimensions.count < 4096, let value = try? ProtobufFields.varint(&reader) {
          dimensions.append(Int64(bitPattern: value))
        }
      case (2, .varint(let value)): type = DataType(rawValue: Int32(truncatingIfNeeded: value))
      case (8, .bytes(let text)): name = text.utf8String ?? ""
      case (13, .bytes(let entry)):
        if entries.count < 64 { entries.append(Self.entry(entry)) }
      case (14, .varint(let value)): isExternal = value == 1
      default: break
      }
    }
    let place = name.isEmpty ? place : "\(place) \"\(name)\""
    let byteCount = Self.byteCount(dimensions, type)
    if byteCount == nil { overflowingTensors.append((place, message.offset, dimensions)) }
    guard isExternal || !entries.isEmpty else { return }
    var tensor = ExternalTensor(place: place, offset: message.offset)
    tensor.byteCount = type == nil || type == .string ? nil : byteCount
    for (key, value) in entries {
      switch key {
      case "location": tensor.location = value
      case "offset", "length":
        guard let number = Int(value), number >= 0 else {
          tensor.badNumbers.append((key, value))
          continue
        }
        if key == "offset" { tensor.start = number } else { tensor.length = number }
      case "checksum", "basepath": break
      default: tensor.unknownKeys.append(key)
      }
    }
    externalTensors.append(tensor)
  }

  /// Bytes of the tensor; nil when a dimension is negative or the product overflows.
  private static func byteCount(_ dimensions: [Int64], _ type: DataType?) -> Int? {
    guard let count = try? checkedProduct(dimensions.map { Int($0) }, what: "tensor shape"),
      !count.multipliedReportingOverflow(by: max(type?.bitWidth ?? 8, 8)).overflow
    else { return nil }
    return type?.byteCount(elements: count) ?? 0
  }

  private static func entry(_ message: ByteSlice) -> (String, String) {
    var key = ""
    var value = ""
    for case (let number, .bytes(let text)) in ProtobufFields(message) {
      if number == 1 { key = text.utf8String ?? "" }
      if number == 2 { value = text.utf8String ?? String(decoding: text.array, as: UTF8.self) }
    }
    return (key, value)
  }
}
