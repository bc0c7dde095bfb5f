import ScopeBytes

/// Which of TensorFlow's protobuf files bytes are, told by their structure: none has a signature.
///
/// Field numbers: `saved_model.proto`, `meta_graph.proto`, `graph.proto`, `saved_metadata.proto`,
/// `fingerprint.proto` of TensorFlow 2.21.
enum TensorFlowKind: String, Sendable {
  case savedModel = "tensorflow-savedmodel"
  case metaGraph = "tensorflow-metagraph"
  case graph = "tensorflow-graph"
  case kerasMetadata = "keras-metadata"
  case fingerprint = "tensorflow-fingerprint"

  init?(_ bytes: ByteSlice) {
    guard bytes.count >= 4, [0x08, 0x0A, 0x12, 0x09].contains(bytes[0]) else { return nil }
    if Self.isFingerprint(bytes) {
      self = .fingerprint
    } else if Self.isSavedModel(bytes) {
      self = .savedModel
    } else if Self.isMetadata(bytes) {
      self = .kerasMetadata
    } else if Self.isGraph(bytes) {
      self = .graph
    } else if Self.isMetaGraph(bytes) {
      self = .metaGraph
    } else {
      return nil
    }
  }

  /// The first fields as far as the bytes go: a file that is cut off is recognised too.
  private static func fields(_ bytes: ByteSlice, limit: Int = 256) -> [(
    number: Int, payload: ProtobufFields.Payload
  )] {
    var result: [(number: Int, payload: ProtobufFields.Payload)] = []
    var fields = ProtobufFields(bytes)
    while result.count < limit, let field = fields.next() { result.append(field) }
    if fields.isBroken, let (number, rest) = cut(bytes, after: result) {
      result.append((number, .bytes(rest)))
    }
    return result
  }

  /// The last field of a message that ends too early, with the bytes that are there.
  private static func cut(
    _ bytes: ByteSlice, after fields: [(number: Int, payload: ProtobufFields.Payload)]
  ) -> (Int, ByteSlice)? {
    var reader = ByteReader(bytes)
    for _ in fields {
      guard let tag = try? ProtobufFields.varint(&reader) else { return nil }
      switch tag & 7 {
      case 0: _ = try? ProtobufFields.varint(&reader)
      case 1: try? reader.skip(8)
      case 2:
        guard let length = try? ProtobufFields.varint(&reader), length <= UInt64(reader.remaining) else {
          return nil
        }
        try? reader.skip(Int(length))
      case 5: try? reader.skip(4)
      default: return nil
      }
    }
    guard let tag = try? ProtobufFields.varint(&reader), tag & 7 == 2,
      let length = try? ProtobufFields.varint(&reader), length > UInt64(reader.remaining)
    else { return nil }
    return (Int(truncatingIfNeeded: tag >> 3), bytes.dropFirst(reader.position))
  }

  private static func isSavedModel(_ bytes: ByteSlice) -> Bool {
    let all = fields(bytes, limit: 16)
    var graphs = 0
    for field in all {
      switch (field.number, field.payload) {
      case (1, .varint(let version)): guard version <= 64 else { return false }
      case (2, .bytes(let inner)):
        guard isMetaGraph(inner) else { return false }
        graphs += 1
      default: return false
      }
    }
    return graphs > 0
  }

  private static func isMetaGraph(_ bytes: ByteSlice) -> Bool {
    let all = fields(bytes, limit: 64)
    guard !all.isEmpty else { return false }
    var evidence = false
    for field in all {
      guard case .bytes(let inner) = field.payload, (1...7).contains(field.number) else { return false }
      if field.number == 2, isGraph(inner) || isFunctionsOnly(inner) { evidence = true }
      if field.number == 1, isInformation(inner) { evidence = true }
    }
    return evidence
  }

  /// MetaInfoDef: version texts, operators, tags.
  private static func isInformation(_ bytes: ByteSlice) -> Bool {
    let all = fields(bytes, limit: 64)
    return !all.isEmpty && all.contains { $0.number == 4 || $0.number == 5 || $0.number == 2 }
      && all.allSatisfy { field in
        switch (field.number, field.payload) {
        case (1...6, .bytes), (8, .bytes), (7, .varint): true
        default: false
        }
      }
      && all.contains { field in
        if case .bytes(let inner) = field.payload, field.number == 5 || field.number == 4 || field.number == 6
        {
          return inner.utf8String != nil
        }
        return field.number == 2
      }
  }

  private static func isFunctionsOnly(_ bytes: ByteSlice) -> Bool {
    let all = fields(bytes, limit: 8)
    return !all.isEmpty
      && all.allSatisfy { field in
        switch (field.number, field.payload) {
        case (2, .bytes), (4, .bytes), (3, .varint): true
        default: false
        }
      }
  }

  private static func isGraph(_ bytes: ByteSlice) -> Bool {
    var nodes = 0
    for field in fields(bytes, limit: 64) {
      switch (field.number, field.payload) {
      case (1, .bytes(let node)):
        guard isNode(node) else { return false }
        nodes += 1
      case (2, .bytes), (3, .varint), (4, .bytes), (5, .bytes): continue
      default: return false
      }
    }
    return nodes > 0
  }

  /// NodeDef: a name, then an operator's name.
  private static func isNode(_ bytes: ByteSlice) -> Bool {
    var name = false
    var type = false
    for field in fields(bytes, limit: 8) {
      guard case .bytes(let inner) = field.payload, (1...7).contains(field.number) else { return false }
      if field.number == 1 {
        name = !inner.isEmpty && inner.count < 4096 && inner.array.allSatisfy { $0 > 0x20 && $0 < 0x7F }
      }
      if field.number == 2 {
        type =
          !inner.isEmpty && inner.count < 256
          && inner.array.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
              || $0 == 0x5F || $0 == 0x3E
          }
      }
    }
    return name && type
  }

  /// SavedMetadata: nodes with an identifier and JSON.
  private static func isMetadata(_ bytes: ByteSlice) -> Bool {
    let all = fields(bytes, limit: 4)
    return !all.isEmpty
      && all.allSatisfy { field in
        guard field.number == 1, case .bytes(let node) = field.payload else { return false }
        return fields(node, limit: 8).contains { inner in
          guard case .bytes(let text) = inner.payload else { return false }
          return inner.number == 4 && text.starts(with: Array("_tf_keras".utf8))
            || inner.number == 5 && text.starts(with: [0x7B, 0x22])
        }
      }
  }

  /// FingerprintDef: a few hashes, a version, an id.
  private static func isFingerprint(_ bytes: ByteSlice) -> Bool {
    guard bytes.count <= 256 else { return false }
    var reader = ProtobufFields(bytes)
    var hashes = 0
    while let field = reader.next() {
      switch (field.number, field.payload) {
      case (1...5, .varint(let value)): hashes += value > 1 << 32 ? 1 : 0
      case (1...5, .fixed): hashes += 1
      case (6, .bytes(let inner)): guard inner.count <= 16 else { return false }
      case (7, .bytes(let inner)): guard inner.count <= 64, inner.utf8String != nil else { return false }
      default: return false
      }
    }
    return !reader.isBroken && hashes >= 3
  }
}
