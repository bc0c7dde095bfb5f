import ScopeBytes

/// Sequences of tensors and optional values. An optional value that is present is taken for the value itself.
enum SequenceOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("SequenceConstruct", infer: construct),
    OperatorDefinition(
      "SequenceEmpty", infer: { (_) throws(ScopeError) in [ValueType(.sequence([], isLengthKnown: true))] }),
    OperatorDefinition("SequenceInsert", infer: insert),
    OperatorDefinition("SequenceErase", infer: erase),
    OperatorDefinition("SequenceAt", infer: at),
    OperatorDefinition("SequenceLength", infer: length),
    OperatorDefinition("SplitToSequence", infer: split),
    OperatorDefinition("ConcatFromSequence", infer: concatenate),
    OperatorDefinition(
      "Optional", infer: { (c) throws(ScopeError) in [c.has(0) ? c.input(0) : ValueType()] }),
    OperatorDefinition("OptionalGetElement", infer: { (c) throws(ScopeError) in [c.input(0)] }),
    OperatorDefinition("OptionalHasElement", infer: has),
  ]

  @Sendable static func construct(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [ValueType(.sequence(context.inputs.map { $0 ?? ValueType() }, isLengthKnown: true))]
  }

  /// Elements of a sequence input when their number is known.
  private static func elements(_ context: OperatorContext) -> [ValueType]? {
    if case .sequence(let elements, isLengthKnown: true)? = context.input(0).container {
      elements
    } else {
      nil
    }
  }

  /// A type that all elements of the sequence input have.
  private static func element(_ context: OperatorContext) -> ValueType? {
    guard case .sequence(let elements, _)? = context.input(0).container, let first = elements.first else {
      return nil
    }
    return elements.dropFirst().reduce(first) { InferenceEngine.common($0, $1) }
  }

  /// The position given by input `index`; the end when it is omitted; nil when it is not known.
  private static func position(
    _ context: OperatorContext, _ index: Int, count: Int, end: Int
  ) throws(ScopeError) -> Int? {
    guard context.has(index) else { return end }
    guard let given = context.integers(index)?.first else { return nil }
    let position = given < 0 ? given + count : given
    guard position >= 0, position <= end else {
      throw context.invalid(
        "the position is outside the sequence", expected: "at most \(end)", found: "\(given)")
    }
    return position
  }

  @Sendable static func insert(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let new = context.input(1)
    if var elements = elements(context) {
      if let position = try position(context, 2, count: elements.count, end: elements.count) {
        elements.insert(new, at: position)
        return [ValueType(.sequence(elements, isLengthKnown: true))]
      }
      let common = elements.reduce(new) { InferenceEngine.common($0, $1) }
      return [
        ValueType(
          .sequence([ValueType](repeating: common, count: elements.count + 1), isLengthKnown: true))
      ]
    }
    let common = element(context).map { InferenceEngine.common($0, new) } ?? new
    return [ValueType(.sequence([common], isLengthKnown: false))]
  }

  @Sendable static func erase(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    if var elements = elements(context), !elements.isEmpty,
      let position = try position(context, 1, count: elements.count, end: elements.count - 1)
    {
      elements.remove(at: position)
      return [ValueType(.sequence(elements, isLengthKnown: true))]
    }
    return [ValueType(.sequence(element(context).map { [$0] } ?? [], isLengthKnown: false))]
  }

  @Sendable static func at(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    if let elements = elements(context), context.integers(1) != nil,
      let position = try position(context, 1, count: elements.count, end: elements.count - 1)
    {
      return [elements[position]]
    }
    return [element(context) ?? ValueType()]
  }

  @Sendable static func length(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    [elements(context).map { ValueType(constant: .int64s([$0.count], [])) } ?? ValueType(.int64, [])]
  }

  @Sendable static func split(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let input = context.shape(0) else {
      return [ValueType(.sequence([ValueType(context.dataType(0))], isLengthKnown: false))]
    }
    let axis = try context.axis(context.node.int("axis") ?? 0, rank: input.rank)
    let size = input.dimensions[axis]
    func part(_ length: Dimension, keeps: Bool = true) -> ValueType {
      var dimensions = input.dimensions
      if keeps { dimensions[axis] = length } else { dimensions.remove(at: axis) }
      return ValueType(context.dataType(0), Shape(dimensions))
    }
    let maximum = 4096
    if !context.has(1) {
      let one = part(.known(1), keeps: context.node.int("keepdims") != 0)
      guard let count = size.value, count <= maximum else {
        return [ValueType(.sequence([one], isLengthKnown: false))]
      }
      return [ValueType(.sequence([ValueType](repeating: one, count: count), isLengthKnown: true))]
    }
    guard let sizes = context.elements(1) else {
      if let count = context.shape(1)?.elementCount, count <= maximum, context.shape(1)?.rank == 1 {
        return [
          ValueType(.sequence([ValueType](repeating: part(.unknown), count: count), isLengthKnown: true))
        ]
      }
      return [ValueType(.sequence([part(.unknown)], isLengthKnown: false))]
    }
    if context.shape(1)?.rank == 0 {
      guard let chunk = sizes.first?.value, let total = size.value, chunk > 0, total / chunk <= maximum else {
        return [ValueType(.sequence([part(.unknown)], isLengthKnown: false))]
      }
      var parts = [ValueType](repeating: part(.known(chunk)), count: total / chunk)
      if total % chunk != 0 { parts.append(part(.known(total % chunk))) }
      return [ValueType(.sequence(parts, isLengthKnown: true))]
    }
    guard sizes.count <= maximum, sizes.allSatisfy({ ($0.value ?? 0) >= 0 }) else {
      throw context.invalid("a part's size is not possible", found: "\(sizes.prefix(8))")
    }
    return [ValueType(.sequence(sizes.map { part($0) }, isLengthKnown: true))]
  }

  @Sendable static func concatenate(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let stacks = context.node.int("new_axis") == 1
    guard let declared = context.node.int("axis") else {
      throw context.invalid("ConcatFromSequence needs an axis")
    }
    guard let elements = elements(context), !elements.isEmpty, elements.count <= 4096 else {
      guard let element = element(context), var shape = element.shape else {
        return [ValueType(element(context)?.dataType)]
      }
      let axis = try context.axis(declared, rank: shape.rank + (stacks ? 1 : 0))
      if stacks { shape.dimensions.insert(.unknown, at: axis) } else { shape.dimensions[axis] = .unknown }
      return [ValueType(element.dataType, shape)]
    }
    if stacks {
      let common = elements.dropFirst().reduce(elements[0]) { InferenceEngine.common($0, $1) }
      guard var shape = common.shape else { return [ValueType(common.dataType)] }
      shape.dimensions.insert(.known(elements.count), at: try context.axis(declared, rank: shape.rank + 1))
      return [ValueType(common.dataType, shape)]
    }
    var node = context.node
    node.opType = "Concat"
    return try ConcatSplitOperators.inferConcat(
      OperatorContext(node: node, opset: context.opset, inputs: elements))
  }

  @Sendable static func has(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    if !context.has(0) { return [ValueType(constant: try NumericArray(.bool, [], .integers([0])).tensor())] }
    return [ValueType(.bool, [])]
  }
}
