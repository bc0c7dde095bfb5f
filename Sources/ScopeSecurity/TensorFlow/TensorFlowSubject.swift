import ScopeBytes

/// The nodes of a TensorFlow graph and of its function library, with what the rules need: operators, constant texts,
/// who calls which function with what.
///
/// Field numbers: `graph.proto`, `node_def.proto`, `function.proto`, `attr_value.proto`, `meta_graph.proto`,
/// `saved_object_graph.proto` of TensorFlow 2.21.
struct TensorFlowSubject {
  struct Node {
    var name = ""
    var type = ""
    var inputs: [String] = []
    /// Texts of a constant.
    var constants: [String] = []
    /// Functions that the node calls.
    var functions: [String] = []
    /// Text attributes of operators whose attributes name files.
    var texts: [(key: String, value: String)] = []
    var place = ""
    var offset: Int?
  }

  /// A graph or a function: names are looked up within it.
  struct Scope {
    var name: String
    var arguments: [String] = []
    var nodes: [Node] = []
    var index: [String: Int] = [:]
    /// What a function returns, as inputs of nodes are written.
    var results: [String] = []

    mutating func append(_ node: Node) {
      index[node.name] = nodes.count
      nodes.append(node)
    }
  }

  let member: String?
  private(set) var scopes: [Scope] = []
  /// Files that constants of that name stand for, and their names in the assets folder.
  private(set) var assets: [(tensor: String, file: String)] = []
  /// JSON of Keras layers.
  private(set) var metadata: [(place: String, text: String)] = []
  /// Why the walk is not complete, if it is not.
  private(set) var problem: ScopeError?

  private var budget = 16_000_000
  static let textKeys: Set<String> = [
    "output_stream", "debug_urls", "memory_region_name", "descriptor_source", "filename", "file_pattern",
    "server_address", "protocol", "address",
  ]

  init(_ bytes: ByteSlice, kind: TensorFlowKind, member: String?) {
    self.member = member
    switch kind {
    case .savedModel:
      fields(bytes) { subject, number, message in
        if number == 2 { subject.metaGraph(message, "meta_graphs") }
      }
    case .metaGraph: metaGraph(bytes, "meta_graph")
    case .graph: graph(bytes, "graph")
    case .kerasMetadata:
      fields(bytes) { subject, number, message in
        guard number == 1 else { return }
        var path = "node"
        subject.fields(message) { subject, number, inner in
          if number == 3 { path = subject.text(inner) }
          if number == 5 { subject.note(inner, path) }
        }
      }
    case .fingerprint: break
    }
    finish()
  }

  /// A graph in text form.
  init(_ root: TextProto, member: String?) {
    self.member = member
    text(root, "graph", depth: 0)
    finish()
  }

  func place(_ node: Node) -> FindingPlace {
    FindingPlace(member: member.map { "\($0): \(node.place)" } ?? node.place, offset: node.offset)
  }

  private(set) var callers: [String: [(scope: Int, node: Int)]] = [:]
  private(set) var functionIndex: [String: Int] = [:]

  private mutating func finish() {
    for (number, scope) in scopes.enumerated() {
      functionIndex[scope.name] = number
      for (position, node) in scope.nodes.enumerated() {
        // A function may be called as if it were an operator.
        for function in node.functions + [node.type] {
          callers[function, default: []].append((number, position))
        }
      }
    }
  }

  // MARK: Reading

  /// Visits the length-delimited fields of a message; a message that breaks off is noted.
  private mutating func fields(
    _ message: ByteSlice, _ visit: (inout TensorFlowSubject, Int, ByteSlice) -> Void
  ) {
    var reader = ProtobufFields(message)
    while let field = reader.next() {
      budget -= 1
      guard budget >= 0 else {
        problem = problem ?? ScopeError(.limitExceeded, "the graph has more than 16000000 parts")
        return
      }
      if case .bytes(let inner) = field.payload { visit(&self, field.number, inner) }
    }
    if reader.isBroken, problem == nil {
      problem = ScopeError(
        .truncated, "a part of the graph reaches beyond the end", place: "byte \(message.offset)",
        remedy: "The file is truncated or damaged; fetch it again")
    }
  }

  private func text(_ bytes: ByteSlice) -> String {
    String(decoding: bytes.prefix(4096).array, as: UTF8.self)
  }

  private mutating func note(_ bytes: ByteSlice, _ place: String) {
    guard bytes.count <= 64 << 20, metadata.count < 100_000 else {
      problem = problem ?? ScopeError(.limitExceeded, "the layers' metadata is too large")
      return
    }
    metadata.append((place, String(decoding: bytes.array, as: UTF8.self)))
  }

  private mutating func metaGraph(_ message: ByteSlice, _ place: String) {
    fields(message) { subject, number, inner in
      switch number {
      case 2: subject.graph(inner, "\(place).graph_def")
      case 6: subject.asset(inner)
      case 7:
        subject.fields(inner) { subject, number, object in
          guard number == 1 else { return }
          subject.fields(object) { subject, number, user in
            guard number == 4 else { return }
            subject.fields(user) { subject, number, text in
              if number == 3, text.count > 2 { subject.note(text, "\(place).object_graph_def") }
            }
          }
        }
      default: break
      }
    }
  }

  private mutating func asset(_ message: ByteSlice) {
    var tensor = ""
    var file = ""
    fields(message) { subject, number, inner in
      if number == 1 {
        subject.fields(inner) { subject, number, name in if number == 1 { tensor = subject.text(name) } }
      }
      if number == 2 { file = subject.text(inner) }
    }
    assets.append((String(tensor.prefix { $0 != ":" }), file))
  }

  private mutating func graph(_ message: ByteSlice, _ place: String) {
    var scope = Scope(name: "")
    var functions: [Scope] = []
    fields(message) { subject, number, inner in
      if number == 1 { scope.append(subject.node(inner, place)) }
      guard number == 2 else { return }
      subject.fields(inner) { subject, number, function in
        if number == 1 { functions.append(subject.function(function, place)) }
      }
    }
    scopes.append(scope)
    scopes += functions
  }

  private mutating func function(_ message: ByteSlice, _ place: String) -> Scope {
    var scope = Scope(name: "")
    fields(message) { subject, number, inner in
      switch number {
      case 1:
        subject.fields(inner) { subject, number, part in
          if number == 1 { scope.name = subject.text(part) }
          guard number == 2 else { return }
          subject.fields(part) { subject, number, name in
            if number == 1 { scope.arguments.append(subject.text(name)) }
          }
        }
      case 3: scope.append(subject.node(inner, "\(place).library.\(scope.name.prefix(80))"))
      case 4:
        subject.fields(inner) { subject, number, value in
          if number == 2 { scope.results.append(subject.text(value)) }
        }
      default: break
      }
    }
    return scope
  }

  private mutating func node(_ message: ByteSlice, _ place: String) -> Node {
    var node = Node()
    node.offset = message.offset
    var attributes: [ByteSlice] = []
    fields(message) { subject, number, inner in
      switch number {
      case 1: node.name = subject.text(inner)
      case 2: node.type = subject.text(inner)
      case 3: if node.inputs.count < 4096 { node.inputs.append(subject.text(inner)) }
      case 5: attributes.append(inner)
      default: break
      }
    }
    node.place = "\(place).\(node.name.prefix(120))"
    for attribute in attributes {
      var key = ""
      fields(attribute) { subject, number, inner in
        if number == 1 { key = subject.text(inner) }
        if number == 2 { subject.value(inner, key, &node) }
      }
    }
    return node
  }

  private mutating func value(_ message: ByteSlice, _ key: String, _ node: inout Node) {
    // Shapes, types and tensors of numbers are passed over unread.
    let wantsText = Self.textKeys.contains(key)
    fields(message) { subject, number, inner in
      switch number {
      case 10:
        subject.fields(inner) { subject, number, name in
          if number == 1 { node.functions.append(subject.text(name)) }
        }
      case 1:
        subject.fields(inner) { subject, number, item in
          if number == 2, wantsText { node.texts.append((key, subject.text(item))) }
          if number == 9 {
            subject.fields(item) { subject, number, name in
              if number == 1 { node.functions.append(subject.text(name)) }
            }
          }
        }
      case 2: if wantsText { node.texts.append((key, subject.text(inner))) }
      case 8 where node.type == "Const" || node.type == "HostConst":
        var strings: [String] = []
        subject.fields(inner) { subject, number, item in
          if number == 8, strings.count < 64 { strings.append(subject.text(item)) }
        }
        node.constants += strings
      default: break
      }
    }
  }

  // MARK: Text form

  /// Collects nodes wherever they stand in the document.
  private mutating func text(_ message: TextProto, _ place: String, depth: Int) {
    guard depth < 64 else { return }
    var scope = Scope(name: message["signature"]?["name"]?.scalar ?? "")
    for entry in message["signature"]?.all("input_arg") ?? [] {
      scope.arguments.append(entry["name"]?.scalar ?? "")
    }
    for entry in message.all("ret") { scope.results.append(entry["value"]?.scalar ?? "") }
    for entry in message.entries {
      let (key, inner) = (entry.key, entry.value)
      if key == "node" || key == "node_def", inner["op"] != nil {
        scope.append(textNode(inner, place))
      } else if key == "asset_file_def" {
        assets.append(
          (
            String((inner["tensor_info"]?["name"]?.scalar ?? "").prefix { $0 != ":" }),
            inner["filename"]?.scalar ?? ""
          ))
      } else if key == "metadata", let json = inner.scalar, json.hasPrefix("{") {
        metadata.append((place, json))
      } else if !inner.entries.isEmpty {
        text(inner, "\(place).\(key)", depth: depth + 1)
      }
    }
    if !scope.nodes.isEmpty { scopes.append(scope) }
  }

  private func textNode(_ message: TextProto, _ place: String) -> Node {
    var node = Node()
    node.name = message["name"]?.scalar ?? ""
    node.type = message["op"]?.scalar ?? ""
    node.inputs = message.all("input").compactMap(\.scalar)
    node.place = "\(place).\(node.name.prefix(120))"
    for attribute in message.all("attr") {
      let key = attribute["key"]?.scalar ?? ""
      guard let value = attribute["value"] else { continue }
      for function in value.all("func") + (value["list"]?.all("func") ?? []) {
        if let name = function["name"]?.scalar { node.functions.append(name) }
      }
      if Self.textKeys.contains(key) {
        for text in value.all("s") + (value["list"]?.all("s") ?? []) {
          if let text = text.scalar { node.texts.append((key, text)) }
        }
      }
      if node.type == "Const" {
        for tensor in value.all("tensor") { node.constants += tensor.all("string_val").compactMap(\.scalar) }
      }
    }
    return node
  }
}
