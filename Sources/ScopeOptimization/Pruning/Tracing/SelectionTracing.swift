import ScopeGraph

/// Operators that join values or choose parts of them.
extension ChannelTracer {
  mutating func traceSelection(_ index: Int, _ node: Node) -> Bool {
    switch node.opType {
    case "Concat": concat(index, node)
    case "Split": split(index, node)
    case "Slice": slice(index, node)
    case "Gather": gather(index, node)
    case "Pad": pad(node)
    default: return false
    }
    return true
  }

  private func resolved(_ axis: Int, _ name: String) -> Int? {
    guard let rank = dimensions(name)?.count, axis >= -rank, axis < rank else { return nil }
    return axis < 0 ? axis + rank : axis
  }

  private mutating func concat(_ index: Int, _ node: Node) {
    guard let output = node.outputs.first, let axis = node.int("axis").flatMap({ resolved($0, output) })
    else {
      return blockInputs(node)
    }
    let known = node.inputs.compactMap { labels[$0] }
    if known.allSatisfy({ !$0.axes.contains(axis) }) {
      // Joined along another axis: the channels of all parts are the same ones.
      var operands: [(labels: ChannelLabels?, dimensions: [Int])] = []
      for (number, name) in node.inputs.enumerated() {
        guard let dimensions = dimensions(name) else { return blockInputs(node) }
        if constant(name) != nil {
          constantUses.append((index, number, 0, output))
        } else {
          operands.append((labels[name], dimensions))
        }
      }
      return combine(node, operands, .residual)
    }
    var atoms: [Int] = []
    for (number, name) in node.inputs.enumerated() {
      guard let size = dimensions(name)?[axis] else { return blockInputs(node) }
      if let found = labels[name] {
        guard found.axes == [axis] else { return blockInputs(node) }
        atoms += found.atoms
      } else {
        // Entries that do not come from a layer stay.
        let fixed = newAtoms(size, maker: index)
        block(fixed, "input \(number) of \(Self.describe(node)) does not come from a layer")
        atoms += fixed
      }
    }
    labels[output] = ChannelLabels(axis: axis, atoms: atoms)
  }

  private mutating func split(_ index: Int, _ node: Node) {
    guard let input = node.input(0), let found = labels[input],
      let axis = resolved(node.int("axis") ?? 0, input)
    else { return blockInputs(node) }
    guard found.axes.contains(axis) else {
      for output in node.outputs where !output.isEmpty { labels[output] = found }
      return
    }
    var start = 0
    var sizes: [Int] = []
    for output in node.outputs {
      guard let size = dimensions(output)?[axis] else { return blockInputs(node) }
      if !output.isEmpty {
        labels[output] = found.selecting(Array(start..<start + size), along: axis).simplified()
      }
      start += size
      sizes.append(size)
    }
    guard start == found.size(along: axis), node.input(1) == nil || integers(node.input(1)) != nil else {
      return blockInputs(node)
    }
    fixups.append(.split(node: index, axis: axis, sizes: sizes))
  }

  private mutating func slice(_ index: Int, _ node: Node) {
    guard let input = node.input(0), let output = node.outputs.first, var found = labels[input],
      let sizes = dimensions(input), let starts = integers(node.input(1)), let ends = integers(node.input(2)),
      starts.count == ends.count
    else { return blockInputs(node, "the bounds of \(Self.describe(node)) are computed") }
    let axes = node.input(3) == nil ? Array(starts.indices) : integers(node.input(3)) ?? []
    let steps =
      node.input(4) == nil ? [Int](repeating: 1, count: starts.count) : integers(node.input(4)) ?? []
    guard axes.count == starts.count, steps.count == starts.count else { return blockInputs(node) }
    for (number, given) in axes.enumerated() {
      guard let axis = resolved(given, input) else { return blockInputs(node) }
      guard found.axes.contains(axis) else { continue }
      guard steps[number] == 1, node.input(3) != nil else {
        return blockInputs(node, "\(Self.describe(node)) steps over channels")
      }
      let size = sizes[axis]
      let start = min(max(starts[number] < 0 ? starts[number] + size : starts[number], 0), size)
      let end = min(max(ends[number] < 0 ? ends[number] + size : ends[number], start), size)
      guard end > start else { return blockInputs(node) }
      found = found.selecting(Array(start..<end), along: axis)
      fixups.append(.slice(node: index, axis: axis, number: number, start: start, end: end))
    }
    labels[output] = found.simplified()
  }

  private mutating func gather(_ index: Int, _ node: Node) {
    guard let input = node.input(0), let output = node.outputs.first, let found = labels[input],
      let axis = resolved(node.int("axis") ?? 0, input), let indexName = node.input(1),
      let indexRank = dimensions(indexName)?.count, let size = dimensions(input)?[axis]
    else { return blockInputs(node) }
    block(labels[indexName], "\(Self.describe(node)) reads it as indices")
    guard found.axes.contains(axis) else {
      labels[output] = found.renamed { $0 > axis ? $0 + indexRank - 1 : $0 }
      return
    }
    guard let picked = integers(indexName), indexRank <= 1, picked.allSatisfy({ $0 >= -size && $0 < size })
    else {
      return blockInputs(node, "\(Self.describe(node)) picks channels by computed indices")
    }
    let chosen = found.selecting(picked.map { $0 < 0 ? $0 + size : $0 }, along: axis)
    if indexRank == 1 {
      labels[output] = chosen.simplified()
    } else {
      guard let rest = chosen.dropping(axis) else {
        return block(found, "\(Self.describe(node)) picks out one channel")
      }
      labels[output] = rest.renamed { $0 > axis ? $0 - 1 : $0 }.simplified()
    }
    fixups.append(.gather(node: index, axis: axis))
  }

  private mutating func pad(_ node: Node) {
    guard let input = node.input(0), let found = labels[input], let rank = dimensions(input)?.count,
      node.input(3) == nil, let pads = node.ints("pads") ?? integers(node.input(1)), pads.count == 2 * rank,
      found.axes.allSatisfy({ pads[$0] == 0 && pads[$0 + rank] == 0 })
    else { return blockInputs(node) }
    pass(node)
  }
}
