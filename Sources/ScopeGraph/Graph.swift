import OrderedCollections
import ScopeBytes

/// A named value with what is declared about it.
public struct ValueInfo: Sendable {
  public var name: String
  /// Nil for values that are not dense tensors or whose type is not declared.
  public var dataType: DataType?
  /// Nil when the rank is unknown.
  public var shape: Shape?
  /// The serialised `TypeProto` of a type other than a dense tensor (sequence, map, optional, sparse), kept as is.
  public var opaqueType: ByteSlice?
  /// Fields of the serialised form that this version does not interpret (doc string, metadata ...), kept as is.
  public var unknownFields: [ByteSlice] = []

  public init(name: String, dataType: DataType?, shape: Shape?) {
    self.name = name
    self.dataType = dataType
    self.shape = shape
  }
}

/// Value of a node attribute. Cases mirror ONNX `AttributeProto.AttributeType`.
public indirect enum AttributeValue: Sendable {
  case float(Float)
  case int(Int64)
  /// Bytes, usually UTF-8.
  case string(ByteSlice)
  case tensor(Tensor)
  case graph(Graph)
  case floats([Float])
  case ints([Int64])
  case strings([ByteSlice])
  case tensors([Tensor])
  case graphs([Graph])
  /// Refers to an attribute of the enclosing function (ONNX `ref_attr_name`), with its type code.
  case reference(String, type: Int32)
  /// A kind that is kept but not interpreted (sparse tensors, type protos): the serialised attribute.
  case opaque(ByteSlice)
}

/// One operator application.
public struct Node: Sendable {
  /// May be empty; not unique in general.
  public var name: String
  /// Operator type such as `Conv`.
  public var opType: String
  /// Operator domain; the ONNX default domain is the empty string.
  public var domain: String
  /// Overload of a model-local function.
  public var overload: String = ""
  /// Value names; an omitted optional input is the empty string.
  public var inputs: [String]
  public var outputs: [String]
  public var attributes: OrderedDictionary<String, AttributeValue>
  public var unknownFields: [ByteSlice] = []
  /// Per attribute, fields of its serialised form that are not interpreted (doc string ...).
  public var attributeUnknownFields: [String: [ByteSlice]] = [:]

  public init(
    _ opType: String, name: String = "", domain: String = "", inputs: [String], outputs: [String],
    attributes: OrderedDictionary<String, AttributeValue> = [:]
  ) {
    self.name = name
    self.opType = opType
    self.domain = domain
    self.inputs = inputs
    self.outputs = outputs
    self.attributes = attributes
  }

  /// Whether this is `opType` of the ONNX default domain.
  public func isStandard(_ opType: String) -> Bool {
    self.opType == opType && (domain.isEmpty || domain == "ai.onnx")
  }

  public func int(_ attribute: String) -> Int? {
    if case .int(let value)? = attributes[attribute] { Int(value) } else { nil }
  }

  public func ints(_ attribute: String) -> [Int]? {
    if case .ints(let values)? = attributes[attribute] { values.map { Int($0) } } else { nil }
  }

  public func float(_ attribute: String) -> Float? {
    if case .float(let value)? = attributes[attribute] { value } else { nil }
  }

  public func floats(_ attribute: String) -> [Float]? {
    if case .floats(let values)? = attributes[attribute] { values } else { nil }
  }

  public func string(_ attribute: String) -> String? {
    if case .string(let bytes)? = attributes[attribute] { bytes.utf8String } else { nil }
  }

  public func tensor(_ attribute: String) -> Tensor? {
    if case .tensor(let value)? = attributes[attribute] { value } else { nil }
  }

  /// Input `index`, or nil when it is absent or omitted.
  public func input(_ index: Int) -> String? {
    index < inputs.count && !inputs[index].isEmpty ? inputs[index] : nil
  }

  /// The graphs held in the attributes (If, Loop, Scan ...).
  public var subgraphs: [Graph] {
    attributes.values.flatMap { value -> [Graph] in
      switch value {
      case .graph(let graph): [graph]
      case .graphs(let graphs): graphs
      default: []
      }
    }
  }
}

extension AttributeValue {
  /// A string attribute.
  public static func text(_ value: String) -> AttributeValue { .string(ByteSlice(Array(value.utf8))) }
  /// An integer list attribute.
  public static func ints(_ values: [Int]) -> AttributeValue { .ints(values.map { Int64($0) }) }
  /// An integer attribute.
  public static func int(_ value: Int) -> AttributeValue { .int(Int64(value)) }
}

/// A dataflow graph in single static assignment form, nodes in topological order. Values are named by strings,
/// as in ONNX.
public struct Graph: Sendable {
  public var name: String
  public var nodes: [Node]
  public var inputs: [ValueInfo]
  public var outputs: [ValueInfo]
  /// Constant tensors by value name.
  public var initializers: OrderedDictionary<String, Tensor>
  /// Declared types of intermediate values.
  public var valueInfo: [ValueInfo]
  /// Sparse initializers and fields that are not interpreted, kept as is.
  public var unknownFields: [ByteSlice] = []

  public init(
    name: String, nodes: [Node] = [], inputs: [ValueInfo] = [], outputs: [ValueInfo] = [],
    initializers: OrderedDictionary<String, Tensor> = [:], valueInfo: [ValueInfo] = []
  ) {
    self.name = name
    self.nodes = nodes
    self.inputs = inputs
    self.outputs = outputs
    self.initializers = initializers
    self.valueInfo = valueInfo
  }

  /// Inputs a caller must feed: declared inputs without an initializer of the same name (IR version 3 lists both).
  public var requiredInputs: [ValueInfo] { inputs.filter { initializers[$0.name] == nil } }

  /// Node index by the value it produces.
  public var producers: [String: Int] {
    var result: [String: Int] = [:]
    for (index, node) in nodes.enumerated() {
      for output in node.outputs where !output.isEmpty { result[output] = index }
    }
    return result
  }

  /// Node indices by the value they read, subgraph captures included; a node that reads a value twice is listed once.
  public var consumers: [String: [Int]] {
    var result: [String: [Int]] = [:]
    for (index, node) in nodes.enumerated() {
      for value in Set(node.inputs).union(node.subgraphs.flatMap(\.captures)) where !value.isEmpty {
        result[value, default: []].append(index)
      }
    }
    return result
  }

  /// Names a subgraph reads from the graphs around it.
  public var captures: Set<String> {
    var defined = Set(inputs.map(\.name)).union(initializers.keys)
    var captured: Set<String> = []
    for node in nodes {
      for name in Set(node.inputs).union(node.subgraphs.flatMap(\.captures))
      where !name.isEmpty && !defined.contains(name) {
        captured.insert(name)
      }
      defined.formUnion(node.outputs)
    }
    for output in outputs where !defined.contains(output.name) { captured.insert(output.name) }
    return captured
  }
}

/// Hands out value names that do not occur in a graph.
public struct NameAllocator: Sendable {
  private var used: Set<String>

  public init(_ graph: Graph) {
    used = Set(graph.initializers.keys)
    used.formUnion(graph.inputs.map(\.name))
    for node in graph.nodes {
      used.formUnion(node.inputs)
      used.formUnion(node.outputs)
      for subgraph in node.subgraphs { used.formUnion(NameAllocator(subgraph).used) }
    }
  }

  public mutating func fresh(_ stem: String) -> String {
    var name = stem
    var number = 1
    while !used.insert(name).inserted {
      name = "\(stem)_\(number)"
      number += 1
    }
    return name
  }
}

/// A function defined inside a model (ONNX `FunctionProto`).
public struct FunctionDefinition: Sendable {
  public var name: String
  public var domain: String
  public var overload: String = ""
  public var inputs: [String] = []
  public var outputs: [String] = []
  /// Attribute parameters without a default.
  public var attributes: [String] = []
  /// Attribute parameters with a default.
  public var attributeDefaults: OrderedDictionary<String, AttributeValue> = [:]
  public var nodes: [Node] = []
  public var opsets: OrderedDictionary<String, Int64> = [:]
  public var valueInfo: [ValueInfo] = []
  public var unknownFields: [ByteSlice] = []
  /// Fields of the attribute defaults that are not interpreted, by attribute.
  public var attributeUnknownFields: [String: [ByteSlice]] = [:]

  public init(name: String, domain: String) {
    self.name = name
    self.domain = domain
  }
}

/// A graph with the operator sets it is written in.
public struct Model: Sendable {
  public var irVersion: Int64
  /// Opset version by domain; the ONNX default domain is the empty string.
  public var opsets: OrderedDictionary<String, Int64>
  /// The serialised form of each import as it was read, written back while its version is unchanged.
  public var serializedOpsets: [String: ByteSlice] = [:]
  public var producerName: String = ""
  public var producerVersion: String = ""
  public var graph: Graph
  public var functions: [FunctionDefinition] = []
  public var metadata: OrderedDictionary<String, String> = [:]
  /// Fields that are not interpreted (domain, doc string, training info ...), kept as is.
  public var unknownFields: [ByteSlice] = []
  /// The folder that external data paths are relative to; nil when the model was made in memory.
  public var directory: String?

  public init(irVersion: Int64 = 8, opset: Int64 = 17, graph: Graph) {
    self.irVersion = irVersion
    self.opsets = ["": opset]
    self.graph = graph
  }

  /// Version of the default operator set; 0 when it is not imported.
  public var opset: Int { Int(opsets[""] ?? opsets["ai.onnx"] ?? 0) }
}
