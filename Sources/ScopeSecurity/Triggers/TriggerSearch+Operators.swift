import ScopeGraph

/// What operators make of the flows they read.
extension TriggerSearch {
  static func rank(_ flow: TriggerFlow) -> Int {
    (flow.isPayload ? 4 : 0) + (flow.isCompared ? 2 : 0) + (flow.isNarrow ? 1 : 0)
  }

  func transfer(_ node: Node, _ inputs: [TriggerFlow]) -> TriggerFlow {
    let type = node.opType
    guard node.domain.isEmpty || node.domain == "ai.onnx" else {
      return inputs.allSatisfy { $0.level == .constant } ? .constant : TriggerFlow(level: .deep)
    }
    if TriggerOperators.shapeOnly.contains(type) { return .constant }
    var result = TriggerFlow.join(inputs)
    guard result.level != .constant else { return .constant }
    if TriggerOperators.layers.contains(type) { return TriggerFlow(level: .deep) }
    if TriggerOperators.products.contains(type) { return product(node, inputs, result) }
    if result.level == .deep {
      if type == "Concat" || type == "SequenceConstruct" || type == "SequenceInsert" {
        result.isMixed =
          result.isMixed || zip(node.inputs, inputs).contains { $1.level == .constant && !isUniform($0) }
          || inputs.contains { $0.isPayload }
      }
      if type == "ArgMax" || type == "ArgMin" || type == "NonMaxSuppression" { result.isLabel = true }
      return result
    }
    // Raw.
    if TriggerOperators.comparisons.contains(type) { result.isCompared = true }
    if type == "Equal", zip(node.inputs, inputs).contains(where: { $1.level == .constant && !isZero($0) }) {
      result.isExact = true
    }
    if TriggerOperators.saturating.contains(type), result.isNarrow || result.isCompared || type == "Not" {
      result.isCompared = true
    }
    if type == "Cast", node.int("to") == 9 { result.isCompared = true }
    if type == "Max" || type == "Min", result.isNarrow { result.isCompared = true }
    if TriggerOperators.reducing.contains(type) { result.isNarrow = true }
    if ["ArgMax", "ArgMin", "TopK"].contains(type) { result.isCompared = true }
    switch type {
    case "Slice", "Split": if selectsFew(node) { result.isNarrow = true }
    case "Gather", "GatherND", "GatherElements":
      if inputs.first?.level == .constant, let table = node.inputs.first.flatMap({ constants[$0] }) {
        // A table looked up with the input: of single numbers it is a set of triggers, of few rows a choice.
        let columns = table.dimensions.dropFirst().reduce(1) {
          $0.multipliedReportingOverflow(by: $1).partialValue
        }
        if columns == 1 { result.isCompared = true }
        if columns > 1 {
          result.isPayload = result.isNarrow && result.isCompared && (table.dimensions.first ?? 0) <= 4
        }
        if columns > 1, !result.isPayload { result.isCompared = false }
      } else if inputs.count > 1, inputs[1].level == .constant, (count(node.inputs[1]) ?? .max) <= 16 {
        result.isNarrow = true
      }
    case "OneHot":
      result.isPayload = result.isNarrow && result.isCompared
    case "Where":
      if inputs.count == 3, inputs[0].isSwitch, inputs[0].isNarrow,
        zip(node.inputs, inputs).dropFirst().contains(
          where: { $1.level == .constant && !isUniform($0) })
      {
        result.isPayload = true
      }
    case "Mul":
      if result.isNarrow, result.isCompared,
        zip(node.inputs, inputs).contains(where: { $1.level == .constant && !isUniform($0) })
      {
        result.isPayload = true
      }
    default: break
    }
    return result
  }

  /// Convolutions and matrix products: a trained layer, unless a single template is compared with the input.
  func product(_ node: Node, _ inputs: [TriggerFlow], _ joined: TriggerFlow) -> TriggerFlow {
    var result = joined
    guard joined.level == .raw else { return TriggerFlow(level: .deep) }
    guard inputs.count >= 2 else { return TriggerFlow(level: .deep) }
    let isTensor = inputs.prefix(2).contains { $0.level == .constant }
    guard isTensor else { return result }
    let weight = inputs[1].level == .constant ? node.inputs[1] : node.inputs[0]
    guard let sizes = constants[weight]?.dimensions, sizes.count >= 2 || node.opType == "MatMul" else {
      return TriggerFlow(level: .deep)
    }
    let isSecond = inputs[1].level == .constant
    let filters: Int
    let depth: Int
    switch node.opType {
    case "Conv": (filters, depth) = (sizes[0], sizes.dropFirst().reduce(1) { $0 &* $1 })
    case "Gemm":
      let isTransposed = node.int("transB") == 1
      (filters, depth) = isTransposed ? (sizes[0], sizes[1]) : (sizes[1], sizes[0])
    case "MatMul":
      if sizes.count < 2 {
        (filters, depth) = (1, sizes.first ?? 1)
      } else {
        (filters, depth) =
          isSecond
          ? (sizes[sizes.count - 1], sizes[sizes.count - 2])
          : (sizes[sizes.count - 2], sizes[sizes.count - 1])
      }
    default: return TriggerFlow(level: .deep)
    }
    if filters == 1 {
      result.isNarrow = true
      return result
    }
    if depth == 1, joined.isNarrow, joined.isCompared, !isUniform(weight) {
      result.isPayload = true
      return result
    }
    return TriggerFlow(level: .deep)
  }

  /// Whether a Slice or Split leaves at most 16 elements along an axis.
  func selectsFew(_ node: Node) -> Bool {
    if node.opType == "Split" {
      guard node.inputs.count > 1, let sizes = try? constants[node.inputs[1]]?.ints() else {
        return (node.ints("split") ?? []).contains { $0 <= 16 }
      }
      return sizes.contains { $0 <= 16 }
    }
    var starts = node.ints("starts")
    var ends = node.ints("ends")
    if node.inputs.count > 2, starts == nil {
      starts = integers(node.inputs[1])
      ends = integers(node.inputs[2])
    }
    guard let starts, let ends, starts.count == ends.count else { return false }
    for (start, end) in zip(starts, ends) {
      let isToEnd = end > Int(Int32.max) - 1
      let extent =
        start < 0 && isToEnd
        ? 0 &- start : start >= 0 && end >= 0 || start < 0 && end < 0 ? end &- start : .max
      if extent >= 0, extent <= 16, !(start == 0 && isToEnd) { return true }
    }
    return false
  }
}
