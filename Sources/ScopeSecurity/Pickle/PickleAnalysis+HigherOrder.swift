import ScopeBytes
import ScopeFormats

/// Helpers that call what they are given over the elements of a sequence.
extension PickleAnalysis {
  mutating func callOverElements(
    _ path: String, _ arguments: [AbstractValue], _ site: Site, _ depth: Int
  ) -> AbstractValue {
    guard let callee = arguments.first else { return .data }
    var elements: [AbstractValue] = [.data]
    if arguments.count >= 2, case .sequence(let items) = arguments[1] { elements = items }
    var first: AbstractValue = .data
    noteUnfollowed(elements.count, callee, site)
    for (index, element) in elements.prefix(elementLimit(of: callee)).enumerated() {
      var passed = [element]
      if path == "itertools.starmap" || arguments.count > 2 {
        if case .sequence(let items) = element { passed = items }
        for more in arguments.dropFirst(2) {
          if case .sequence(let items) = more, index < items.count { passed.append(items[index]) }
        }
      }
      let result = apply(callee, passed, site.through(path), depth: depth + 1)
      if index == 0 { first = result }
    }
    return path == "builtins.filter" ? arguments.dropFirst().first ?? .data : .sequence([first])
  }

  mutating func fold(
    _ path: String, _ arguments: [AbstractValue], _ site: Site, _ depth: Int
  ) -> AbstractValue {
    var arguments = arguments
    if path == "itertools.accumulate", arguments.count >= 2 { arguments.swapAt(0, 1) }
    guard let callee = arguments.first else { return .data }
    var elements: [AbstractValue] = [.data, .data]
    if arguments.count >= 2, case .sequence(let items) = arguments[1] { elements = items }
    if arguments.count >= 3 { elements.insert(arguments[2], at: 0) }
    guard var result = elements.first else { return .data }
    noteUnfollowed(elements.count, callee, site)
    for element in elements.dropFirst().prefix(elementLimit(of: callee)) {
      result = apply(callee, [result, element], site.through(path), depth: depth + 1)
    }
    return result
  }

  /// Elements that are followed: a few for a callee that does the same to each, many for a helper, whose work
  /// depends on what it is given.
  private func elementLimit(of callee: AbstractValue) -> Int {
    if case .path(let path) = callee, !path.hasPrefix("builtins.getattr"), !path.hasPrefix("operator."),
      !path.hasPrefix("functools."), !path.hasPrefix("importlib."), !path.hasPrefix("copyreg.")
    {
      return 8
    }
    return 255
  }

  private mutating func noteUnfollowed(_ count: Int, _ callee: AbstractValue, _ site: Site) {
    if count >= 256, elementLimit(of: callee) > 8 {
      computedCallees.append((site.offset, "a helper is called over more than 255 elements"))
    }
  }
}
