import OrderedCollections
import ScopeFormats
import ScopeGraph

/// What a file of weights without a graph holds.
public struct WeightsAnalysis: Sendable {
  /// The tensors of one module (names up to the last dot).
  public struct Module: Sendable {
    /// Empty for tensors at the top level.
    public var name: String
    public var parameters: Int
    public var bytes: Int
    public var tensors: Int
  }

  /// Parameters by PyTorch's convention: floating-point tensors that are not buffers; tied tensors count once.
  public var parameters = 0
  /// Elements of buffers: running statistics, counters, index tables, masks.
  public var bufferElements = 0
  /// Tensors in the file, tied names included.
  public var tensorCount = 0
  /// Parameters by element type, largest first.
  public var byType: OrderedDictionary<DataType, Int> = [:]
  /// Bytes of all tensors, shared storage counted once.
  public var bytes = 0
  /// Bytes of the parameters alone.
  public var parameterBytes = 0
  /// Modules that hold tensors, in file order.
  public var modules: [Module] = []
  /// The same by the first component of the name, in file order.
  public var topLevel: [Module] = []
  /// Weights of two or more dimensions: convolutions, linear layers, embeddings.
  public var weightLayers = 0
  /// Names that share the storage of another.
  public var tiedNames: [String] = []

  public static func analyze(_ weights: StateDict) -> WeightsAnalysis {
    var result = WeightsAnalysis()
    var types: [DataType: Int] = [:]
    var modules: OrderedDictionary<String, Module> = [:]
    var topLevel: OrderedDictionary<String, Module> = [:]
    result.tensorCount = weights.tensors.count
    for (name, tensor) in weights.tensors {
      if weights.sharedWith[name] != nil {
        result.tiedNames.append(name)
        continue
      }
      let count = tensor.elementCount
      let isParameter = !isBuffer(name, tensor)
      result.bytes += tensor.byteCount
      if isParameter {
        result.parameters += count
        result.parameterBytes += tensor.byteCount
        types[tensor.dataType, default: 0] += count
        if tensor.dimensions.count >= 2, name == "weight" || name.hasSuffix(".weight") {
          result.weightLayers += 1
        }
      } else {
        result.bufferElements += count
      }
      let parts = name.split(separator: ".", omittingEmptySubsequences: false)
      add(parts.dropLast().joined(separator: "."), isParameter ? count : 0, tensor.byteCount, to: &modules)
      add(parts.count > 1 ? String(parts[0]) : "", isParameter ? count : 0, tensor.byteCount, to: &topLevel)
    }
    result.byType = OrderedDictionary(
      uniqueKeysWithValues: types.sorted { ($0.value, $1.key.rawValue) > ($1.value, $0.key.rawValue) }.map {
        ($0.key, $0.value)
      })
    result.modules = Array(modules.values)
    result.topLevel = Array(topLevel.values)
    return result
  }

  /// Whether PyTorch registers a tensor of this name as a buffer: running statistics and counters of normalisation
  /// layers, index and mask tables, and every tensor without a fraction (which cannot be trained).
  public static func isBuffer(_ name: String, _ tensor: Tensor) -> Bool {
    if !tensor.dataType.isFloatingPoint && tensor.dataType != .complex64 && tensor.dataType != .complex128 {
      return true
    }
    let last = name.split(separator: ".").last.map(String.init) ?? name
    return [
      "running_mean", "running_var", "num_batches_tracked", "attn_mask", "relative_position_index",
      "position_ids",
      "inv_freq", "masked_bias",
    ].contains(last)
  }

  private static func add(
    _ name: String, _ parameters: Int, _ bytes: Int, to modules: inout OrderedDictionary<String, Module>
  ) {
    modules[name, default: Module(name: name, parameters: 0, bytes: 0, tensors: 0)].parameters += parameters
    modules[name]?.bytes += bytes
    modules[name]?.tensors += 1
  }
}
