/// Where a text input of a node comes from, followed backwards through the graph and the function library.
struct PathTrace {
  /// Constant texts on the way.
  private(set) var constants: [String] = []
  /// Whoever runs the model supplies it, or part of it.
  private(set) var isSupplied = false
  /// A variable, an iterator or another source that the graph does not tell.
  private(set) var isComputed = false
  /// An asset of the SavedModel, whose path the loader fills in.
  private(set) var isAsset = false

  private let subject: TensorFlowSubject
  private let assets: Set<String>
  private var seen: Set<[Int]> = []
  private var budget = 20_000

  init(_ subject: TensorFlowSubject) {
    self.subject = subject
    assets = Set(subject.assets.map(\.tensor))
  }

  /// Follows input `index` of a node.
  mutating func follow(_ node: TensorFlowSubject.Node, input index: Int, scope: Int) {
    let inputs = node.inputs.filter { !$0.hasPrefix("^") }
    guard index < inputs.count else { return }
    follow(inputs[index], scope: scope, depth: 0)
  }

  private mutating func follow(_ input: String, scope number: Int, depth: Int) {
    budget -= 1
    guard depth < 200, budget > 0 else {
      isComputed = true
      return
    }
    let scope = subject.scopes[number]
    let name = String(input.prefix { $0 != ":" })
    if let argument = scope.arguments.firstIndex(of: name) {
      guard seen.insert([number, -1 - argument]).inserted else { return }
      self.argument(argument, of: number, depth: depth)
      return
    }
    guard let position = scope.index[name] else {
      isComputed = true
      return
    }
    guard seen.insert([number, position]).inserted else { return }
    let node = scope.nodes[position]
    let inputs = node.inputs.filter { !$0.hasPrefix("^") }
    switch node.type {
    case "Const", "HostConst":
      if number == 0 || scope.name.isEmpty, assets.contains(node.name) {
        isAsset = true
      } else {
        constants += node.constants
      }
    case "Placeholder", "PlaceholderV2", "_Arg", "Arg": isSupplied = true
    case "PlaceholderWithDefault":
      isSupplied = true
      for input in inputs { follow(input, scope: number, depth: depth + 1) }
    case "VarHandleOp", "ReadVariableOp", "VariableV2", "Variable", "IteratorGetNext", "IteratorV2",
      "HashTableV2",
      "LookupTableFindV2", "ReaderReadV2", "ReadFile":
      isComputed = true
    default:
      var isFollowed = false
      for function in node.functions + [node.type] {
        guard let target = subject.functionIndex[function] else { continue }
        for result in subject.scopes[target].results {
          isFollowed = true
          follow(result, scope: target, depth: depth + 1)
        }
      }
      if !isFollowed, inputs.isEmpty { isComputed = true }
      for input in inputs { follow(input, scope: number, depth: depth + 1) }
    }
  }

  /// An argument of a function is what its callers hand over; without callers in the file it is supplied.
  private mutating func argument(_ index: Int, of number: Int, depth: Int) {
    let scope = subject.scopes[number]
    guard let callers = subject.callers[scope.name], !callers.isEmpty else {
      isSupplied = true
      return
    }
    for caller in callers.prefix(256) {
      let node = subject.scopes[caller.scope].nodes[caller.node]
      let inputs = node.inputs.filter { !$0.hasPrefix("^") }
      let skipped = inputs.count - scope.arguments.count
      if skipped == 0 || skipped == 1, index + skipped < inputs.count {
        follow(inputs[index + skipped], scope: caller.scope, depth: depth + 1)
      } else {
        for input in inputs { follow(input, scope: caller.scope, depth: depth + 1) }
      }
    }
  }
}
