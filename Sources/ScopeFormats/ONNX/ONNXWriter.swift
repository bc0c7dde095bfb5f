import ScopeBytes
import ScopeGraph

/// Writes ONNX models. What ``ONNXReader`` kept without interpreting is written back; unchanged tensors are written as
/// the bytes they were read from.
public enum ONNXWriter {
  /// Protobuf's limit for one message.
  static let messageLimit = Int(Int32.max)

  /// The serialised `ModelProto` as chunks in order; large tensors are not copied.
  ///
  /// - Throws: `unsupported` beyond protobuf's 2 GiB or for tensors whose external data was not resolved elsewhere.
  public static func serialize(_ model: Model) throws(ScopeError) -> [ByteSlice] {
    var writer = try WireWriter(preserving: model.unknownFields)
    writer.varint(1, model.irVersion)
    if !model.producerName.isEmpty { writer.text(2, model.producerName) }
    if !model.producerVersion.isEmpty { writer.text(3, model.producerVersion) }
    writer.message(7, try graph(model.graph))
    for (domain, version) in model.opsets {
      if let original = model.serializedOpsets[domain], try ONNXParser.opset(original) == (domain, version) {
        writer.bytes(8, original)
      } else {
        writer.message(8, try opset(domain, version))
      }
    }
    for (key, value) in model.metadata {
      var entry = try WireWriter()
      entry.text(1, key)
      entry.text(2, value)
      writer.message(14, entry)
    }
    for function in model.functions { writer.message(25, try self.function(function)) }
    let chunks = writer.finish()
    let total = chunks.reduce(0) { $0 + $1.count }
    guard total <= messageLimit else {
      throw ScopeError(
        .unsupported, "the model is larger than one ONNX file can be",
        expected: "at most \(messageLimit) bytes",
        found: "\(total) bytes")
    }
    return chunks
  }

  /// The serialised model in one piece.
  public static func bytes(_ model: Model) throws(ScopeError) -> ByteSlice {
    let chunks = try serialize(model)
    if chunks.count == 1 { return chunks[0] }
    var all: [UInt8] = []
    all.reserveCapacity(chunks.reduce(0) { $0 + $1.count })
    for chunk in chunks { unsafe chunk.withUnsafeBytes { bytes in unsafe all.append(contentsOf: bytes) } }
    return ByteSlice(all)
  }

  private static func opset(_ domain: String, _ version: Int64) throws(ScopeError) -> WireWriter {
    var writer = try WireWriter()
    writer.text(1, domain)
    writer.varint(2, version)
    return writer
  }

  private static func graph(_ graph: Graph) throws(ScopeError) -> WireWriter {
    var writer = try WireWriter(preserving: graph.unknownFields)
    for node in graph.nodes { writer.message(1, try self.node(node)) }
    writer.text(2, graph.name)
    for (name, tensor) in graph.initializers { writer.message(5, try self.tensor(tensor, name: name)) }
    for info in graph.inputs { writer.message(11, try valueInfo(info)) }
    for info in graph.outputs { writer.message(12, try valueInfo(info)) }
    for info in graph.valueInfo { writer.message(13, try valueInfo(info)) }
    return writer
  }

  private static func node(_ node: Node) throws(ScopeError) -> WireWriter {
    var writer = try WireWriter(preserving: node.unknownFields)
    for input in node.inputs { writer.text(1, input) }
    for output in node.outputs { writer.text(2, output) }
    if !node.name.isEmpty { writer.text(3, node.name) }
    writer.text(4, node.opType)
    for (name, value) in node.attributes {
      writer.message(5, try attribute(name, value, node.attributeUnknownFields[name] ?? []))
    }
    if !node.domain.isEmpty { writer.text(7, node.domain) }
    if !node.overload.isEmpty { writer.text(8, node.overload) }
    return writer
  }

  private static func attribute(
    _ name: String, _ value: AttributeValue, _ unknown: [ByteSlice]
  ) throws(ScopeError) -> WireWriter {
    var writer = try WireWriter(preserving: unknown)
    if case .opaque(let bytes) = value {
      writer.raw(bytes)
      return writer
    }
    writer.text(1, name)
    let type: Int64
    var referenced: String?
    switch value {
    case .float(let number):
      writer.float(2, number)
      type = 1
    case .int(let number):
      writer.varint(3, number)
      type = 2
    case .string(let bytes):
      writer.bytes(4, bytes)
      type = 3
    case .tensor(let tensor):
      writer.message(5, try self.tensor(tensor, name: ""))
      type = 4
    case .graph(let graph):
      writer.message(6, try self.graph(graph))
      type = 5
    case .floats(let numbers):
      for number in numbers { writer.float(7, number) }
      type = 6
    case .ints(let numbers):
      for number in numbers { writer.varint(8, number) }
      type = 7
    case .strings(let strings):
      for bytes in strings { writer.bytes(9, bytes) }
      type = 8
    case .tensors(let tensors):
      for tensor in tensors { writer.message(10, try self.tensor(tensor, name: "")) }
      type = 9
    case .graphs(let graphs):
      for graph in graphs { writer.message(11, try self.graph(graph)) }
      type = 10
    case .reference(let other, let code):
      referenced = other
      type = Int64(code)
    case .opaque: type = 0
    }
    writer.varint(20, type)
    if let referenced { writer.text(21, referenced) }
    return writer
  }

  private static func valueInfo(_ info: ValueInfo) throws(ScopeError) -> WireWriter {
    var writer = try WireWriter(preserving: info.unknownFields)
    writer.text(1, info.name)
    if let original = info.opaqueType, try ONNXParser.tensorType(original) == (info.dataType, info.shape) {
      writer.bytes(2, original)
    } else if let dataType = info.dataType {
      var tensor = try WireWriter()
      tensor.varint(1, Int64(dataType.rawValue))
      if let shape = info.shape { tensor.message(2, try self.shape(shape)) }
      var type = try WireWriter()
      type.message(1, tensor)
      writer.message(2, type)
    }
    return writer
  }

  private static func shape(_ shape: Shape) throws(ScopeError) -> WireWriter {
    var writer = try WireWriter()
    for dimension in shape.dimensions {
      var part = try WireWriter()
      switch dimension {
      case .known(let size): part.varint(1, Int64(size))
      case .symbolic(let name): part.text(2, name)
      case .unknown: break
      }
      writer.message(1, part)
    }
    return writer
  }

  private static func function(_ function: FunctionDefinition) throws(ScopeError) -> WireWriter {
    var writer = try WireWriter(preserving: function.unknownFields)
    writer.text(1, function.name)
    for input in function.inputs { writer.text(4, input) }
    for output in function.outputs { writer.text(5, output) }
    for name in function.attributes { writer.text(6, name) }
    for node in function.nodes { writer.message(7, try self.node(node)) }
    for (domain, version) in function.opsets { writer.message(9, try opset(domain, version)) }
    if !function.domain.isEmpty { writer.text(10, function.domain) }
    for (name, value) in function.attributeDefaults {
      writer.message(11, try attribute(name, value, function.attributeUnknownFields[name] ?? []))
    }
    for info in function.valueInfo { writer.message(12, try valueInfo(info)) }
    if !function.overload.isEmpty { writer.text(13, function.overload) }
    return writer
  }

  private static func tensor(_ tensor: Tensor, name: String) throws(ScopeError) -> WireWriter {
    var writer = try WireWriter()
    if let serialized = tensor.serializedForm {
      let writtenName = try TensorMessage(serialized).name
      if name.isEmpty || writtenName == name {
        writer.raw(serialized)
        return writer
      }
    }
    for size in tensor.dimensions { writer.varint(1, Int64(size)) }
    writer.varint(2, Int64(tensor.dataType.rawValue))
    if case .strings(let strings) = tensor.storage { for bytes in strings { writer.bytes(6, bytes) } }
    if !name.isEmpty { writer.text(8, name) }
    switch tensor.storage {
    case .strings: break
    case .packed, .strided:
      do throws(ScopeError) { writer.bytes(9, try tensor.packedBytes()) } catch {
        throw error.at("tensor '\(name)'")
      }
    case .external(let external):
      var entries = [("location", external.location)]
      if external.offset != 0 { entries.append(("offset", "\(external.offset)")) }
      if let length = external.length { entries.append(("length", "\(length)")) }
      entries += external.otherEntries.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
      for (key, value) in entries {
        var entry = try WireWriter()
        entry.text(1, key)
        entry.text(2, value)
        writer.message(13, entry)
      }
      writer.varint(14, 1)
    }
    return writer
  }
}
