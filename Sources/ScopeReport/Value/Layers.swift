extension Report {
  /// One node of the analysed graph that does something at run time: the layer table, the treemap and the picture of
  /// the graph are made from these.
  public struct Layer: Codable, Sendable, Hashable {
    /// Node name, or the value it produces where the node has none.
    public var name: String
    /// Path of the module that the node belongs to (`layer1.0.conv1`), empty for the model itself or when unknown.
    public var module: String
    public var opType: String
    /// Positions in ``Analysis/layers`` of the nodes whose outputs this one reads; -1 for an input of the model.
    public var inputs: [Int]
    /// Sizes of the first output, names for free dimensions; nil when the rank is unknown.
    public var outputShape: [String]?
    public var outputType: String?
    /// Parameters read by this node (shared ones count at their first reader only).
    public var parameters: Int
    public var weightBytes: Int
    /// Multiply-accumulates; nil when they could not be counted.
    public var macs: Int?
    /// Other arithmetic, in operations; nil when it could not be counted.
    public var otherOperations: Int?
    /// Bytes of activations read and written, weights not included; nil when a shape is unknown.
    public var activationBytes: Int?
    /// Position in ``Profile/kernels`` of the kernel that computes it; nil when the engine removed or folded it, or
    /// when nothing was profiled.
    public var kernel: Int?

    public init(name: String, module: String, opType: String, inputs: [Int] = []) {
      self.name = name
      self.module = module
      self.opType = opType
      self.inputs = inputs
      parameters = 0
      weightBytes = 0
    }
  }

  /// Arithmetic of one kind, counted apart from the multiply-accumulates.
  public struct Work: Codable, Sendable, Hashable {
    public enum Kind: String, Codable, Sendable, Hashable, CaseIterable {
      case bias, normalisation, activation, pooling, softmax, elementwise, reduction, resize, quantization,
        other
    }
    public var kind: Kind
    public var operations: Int
    /// Nodes that do it.
    public var nodes: Int

    public init(kind: Kind, operations: Int, nodes: Int) {
      self.kind = kind
      self.operations = operations
      self.nodes = nodes
    }
  }

  /// How much of the graph the arithmetic totals cover.
  public struct Coverage: Codable, Sendable, Hashable {
    public var nodesCounted: Int
    public var nodesNotCounted: Int
    /// The nodes left out, each with the reason; at most a hundred.
    public var missing: [MissingNode]

    public struct MissingNode: Codable, Sendable, Hashable {
      public var node: String
      public var opType: String
      public var reason: String
      public init(node: String, opType: String, reason: String) {
        self.node = node
        self.opType = opType
        self.reason = reason
      }
    }

    public init(nodesCounted: Int, nodesNotCounted: Int, missing: [MissingNode] = []) {
      self.nodesCounted = nodesCounted
      self.nodesNotCounted = nodesNotCounted
      self.missing = missing
    }
  }

  /// Parameters and what else is stored, told apart.
  public struct ParameterDetail: Codable, Sendable, Hashable {
    /// Elements stored in the file.
    public var stored: Int
    /// Elements of the model as defined: equal tensors that the exporter stored once count once per name.
    public var logical: Int
    /// Elements that several names share (tied weights, Identity aliases): `logical` minus `stored` where known.
    public var shared: Int
    /// Elements of shapes, indices, scales and zero points.
    public var constants: Int
    /// Tensors that nothing reads, and their bytes.
    public var unusedTensors: Int
    public var unusedBytes: Int
    /// Per element type, largest first.
    public var byType: [TypeSize]
    /// Share of weights that are exactly zero; nil unless the numbers were read.
    public var sparsity: Figure?

    public init(stored: Int, logical: Int, constants: Int) {
      self.stored = stored
      self.logical = logical
      self.shared = max(logical - stored, 0)
      self.constants = constants
      unusedTensors = 0
      unusedBytes = 0
      byType = []
    }
  }

  /// Elements and bytes of one element type (or quantization format).
  public struct TypeSize: Codable, Sendable, Hashable {
    public var type: String
    public var tensors: Int
    public var elements: Int
    public var bytes: Int
    public init(type: String, tensors: Int, elements: Int, bytes: Int) {
      self.type = type
      self.tensors = tensors
      self.elements = elements
      self.bytes = bytes
    }
  }

  /// Parameters below one module path.
  public struct ModuleSize: Codable, Sendable, Hashable {
    /// `model.layers.0.self_attn`; empty for the whole model.
    public var path: String
    public var tensors: Int
    public var parameters: Int
    public var bytes: Int
    public init(path: String, tensors: Int, parameters: Int, bytes: Int) {
      self.path = path
      self.tensors = tensors
      self.parameters = parameters
      self.bytes = bytes
    }
  }

  /// What the numbers of one stored tensor are like.
  public struct TensorStatistics: Codable, Sendable, Hashable {
    public var name: String
    public var dataType: String
    public var shape: [Int]
    public var elements: Int
    public var bytes: Int
    /// Of the finite elements; nil for types whose numbers are not read (packed quantization formats) or without any.
    public var minimum: Double?
    public var maximum: Double?
    public var mean: Double?
    public var standardDeviation: Double?
    /// Share of elements that are exactly zero.
    public var zeroFraction: Double?
    public var nanCount: Int
    public var infinityCount: Int
    /// Output channels (first axis of weights of two or more dimensions) whose elements are all zero.
    public var deadChannels: Int?

    public init(name: String, dataType: String, shape: [Int], elements: Int, bytes: Int) {
      self.name = name
      self.dataType = dataType
      self.shape = shape
      self.elements = elements
      self.bytes = bytes
      nanCount = 0
      infinityCount = 0
    }
  }
}
