import ScopeBytes

/// Judges the text files that stand beside a model: what loading the repository would import or run.
///
/// The file system is looked at only to tell whether a named file is there.
struct RepositoryScanner {
  /// The file's name without its folder.
  let name: String
  /// The member path for findings, nil for a file.
  let member: String?
  /// The folder of the file, nil inside an archive.
  let directory: String?
  private(set) var findings: [Finding] = []
  /// What could not be read although a loader would.
  private(set) var problem: ScopeError?

  init(name path: String, member: String?, directory: String?) {
    name = path.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map { $0.lowercased() } ?? ""
    self.member = member
    self.directory = directory
  }

  private mutating func add(
    _ evidence: String, title: String? = nil, severity: Severity? = nil, key: String? = nil
  ) {
    findings.append(
      REP001.found(evidence, title: title, severity: severity, member: member, key: key))
  }

  /// Largest text that is examined.
  static let textLimit = 64 << 20

  private static let configurations: Set<String> = [
    "config.json", "tokenizer_config.json", "preprocessor_config.json", "processor_config.json",
    "image_processor_config.json", "video_preprocessor_config.json", "feature_extractor_config.json",
    "generation_config.json", "adapter_config.json", "model_index.json", "modules.json",
    "config_sentence_transformers.json", "peft_config.json", "modular_model_index.json",
    "scheduler_config.json",
  ]

  mutating func scan(_ bytes: ByteSlice) {
    let suffix = name.lastIndex(of: ".").map { name[name.index(after: $0)...] } ?? ""
    switch suffix {
    case "json": scanJSON(bytes)
    case "yaml", "yml": scanYAML(bytes)
    case "py": scanPython(bytes)
    case "pth": scanPathFile(bytes)
    case "sh", "bash", "bat", "cmd", "ps1", "command":
      add("\(name) is a script", title: "A script beside the model", severity: .low)
    default: break
    }
  }

  // MARK: - JSON

  private mutating func scanJSON(_ bytes: ByteSlice) {
    guard Self.configurations.contains(name) else {
      checkWhole(bytes)
      return
    }
    let json: JSONValue
    do throws(ScopeError) {
      guard bytes.count <= Self.textLimit else {
        throw ScopeError(
          .limitExceeded, "the configuration is too large", expected: "at most \(Self.textLimit) bytes")
      }
      // Python accepts a byte order mark with utf-8-sig only; a loader that skips it reads the rest.
      let mark = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
      json = try JSONScanner.parse(bytes.dropFirst(mark)).0
    } catch {
      problem = error
      return
    }
    visit(json, depth: 0)
    if name == "modules.json" { scanModules(json) }
    if name == "model_index.json" || name == "modular_model_index.json" { scanPipeline(json) }
    if name == "generation_config.json", hasFile("custom_generate/generate.py") {
      add("custom_generate/generate.py replaces generate()", key: "custom_generate")
    }
  }

  /// JSON that breaks off was not read to its end. Lists of one value per line are no single value and are left alone.
  private mutating func checkWhole(_ bytes: ByteSlice) {
    guard !bytes.isEmpty, bytes.count <= Self.textLimit, bytes[0] == 0x7B || bytes[0] == 0x5B else { return }
    let firstLine = bytes.firstIndex(of: [0x0A], from: 0).map { bytes.prefix($0) }
    if let firstLine, (try? JSONScanner.parse(firstLine)) != nil { return }
    do throws(ScopeError) { _ = try JSONScanner.parse(bytes) } catch { problem = error }
  }

  /// Keys that mean code wherever they stand: configurations nest those of their parts.
  private mutating func visit(_ value: JSONValue, depth: Int) {
    guard depth < 16 else { return }
    switch value {
    case .array(let items): for item in items.prefix(10_000) { visit(item, depth: depth + 1) }
    case .object(let entries):
      for (key, value) in entries {
        check(key, value)
        visit(value, depth: depth + 1)
      }
    default: break
    }
  }

  private mutating func check(_ key: String, _ value: JSONValue) {
    switch key {
    case "auto_map", "custom_pipelines":
      guard !isEmpty(value) else { return }
      let names = texts(value)
      add("\(key) names \(names.prefix(4).joined(separator: ", "))\(origin(names))", key: key)
    case "custom_pipeline", "custom_generate", "trust_remote_code":
      if case .bool(true) = value { add("\(key) is true", severity: .medium, key: key) }
      if let text = value.text, !text.isEmpty { add("\(key) names \(text)", key: key) }
    case "auto_mapping":
      guard let library = value["parent_library"]?.text else { return }
      if !isKnown(library) { add("PEFT imports \(library) for the base model", key: key) }
    case "_target_":
      if let target = value.text { checkTarget(target) }
    default: break
    }
  }

  /// Where the named code lies: `owner/repository--module.Class` is fetched from elsewhere.
  private func origin(_ names: [String]) -> String {
    if let remote = names.first(where: { $0.contains("--") }) {
      return ", fetched from the repository \(remote.split(separator: "-").first.map(String.init) ?? remote)"
    }
    let files = names.compactMap { $0.split(separator: ".").first.map { "\($0).py" } }
    return files.contains(where: { hasFile($0) }) ? ", which lies beside it" : ""
  }

  /// modules.json of sentence-transformers: each type is imported.
  private mutating func scanModules(_ json: JSONValue) {
    for module in json.array ?? [] {
      guard let type = module["type"]?.text, !type.hasPrefix("sentence_transformers.") else { continue }
      add("the module type \(type) is not one of sentence_transformers", key: "type")
    }
  }

  /// model_index.json of diffusers: `component: [library, class]`; the library is a package, one of the pipelines that
  /// diffusers brings, or a file of the repository.
  private mutating func scanPipeline(_ json: JSONValue) {
    guard case .object(let entries) = json else { return }
    for (component, value) in entries {
      if component == "_class_name" {
        if case .array = value {
          add("the pipeline class is \(texts(value).joined(separator: "."))", key: component)
        }
        continue
      }
      guard let pair = value.array, pair.count >= 2, let library = pair[0].text, !component.hasPrefix("_")
      else { continue }
      if hasFile("\(component)/\(library).py") || hasFile("\(library).py") {
        add("\(component) is a class of \(library).py in the repository", key: component)
      } else if !isKnown(library), !Self.pipelineModules.contains(library),
        !library.hasPrefix("stable_diffusion")
      {
        add("\(component) is imported from \(library), which is not a library of models", key: component)
      }
    }
  }

  private static let libraries: Set<String> = [
    "diffusers", "transformers", "transformers_modules", "peft", "torch", "torchvision", "timm", "accelerate",
    "optimum",
    "onnxruntime", "sentence_transformers", "open_clip", "flax", "keras", "tensorflow", "k_diffusion",
    "__main__",
    "bitsandbytes", "huggingface_hub", "setfit", "trl",
  ]

  private static let pipelineModules: Set<String> = [
    "alt_diffusion", "animatediff", "audioldm", "audioldm2", "aura_flow", "blip_diffusion", "cogvideo",
    "controlnet",
    "deepfloyd_if", "flux", "hunyuandit", "hunyuan_video", "kandinsky", "kandinsky2_2", "kandinsky3",
    "kolors",
    "latent_consistency_models", "latent_diffusion", "ltx", "lumina", "musicldm", "paint_by_example",
    "pixart_alpha",
    "sana", "semantic_stable_diffusion", "shap_e", "spectrogram_diffusion", "stable_audio", "stable_cascade",
    "text_to_video_synthesis", "unclip", "unidiffuser", "versatile_diffusion", "wan", "wuerstchen",
  ]

  private func isKnown(_ module: String) -> Bool {
    module.split(separator: ".").first.map { Self.libraries.contains(String($0)) } ?? false
  }

  private func texts(_ value: JSONValue) -> [String] {
    switch value {
    case .string(let text): [text]
    case .array(let items): items.prefix(64).flatMap { texts($0) }
    case .object(let entries): entries.prefix(64).flatMap { texts($0.value) }
    default: []
    }
  }

  private func isEmpty(_ value: JSONValue) -> Bool {
    switch value {
    case .null, .bool(false): true
    case .string(let text): text.isEmpty
    case .array(let items): items.isEmpty
    case .object(let entries): entries.isEmpty
    default: false
    }
  }

  private func hasFile(_ relative: String) -> Bool {
    guard let directory, ExternalLocation.escape(relative) == nil else { return false }
    if case .file = ExternalLocation.inspect(relative, in: directory) { return true }
    return false
  }

  // MARK: - YAML, Python, path files

  /// Hydra's `_target_` calls what it names; PyYAML's unsafe loaders construct what `!!python/` names.
  private mutating func scanYAML(_ bytes: ByteSlice) {
    for tag in ["!!python/object", "!!python/name", "!!python/module", "tag:yaml.org,2002:python/object"] {
      for line in Self.lines(of: bytes, with: tag) {
        add("the tag \(tag) in: \(line.text.prefix(100))", title: "A YAML tag that constructs Python objects")
      }
    }
    for line in Self.lines(of: bytes, with: "_target_") {
      // Also inside a flow mapping: `{_target_: os.system}`.
      let value = line.rest.dropFirst(8).drop { " '\"\t:".contains($0) }
      checkTarget(String(value.prefix { !" ,}'\"\t\r".contains($0) }))
    }
  }

  private mutating func checkTarget(_ target: String) {
    let module = target.split(separator: ".").first.map(String.init) ?? ""
    guard
      [
        "os", "posix", "nt", "subprocess", "builtins", "sys", "shutil", "importlib", "runpy", "pty", "socket",
        "ctypes", "pickle", "dill", "joblib", "marshal", "code", "pdb", "webbrowser", "urllib", "requests",
        "timeit",
        "pip", "cloudpickle", "multiprocessing", "commands", "eval", "exec",
      ].contains(module)
    else { return }
    add("_target_ is \(target), which the configuration's loader calls", key: "_target_")
  }

  /// Code that starts programs or loads other code. Ordinary model definitions do neither.
  private mutating func scanPython(_ bytes: ByteSlice) {
    if name == "handler.py", bytes.firstIndex(of: Array("EndpointHandler".utf8)) != nil {
      add("handler.py defines EndpointHandler, which inference endpoints import", severity: .medium)
    }
    if name == "setup.py" { add("setup.py runs when the folder is installed", severity: .low) }
    for call in Self.calls {
      for line in Self.lines(of: bytes, with: call) {
        // model.eval( and my_exec( are other names.
        let isName =
          line.before.map { $0 == 0x2E || $0 == 0x5F || $0 >= 0x80 || Self.isAlphanumeric($0) } ?? false
        guard !isName, !line.isComment else { continue }
        add(
          "line \(line.number): \(line.text.prefix(100))",
          title: "Python code beside the model calls \(call.filter { $0 != "(" })", severity: .medium)
        if findings.count >= 20 { return }
      }
    }
  }

  private static let calls = [
    "os.system(", "os.popen(", "subprocess.", "exec(", "eval(", "__import__(", "pickle.loads(",
    "marshal.loads(",
    "socket.socket(", "urllib.request.urlopen(", "ctypes.CDLL(", "pty.spawn(", "os.execv",
  ]

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }

  /// Python runs the lines of a `.pth` file in site-packages that begin with `import`.
  private mutating func scanPathFile(_ bytes: ByteSlice) {
    let imports = ["import ", "import\t"].flatMap { Self.lines(of: bytes, with: $0) }
    if let line = imports.first(where: { $0.before == nil || $0.before == 0x0A || $0.before == 0x0D }) {
      add("\(name) holds: \(line.text.prefix(100))", title: "A path file that Python runs at its start")
    }
  }

  /// A line that is no comment, the byte before what was looked for, and its number from 1.
  private struct Line {
    var number: Int
    var text: Substring
    /// From what was looked for to the end of the line.
    var rest: String
    var before: UInt8?
    /// Whether a `#` stands before what was looked for, with no quote on the line before that: a quote could close a
    /// string from a line above, and a carriage return ends a comment.
    var isComment: Bool {
      let before = text.dropLast(rest.count)
      return before.contains("#") && !before.contains { "\"'\r".contains($0) }
    }
  }

  /// The lines that hold a text, at most 65,536.
  private static func lines(of bytes: ByteSlice, with text: String) -> [Line] {
    let bytes = bytes.prefix(textLimit)
    let pattern = Array(text.utf8)
    var found: [Line] = []
    var (search, counted, number) = (0, 0, 1)
    while found.count < 65_536, let hit = bytes.firstIndex(of: pattern, from: search) {
      search = hit + pattern.count
      while let newline = bytes.prefix(hit).firstIndex(of: [0x0A], from: counted) {
        counted = newline + 1
        number += 1
      }
      let end = bytes.prefix(hit + 512).firstIndex(of: [0x0A], from: hit) ?? min(bytes.count, hit + 512)
      let start = max(counted, hit - 512)
      let line = String(decoding: bytes.dropFirst(start).prefix(end - start).array, as: UTF8.self)
        .drop { $0 == " " || $0 == "\t" }
      // A carriage return ends a comment too.
      if line.hasPrefix("#"), bytes.prefix(hit).firstIndex(of: [0x0D], from: start) == nil { continue }
      let rest = String(decoding: bytes.dropFirst(hit).prefix(end - hit).array, as: UTF8.self)
      found.append(Line(number: number, text: line, rest: rest, before: hit > 0 ? bytes[hit - 1] : nil))
    }
    return found
  }
}

extension FileScan {
  /// Scans a text file by what it is called. A text that claims to be a model is none.
  mutating func scanText(_ bytes: ByteSlice, name: String, member: String?) {
    guard !scanRepositoryRules(bytes, name: name, member: member), member == nil,
      FolderWalk.claimsToBeModel(name)
    else { return }
    if bytes.starts(with: Array("version https://git-lfs".utf8)) {
      leaveOut(
        ScopeError(
          .unsupported, "this is a Git LFS pointer, not the model", remedy: "Fetch the file with git lfs pull"
        ),
        member: member)
    } else {
      leaveOut(ScopeError(.unsupported, "this is text, not a model"), member: member)
    }
  }

  /// What a text of a model repository brings along, beside what its own format says.
  ///
  /// - Returns: whether something was found.
  @discardableResult
  mutating func scanRepositoryRules(_ bytes: ByteSlice, name: String, member: String?) -> Bool {
    var scanner = RepositoryScanner(name: name, member: member, directory: member == nil ? directory : nil)
    scanner.scan(bytes)
    add(scanner.findings)
    if let problem = scanner.problem { leaveOut(problem, member: member) }
    return !scanner.findings.isEmpty
  }
}
