import ScopeBytes
import ScopeReport
import ScopeRobustness
import ScopeStatistics

/// What was measured beyond adversaries, as the report holds it.
enum CorruptionSections {
  /// The changes that the options ask for.
  ///
  /// - Throws: `invalidArgument` for corruptions that do not exist.
  static func changes(_ options: ScopeOptions) throws(ScopeError) -> [ImageChange] {
    var changes: [ImageChange] = []
    if let names = options.attack.corruptions {
      for corruption in try Corruption.list(names) {
        for severity in Corruption.severities {
          changes.append(.corruption(corruption, severity: severity))
        }
      }
    }
    if options.attack.measuresStability { changes += ImageChange.harmless }
    return changes
  }

  static func corruptions(_ results: [ChangeResult]) -> Report.Corruptions? {
    var rows: [Report.CorruptionRow] = []
    var (counted, total, otherTotal): (Int, Double, Double) = (0, 0, 0)
    var paired: [PairedComparison] = []
    for corruption in Corruption.allCases {
      let own = results.filter {
        if case .corruption(let found, _) = $0.change { return found == corruption }
        return false
      }
      guard !own.isEmpty else { continue }
      let count = Double(own.count)
      var row = Report.CorruptionRow(
        name: corruption.title, family: corruption.family.rawValue,
        accuracies: own.map { figure($0.accuracy) },
        meanAccuracy: own.reduce(0) { $0 + $1.accuracy.value } / count,
        calibrationError: own.reduce(0) { $0 + $1.calibrationError } / count)
      let others = own.compactMap { $0.otherAccuracy?.value }
      if others.count == own.count { row.optimizedMeanAccuracy = others.reduce(0, +) / count }
      rows.append(row)
      guard Corruption.standard.contains(corruption) else { continue }
      counted += own.count
      total += own.reduce(0) { $0 + $1.accuracy.value }
      otherTotal += others.reduce(0, +)
      paired += own.compactMap(\.paired)
    }
    guard let worst = rows.min(by: { $0.meanAccuracy < $1.meanAccuracy }) else { return nil }
    // Without a standard one the mean is that of what was asked for.
    let mean = counted > 0 ? total / Double(counted) : worst.meanAccuracy
    var section = Report.Corruptions(
      meanAccuracy: .fraction(
        mean, samples: results.first?.accuracy.count,
        conditions: "mean over \(counted / 5) corruptions in five severities"),
      worst: worst.name, rows: rows)
    if !paired.isEmpty, counted > 0 {
      section.optimizedMeanAccuracy = .fraction(otherTotal / Double(counted))
      section.pValue = PairedComparison(sum: paired).pValue
    }
    return section
  }

  static func stability(_ results: [ChangeResult]) -> [Report.Stability]? {
    let rows = results.compactMap { result -> Report.Stability? in
      if case .corruption = result.change { return nil }
      var row = Report.Stability(
        name: result.change.title, changed: changed(result.stable), accuracy: figure(result.accuracy))
      row.optimizedChanged = result.otherStable.map(changed)
      row.optimizedAccuracy = result.otherAccuracy.map(figure)
      return row
    }
    return rows.isEmpty ? nil : rows
  }

  static func unknowns(_ results: [UnknownResult]) -> [Report.UnknownInputs]? {
    results.isEmpty
      ? nil
      : results.map {
        Report.UnknownInputs(
          name: $0.kind.rawValue, meanConfidence: $0.meanConfidence, knownConfidence: $0.knownConfidence,
          confident: figure($0.confident), separation: $0.separation)
      }
  }

  private static func changed(_ stable: MeasuredAccuracy) -> Figure {
    figure(MeasuredAccuracy(correct: stable.count - stable.correct, of: stable.count))
  }

  private static func figure(_ accuracy: MeasuredAccuracy) -> Figure {
    .proportion(accuracy.correct, of: accuracy.count) ?? .fraction(accuracy.value)
  }
}
