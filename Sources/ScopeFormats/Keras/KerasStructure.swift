import OrderedCollections
import ScopeBytes

/// One layer of a Keras model's configuration.
struct KerasLayer: Sendable {
  /// Names from the outermost model inwards, the model's own left out.
  let path: [String]
  let className: String
  /// Neither it nor a model around it is frozen.
  let isTrainable: Bool
  let isCustom: Bool
}

/// What the configuration of a Keras model says: functional, sequential and nested models.
struct KerasStructure: Sendable {
  /// `tiny (Functional)`.
  let name: String
  private(set) var layers: [KerasLayer] = []
  private(set) var inputs: [ModelDescription.Signature] = []
  private(set) var outputs: [ModelDescription.Signature] = []

  private static let layerLimit = 1_000_000

  /// - Throws: `malformed` when the JSON is no model.
  init(_ json: JSONValue) throws(ScopeError) {
    guard let className = json.text("class_name"), let configuration = json["config"] else {
      throw ScopeError(
        .malformed, "the configuration is of no Keras model", expected: "\"class_name\" and \"config\"")
    }
    name = configuration.text("name").map { "\($0) (\(className))" } ?? className
    try add(children: configuration, path: [], isTrainable: configuration.bool("trainable") ?? true)
    readSignature(json, configuration)
  }

  /// The layers of a model, or the layer inside a wrapper.
  private mutating func add(
    children configuration: JSONValue, path: [String], isTrainable: Bool
  ) throws(ScopeError) {
    // Keras 1 and 2 wrote a sequential model as the list itself.
    if case .array(let items) = configuration {
      for item in items { try add(item, path: path, isTrainable: isTrainable) }
    }
    if case .array(let items)? = configuration["layers"] {
      for item in items { try add(item, path: path, isTrainable: isTrainable) }
    }
    for key in ["layer", "backward_layer", "cell"] {
      if let inner = configuration[key], inner.text("class_name") != nil {
        try add(inner, path: path, isTrainable: isTrainable)
      }
    }
  }

  private mutating func add(_ item: JSONValue, path: [String], isTrainable: Bool) throws(ScopeError) {
    guard let className = item.text("class_name"), let configuration = item["config"] else { return }
    guard layers.count < Self.layerLimit else {
      throw ScopeError(
        .limitExceeded, "the model has too many layers", expected: "at most \(Self.layerLimit)")
    }
    let name = configuration.text("name") ?? item.text("name") ?? className
    let trains = isTrainable && configuration.bool("trainable") ?? true
    let module = item.text("module")
    let isCustom =
      module.map { $0 != "builtins" && !$0.hasPrefix("keras") && !$0.hasPrefix("tf_keras") } ?? false
    layers.append(
      KerasLayer(path: path + [name], className: className, isTrainable: trains, isCustom: isCustom))
    try add(children: configuration, path: path + [name], isTrainable: trains)
  }

  // MARK: Inputs and outputs

  private mutating func readSignature(_ json: JSONValue, _ configuration: JSONValue) {
    let items: [JSONValue]
    if case .array(let list)? = configuration["layers"] {
      items = list
    } else if case .array(let list) = configuration {
      items = list
    } else {
      return
    }
    for item in items where item.text("class_name") == "InputLayer" {
      guard let inner = item["config"] else { continue }
      inputs.append(
        .init(
          name: inner.text("name") ?? "input", type: Self.type(inner),
          dimensions: Self.shape(inner["batch_shape"] ?? inner["batch_input_shape"]) ?? ["unknown"]))
    }
    if inputs.isEmpty, let first = items.first?["config"],
      let shape = Self.shape(first["batch_input_shape"]) ?? Self.shape(json["build_config"]?["input_shape"])
        ?? Self.shape(configuration["build_input_shape"])
    {
      inputs.append(.init(name: first.text("name") ?? "input", type: Self.type(first), dimensions: shape))
    }
    let names = Self.references(configuration["output_layers"])
    let last =
      names.isEmpty ? items.suffix(1) : items.filter { names.contains($0["config"]?.text("name") ?? "") }[...]
    for item in last {
      guard let inner = item["config"] else { continue }
      outputs.append(
        .init(
          name: inner.text("name") ?? "output", type: Self.type(inner), dimensions: Self.outputShape(item)))
    }
  }

  /// Layer names in `["name", 0, 0]`, lists or dictionaries of such.
  private static func references(_ value: JSONValue?) -> Set<String> {
    switch value {
    case .array(let items)?:
      if case .string(let name)? = items.first { return [name] }
      return items.reduce(into: []) { $0.formUnion(references($1)) }
    case .object(let members)?: return members.values.reduce(into: []) { $0.formUnion(references($1)) }
    default: return []
    }
  }

  private static func type(_ configuration: JSONValue) -> String {
    configuration.text("dtype") ?? configuration["dtype"]?["config"]?.text("name") ?? "float32"
  }

  /// `[null, 8, 8, 3]`; null is an open size.
  private static func shape(_ value: JSONValue?) -> [String]? {
    guard case .array(let items)? = value, items.count <= 32 else { return nil }
    return items.map { if case .integer(let size) = $0 { "\(size)" } else { "?" } }
  }

  /// The file stores what a layer was built for, not what it makes; that is told for the layers that end most models.
  private static func outputShape(_ item: JSONValue) -> [String] {
    guard let built = shape(item["build_config"]?["input_shape"]) else { return ["unknown"] }
    switch item.text("class_name") {
    case "Dense": return built.dropLast() + [item["config"]?.integer("units").map { "\($0)" } ?? "?"]
    case "Activation", "Softmax", "ReLU", "Dropout", "BatchNormalization", "LayerNormalization": return built
    default: return ["unknown"]
    }
  }
}
