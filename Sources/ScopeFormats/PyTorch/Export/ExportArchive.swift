import OrderedCollections
import ScopeBytes
import ScopeGraph

/// The members of a `.pt2` archive (torch.export.save), in the layouts that PyTorch has written:
/// `NAME/models/model.json` with `NAME/data/weights/...` since 2.8, `serialized_exported_program.json` with
/// `serialized_state_dict.pt` before.
struct ExportArchive {
  let archive: ZipArchive
  /// The graph, its signature and versions.
  let program: JSONValue
  let programName: String
  private let layout: Layout

  private enum Layout {
    /// With the members' prefix (`model/`) and the model's name.
    case folders(prefix: String, model: String)
    case flat
  }

  private static let flatProgram = "serialized_exported_program.json"
  private static let programLimit = 1 << 28

  /// Whether an archive is one of torch.export's.
  static func isExported(_ archive: ZipArchive) -> Bool {
    archive.member(named: flatProgram) != nil || program(in: archive) != nil
      || archive.members.contains { $0.name.hasSuffix("/archive_format") || $0.name == "archive_format" }
  }

  /// `PREFIX/models/NAME.json`; `model` when there are several.
  private static func program(in archive: ZipArchive) -> (name: String, prefix: String, model: String)? {
    var found: (name: String, prefix: String, model: String)?
    for member in archive.members where member.name.hasSuffix(".json") {
      let parts = member.name.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count >= 2, parts.count <= 3, parts[parts.count - 2] == "models", let last = parts.last
      else { continue }
      let prefix = parts.count == 3 ? "\(parts[0])/" : ""
      let candidate = (member.name, prefix, String(last.dropLast(5)))
      if last == "model.json" { return candidate }
      found = found ?? candidate
    }
    return found
  }

  init(_ archive: ZipArchive) throws(ScopeError) {
    self.archive = archive
    let name: String
    if let (path, prefix, model) = Self.program(in: archive) {
      (name, layout) = (path, .folders(prefix: prefix, model: model))
    } else if archive.member(named: Self.flatProgram) != nil {
      (name, layout) = (Self.flatProgram, .flat)
    } else {
      throw ScopeError(
        .malformed, "the torch.export archive holds no program", expected: "a member models/model.json",
        found: archive.members.prefix(3).map(\.name).joined(separator: ", "),
        remedy: "The archive is incomplete, or holds a compiled model (AOTInductor); export the model again")
    }
    programName = name
    guard let member = archive.member(named: name) else {
      throw ScopeError(.malformed, "the program is not in the archive", place: "member \"\(name)\"")
    }
    do throws(ScopeError) {
      program = try JSONValue.parse(try archive.contents(of: member, limit: Self.programLimit))
    } catch {
      throw error.at("member \"\(name)\"")
    }
    try checkVersions()
  }

  /// The major version of the schema that this reader knows; minor versions are compatible.
  static let schemaMajor = 8

  private func checkVersions() throws(ScopeError) {
    if case .folders(let prefix, _) = layout, let member = archive.member(named: prefix + "byteorder"),
      let order = try archive.contents(of: member, limit: 64).utf8String, !order.hasPrefix("little")
    {
      throw PyTorchReader.bigEndian
    }
    let version = program["schema_version"]
    var found = "none"
    if case .integer(let major)? = version?["major"] {
      if major == Self.schemaMajor { return }
      found = "\(major)"
      if case .integer(let minor)? = version?["minor"] { found += ".\(minor)" }
    } else if case .integer(let number)? = version {
      found = "\(number)"
    }
    throw ScopeError(
      .unsupported, "the program is of another version of torch.export's format",
      place: "member \"\(programName)\" > schema_version", expected: "major version \(Self.schemaMajor)",
      found: found, remedy: "Export the model again with PyTorch 2.5 or newer")
  }

  /// A group of tensors: those of the state dict, or the constants.
  enum Group: String {
    case weights, constants
  }

  /// Tensors by their names in the program, and which names show the same numbers.
  func tensors(
    _ group: Group
  ) throws(ScopeError) -> (tensors: OrderedDictionary<String, Tensor>, sharedWith: [String: String]) {
    switch layout {
    case .flat:
      let name = group == .weights ? "serialized_state_dict.pt" : "serialized_constants.pt"
      return try nested(name)
    case .folders(let prefix, let model):
      let folder = "\(prefix)data/\(group.rawValue)/"
      if archive.member(named: "\(folder)\(model).pt") != nil { return try nested("\(folder)\(model).pt") }
      return try payload(folder, "\(folder)\(model)_\(group.rawValue)_config.json")
    }
  }

  /// Tensors that `torch.save` wrote into an archive inside the archive.
  private func nested(
    _ name: String
  ) throws(ScopeError) -> (tensors: OrderedDictionary<String, Tensor>, sharedWith: [String: String]) {
    guard let member = archive.member(named: name) else { return ([:], [:]) }
    do throws(ScopeError) {
      let bytes = try archive.contents(of: member)
      if bytes.isEmpty { return ([:], [:]) }
      let file = try PyTorchArchive(try ZipArchive(bytes))
      let run = PickleMachine.run(file.pickle)
      if let problem = run.problem { throw problem }
      // An empty dictionary holds no tensors and is no error here.
      if let result = run.result, case .dict(let pairs) = run.value(result), pairs.isEmpty {
        return ([:], [:])
      }
      var collector = StateDictCollector(PyTorchTensorBuilder(run: run, source: file.storage))
      let state = try collector.collect()
      var tensors: OrderedDictionary<String, Tensor> = [:]
      for (key, tensor) in state.tensors { tensors[state.removedPrefix + key] = tensor }
      var shared: [String: String] = [:]
      for (key, first) in state.sharedWith {
        shared[state.removedPrefix + key] = state.removedPrefix + first
      }
      return (tensors, shared)
    } catch {
      throw error.at("member \"\(name)\"")
    }
  }

  /// Tensors of which a JSON list tells file, element type, sizes and strides (`PayloadConfig`).
  private func payload(
    _ folder: String, _ listName: String
  ) throws(ScopeError) -> (tensors: OrderedDictionary<String, Tensor>, sharedWith: [String: String]) {
    guard let list = archive.member(named: listName) else { return ([:], [:]) }
    var tensors: OrderedDictionary<String, Tensor> = [:]
    var shared: [String: String] = [:]
    var views: [TensorView: String] = [:]
    var files: [String: ByteSlice] = [:]
    var inflated = 0
    do throws(ScopeError) {
      let document = try JSONValue.parse(try archive.contents(of: list, limit: Self.programLimit))
      guard case .object(let entries)? = document["config"] else {
        throw ScopeError(.malformed, "the list of tensors is not as PyTorch writes it", expected: "config")
      }
      for (name, entry) in entries {
        do throws(ScopeError) {
          guard case .string(let path)? = entry["path_name"] else {
            throw ScopeError(.malformed, "a tensor has no file")
          }
          if case .bool(true)? = entry["use_pickle"] {
            throw ScopeError(.unsupported, "a pickled tensor of another class is not read")
          }
          guard let meta = entry["tensor_meta"] else { throw ScopeError(.malformed, "a tensor has no sizes") }
          var bytes = files[path]
          if bytes == nil {
            guard let member = archive.member(named: folder + path) else {
              throw ScopeError(
                .malformed, "a tensor's numbers are not in the archive", place: "member \"\(folder)\(path)\"",
                remedy: "The archive is incomplete; fetch it again")
            }
            let contents = try archive.contents(of: member, limit: (1 << 32) - inflated)
            if member.method != 0 { inflated += contents.count }
            files[path] = contents
            bytes = contents
          }
          let (tensor, view) = try Self.tensor(try ExportTensorMeta(meta), bytes ?? ByteSlice([]), path)
          if let first = views[view] { shared[name] = first } else { views[view] = name }
          tensors[name] = tensor
        } catch {
          throw error.at("tensor \"\(name.prefix(200))\"")
        }
      }
    } catch {
      throw error.at("member \"\(listName)\"")
    }
    return (tensors, shared)
  }

  private static func tensor(
    _ meta: ExportTensorMeta, _ bytes: ByteSlice, _ path: String
  ) throws(ScopeError) -> (Tensor, TensorView) {
    guard let type = meta.dataType, type.bitWidth >= 8 else {
      throw ScopeError(.unsupported, "the element type is not read", found: "ScalarType \(meta.scalarType)")
    }
    guard let sizes = meta.shape.sizes, let strides = meta.strides, let offset = meta.offset,
      strides.count == sizes.count
    else { throw ScopeError(.malformed, "a stored tensor's sizes, strides and offset must be numbers") }
    let width = type.bitWidth / 8
    let view = TensorView(
      storage: path, offset: offset, dimensions: sizes, strides: strides, dataType: type)
    let start = try checkedProduct([offset, width], what: "storage offset")
    let count = try checkedProduct(sizes, what: "tensor shape")
    guard start <= bytes.count else {
      throw ScopeError(
        .malformed, "the tensor begins beyond its storage", expected: "at most \(bytes.count) bytes",
        found: "\(start)")
    }
    if count == 0 {
      return (try Tensor(dataType: type, dimensions: sizes, storage: .packed(ByteSlice([]))), view)
    }
    var expected = 1
    var isContiguous = true
    for (size, stride) in zip(sizes, strides).reversed() where size != 1 {
      isContiguous = isContiguous && stride == expected
      expected *= size
    }
    let rest = bytes.dropFirst(start)
    if isContiguous {
      let length = try checkedProduct([count, width], what: "tensor")
      let packed = try rest.slice(at: 0, count: length, what: "tensor")
      return (try Tensor(dataType: type, dimensions: sizes, storage: .packed(packed)), view)
    }
    return (try Tensor(dataType: type, dimensions: sizes, storage: .strided(rest, strides: strides)), view)
  }
}
