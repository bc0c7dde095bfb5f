import OrderedCollections
import ScopeBytes

/// A parsed TensorFlow Lite file and what is said about it.
struct TFLiteModel {
  var codes: [TFLiteOperatorCode] = []
  var subgraphs: [TFLiteSubgraph] = []
  /// Bytes of each buffer; buffer 0 is empty by convention.
  private var buffers: [Int] = []
  private var metadata: OrderedDictionary<String, String> = [:]
  private var signatures: [(key: String, subgraph: Int, inputs: [(String, Int)], outputs: [(String, Int)])] =
    []

  mutating func readOperatorCodes(_ file: inout FlatBuffer, _ root: FlatBuffer.Table) throws(ScopeError) {
    for table in try file.tables(root, 1) { codes.append(try TFLiteOperatorCode(&file, table)) }
  }

  mutating func readBuffers(_ file: inout FlatBuffer, _ root: FlatBuffer.Table) throws(ScopeError) {
    for table in try file.tables(root, 4) {
      var size = try file.vector(table, 0, width: 1)?.count ?? 0
      // Files beyond 2 GiB keep the data after the FlatBuffer.
      let offset: UInt64 = try file.scalar(table, 1, default: 0)
      if offset > 1 {
        let declared: UInt64 = try file.scalar(table, 2, default: 0)
        size = try file.bytes.slice(
          at: Int(clamping: offset), count: Int(clamping: declared), what: "buffer \(buffers.count)"
        ).count
      }
      buffers.append(size)
    }
  }

  mutating func readMetadata(_ file: inout FlatBuffer, _ root: FlatBuffer.Table) throws(ScopeError) {
    let tables = try file.tables(root, 4)
    for entry in try file.tables(root, 6).prefix(64) {
      guard let name = try file.text(entry, 0) else { continue }
      let index = Int(try file.scalar(entry, 1, default: UInt32(0)))
      guard tables.indices.contains(index) else {
        throw ScopeError(
          .malformed, "a metadata entry names a buffer that does not exist",
          place: "metadata \"\(name.prefix(80))\"",
          found: "\(index)")
      }
      var value = "\(buffers[index]) bytes"
      if name == "min_runtime_version", let data = try file.vector(tables[index], 0, width: 1),
        data.count <= 64
      {
        let text = try file.bytes.slice(at: data.position, count: data.count).array.prefix { $0 != 0 }
        value = String(decoding: text, as: UTF8.self)
      }
      metadata[String(name.prefix(80))] = value
    }
  }

  mutating func readSignatures(_ file: inout FlatBuffer, _ root: FlatBuffer.Table) throws(ScopeError) {
    for table in try file.tables(root, 7).prefix(256) {
      let index = Int(try file.scalar(table, 4, default: UInt32(0)))
      guard subgraphs.indices.contains(index) else {
        throw ScopeError(.malformed, "a signature names a subgraph that does not exist", found: "\(index)")
      }
      var sides: [[(String, Int)]] = []
      for id in [0, 1] {
        var side: [(String, Int)] = []
        for map in try file.tables(table, id) {
          let tensor = Int(try file.scalar(map, 1, default: UInt32(0)))
          guard subgraphs[index].tensors.indices.contains(tensor) else {
            throw ScopeError(.malformed, "a signature names a tensor that does not exist", found: "\(tensor)")
          }
          side.append((try file.text(map, 0).map { String($0.prefix(200)) } ?? "", tensor))
        }
        sides.append(side)
      }
      signatures.append(
        (try file.text(table, 2).map { String($0.prefix(200)) } ?? "", index, sides[0], sides[1]))
    }
  }

  func description(_ text: String?) throws(ScopeError) -> ModelDescription {
    var result = ModelDescription(
      notExecutable: "TensorFlow Lite models are described here, not executed: convert the model with "
        + "python -m tf2onnx.convert --tflite MODEL --output model.onnx and give that file.")
    result.operatorKind = "operators of the TensorFlow Lite graph"
    result.metadata = metadata
    result.tensors = try constants()
    var counts: [String: Int] = [:]
    for node in subgraphs.flatMap(\.operators) { counts[codes[node.code].name, default: 0] += 1 }
    result.operators = ModelDescription.ranked(counts)
    // A signature names what the graph calls by its own names.
    let main = subgraphs[0]
    let signature = signatures.first { $0.subgraph == 0 }
    func side(_ tensors: [Int], _ named: [(String, Int)]?) -> [ModelDescription.Signature] {
      tensors.map { index in
        var entry = main.tensors[index].signature
        if let name = named?.first(where: { $0.1 == index })?.0, !name.isEmpty { entry.name = name }
        return entry
      }
    }
    result.inputs = side(main.inputs, signature?.inputs)
    result.outputs = side(main.outputs, signature?.outputs)
    result.arithmetic = TFLiteArithmetic.count(main, codes)
    var parts = ["TensorFlow Lite, schema version 3"]
    if let text, !text.isEmpty { parts.append("written by \"\(text.prefix(80))\"") }
    if let version = metadata["min_runtime_version"], !version.isEmpty {
      parts.append("needs runtime \(version.prefix(40)) or later")
    }
    result.detail = parts.joined(separator: ", ")
    result.notes = notes(main)
    return result
  }

  /// Constant buffers, each once, whatever number of tensors names it.
  private func constants() throws(ScopeError) -> [ModelDescription.Tensor] {
    var result: [ModelDescription.Tensor] = []
    var seen = Set<Int>()
    for tensor in subgraphs.flatMap(\.tensors) {
      guard tensor.buffer != 0 else { continue }
      guard buffers.indices.contains(tensor.buffer) else {
        throw ScopeError(
          .malformed, "the tensor names a buffer that does not exist", place: "tensor \"\(tensor.name)\"",
          found: "\(tensor.buffer)")
      }
      let bytes = buffers[tensor.buffer]
      guard bytes > 0, seen.insert(tensor.buffer).inserted else { continue }
      guard let elements = tensor.elements else {
        throw ScopeError(
          .limitExceeded, "the tensor's shape is not possible", place: "tensor \"\(tensor.name)\"",
          found: "\(tensor.shape)")
      }
      if tensor.bitWidth > 0, !tensor.isSparse {
        let bits = try checkedProduct([elements, tensor.bitWidth], what: "tensor size")
        guard bits / 8 + (bits % 8 == 0 ? 0 : 1) == bytes else {
          throw ScopeError(
            .malformed, "the tensor's data does not fit its shape \(tensor.shape) of \(tensor.type)",
            place: "tensor \"\(tensor.name)\"", expected: "\(bits / 8) bytes", found: "\(bytes)")
        }
      }
      result.append(
        ModelDescription.Tensor(
          name: Self.path(tensor.name), type: tensor.type, dimensions: tensor.shape,
          elements: tensor.bitWidth > 0 && !tensor.isSparse ? elements : min(elements, bytes), bytes: bytes,
          role: tensor.isFloating || tensor.scales > 0 ? .parameter : .constant))
    }
    return result
  }

  /// `model/conv1/Conv2D;model/bn` as a path with dots, of the first of the fused names.
  private static func path(_ name: String) -> String {
    (name.split(separator: ";").first.map(String.init) ?? name).split(separator: "/").joined(separator: ".")
  }

  private func notes(_ main: TFLiteSubgraph) -> [String] {
    var notes: [String] = []
    let used = Set(subgraphs.flatMap(\.operators).map(\.code)).sorted().map { codes[$0] }
    let flex = used.filter(\.isFlex).map(\.name)
    let custom = used.filter { $0.isCustom && !$0.isFlex }.map(\.name)
    if !flex.isEmpty {
      notes.append(
        "operators of TensorFlow that need the flex delegate: \(flex.prefix(10).joined(separator: ", "))")
    }
    if !custom.isEmpty {
      notes.append(
        "custom operators that the application has to register: \(custom.prefix(10).joined(separator: ", "))")
    }
    let quantized = main.tensors.filter { $0.scales > 0 }
    if !quantized.isEmpty {
      var byType: [String: Int] = [:]
      for tensor in quantized { byType[tensor.type, default: 0] += 1 }
      let types = ModelDescription.ranked(byType).map { "\($0.value) \($0.key)" }.joined(separator: ", ")
      let perChannel = quantized.count { $0.scales > 1 }
      notes.append(
        "\(quantized.count) of \(main.tensors.count) tensors are quantized (\(types)), \(perChannel) of them per channel"
      )
    }
    if subgraphs.count > 1 {
      notes.append("\(subgraphs.count - 1) further subgraphs (bodies of control flow, other signatures)")
    }
    if signatures.count > 1 {
      notes.append("signatures: \(signatures.prefix(10).map(\.key).joined(separator: ", "))")
    }
    if main.inputs.contains(where: { main.tensors[$0].openShape != nil }) {
      notes.append("open sizes of the inputs are counted as the converter fixed them, usually 1")
    }
    return notes
  }
}
