import ScopeBytes

/// The source and the objects of a TorchScript archive. Files are parsed when something in them is needed.
final class ScriptProgram {
  let file: PyTorchArchive
  /// `data.pkl`.
  let run: PickleRun
  let tensors: PyTorchTensorBuilder
  private var files: [String: ScriptFile?] = [:]
  private var constants: [PickleID]?
  private var constantTensors: PyTorchTensorBuilder?

  init(_ file: PyTorchArchive, _ run: PickleRun) {
    self.file = file
    self.run = run
    tensors = PyTorchTensorBuilder(run: run, source: file.storage)
  }

  /// The file of a module: `__torch__.torch.nn.functional` lies in `code/__torch__/torch/nn/functional.py`.
  private func source(_ module: Substring) throws(ScopeError) -> ScriptFile? {
    let path = "code/\(module.split(separator: ".").joined(separator: "/")).py"
    if let known = files[path] { return known }
    guard let member = file.archive.member(named: file.prefix + path) else {
      files[path] = .some(nil)
      return nil
    }
    let bytes = try file.archive.contents(of: member, limit: ScriptParser.fileLimit)
    let parsed = try ScriptParser.parse(bytes, path: path)
    files[path] = parsed
    return parsed
  }

  private func split(_ qualifiedName: String) -> (module: Substring, name: Substring)? {
    guard let dot = qualifiedName.lastIndex(of: ".") else { return nil }
    return (qualifiedName[..<dot], qualifiedName[qualifiedName.index(after: dot)...])
  }

  /// The class of a qualified name and the file it is in.
  func classNamed(_ qualifiedName: String) throws(ScopeError) -> (definition: ScriptClass, path: String)? {
    guard let (module, name) = split(qualifiedName), let file = try source(module),
      let definition = file.classes[String(name)]
    else { return nil }
    return (definition, file.path)
  }

  /// The free function of a qualified name and the file it is in.
  func functionNamed(_ qualifiedName: String) throws(ScopeError) -> (function: ScriptFunction, path: String)?
  {
    guard let (module, name) = split(qualifiedName), let file = try source(module),
      let function = file.functions[String(name)]
    else { return nil }
    return (function, file.path)
  }

  /// Entry `number` of `constants.pkl`, and the run and builder it belongs to.
  func constant(_ number: Int) throws(ScopeError) -> (id: PickleID, tensors: PyTorchTensorBuilder) {
    if constants == nil {
      guard let member = file.archive.member(named: file.prefix + "constants.pkl") else {
        throw ScopeError(.malformed, "the archive has no constants.pkl")
      }
      let run = PickleMachine.run(try file.archive.contents(of: member, limit: 1 << 28))
      if let problem = run.problem { throw problem.at("member \"\(member.name)\"") }
      let archive = file
      constantTensors = PyTorchTensorBuilder(run: run) { key throws(ScopeError) in
        try archive.constantStorage(key)
      }
      constants = run.result.flatMap { run.elements($0) } ?? []
    }
    guard let constants, let constantTensors, constants.indices.contains(number) else {
      throw ScopeError(
        .malformed, "the program names a constant that the archive does not have",
        expected: "at most \(constants?.count ?? 0) constants", found: "CONSTANTS.c\(number)")
    }
    return (constants[number], constantTensors)
  }
}
