/// Sentences on what was tried and why most of it was not taken.
enum CandidateNarrative {
  static func summary(_ optimization: Report.Optimization) -> String? {
    let tried = optimization.candidates.filter { !$0.isOriginal }
    guard !tried.isEmpty else { return nil }
    let run = tried.filter { $0.p50Milliseconds != nil || $0.speedup != nil }.count
    let slower = tried.filter { ($0.speedup?.value ?? 2) < 1 }.count
    var text = "\(Format.plural(tried.count, "candidate")) built, "
    text +=
      run == tried.count
      ? "run interleaved with the original and compared"
      : "\(Format.integer(run)) of them run interleaved with the original, the others ruled out before"
    if slower > 0 { text += "; \(slower) of them \(slower == 1 ? "was" : "were") slower than the original" }
    if let budget = optimization.maximumAccuracyDrop {
      let lossy = tried.filter { (loss($0, optimization) ?? 0) > budget + 1e-9 }.count
      let what =
        optimization.originalAccuracy == nil
        ? "changed more than \(Format.percent(budget)) of the predictions"
        : "lost more than \(Format.points(budget))"
      if lossy > 0 { text += "; \(lossy) \(what)" }
    }
    return text + "."
  }

  /// What a candidate loses: of accuracy, or of agreement where that judges.
  static func loss(_ candidate: Report.Candidate, _ optimization: Report.Optimization) -> Double? {
    if let drop = candidate.accuracyDrop?.value { return drop }
    guard let before = optimization.originalAccuracy?.value, let after = candidate.accuracy?.value else {
      return nil
    }
    return before - after
  }

  /// Who is on the front, or nil where one candidate is best in everything.
  static func front(_ front: [Report.Candidate]) -> String? {
    guard front.count > 1 else { return nil }
    let count = front.count
    return
      "\(Format.integer(count)) candidates form the front: whoever wants less of one of size, time and loss than one of "
      + "them has must take more of another. Everything else is beaten by one of them."
  }

  struct Reason {
    var text: String
    var names: [String]
  }

  private static let shownNames = 6
  private static let longestReason = 240

  /// `loses 2.1 to 8.5 points of accuracy, 1 are allowed: u8s8 per-tensor and 3 more`, the commonest reason first.
  static func reasons(_ candidates: [Report.Candidate]) -> [Reason] {
    var groups: [(key: [String], numbers: [[String]], names: [String])] = []
    var places: [[String]: Int] = [:]
    for candidate in candidates where !candidate.isOriginal && !candidate.isChosen {
      let (key, numbers) = split(reason(candidate.verdict))
      if let place = places[key] {
        groups[place].numbers.append(numbers)
        groups[place].names.append(candidate.name)
      } else {
        places[key] = groups.count
        groups.append((key, [numbers], [candidate.name]))
      }
    }
    return groups.enumerated().sorted {
      ($1.element.names.count, $0.offset) < ($0.element.names.count, $1.offset)
    }
    .map { Reason(text: join($0.element.key, $0.element.numbers), names: $0.element.names) }
  }

  /// The first of `names`, and how many more there are.
  static func names(_ names: [String]) -> String {
    let shown = names.prefix(shownNames).map(CandidateNames.short)
    let rest = names.count - shown.count
    let items = shown + (rest > 0 ? ["\(Format.integer(rest)) more"] : [])
    // A comma may be part of a name.
    return items.contains { $0.contains(",") } ? items.joined(separator: "; ") : Format.list(items)
  }

  private static func reason(_ verdict: String) -> String {
    let line = TerminalText.cut(CandidateNames.shortened(verdict), longestReason)
    return line.isEmpty ? "no reason given" : line
  }

  /// Text between the numbers, and the numbers; digits within words (`INT8`) are text.
  private static func split(_ text: String) -> (parts: [String], numbers: [String]) {
    var parts = [""]
    var numbers: [String] = []
    let characters = Array(text)
    var index = 0
    while index < characters.count {
      let isDigit = characters[index].isASCII && characters[index].isNumber
      let isInWord = index > 0 && (characters[index - 1].isLetter || characters[index - 1] == "_")
      guard isDigit, !isInWord else {
        // Digits that follow a letter belong to its word, all of them.
        repeat {
          parts[parts.count - 1].append(characters[index])
          index += 1
        } while isDigit && index < characters.count && characters[index].isNumber
        continue
      }
      var end = index
      while end < characters.count, characters[end].isASCII,
        characters[end].isNumber
          || (characters[end] == "." && end + 1 < characters.count && characters[end + 1].isNumber)
      {
        end += 1
      }
      numbers.append(String(characters[index..<end]))
      parts.append("")
      index = end
    }
    return (parts, numbers)
  }

  private static func join(_ parts: [String], _ numbers: [[String]]) -> String {
    var text = parts.first ?? ""
    for position in parts.indices.dropFirst() {
      let values = numbers.compactMap { position - 1 < $0.count ? $0[position - 1] : nil }
      let ordered = values.sorted { (Double($0) ?? 0) < (Double($1) ?? 0) }
      if let low = ordered.first, let high = ordered.last { text += low == high ? low : "\(low) to \(high)" }
      text += parts[position]
    }
    return text
  }
}
