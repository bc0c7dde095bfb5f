import ScopeBytes

/// What the configuration of a Keras model refers to and carries, collected from the JSON itself, whatever its layers
/// are nested in: duplicate keys, unknown wrappers, losses, metrics and initializers included.
struct KerasSubject {
  /// A class or function that loading the model looks up by name.
  struct Reference {
    enum Kind { case type, function }
    var module: String?
    var name: String
    var registeredName: String?
    var kind: Kind
    var place: String

    var path: String { module.map { $0.isEmpty ? name : "\($0).\(name)" } ?? name }
  }

  /// The archive member or attribute that holds the configuration.
  let member: String?
  private(set) var references: [Reference] = []
  /// Python code in the configuration: where, and what was seen.
  private(set) var code: [(place: String, detail: String)] = []
  /// Lambda layers that name a function instead of holding it.
  private(set) var namedLambdas: [(place: String, name: String)] = []
  /// The pickled module of each TorchModuleWrapper, base64 text, when it has one.
  private(set) var torchModules: [(place: String, text: String?)] = []
  /// Settings that name files: where, which, and the path.
  private(set) var paths: [(place: String, key: String, value: String)] = []
  /// Functions that TFOpLambda layers and their kin call by name.
  private(set) var operations: [(place: String, name: String)] = []
  /// Texts that name the switch of safe loading.
  private(set) var switches: [(place: String, detail: String)] = []
  /// Python tags of a YAML document.
  var tags: [(place: String, tag: String)] = []
  /// External links and storage of an HDF5 file.
  var external: [(place: String, detail: String)] = []

  private static let limit = 10_000

  init(member: String?) { self.member = member }

  func place(_ path: String) -> FindingPlace {
    FindingPlace(member: member.map { path.isEmpty ? $0 : "\($0): \(path)" } ?? path)
  }

  /// Reads a configuration; its nesting is bounded by the parser.
  mutating func read(_ value: JSONValue, place: String = "") { read(value, place: place, level: 0) }

  private mutating func read(_ value: JSONValue, place: String, level: Int) {
    guard references.count + code.count + paths.count < Self.limit else { return }
    switch value {
    case .object(let entries):
      object(value, place)
      for (key, inner) in entries {
        setting(key, inner, place)
        read(inner, place: place.isEmpty ? key : "\(place).\(key)", level: level)
      }
    case .array(let items):
      for (index, item) in items.enumerated() { read(item, place: "\(place)[\(index)]", level: level) }
    case .string(let text):
      if text.utf8.count < 1 << 20, text.contains("enable_unsafe_deserialization") {
        switches.append((place, "names enable_unsafe_deserialization"))
      }
      if let size = MarshalledCode.size(text) {
        code.append((place, "\(size) bytes of marshalled Python code"))
      } else if level < 2, text.utf8.count > 2, text.utf8.count <= 1 << 24, text.hasPrefix("{"),
        text.contains("class_name"),
        let (inner, _) = try? JSONScanner.parse(
          ByteSlice(Array(text.utf8)), depthLimit: 200, allowsInfinity: true)
      {
        // Some writers keep a layer's configuration as text.
        read(inner, place: place, level: level + 1)
      }
    default: break
    }
  }

  private mutating func object(_ value: JSONValue, _ place: String) {
    let configurations = value.values("config")
    let modules = value.values("module").map(\.text) + value.values("fn_module").map(\.text)
    let module = modules.first { $0 != nil } ?? nil
    let registered = value.values("registered_name").compactMap(\.text).first
    for name in value.values("class_name").compactMap(\.text) {
      let classPlace = place.isEmpty ? name : "\(place) (\(name.prefix(60)))"
      switch name {
      case "__lambda__": code.append((classPlace, "a serialized lambda"))
      case "function":
        for text in configurations.compactMap(\.text) {
          for module in modules.isEmpty ? [nil] : modules {
            references.append(
              Reference(
                module: module, name: text, registeredName: registered, kind: .function, place: classPlace))
          }
        }
      case "__typespec__":
        for text in value.values("spec_name").compactMap(\.text) {
          references.append(
            Reference(
              module: module, name: text, registeredName: registered, kind: .type, place: classPlace))
        }
      default:
        for module in modules.isEmpty ? [nil] : modules {
          references.append(
            Reference(module: module, name: name, registeredName: registered, kind: .type, place: classPlace))
        }
      }
      for configuration in configurations { layer(name, configuration, classPlace) }
    }
    if value.values("class_name").isEmpty, module != nil {
      for key in ["name", "fn_name", "function", "fn", "function_name"] {
        for text in value.values(key).compactMap(\.text)
        where value.values("fn_module").isEmpty == false || key != "name" {
          references.append(
            Reference(module: module, name: text, registeredName: nil, kind: .function, place: place))
        }
      }
    }
  }

  private mutating func layer(_ name: String, _ configuration: JSONValue, _ place: String) {
    // Names may carry a module or a package: `keras.layers.Lambda`, `Package>Lambda`.
    let short = name.split(whereSeparator: { $0 == "." || $0 == ">" }).last.map(String.init) ?? name
    switch short {
    case "Lambda":
      for key in ["function", "output_shape", "mask"] {
        let isCode = configuration.values("\(key)_type").contains { $0.text == "lambda" }
        for value in configuration.values(key) {
          if isCode {
            code.append((place, "\(key)_type is lambda: \(Self.describe(value))"))
          } else if key == "function", let text = value.text, MarshalledCode.size(text) == nil {
            namedLambdas.append((place, text))
            for module in configuration.values("module").compactMap(\.text) {
              references.append(
                Reference(module: module, name: text, registeredName: nil, kind: .function, place: place))
            }
          } else if key == "function", Self.items(value)?.first?.text != nil {
            code.append((place, "\(key) is \(Self.describe(value))"))
          } else if key == "function", let named = value["config"]?.text {
            namedLambdas.append((place, named))
          }
        }
      }
    case "TorchModuleWrapper":
      var texts: [String?] = []
      for module in configuration.values("module") {
        texts.append(module.text ?? module["config"]?["value"]?.text ?? module["config"]?.text)
      }
      for text in texts.isEmpty ? [nil] : texts { torchModules.append((place, text)) }
    case "TFOpLambda", "SlicingOpLambda", "ClassMethod", "InstanceMethod", "InstanceProperty":
      for key in ["function", "symbol", "cls_symbol", "method_name", "cls_ref"] {
        for text in configuration.values(key).compactMap(\.text) { operations.append((place, text)) }
      }
    default: break
    }
  }

  private mutating func setting(_ key: String, _ value: JSONValue, _ place: String) {
    if ["function", "output_shape", "mask", "fn", "code"].contains(key), let items = Self.items(value),
      let text = items.first?.text, items.count <= 8, MarshalledCode.mayBe(text)
    {
      code.append((place, "\(key) holds \(Self.describe(value))"))
    }
    if key == "enable_unsafe_deserialization" {
      switches.append((place, "sets enable_unsafe_deserialization"))
    }
    guard Self.pathKeys.contains(key), let text = value.text, !text.isEmpty, text.utf8.count < 4096 else {
      return
    }
    paths.append((place, key, text))
  }

  private static let pathKeys: Set<String> = [
    "vocabulary", "vocabulary_file", "vocab_file", "vocabulary_path", "merges", "merges_file", "proto",
    "filepath",
    "file_path", "filename", "asset_path", "export_dir", "sentencepiece_model", "spm_file",
  ]

  /// A list, or the tuple that newer files write as an object.
  private static func items(_ value: JSONValue) -> [JSONValue]? {
    value.array ?? (value["class_name"]?.text == "__tuple__" ? value["items"]?.array : nil)
  }

  private static func describe(_ value: JSONValue) -> String {
    let text = value.text ?? items(value)?.first?.text ?? ""
    return text.isEmpty
      ? "code"
      : "\"\(PickleAnalysis.printable(String(text.prefix(24))))\" (\(text.utf8.count) characters of code)"
  }
}

/// Byte code of a Python function as Keras writes it: `marshal.dumps(code)` in base64.
enum MarshalledCode {
  /// Bytes of the code, when the text decodes to a marshalled code object.
  static func size(_ text: String) -> Int? {
    guard mayBe(text), text.utf8.count <= 1 << 26, let bytes = Base64.decode(text.utf8.prefix(4096)),
      bytes.count >= 24
    else { return nil }
    // Type `c`, perhaps with the reference flag; then argument counts and the like, each a small number.
    for field in 0..<3 {
      let value = bytes[(1 + 4 * field)..<(5 + 4 * field)]
      guard value.dropFirst(2).allSatisfy({ $0 == 0 }) else { return nil }
    }
    return text.utf8.count / 4 * 3
  }

  /// Whether the first characters are those of a code object: `c` or `c` with the reference flag.
  static func mayBe(_ text: String) -> Bool {
    guard text.utf8.count >= 32, let bytes = Base64.decode(text.utf8.prefix(8)), let first = bytes.first
    else {
      return false
    }
    return first == 0x63 || first == 0xE3
  }
}
