import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Converts the program of a TorchScript archive (`torch.jit.trace` or `torch.jit.script`, saved with `torch.jit.save`)
/// into an ONNX graph, without Python and without running anything.
///
/// An archive does not say what its inputs are. The batch stays open, and so do the sizes of an image and the length
/// of a text unless the program depends on them; then the usual sizes are tried until the program accepts one, and
/// the choice is noted in the model's metadata.
struct TorchScriptConverter {
  /// Shapes of the inputs in order, as the caller knows them; empty when they are to be found.
  var inputShapes: [Shape] = []

  /// Key of the model's metadata under which an assumption about the inputs is noted.
  static let assumptionKey = "assumed_inputs"
  private static let imageSizes = [224, 299, 32, 384, 256, 240, 28]

  /// - Parameter weights: what the same archive holds as parameters and buffers.
  func convert(_ file: PyTorchArchive, _ run: PickleRun, weights: StateDict) -> ConvertedProgram {
    do throws(ScopeError) {
      return .graph(try graph(ScriptProgram(file, run), weights))
    } catch {
      return .failed(error)
    }
  }

  private func assumptions(_ usual: ScriptInputs.Kind) -> [ScriptAssumption] {
    if !inputShapes.isEmpty { return [ScriptAssumption(given: inputShapes)] }
    switch usual {
    case .image:
      return [ScriptAssumption()] + Self.imageSizes.map { ScriptAssumption(imageSize: $0) }
        + [ScriptAssumption(imageSize: 224, batch: 1), ScriptAssumption(imageSize: 32, batch: 1)]
    case .tokens:
      return [
        ScriptAssumption(), ScriptAssumption(sequenceLength: 128),
        ScriptAssumption(sequenceLength: 128, batch: 1),
      ]
    case .features: return [ScriptAssumption(), ScriptAssumption(batch: 1)]
    }
  }

  private func graph(_ program: ScriptProgram, _ weights: StateDict) throws(ScopeError) -> Model {
    let usual = ScriptInputs.kind(suggestedBy: weights)
    var furthest: (error: ScopeError, steps: Int)?
    var spent = 0
    for assumption in assumptions(usual) {
      let attempt = Attempt(program, assumption, usual)
      do throws(ScopeError) {
        return try attempt.model(weights)
      } catch {
        spent += attempt.steps
        if attempt.isHopeless || error.code == .malformed || error.code == .limitExceeded { throw error }
        // The open attempt ends where the program asks for a size; that says less than where a fixed size fails.
        let steps = assumption.note == nil ? 0 : attempt.steps
        if furthest.map({ steps > $0.steps }) ?? true { furthest = (error, steps) }
        guard spent < ScriptInterpreter.stepLimit else { break }
      }
    }
    throw furthest?.error ?? ScopeError(.unsupported, "the program cannot be followed")
  }

  /// Following the program once under one assumption.
  private final class Attempt {
    private let program: ScriptProgram
    private let assumption: ScriptAssumption
    private let usual: ScriptInputs.Kind
    private var interpreter: ScriptInterpreter?

    var steps: Int { interpreter?.steps ?? 0 }
    var isHopeless: Bool { interpreter?.isHopeless ?? false }

    init(_ program: ScriptProgram, _ assumption: ScriptAssumption, _ usual: ScriptInputs.Kind) {
      self.program = program
      self.assumption = assumption
      self.usual = usual
    }

    func model(_ weights: StateDict) throws(ScopeError) -> Model {
      guard let id = program.run.result, let call = program.run.call(id),
        let className = program.run.calleeName(call)
      else { throw ScopeError(.malformed, "the archive holds no module", place: "data.pkl") }
      guard let (definition, path) = try program.classNamed(className) else {
        throw ScopeError(
          .unsupported, "the archive has no code of its module", found: String(className.prefix(200)),
          remedy: "Save the module with torch.jit.save")
      }
      guard let forward = definition.methods["forward"] else {
        throw ScopeError(.unsupported, "the module has no method \"forward\"", place: path)
      }
      // Arguments with a default keep it.
      let parameters = forward.parameters.dropFirst().filter { $0.defaultValue == nil }
      for parameter in parameters where !parameter.isTensor {
        throw ScopeError(
          .unsupported, "an input is no tensor", place: "\(path) line \(forward.line)",
          found: String(parameter.name.prefix(80)))
      }
      let inputs = ScriptInputs(parameters.map(\.name), assumption, usual: usual)
      let interpreter = ScriptInterpreter(program, inputs, name: definition.name)
      self.interpreter = interpreter
      let root = try interpreter.root()
      var named: [String: ScriptValue] = [:]
      for (index, parameter) in parameters.enumerated() { named[parameter.name] = .input(index) }
      let result = try interpreter.callMethod(root, "forward", [], named: named)
      var outputs: [(name: String, value: AtenValue)] = []
      try collect(result, "output", 0, interpreter, &outputs)
      guard !outputs.isEmpty else {
        throw ScopeError(
          .unsupported, "the program returns no tensor", place: "\(path) line \(forward.line)",
          found: result.kind)
      }
      if outputs.count == 1 { outputs[0].name = "logits" }
      var model = try interpreter.builder.finish(outputs: outputs)
      if let note = assumption.note { model.metadata[TorchScriptConverter.assumptionKey] = note }
      if interpreter.sawTraining {
        model.metadata["training_mode"] = "saved in training mode, converted as after .eval()"
      }
      return model
    }

    /// The tensors in what `forward` returns, in order; those of dictionaries and records keep their names.
    private func collect(
      _ value: ScriptValue, _ name: String, _ depth: Int, _ interpreter: ScriptInterpreter,
      _ outputs: inout [(name: String, value: AtenValue)]
    ) throws(ScopeError) {
      guard depth < 16, outputs.count < 1000 else {
        throw ScopeError(.limitExceeded, "the program returns too much", expected: "at most 1000 tensors")
      }
      func all(_ items: [ScriptValue]) throws(ScopeError) {
        for (index, item) in items.enumerated() {
          try collect(item, items.count == 1 ? name : "\(name)_\(index)", depth + 1, interpreter, &outputs)
        }
      }
      switch value {
      case .tensor, .input, .int, .symbolic, .float, .bool:
        outputs.append((name, try interpreter.aten(value)))
      case .list(let list): try all(list.items)
      case .tuple(let items): try all(items)
      case .record(let record):
        for (field, item) in zip(record.fields, record.values) {
          try collect(item, field, depth + 1, interpreter, &outputs)
        }
      case .dictionary(let dictionary):
        for pair in dictionary.pairs {
          try collect(pair.value, interpreter.text(pair.key), depth + 1, interpreter, &outputs)
        }
      case .none, .string, .ignored: break
      default: throw ScopeError(.unsupported, "the program returns \(value.kind)")
      }
    }
  }
}
