import ScopeBytes
import ScopeFormats
import ScopeGraph

/// The bytes of one tensor in a file.
struct WeightTensor {
  var name: String
  var bytes: ByteSlice
  var type: DataType
  /// Elements per outermost index.
  var rowElements: Int

  init(name: String, bytes: ByteSlice, type: DataType, dimensions: [Int]) {
    self.name = name
    self.bytes = bytes
    self.type = type
    rowElements = dimensions.dropFirst().reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
  }

  /// The tensors of a model file whose reader gives their bytes, each stretch of bytes once.
  ///
  /// - Returns: nil for formats that are described only (GGUF, TensorFlow Lite, Keras).
  static func all(in file: ModelFile) -> [WeightTensor]? {
    var result: [WeightTensor] = []
    var seen: Set<[Int]> = []
    func add(_ name: String, _ tensor: Tensor) {
      let bytes: ByteSlice
      switch tensor.storage {
      case .packed(let packed): bytes = packed
      case .strided(let storage, _): bytes = storage
      case .strings, .external: return
      }
      guard seen.insert([bytes.offset, bytes.count]).inserted || bytes.offset == 0 else { return }
      result.append(
        WeightTensor(name: name, bytes: bytes, type: tensor.dataType, dimensions: tensor.dimensions))
    }
    func add(_ graph: Graph) {
      for (name, tensor) in graph.initializers { add(name, tensor) }
      for node in graph.nodes {
        for case .tensor(let tensor) in node.attributes.values {
          add(node.outputs.first ?? node.name, tensor)
        }
        for inner in node.subgraphs { add(inner) }
      }
    }
    switch file.content {
    case .graph(let model):
      add(model.graph)
      for function in model.functions {
        for node in function.nodes {
          for case .tensor(let tensor) in node.attributes.values { add(node.outputs.first ?? "", tensor) }
        }
      }
    case .weights(let weights), .program(let weights, _):
      for (name, tensor) in weights.tensors { add(name, tensor) }
    case .description: return nil
    }
    return result
  }
}

extension FileScan {
  /// Looks for payloads in the weights of a file (``ScanLimits/readsWeights``).
  mutating func scanWeights(_ bytes: ByteSlice, format: String) {
    let held: Set<String> = [
      "onnx", "safetensors", "pytorch-zip", "pytorch-legacy", "torchscript", "gguf", "tflite", "hdf5", "npy",
      "keras",
    ]
    guard held.contains(format) else { return }
    var tensors: [WeightTensor]?
    if format == "npy" {
      tensors = Self.array(bytes).map { [$0] } ?? []
    } else {
      do throws(ScopeError) {
        tensors = WeightTensor.all(in: try ModelReader.read(bytes, path: path))
      } catch {
        unexamined.append("the weights were not looked at: \(error.description)")
      }
    }
    let search = PayloadSearch(file: bytes, tensors: tensors ?? [])
    for (evidence, tensor, offset) in search.findings(limit: limits.findingsPerRule) {
      add(WGT001.found(evidence, tensor: tensor, offset: offset))
    }
  }

  /// The numbers of a `.npy` file.
  private static func array(_ bytes: ByteSlice) -> WeightTensor? {
    guard let major: UInt8 = try? bytes.integer(at: 6), let short: UInt16 = try? bytes.integer(at: 8),
      let long: UInt32 = try? bytes.integer(at: 8)
    else { return nil }
    let start = major == 1 ? 10 + Int(short) : 12 + Int(long)
    let header = bytes.prefix(min(start, 4096))
    // Objects are a pickle, which the scan of the format itself examines.
    guard !["'|O", "'O", "object"].contains(where: { header.firstIndex(of: Array($0.utf8)) != nil }) else {
      return nil
    }
    let types: [(String, DataType)] = [("<f4", .float32), ("<f2", .float16), ("<f8", .float64)]
    let type = types.first { header.firstIndex(of: Array($0.0.utf8)) != nil }?.1 ?? .uint8
    return WeightTensor(name: "array", bytes: bytes.dropFirst(start), type: type, dimensions: [])
  }
}
