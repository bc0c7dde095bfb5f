import OrderedCollections
import ScopeBytes

/// Reads the structure of TensorFlow Lite models (schema version 3, `schema.fbs` of LiteRT): operators, tensors,
/// quantization, signatures. Field numbers are the ids of that schema. Constant buffers are not touched.
public enum TFLiteReader {
  public static func looksLikeModel(_ bytes: ByteSlice) -> Bool {
    bytes.count >= 8 && bytes.dropFirst(4).starts(with: Array("TFL3".utf8))
  }

  /// - Throws: `truncated`, `malformed`, `limitExceeded` with the byte; `unsupported` for other schema versions.
  public static func read(_ bytes: ByteSlice) throws(ScopeError) -> ModelDescription {
    var file = FlatBuffer(bytes)
    let root = try file.root()
    let version: UInt32 = try file.scalar(root, 0, default: 0)
    guard version == 3 else {
      throw ScopeError(
        .unsupported, "the TensorFlow Lite schema version is not known", expected: "3", found: "\(version)")
    }
    var model = TFLiteModel()
    try model.readOperatorCodes(&file, root)
    try model.readBuffers(&file, root)
    let subgraphs = try file.tables(root, 2)
    guard !subgraphs.isEmpty else {
      throw ScopeError(.malformed, "the model has no graph", expected: "a subgraph")
    }
    for (index, table) in subgraphs.enumerated() {
      do throws(ScopeError) {
        model.subgraphs.append(try TFLiteSubgraph(&file, table, codes: model.codes.count))
      } catch {
        throw error.at("subgraph \(index)")
      }
    }
    try model.readMetadata(&file, root)
    try model.readSignatures(&file, root)
    return try model.description(try file.text(root, 3))
  }
}

/// An operator code: which operator, in which version.
struct TFLiteOperatorCode {
  /// `CONV_2D`; the given name of a custom operator.
  let name: String
  let isCustom: Bool
  let version: Int

  /// Operators of TensorFlow that need the flex delegate.
  var isFlex: Bool { isCustom && name.hasPrefix("Flex") }

  init(_ file: inout FlatBuffer, _ table: FlatBuffer.Table) throws(ScopeError) {
    // Up to 127 the number is in the first field, beyond in the fourth; the larger one counts.
    let old: Int8 = try file.scalar(table, 0, default: 0)
    let new: Int32 = try file.scalar(table, 3, default: 0)
    let code = max(Int(old), Int(new))
    version = Int(try file.scalar(table, 2, default: Int32(1)))
    isCustom = code == TFLiteOperators.custom
    if isCustom {
      name = try file.text(table, 1).map { String($0.prefix(200)) } ?? "unnamed custom operator"
    } else if TFLiteOperators.names.indices.contains(code) {
      name = TFLiteOperators.names[code]
    } else {
      name = "operator \(code)"
    }
  }
}

/// One tensor of a subgraph.
struct TFLiteTensor {
  let name: String
  /// `float32`, `int8` ...
  let type: String
  let bitWidth: Int
  /// Sizes as the converter fixed them.
  let shape: [Int]
  /// Open sizes are -1; nil when none is open.
  let openShape: [Int]?
  let hasRank: Bool
  let buffer: Int
  let isVariable: Bool
  /// Scales of the quantization; 0 when the tensor is not quantized.
  let scales: Int
  let isSparse: Bool

  private static let types: [(name: String, bits: Int)] = [
    ("float32", 32), ("float16", 16), ("int32", 32), ("uint8", 8), ("int64", 64), ("string", 0), ("bool", 8),
    ("int16", 16), ("complex64", 64), ("int8", 8), ("float64", 64), ("complex128", 128), ("uint64", 64),
    ("resource", 0), ("variant", 0), ("uint32", 32), ("uint16", 16), ("int4", 4), ("bfloat16", 16),
    ("int2", 2),
    ("uint4", 4), ("float8e4m3fn", 8), ("float8e5m2", 8),
  ]

  init(_ file: inout FlatBuffer, _ table: FlatBuffer.Table) throws(ScopeError) {
    name = try file.text(table, 3).map { String($0.prefix(200)) } ?? ""
    shape = try file.int32s(table, 0)
    let code: Int8 = try file.scalar(table, 1, default: 0)
    let known = Int(code) >= 0 && Int(code) < Self.types.count ? Self.types[Int(code)] : ("type \(code)", 0)
    type = known.0
    bitWidth = known.1
    buffer = Int(try file.scalar(table, 2, default: UInt32(0)))
    isVariable = try file.scalar(table, 5, default: UInt8(0)) != 0
    isSparse = try file.table(table, 6) != nil
    let open = try file.int32s(table, 7)
    openShape = open.contains { $0 < 0 } ? open : nil
    let flag = try file.scalar(table, 8, default: UInt8(0)) != 0
    hasRank = flag || !shape.isEmpty
    guard shape.count <= 64, shape.allSatisfy({ $0 >= 0 }) else {
      throw ScopeError(
        .malformed, "the tensor has an impossible shape", place: "tensor \"\(name)\"",
        found: "\(shape.prefix(8))")
    }
    if let quantization = try file.table(table, 4) {
      scales = try file.vector(quantization, 2, width: 4)?.count ?? 0
    } else {
      scales = 0
    }
  }

  /// Elements of the fixed shape, nil on overflow.
  var elements: Int? { try? checkedProduct(shape, what: "tensor shape") }

  var isFloating: Bool { type.hasPrefix("float") || type == "bfloat16" }

  var signature: ModelDescription.Signature {
    .init(name: name, type: type, dimensions: (openShape ?? shape).map { $0 < 0 ? "?" : "\($0)" })
  }
}

/// One operator of a subgraph.
struct TFLiteOperator {
  let code: Int
  /// Tensor numbers; -1 for an input that is left out.
  let inputs: [Int]
  let outputs: [Int]
  let transposesLeft: Bool

  init(
    _ file: inout FlatBuffer, _ table: FlatBuffer.Table, codes: Int, tensors: Int
  ) throws(ScopeError) {
    code = Int(try file.scalar(table, 0, default: UInt32(0)))
    inputs = try file.int32s(table, 1)
    outputs = try file.int32s(table, 2)
    guard code < codes else {
      throw ScopeError(
        .malformed, "an operator code does not exist", expected: "below \(codes)", found: "\(code)")
    }
    for index in inputs + outputs where index >= tensors || index < -1 {
      throw ScopeError(.malformed, "an operator reads a tensor that does not exist", found: "\(index)")
    }
    // `adj_x` of BatchMatMulOptions, which is union member 101.
    let kind: UInt8 = try file.scalar(table, 3, default: 0)
    if kind == 101, let options = try file.table(table, 4) {
      transposesLeft = try file.scalar(options, 0, default: UInt8(0)) != 0
    } else {
      transposesLeft = false
    }
  }
}

/// A graph: the first of a file is the model, others are bodies of control flow or further signatures.
struct TFLiteSubgraph {
  var tensors: [TFLiteTensor] = []
  var operators: [TFLiteOperator] = []
  let inputs: [Int]
  let outputs: [Int]

  init(_ file: inout FlatBuffer, _ table: FlatBuffer.Table, codes: Int) throws(ScopeError) {
    for tensor in try file.tables(table, 0) { tensors.append(try TFLiteTensor(&file, tensor)) }
    inputs = try file.int32s(table, 1)
    outputs = try file.int32s(table, 2)
    for index in inputs + outputs where !tensors.indices.contains(index) {
      throw ScopeError(.malformed, "an input or output does not exist", found: "tensor \(index)")
    }
    for (number, node) in try file.tables(table, 3).enumerated() {
      do throws(ScopeError) {
        operators.append(try TFLiteOperator(&file, node, codes: codes, tensors: tensors.count))
      } catch {
        throw error.at("operator \(number)")
      }
    }
  }
}
