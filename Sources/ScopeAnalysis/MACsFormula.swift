import ScopeGraph

/// Multiply-accumulates as a function of the open sizes: `1,814,073,344 x N`.
public struct MACsFormula: Sendable {
  public let count: SymbolicCount
  /// Symbol in ``text`` and what it stands for, in order.
  public let symbols: [(symbol: String, meaning: String)]
  /// `36,864 x N x L^2 + 14,155,776 x N x L`; nil when it would be too long to read.
  public let text: String?

  private static let maximumTerms = 6

  init?(_ model: Model, sizes: OpenSizes, isConstant: [Bool], total: StructureAnalysis.CountedOperations) {
    guard !sizes.isEmpty else { return nil }
    let open = ShapeInference.infer(model, bindings: sizes.named)
    var sum = SymbolicCount(0)
    for (index, cost) in open.symbolicCosts.enumerated() where !isConstant[index] {
      guard let cost, let next = sum.adding(cost.macs) else { return nil }
      sum = next
    }
    // The function must give the number that was counted at a batch of 1.
    let ones = Dictionary(sizes.batches.map { ($0, 1) }, uniquingKeysWith: { first, _ in first })
    if sizes.remaining.isEmpty, sum.value(at: ones) != total.macs { return nil }
    guard !sum.names.isEmpty else { return nil }
    count = sum
    var short: [String: String] = [:]
    var symbols: [(String, String)] = []
    func name(_ size: String, _ symbol: String, _ meaning: String) {
      short[size] = symbol
      symbols.append((symbol, meaning))
    }
    let inputs = model.graph.requiredInputs
    if sizes.batches.count == 1, let batch = sizes.batches.first {
      let input = inputs.first { sizes.named[$0.name]?.dimensions.first == .symbolic(batch) }?.name ?? ""
      name(batch, "N", "\(batch == "N" ? "batch" : batch) of \(input)")
    }
    let lengths = sizes.remaining.filter { size in
      ["seq", "len", "token"].contains { size.name.lowercased().contains($0) }
    }
    for size in sizes.remaining where sum.names.contains(size.name) {
      let isImage = sizes.named[size.input]?.rank == 4 && size.axis >= 2
      if isImage {
        name(size.name, size.axis == 2 ? "H" : "W", "\(size.axis == 2 ? "height" : "width") of \(size.input)")
      } else if lengths.count == 1, lengths.first == size, sizes.remaining.count == 1 {
        name(size.name, "L", "\(size.name) of \(size.input)")
      }
    }
    self.symbols = symbols
    text = sum.terms.count <= Self.maximumTerms ? Self.text(sum, short) : nil
  }

  private static func text(_ count: SymbolicCount, _ short: [String: String]) -> String? {
    var parts: [String] = []
    for term in count.terms {
      guard term.coefficient > 0, !term.names.contains(where: { $0.contains("(") }) else { return nil }
      var factors = [grouped(term.coefficient)]
      var seen: [String] = []
      for name in term.names where !seen.contains(name) {
        seen.append(name)
        let power = term.names.count { $0 == name }
        factors.append((short[name] ?? name) + (power == 1 ? "" : "^\(power)"))
      }
      // The batch first.
      if let batch = factors.firstIndex(of: "N"), batch > 1 {
        factors.insert(factors.remove(at: batch), at: 1)
      }
      parts.append(factors.joined(separator: " x "))
    }
    if count.constant != 0 { parts.append(grouped(count.constant)) }
    return parts.joined(separator: " + ")
  }

  private static func grouped(_ number: Int) -> String {
    var digits = Array(String(number))
    var position = digits.count - 3
    while position > (number < 0 ? 1 : 0) {
      digits.insert(",", at: position)
      position -= 3
    }
    return String(digits)
  }

  /// The formula with what its symbols stand for.
  public var explained: String? {
    guard let text else { return nil }
    let used = symbols.filter { symbol, _ in text.contains(symbol) }
    return ([text] + used.map { "\($0.symbol) = \($0.meaning)" }).joined(separator: ", ")
  }
}
