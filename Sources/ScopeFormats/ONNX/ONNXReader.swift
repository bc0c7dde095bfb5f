import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Reads ONNX models (`ModelProto`) of IR version 3 to 14, opset 7 and later.
///
/// Zero-copy: tensor data stays in the mapped file. Field numbers are those of `onnx.proto`; fields that are not
/// interpreted are kept and written back by ``ONNXWriter``.
public enum ONNXReader {
  /// Bounds on what a file may ask for, far beyond real models.
  enum Limit {
    /// If, Loop and Scan bodies inside each other.
    static let subgraphDepth = 48
    /// Nodes, values, attributes and tensors together.
    static let items = 8_000_000
  }

  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - directory: the folder external data paths are relative to. Nil leaves external tensors unresolved, which is
  ///     what structure questions and the security scanner want.
  /// - Throws: `truncated`, `malformed`, `unsupported`, `limitExceeded`, each with the byte offset.
  public static func read(_ bytes: ByteSlice, directory: String? = nil) throws(ScopeError) -> Model {
    var parser = ONNXParser(directory: directory)
    return try parser.model(bytes)
  }

  /// Whether the bytes begin like a `ModelProto` (cheap, for sniffing): known fields with their wire types, among
  /// them an IR version or a graph.
  public static func looksLikeModel(_ bytes: ByteSlice) -> Bool {
    var reader = WireReader(bytes)
    var sawVersion = false
    for _ in 0..<64 {
      guard let field = try? reader.next() else { break }
      switch (field.number, field.payload) {
      case (1, .varint(let version)):
        guard version < 1 << 32 else { return false }
        sawVersion = true
      case (7, .bytes): return true
      case (2, .bytes), (3, .bytes), (4, .bytes), (5, .varint), (6, .bytes), (8, .bytes), (14, .bytes),
        (20, .bytes), (25, .bytes),
        (26, .bytes):
        continue
      default: return false
      }
    }
    // A truncated model still has its version and a graph field whose length goes too far.
    return sawVersion && bytes.count > 2 && bytes.prefix(4096).firstIndex(of: [0x3A]) != nil
  }
}

/// The parsing state of one model.
struct ONNXParser {
  let directory: String?
  private var itemsLeft = ONNXReader.Limit.items
  private(set) var externalFiles: [String: ByteSlice] = [:]

  init(directory: String?) { self.directory = directory }

  private mutating func spend(_ place: ByteSlice) throws(ScopeError) {
    itemsLeft -= 1
    guard itemsLeft >= 0 else {
      throw ScopeError(
        .limitExceeded, "the model has too many parts", place: "byte \(place.offset)",
        expected: "at most \(ONNXReader.Limit.items) nodes, values, attributes and tensors")
    }
  }

  mutating func model(_ bytes: ByteSlice) throws(ScopeError) -> Model {
    var model = Model(irVersion: 0, opset: 0, graph: Graph(name: ""))
    model.opsets = [:]
    model.directory = directory
    var graphBytes: ByteSlice?
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      switch field.number {
      case 1: model.irVersion = try field.int64()
      case 2 where !field.isEmptyText: model.producerName = try field.text()
      case 3 where !field.isEmptyText: model.producerVersion = try field.text()
      case 7:
        guard graphBytes == nil else {
          throw ScopeError(.malformed, "the model has two graphs", place: "byte \(field.serialized.offset)")
        }
        graphBytes = try field.bytes()
      case 8:
        let (domain, version) = try Self.opset(try field.bytes())
        model.opsets[domain] = version
        model.serializedOpsets[domain] = try field.bytes()
      case 14:
        let (key, value) = try entry(try field.bytes())
        model.metadata[key] = value
      case 25:
        try spend(field.serialized)
        model.functions.append(try function(try field.bytes()))
      default: model.unknownFields.append(field.serialized)
      }
    }
    guard let graphBytes else {
      throw ScopeError(
        .malformed, "the file holds no graph", expected: "an ONNX ModelProto with field 7 (graph)",
        remedy: "Check that this is an ONNX model")
    }
    guard model.irVersion > 0 else {
      throw ScopeError(
        .malformed, "the model has no IR version", expected: "field 1 (ir_version) from 1",
        found: "\(model.irVersion)")
    }
    model.graph = try graph(graphBytes, depth: 0)
    if model.opsets.isEmpty { model.opsets[""] = 1 }
    return model
  }

  /// Domain and version of a serialised `OperatorSetIdProto`.
  static func opset(_ bytes: ByteSlice) throws(ScopeError) -> (String, Int64) {
    var domain = ""
    var version: Int64 = 0
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      switch field.number {
      case 1: domain = try field.text()
      case 2: version = try field.int64()
      default: break
      }
    }
    return (domain, version)
  }

  private func entry(_ bytes: ByteSlice) throws(ScopeError) -> (String, String) {
    var key = ""
    var value = ""
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      switch field.number {
      case 1: key = try field.text()
      case 2: value = try field.text()
      default: break
      }
    }
    return (key, value)
  }

  private mutating func graph(_ bytes: ByteSlice, depth: Int) throws(ScopeError) -> Graph {
    guard depth <= ONNXReader.Limit.subgraphDepth else {
      throw ScopeError(
        .limitExceeded, "subgraphs are nested too deeply", place: "byte \(bytes.offset)",
        expected: "at most \(ONNXReader.Limit.subgraphDepth) levels")
    }
    var graph = Graph(name: "")
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      switch field.number {
      case 1:
        let number = graph.nodes.count
        do throws(ScopeError) {
          graph.nodes.append(try node(try field.bytes(), depth: depth))
        } catch { throw error.at("node \(number)") }
      case 2: graph.name = try field.text()
      case 5:
        let (name, tensor) = try tensor(try field.bytes())
        guard graph.initializers.updateValue(tensor, forKey: name) == nil else {
          throw ScopeError(
            .malformed, "two initializers have the same name", place: "byte \(field.serialized.offset)",
            found: "'\(name)'")
        }
      case 11: graph.inputs.append(try valueInfo(try field.bytes()))
      case 12: graph.outputs.append(try valueInfo(try field.bytes()))
      case 13: graph.valueInfo.append(try valueInfo(try field.bytes()))
      default: graph.unknownFields.append(field.serialized)
      }
    }
    return graph
  }

  private mutating func node(_ bytes: ByteSlice, depth: Int) throws(ScopeError) -> Node {
    try spend(bytes)
    var node = Node("", inputs: [], outputs: [])
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      switch field.number {
      case 1:
        try spend(field.serialized)
        node.inputs.append(try field.text())
      case 2:
        try spend(field.serialized)
        node.outputs.append(try field.text())
      case 3 where !field.isEmptyText: node.name = try field.text()
      case 4: node.opType = try field.text()
      case 5:
        let (name, value, unknown) = try attribute(try field.bytes(), depth: depth)
        guard node.attributes.updateValue(value, forKey: name) == nil else {
          throw ScopeError(
            .malformed, "the node has two attributes of one name", place: "byte \(field.serialized.offset)",
            found: "'\(name)'")
        }
        if !unknown.isEmpty { node.attributeUnknownFields[name] = unknown }
      case 7 where !field.isEmptyText: node.domain = try field.text()
      case 8 where !field.isEmptyText: node.overload = try field.text()
      default: node.unknownFields.append(field.serialized)
      }
    }
    return node
  }

  // One switch over the message's fields; splitting it would scatter the message.
  private mutating func attribute(
    _ bytes: ByteSlice, depth: Int
  ) throws(ScopeError) -> (String, AttributeValue, [ByteSlice]) {
    try spend(bytes)
    var name = ""
    var type: Int64 = 0
    var reference: String?
    var float: Float?
    var int: Int64?
    var string: ByteSlice?
    var tensorValue: Tensor?
    var graphValue: Graph?
    var floats: [Float] = []
    var ints: [Int64] = []
    var strings: [ByteSlice] = []
    var tensors: [Tensor] = []
    var graphs: [Graph] = []
    var uninterpreted = false
    var unknown: [ByteSlice] = []
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      switch field.number {
      case 1: name = try field.text()
      case 2: float = try field.float()
      case 3: int = try field.int64()
      case 4: string = try field.bytes()
      case 5: tensorValue = try tensor(try field.bytes()).1
      case 6: graphValue = try graph(try field.bytes(), depth: depth + 1)
      case 7: try field.appendFloats(to: &floats)
      case 8: try field.appendVarints(to: &ints)
      case 9: strings.append(try field.bytes())
      case 10: tensors.append(try tensor(try field.bytes()).1)
      case 11: graphs.append(try graph(try field.bytes(), depth: depth + 1))
      case 20: type = try field.int64()
      case 21: reference = try field.text()
      case 14, 15, 22, 23: uninterpreted = true
      default: unknown.append(field.serialized)
      }
    }
    if let reference, !reference.isEmpty {
      return (name, .reference(reference, type: Int32(truncatingIfNeeded: type)), unknown)
    }
    if uninterpreted || (11...14).contains(type) { return (name, .opaque(bytes), []) }
    let value: AttributeValue
    switch type {
    case 1: value = .float(float ?? 0)
    case 2: value = .int(int ?? 0)
    case 3: value = .string(string ?? ByteSlice([]))
    case 4:
      guard let tensorValue else { throw missing(name, "a tensor", bytes) }
      value = .tensor(tensorValue)
    case 5:
      guard let graphValue else { throw missing(name, "a graph", bytes) }
      value = .graph(graphValue)
    case 6: value = .floats(floats)
    case 7: value = .ints(ints)
    case 8: value = .strings(strings)
    case 9: value = .tensors(tensors)
    case 10: value = .graphs(graphs)
    case 0:
      // IR versions before 3 had no type field: the field that is set tells.
      if let float {
        value = .float(float)
      } else if let int {
        value = .int(int)
      } else if let string {
        value = .string(string)
      } else if let tensorValue {
        value = .tensor(tensorValue)
      } else if let graphValue {
        value = .graph(graphValue)
      } else if !floats.isEmpty {
        value = .floats(floats)
      } else if !ints.isEmpty {
        value = .ints(ints)
      } else if !strings.isEmpty {
        value = .strings(strings)
      } else if !tensors.isEmpty {
        value = .tensors(tensors)
      } else if !graphs.isEmpty {
        value = .graphs(graphs)
      } else {
        value = .opaque(bytes)
      }
    default:
      throw ScopeError(
        .malformed, "attribute '\(name)' has an unknown type", place: "byte \(bytes.offset)",
        expected: "0 to 14", found: "\(type)")
    }
    return (name, value, unknown)
  }

  private func missing(_ name: String, _ what: String, _ bytes: ByteSlice) -> ScopeError {
    ScopeError(
      .malformed, "attribute '\(name)' lacks its value", place: "byte \(bytes.offset)", expected: what)
  }

  private mutating func valueInfo(_ bytes: ByteSlice) throws(ScopeError) -> ValueInfo {
    try spend(bytes)
    var info = ValueInfo(name: "", dataType: nil, shape: nil)
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      switch field.number {
      case 1: info.name = try field.text()
      case 2:
        let type = try field.bytes()
        (info.dataType, info.shape) = try Self.tensorType(type)
        info.opaqueType = type
      default: info.unknownFields.append(field.serialized)
      }
    }
    return info
  }

  /// Element type and shape of a serialised `TypeProto`; both nil for anything but a dense tensor.
  static func tensorType(_ bytes: ByteSlice) throws(ScopeError) -> (DataType?, Shape?) {
    var dataType: DataType?
    var shape: Shape?
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      guard field.number == 1 else { continue }
      var tensor = WireReader(try field.bytes())
      while let part = try tensor.next() {
        if part.number == 1 { dataType = DataType(rawValue: Int32(truncatingIfNeeded: try part.int64())) }
        if part.number == 2 { shape = try Self.shape(try part.bytes()) }
      }
    }
    return (dataType, shape)
  }

  private static func shape(_ bytes: ByteSlice) throws(ScopeError) -> Shape {
    var dimensions: [Dimension] = []
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      guard field.number == 1 else { continue }
      var dimension = Dimension.unknown
      var parts = WireReader(try field.bytes())
      while let part = try parts.next() {
        if part.number == 1 {
          let size = try part.int64()
          // Some exporters write -1 (or 0 for a batch) for "any size".
          dimension = size < 0 ? .unknown : .known(Int(size))
        }
        if part.number == 2 {
          let name = try part.text()
          dimension = name.isEmpty ? .unknown : .symbolic(name)
        }
      }
      dimensions.append(dimension)
      guard dimensions.count <= 1024 else {
        throw ScopeError(
          .limitExceeded, "a shape has too many dimensions", place: "byte \(bytes.offset)",
          expected: "at most 1024")
      }
    }
    return Shape(dimensions)
  }

  private mutating func function(_ bytes: ByteSlice) throws(ScopeError) -> FunctionDefinition {
    var function = FunctionDefinition(name: "", domain: "")
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      switch field.number {
      case 1: function.name = try field.text()
      case 4: function.inputs.append(try field.text())
      case 5: function.outputs.append(try field.text())
      case 6: function.attributes.append(try field.text())
      case 7: function.nodes.append(try node(try field.bytes(), depth: 0))
      case 9:
        let (domain, version) = try Self.opset(try field.bytes())
        function.opsets[domain] = version
      case 10 where !field.isEmptyText: function.domain = try field.text()
      case 11:
        let (name, value, unknown) = try attribute(try field.bytes(), depth: 0)
        function.attributeDefaults[name] = value
        if !unknown.isEmpty { function.attributeUnknownFields[name] = unknown }
      case 12: function.valueInfo.append(try valueInfo(try field.bytes()))
      case 13 where !field.isEmptyText: function.overload = try field.text()
      default: function.unknownFields.append(field.serialized)
      }
    }
    return function
  }

  private mutating func tensor(_ bytes: ByteSlice) throws(ScopeError) -> (String, Tensor) {
    try spend(bytes)
    let message = try TensorMessage(bytes)
    do throws(ScopeError) {
      guard let external = try message.externalData else {
        return (message.name, try message.tensor(serializedForm: bytes))
      }
      guard let directory, let file = try externalFile(external.location, in: directory) else {
        return (
          message.name,
          try Tensor(
            dataType: message.dataType, dimensions: message.dimensions, storage: .external(external),
            serializedForm: bytes)
        )
      }
      let wanted = message.dataType.byteCount(
        elements: try checkedProduct(message.dimensions, what: "tensor shape"))
      let data = try file.slice(at: external.offset, count: external.length ?? wanted, what: "external data")
      // Without the serialised form: a model written elsewhere carries its data inside.
      return (
        message.name,
        try Tensor(dataType: message.dataType, dimensions: message.dimensions, storage: .packed(data))
      )
    } catch { throw error.at("tensor '\(message.name)'") }
  }

  /// The mapped external file, or nil when it does not exist.
  private mutating func externalFile(_ location: String, in directory: String) throws(ScopeError)
    -> ByteSlice?
  {
    if let known = externalFiles[location] { return known }
    let path = try ExternalPath.resolve(location, in: directory)
    do throws(ScopeError) {
      let file = try ByteSlice(mappingFile: path)
      externalFiles[location] = file
      return file
    } catch  where error.code == .notFound {
      return nil
    }
  }
}
