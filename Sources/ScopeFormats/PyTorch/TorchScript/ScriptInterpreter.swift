import ScopeBytes
import ScopeGraph

/// Follows a TorchScript program from `forward` on without running it: calls are inlined, what is constant is computed,
/// loops of known length are unrolled, and operators on tensors go to the ``AtenBuilder``.
///
/// One instance follows one program once, under one assumption about its inputs. Steps, nesting, lists and texts are
/// bounded, so that a hostile program ends in an error.
final class ScriptInterpreter {
  let program: ScriptProgram
  let inputs: ScriptInputs
  var builder: AtenBuilder

  /// Variables of the function being followed.
  var variables: [String: ScriptValue] = [:]
  /// File of the function being followed and line of the statement.
  var path = "code"
  var line = 0
  private var depth = 0
  var steps = 0
  /// Modules that were saved in training mode; they are converted as after `.eval()`.
  var sawTraining = false
  /// Tensors of the archive by the bytes they show.
  var parameters: [TensorView: AtenTensor] = [:]
  /// Objects of the archive that have been reached; one that is reached by two paths keeps the first.
  var objects: [PickleID: ScriptObject] = [:]
  /// Products of an open integer and a number, so that dividing by the number gives the integer back.
  var products: [String: (base: AtenTensor, factor: Int)] = [:]
  /// Open sizes of images, by the values that hold them.
  var openImageSizes: Set<String> = []
  /// Set when an operator was called that is not converted: no other assumption helps.
  var isHopeless = false

  static let stepLimit = 2_000_000
  /// Calls, blocks and expressions inside each other; what PyTorch writes stays below 200.
  private static let depthLimit = 400
  static let listLimit = 1 << 18
  static let textLimit = 1 << 16

  init(_ program: ScriptProgram, _ inputs: ScriptInputs, name: String) {
    self.program = program
    self.inputs = inputs
    builder = AtenBuilder(name: name)
  }

  // MARK: Errors

  var place: String { line > 0 ? "\(path) line \(line)" : path }

  func failure(
    _ code: ScopeError.Code, _ message: String, expected: String? = nil, found: String? = nil
  ) -> ScopeError {
    ScopeError(code, message, place: place, expected: expected, found: found)
  }

  /// Counts a step of work.
  func spend(_ work: Int = 1) throws(ScopeError) {
    steps += work
    guard steps <= Self.stepLimit else {
      throw failure(
        .limitExceeded, "the program takes too many steps to follow", expected: "at most \(Self.stepLimit)")
    }
  }

  func deeper<Result>(_ body: () throws(ScopeError) -> Result) throws(ScopeError) -> Result {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthLimit else {
      throw failure(
        .limitExceeded, "calls are nested too deeply, or a function calls itself",
        expected: "at most \(Self.depthLimit) levels")
    }
    return try body()
  }

  // MARK: Functions

  /// Follows a function with its arguments bound by position, then by name, then by default.
  func call(
    _ function: ScriptFunction, in file: String, _ arguments: [ScriptValue],
    named: [String: ScriptValue] = [:], isMethod: Bool = false
  ) throws(ScopeError) -> ScriptValue {
    try spend()
    guard arguments.count <= function.parameters.count else {
      throw failure(
        .malformed, "\(function.name) is called with too many arguments",
        expected: "at most \(function.parameters.count)", found: "\(arguments.count)")
    }
    var bound: [String: ScriptValue] = [:]
    for (index, parameter) in function.parameters.enumerated() {
      if index < arguments.count {
        bound[parameter.name] = arguments[index]
      } else if let value = named[parameter.name] {
        bound[parameter.name] = value
      } else if let value = parameter.defaultValue {
        bound[parameter.name] = try evaluate(value)
      } else {
        throw failure(.malformed, "\(function.name) is called without its argument \"\(parameter.name)\"")
      }
    }
    let outer = (variables, path, line)
    (variables, path, line) = (bound, file, function.line)
    defer { (variables, path, line) = outer }
    return try deeper { () throws(ScopeError) -> ScriptValue in
      if case .returned(let value) = try follow(function.body) { return value }
      return .none
    }
  }

  /// Calls a method of an object; nodes that follow are named after a module's path.
  func callMethod(
    _ object: ScriptObject, _ name: String, _ arguments: [ScriptValue], named: [String: ScriptValue] = [:]
  ) throws(ScopeError) -> ScriptValue {
    guard let (definition, file) = try program.classNamed(object.className) else {
      throw failure(.malformed, "the archive has no code of the class \(object.className)")
    }
    guard let method = definition.methods[name] else {
      throw failure(.malformed, "the class \(object.className) has no method \"\(name)\"")
    }
    let outer = builder.module
    builder.module = object.path
    defer { builder.module = outer }
    return try call(method, in: file, [.object(object)] + arguments, named: named, isMethod: true)
  }

  // MARK: Statements

  enum Flow {
    case goesOn
    case returned(ScriptValue)
    case leavesLoop
    case nextRound
  }

  func follow(_ statements: [ScriptStatement]) throws(ScopeError) -> Flow {
    for statement in statements {
      line = statement.line
      let flow: Flow
      do throws(ScopeError) {
        try spend()
        flow = try follow(statement)
      } catch {
        if error.place?.hasPrefix("code") ?? false { throw error }
        throw error.at(place)
      }
      if case .goesOn = flow { continue }
      return flow
    }
    return .goesOn
  }

  private func follow(_ statement: ScriptStatement) throws(ScopeError) -> Flow {
    switch statement.kind {
    case .expression(let expression): _ = try evaluate(expression)
    case .assign(let target, let expression): try assign(target, try evaluate(expression))
    case .declare(let name): variables[name] = .uninitialized
    case .returning(let expression):
      guard let expression else { return .returned(.none) }
      return .returned(try evaluate(expression))
    case .conditional(let condition, let then, let otherwise):
      let chosen = try branch(try evaluate(condition), then, otherwise)
      return try deeper { () throws(ScopeError) -> Flow in try follow(chosen) }
    case .whileLoop(let condition, let body):
      while try truth(try evaluate(condition)) {
        try spend()
        if let flow = try round(body) { return flow }
        line = statement.line
      }
    case .forLoop(let target, let sequence, let body): return try loop(target, sequence, body)
    case .assertion(let condition):
      if case .bool(false) = try evaluate(condition) { throw raised("AssertionError") }
    case .pass: break
    case .leaveLoop: return .leavesLoop
    case .nextRound: return .nextRound
    }
    return .goesOn
  }

  /// One round of a loop; nil when the loop goes on.
  private func round(_ body: [ScriptStatement]) throws(ScopeError) -> Flow? {
    switch try deeper({ () throws(ScopeError) -> Flow in try follow(body) }) {
    case .goesOn, .nextRound: nil
    case .leavesLoop: .goesOn
    case .returned(let value): .returned(value)
    }
  }

  private func loop(
    _ target: ScriptTarget, _ sequence: ScriptExpression, _ body: [ScriptStatement]
  ) throws(ScopeError) -> Flow {
    if case .call(.name("range"), let bounds, _) = sequence {
      let (start, end, step) = try range(bounds)
      var value = start
      while step > 0 ? value < end : value > end {
        try spend()
        try assign(target, .int(value))
        if let flow = try round(body) { return flow }
        let (next, overflow) = value.addingReportingOverflow(step)
        if overflow { break }
        value = next
      }
      return .goesOn
    }
    for item in try elements(try evaluate(sequence)) {
      try spend()
      try assign(target, item)
      if let flow = try round(body) { return flow }
    }
    return .goesOn
  }

  private func range(_ bounds: [ScriptExpression]) throws(ScopeError) -> (Int, Int, Int) {
    var numbers: [Int] = []
    for bound in bounds {
      let value = try evaluate(bound)
      guard case .int(let number) = value else {
        throw failure(.unsupported, "a loop runs as often as is known at run time only", found: value.kind)
      }
      numbers.append(number)
    }
    switch numbers.count {
    case 1: return (0, numbers[0], 1)
    case 2: return (numbers[0], numbers[1], 1)
    case 3 where numbers[2] != 0: return (numbers[0], numbers[1], numbers[2])
    default: throw failure(.malformed, "range needs one to three numbers and a step other than 0")
    }
  }

  // MARK: Conditions

  func truth(_ value: ScriptValue) throws(ScopeError) -> Bool {
    if let known = knownTruth(value) { return known }
    throw undecided(value)
  }

  func undecided(_ value: ScriptValue) -> ScopeError {
    inputs.needsSizes = true
    return failure(
      .unsupported, "the program branches on something that is known at run time only", found: value.kind)
  }

  func knownTruth(_ value: ScriptValue) -> Bool? {
    switch value {
    case .bool(let flag): return flag
    case .int(let number): return number != 0
    case .float(let number): return number != 0
    case .none: return false
    case .string(let text): return !text.isEmpty
    case .list(let list): return !list.items.isEmpty
    case .tensor(let tensor):
      guard let constant = tensor.constant, constant.elementCount == 1,
        let number = try? constant.floats().first
      else { return nil }
      return number != 0
    default: return nil
    }
  }

  /// The branch to follow; of an open condition, the one that raises no error when the other does.
  private func branch(
    _ condition: ScriptValue, _ then: [ScriptStatement], _ otherwise: [ScriptStatement]
  ) throws(ScopeError) -> [ScriptStatement] {
    if let known = knownTruth(condition) { return known ? then : otherwise }
    switch (raises(then), raises(otherwise)) {
    case (true, false): return otherwise
    case (false, true): return then
    default: throw undecided(condition)
    }
  }

  /// Whether a block always ends in an error.
  private func raises(_ block: [ScriptStatement]) -> Bool {
    block.contains { statement in
      switch statement.kind {
      case .expression(.call(.path("ops.prim.RaiseException"), _, _)): true
      default: false
      }
    }
  }

  func raised(_ message: String) -> ScopeError {
    failure(
      .invalidArgument, "the program refuses its input under what is assumed of it",
      found: String(message.prefix(300)))
  }

  // MARK: Assignment

  func assign(_ target: ScriptTarget, _ value: ScriptValue) throws(ScopeError) {
    switch target {
    case .single(let expression): try assign(expression, value)
    case .unpack(let parts):
      let items = try elements(value, expected: parts.count)
      guard items.count == parts.count else {
        throw failure(
          .malformed, "a value does not unpack into the names it is assigned to",
          expected: "\(parts.count) parts", found: "\(items.count)")
      }
      for (part, item) in zip(parts, items) { try assign(part, item) }
    }
  }

  private func assign(_ target: ScriptExpression, _ value: ScriptValue) throws(ScopeError) {
    switch target {
    case .name(let name): variables[name] = value
    case .attribute(let base, let name):
      guard case .object(let object) = try evaluate(base) else {
        throw failure(.unsupported, "an attribute of something other than an object is assigned")
      }
      object.attributes[name] = value
    case .index(let base, let index):
      try setItem(try evaluate(base), try evaluate(index), value)
    case .tuple(let parts): try assign(.unpack(parts), value)
    default: throw failure(.malformed, "this cannot be assigned to")
    }
  }

  /// The elements of a list, tuple or tensor with a known first size.
  ///
  /// - Parameter expected: how many the program unpacks it into.
  func elements(_ value: ScriptValue, expected: Int? = nil) throws(ScopeError) -> [ScriptValue] {
    switch value {
    case .list(let list): return list.items
    case .tuple(let items): return items
    case .record(let record): return record.values
    case .dictionary(let dictionary): return dictionary.pairs.map(\.key)
    case .tensor:
      return try elements(try callTensor("aten::unbind", [value, .int(0)], [:]))
    default: throw failure(.malformed, "this has no elements", found: value.kind)
    }
  }
}
