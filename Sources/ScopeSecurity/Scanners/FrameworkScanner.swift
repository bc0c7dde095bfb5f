import ScopeBytes
import ScopeFormats

extension FileScan {
  /// Scans what no fixed beginning tells: TensorFlow's protobuf files, HDF5 behind a user block, and texts that loaders
  /// read (Keras configurations, chat templates, YAML with Python tags, graphs as text).
  ///
  /// - Returns: the format's name; nil when the bytes are none of these, and nothing was noted.
  mutating func scanFramework(_ bytes: ByteSlice, member: String?, depth: Int) -> String? {
    guard bytes.count >= 2 else { return nil }
    if let kind = TensorFlowKind(bytes) { return scanTensorFlow(bytes, kind, member: member) }
    for start in [512, 1024, 2048, 4096, 8192] where bytes.count > start + 8 {
      guard bytes.dropFirst(start).starts(with: Self.hdf5Signature),
        HDF5File.looksLikeHDF5(bytes) || start > 2048
      else { continue }
      return scanUserBlock(bytes, start: start, member: member, depth: depth)
    }
    guard let format = scanText(bytes, member: member) else { return nil }
    scanRepositoryRules(bytes, name: member ?? path, member: member)
    return format
  }

  private static let hdf5Signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

  /// HDF5 behind a user block, which may be a file of its own.
  private mutating func scanUserBlock(_ bytes: ByteSlice, start: Int, member: String?, depth: Int) -> String?
  {
    let block = bytes.prefix(start)
    guard !ZipArchive.looksLikeArchive(bytes), depth < limits.nesting else { return nil }
    switch ContentKind(block) {
    case .empty, .unknown, .text: break
    default:
      add(
        ARC007.finding(
          "the user block before the HDF5 data is a file of its own",
          place: FindingPlace(member: member, offset: 0)))
      _ = scan(block, member: member.map { "\($0)!user block" } ?? "user block", depth: depth + 1)
    }
    return scanHDF5(bytes, member: member)
  }

  /// A ZIP archive behind a model: readers of ZIP start at the end of a file.
  ///
  /// - Parameter isOrdinary: whether the format itself keeps files there.
  mutating func scanTrailingArchive(_ bytes: ByteSlice, member: String?, isOrdinary: Bool) {
    guard bytes.count > 22,
      bytes.firstIndex(of: [0x50, 0x4B, 5, 6], from: max(0, bytes.count - 22 - 65535)) != nil,
      (try? ZipArchive(bytes)) != nil
    else {
      if isOrdinary, Self.hasMember(bytes) {
        leaveOut(
          ScopeError(
            .truncated, "the files behind the model have no directory", remedy: "Fetch the file again"),
          member: member)
      }
      return
    }
    var inner = FileScan(path: path, directory: nil, limits: limits)
    _ = inner.scanZip(bytes, member: member, depth: 1)
    for finding in inner.findings where !(isOrdinary && finding.rule == "ARC007") { add(finding) }
    unexamined += inner.unexamined
  }

  /// Whether a member of a ZIP archive begins within the last MiB: signature, version, method and a printable name.
  private static func hasMember(_ bytes: ByteSlice) -> Bool {
    var position = max(0, bytes.count - (1 << 20))
    while let found = bytes.firstIndex(of: [0x50, 0x4B, 3, 4], from: position) {
      position = found + 4
      let header = bytes.dropFirst(found)
      guard let version: UInt16 = try? header.integer(at: 4), let method: UInt16 = try? header.integer(at: 8),
        let length: UInt16 = try? header.integer(at: 26)
      else { return true }
      let name = header.dropFirst(30).prefix(Int(length)).array
      if version <= 63, [0, 8, 9, 12, 14, 93].contains(method), length > 0, length < 1024,
        name.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
      {
        return true
      }
    }
    return false
  }

  /// Applies the Keras rules, and the pickle rules to the modules it wraps.
  mutating func apply(_ subject: KerasSubject) {
    for rule in SecurityRules.keras { add(rule.findings(in: subject)) }
    for module in subject.torchModules.prefix(16) {
      guard let text = module.text, text.utf8.count <= limits.expandedBytes,
        let bytes = Base64.decode(text.utf8), bytes.count > 1
      else { continue }
      let place = subject.place(module.place).member ?? "TorchModuleWrapper"
      _ = scan(ByteSlice(bytes), member: "\(place)!module", depth: 1)
    }
  }

  /// Scans a text that some loader reads.
  ///
  /// - Returns: the format's name; nil when the text is none of these.
  mutating func scanText(_ bytes: ByteSlice, member: String?) -> String? {
    let name = (member ?? path).split(separator: "/").last.map(String.init) ?? ""
    guard let text = PlainText.bytes(bytes) else { return nil }
    let start = text.prefix(4096).array.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
    if start == 0x7B || start == 0x5B, let format = scanJSON(text, name: name, member: member) {
      return format
    }
    if [".jinja", ".jinja2", ".j2"].contains(where: name.hasSuffix) {
      return scanTemplate(text, member: member)
    }
    if PlainText.isTemplate(text), !PlainText.isDocument(name), let string = text.utf8String {
      let template = ChatTemplate(string, member: member)
      if template.problem == nil || !template.escapes.isEmpty {
        applyTemplate(string, member: member)
        return "chat-template"
      }
    }
    if PlainText.isGraph(text) {
      scanTextGraph(text, member: member)
      return "tensorflow-text"
    }
    scanYAML(text, name: name, member: member)
    return nil
  }

  private static let templateFiles: Set<String> = [
    "tokenizer_config.json", "chat_template.json", "processor_config.json", "preprocessor_config.json",
  ]

  private mutating func scanJSON(_ text: ByteSlice, name: String, member: String?) -> String? {
    let isKnown = Self.templateFiles.contains(name)
    let mayMatter =
      isKnown || text.count <= 1 << 18 || name == "config.json"
      || text.firstIndex(of: Array("class_name".utf8)) != nil
      || text.firstIndex(of: Array("chat_template".utf8)) != nil
      || text.firstIndex(of: Array("weight_map".utf8)) != nil
    guard mayMatter else { return nil }
    let root: JSONValue
    do throws(ScopeError) {
      root = try JSONScanner.parse(text, depthLimit: 200, allowsInfinity: true).0
    } catch {
      // A text that merely begins with a brace is no business of this scanner; what claims to be a configuration is.
      let claims =
        isKnown || name == "config.json" || text.firstIndex(of: Array("\"class_name\"".utf8)) != nil
        || text.firstIndex(of: Array("\"chat_template\"".utf8)) != nil
      guard claims else { return nil }
      leaveOut(error, member: member)
      return "json"
    }
    var format: String?
    if KerasConfiguration.isModel(root) || member != nil && name == "config.json" {
      var subject = KerasSubject(member: member)
      subject.read(root)
      apply(subject)
      format = "keras-config"
    }
    for (place, template) in ChatTemplate.templates(in: root) {
      applyTemplate(template, member: member.map { "\($0): \(place)" } ?? place)
      format = format ?? "chat-template"
    }
    if case .object(let entries)? = root["weight_map"] {
      add(ST001.shards(entries.compactMap { $0.value.text }, member: member))
      format = format ?? "safetensors-index"
    }
    return format ?? (isKnown ? "json" : nil)
  }

  /// Scans a file that is a chat template.
  mutating func scanTemplate(_ text: ByteSlice, member: String?) -> String {
    guard let string = text.utf8String else {
      leaveOut(ScopeError(.malformed, "the chat template is not UTF-8"), member: member)
      return "chat-template"
    }
    applyTemplate(string, member: member)
    return "chat-template"
  }

  /// Applies the template rules; a template that cannot be read counts as unexamined.
  mutating func applyTemplate(_ text: String, member: String?) {
    let template = ChatTemplate(text, member: member)
    for rule in SecurityRules.templates { add(rule.findings(in: template)) }
    if let problem = template.problem { leaveOut(problem, member: member) }
  }

  /// Tags that make PyYAML's unsafe loaders import and call.
  private mutating func scanYAML(_ text: ByteSlice, name: String, member: String?) {
    guard !PlainText.isDocument(name), text.count <= 64 << 20 else { return }
    var subject = KerasSubject(member: member)
    for marker in ["!!python/", "tag:yaml.org,2002:python/"] {
      var position = 0
      while subject.tags.count < 256, let found = text.firstIndex(of: Array(marker.utf8), from: position) {
        let rest = text.dropFirst(found + marker.utf8.count).prefix(200).array
        let tag = rest.prefix { $0 > 0x20 && $0 != 0x3E && $0 != 0x2C && $0 != 0x5D && $0 != 0x7D }
        subject.tags.append(("byte \(text.offset + found)", String(decoding: tag, as: UTF8.self)))
        position = found + marker.utf8.count
      }
    }
    if !subject.tags.isEmpty { add(KER002.findings(in: subject)) }
    // Keras 2 wrote configurations as YAML too.
    func has(_ words: String) -> Bool { text.firstIndex(of: Array(words.utf8)) != nil }
    if has("class_name: Lambda"), has("function_type: lambda") || has("__lambda__") {
      add(
        KER001.finding(
          "a Lambda layer with code in a YAML configuration", place: FindingPlace(member: member)))
    }
  }
}

/// Which JSON is the configuration of a Keras model.
enum KerasConfiguration {
  static func isModel(_ root: JSONValue) -> Bool {
    switch root {
    case .object(let entries):
      let keys = Set(entries.map(\.key))
      if keys.contains("class_name"), keys.contains("config") || keys.contains("module") { return true }
      return root["model_config"].map(isModel) ?? false
    case .array(let items): return items.prefix(10_000).contains(where: isModel)
    default: return false
    }
  }
}

/// What a text is, as far as loaders care.
enum PlainText {
  /// The text as UTF-8; Python's JSON reader takes UTF-16 and UTF-32 too. Nil when the bytes are no text.
  static func bytes(_ bytes: ByteSlice) -> ByteSlice? {
    guard bytes.count >= 2 else { return nil }
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return bytes.dropFirst(3) }
    let head = bytes.prefix(4).array
    let isWide = head.contains(0) || head.starts(with: [0xFF, 0xFE]) || head.starts(with: [0xFE, 0xFF])
    guard isWide else { return ContentKind.isText(bytes.prefix(4096)) ? bytes : nil }
    guard bytes.count <= 64 << 20 else { return nil }
    return wide(bytes.array)
  }

  private static func wide(_ bytes: [UInt8]) -> ByteSlice? {
    var start = 0
    let isBig: Bool
    var width = 2
    if bytes.starts(with: [0xFF, 0xFE, 0, 0]) || bytes.starts(with: [0, 0, 0xFE, 0xFF]) {
      (isBig, width, start) = (bytes[0] == 0, 4, 4)
    } else if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      (isBig, start) = (bytes[0] == 0xFE, 2)
    } else if bytes.count >= 4, bytes[0] == 0, bytes[1] == 0 {
      (isBig, width) = (true, 4)
    } else if bytes.count >= 4, bytes[1] == 0, bytes[2] == 0, bytes[3] == 0 {
      (isBig, width) = (false, 4)
    } else {
      isBig = bytes[0] == 0
    }
    guard (bytes.count - start) % width == 0, bytes.count > start else { return nil }
    var units: [UInt32] = []
    units.reserveCapacity((bytes.count - start) / width)
    for place in stride(from: start, to: bytes.count, by: width) {
      var unit: UInt32 = 0
      for index in 0..<width { unit = unit << 8 | UInt32(bytes[place + (isBig ? index : width - 1 - index)]) }
      units.append(unit)
    }
    // Something that begins like JSON; anything else wide is binary.
    guard let first = units.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }),
      first == 0x7B || first == 0x5B
    else { return nil }
    if width == 2 {
      return ByteSlice(
        Array(String(decoding: units.map { UInt16(truncatingIfNeeded: $0) }, as: UTF16.self).utf8))
    }
    return ByteSlice(Array(String(decoding: units, as: UTF32.self).utf8))
  }

  /// A Jinja template over chat messages.
  static func isTemplate(_ text: ByteSlice) -> Bool {
    guard text.count <= 4 << 20,
      text.firstIndex(of: Array("{%".utf8)) != nil || text.firstIndex(of: Array("{{".utf8)) != nil
    else { return false }
    return [
      "messages", "add_generation_prompt", "bos_token", "eos_token", "message", "__class__", "__globals__",
    ].contains {
      text.firstIndex(of: Array($0.utf8)) != nil
    }
  }

  /// A text for people or interpreters, in which templates and tags are quoted.
  static func isDocument(_ name: String) -> Bool {
    [".md", ".py", ".rst", ".txt", ".html", ".htm", ".js", ".ts", ".css", ".ipynb", ".tex", ".sh"].contains {
      name.lowercased().hasSuffix($0)
    }
  }

  /// A graph in protobuf's text form.
  static func isGraph(_ text: ByteSlice) -> Bool {
    guard text.firstIndex(of: Array("op:".utf8)) != nil else { return false }
    return ["node {", "node{", "node_def {", "node_def{", "graph_def {", "node <", "node: {"].contains {
      text.firstIndex(of: Array($0.utf8)) != nil
    }
  }
}
