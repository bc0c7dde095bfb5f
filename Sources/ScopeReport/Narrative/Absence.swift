/// Why something was not measured and what would measure it, for sentences that speak of an absent section.
struct Absence {
  let reason: String
  let remedy: String

  /// The run's own explanation of `path` when it gave one, otherwise `command`.
  init(_ path: String, in report: Report, otherwise command: String) {
    let known =
      report.notMeasured.first { $0.path == path }
      ?? report.notMeasured.first { $0.path.hasPrefix(path + ".") }
    reason = known?.reason ?? "it was not run"
    remedy = known?.remedy ?? command
  }

  /// `it was not run. To measure it: optimize --data DIR`.
  var sentence: String { "\(reason). To measure it: \(remedy)" }
}
