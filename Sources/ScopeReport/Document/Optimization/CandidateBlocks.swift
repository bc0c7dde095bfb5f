/// The candidates: plot, the best as a compact table, the front, why not the others, everything folded.
enum CandidateBlocks {
  /// Rows of the compact table.
  static let shown = 12
  private static let shownReasons = 12

  static func blocks(_ optimization: Report.Optimization) -> [Document.Block] {
    guard !optimization.candidates.isEmpty else { return [] }
    let listed = listed(optimization)
    var blocks: [Document.Block] = [.heading("Candidates tried")]
    if let text = CandidateNarrative.summary(optimization) { blocks.append(.paragraph(text)) }
    blocks.append(.chart(.candidates(listed)))
    blocks.append(.table(compact(listed, optimization)))
    if let text = unlisted(Array(listed.dropFirst(shown))) { blocks.append(.paragraph(text)) }
    let names = listed.map(\.name) + optimization.candidates.map(\.verdict)
    if let text = CandidateNames.legend(names) { blocks.append(.paragraph(text)) }
    blocks += front(listed, optimization)
    let reasons = CandidateNarrative.reasons(listed)
    if !reasons.isEmpty {
      var items = reasons.prefix(shownReasons).map { "\($0.text): \(CandidateNarrative.names($0.names))" }
      let rest = reasons.dropFirst(shownReasons)
      if !rest.isEmpty {
        items.append(
          "\(Format.plural(rest.count, "other reason")) for \(Format.plural(rest.reduce(0) { $0 + $1.names.count }, "candidate"))"
        )
      }
      blocks.append(.list("Why not the others", items))
    }
    let title = "All \(Format.plural(listed.count, "candidate")) with their steps and verdicts"
    blocks.append(.details(title, [.table(full(listed, optimization))]))
    return blocks
  }

  /// The original, the winner, the front, what is within the budget, what is out; the better by the objective first.
  static func listed(_ optimization: Report.Optimization) -> [Report.Candidate] {
    var candidates = optimization.candidates
    if !candidates.contains(where: \.isOriginal) {
      var original = Report.Candidate(name: "original", verdict: "the model as given", standing: .original)
      original.bytes = optimization.originalBytes
      original.accuracy = optimization.originalAccuracy
      original.p50Milliseconds = optimization.originalP50Milliseconds
      candidates.append(original)
    }
    func gain(_ candidate: Report.Candidate) -> Double {
      let speed = candidate.speedup?.value ?? 0
      let size = optimization.originalBytes.value / max(candidate.bytes?.value ?? .infinity, 1)
      let gain =
        switch optimization.objective {
        case "latency": speed
        case "size": size
        default: speed * size
        }
      return gain.isFinite ? gain : 0
    }
    return candidates.enumerated().sorted { left, right in
      let (one, other) = (left.element, right.element)
      if one.standing != other.standing { return one.standing < other.standing }
      let (first, second) = (gain(one), gain(other))
      return first == second ? left.offset < right.offset : first > second
    }.map(\.element)
  }

  private static func compact(
    _ listed: [Report.Candidate], _ optimization: Report.Optimization
  ) -> Document.Table {
    let rows = listed.prefix(shown)
    typealias Cell = (Report.Candidate) -> String?
    let isLabelled = optimization.originalAccuracy != nil
    let measures: [(title: String, cell: Cell)] = [
      ("Size", { $0.bytes?.text }),
      ("Speedup", { $0.speedup?.text }),
      ("OpenVINO", { $0.openVINOSpeedup?.text }),
      (
        isLabelled ? "Drop" : "Changed",
        { candidate in
          CandidateNarrative.loss(candidate, optimization).map {
            isLabelled ? Format.signedPoints($0) : Format.percent($0)
          }
        }
      ),
      ("Agree", { isLabelled ? $0.agreement?.text : nil }),
      ("SQNR", { $0.calibrationSQNR.map { Format.fixed($0, 1) } }),
    ]
    // What nobody has takes no room.
    let used = measures.filter { measure in rows.contains { measure.cell($0) != nil } }
    var units = used.contains { $0.title == "Drop" } ? ["drop in points"] : []
    if used.contains(where: { $0.title == "SQNR" }) { units.append("SQNR in dB") }
    let caption =
      (listed.count > shown
        ? "The \(shown) best of \(Format.integer(listed.count)), measured here" : "Candidates, measured here")
      + (units.isEmpty ? "" : "; \(Format.list(units))")
    return Document.Table(
      caption: caption,
      columns: [.init(title: "Candidate", isNumber: false)]
        + used.map { .init(title: $0.title, isNumber: true) } + [.init(title: "Mark", isNumber: false)],
      rows: rows.map { row in
        [CandidateNames.short(row.name)] + used.map { $0.cell(row) ?? "–" } + [
          row.standing == .original ? "" : row.standing.rawValue
        ]
      },
      emphasized: rows.firstIndex { $0.isChosen }, summaryRows: nil)
  }

  /// `Not listed: 3 within, 19 out.`
  private static func unlisted(_ rest: [Report.Candidate]) -> String? {
    guard !rest.isEmpty else { return nil }
    let counts = Report.Candidate.Standing.allCases.compactMap { standing -> String? in
      let count = rest.filter { $0.standing == standing }.count
      return count > 0 ? "\(Format.integer(count)) \(standing.rawValue)" : nil
    }
    return "\(Format.integer(rest.count)) more are not in this table: \(Format.list(counts))."
  }

  /// What the plot shows, in figures; nothing where one candidate is the whole front.
  private static func front(
    _ listed: [Report.Candidate], _ optimization: Report.Optimization
  ) -> [Document.Block] {
    let front = listed.filter { $0.isOnFront && !$0.isOriginal }
    guard let text = CandidateNarrative.front(front) else { return [] }
    let isLabelled = optimization.originalAccuracy != nil
    let ordered = front.enumerated().sorted {
      let (one, other) = (
        $0.element.p50Milliseconds?.value ?? .infinity, $1.element.p50Milliseconds?.value ?? .infinity
      )
      return one == other ? $0.offset < $1.offset : one < other
    }.map(\.element)
    let rows = ordered.prefix(shown)
    let hasPaths = rows.contains { $0.path != nil }
    var columns: [Document.Table.Column] = [
      .init(title: "Front, fastest first", isNumber: false), .init(title: "p50", isNumber: true),
      .init(title: "Size", isNumber: true),
      .init(title: isLabelled ? "Drop, pt" : "Changed", isNumber: true),
    ]
    if hasPaths { columns.append(.init(title: "File", isNumber: false)) }
    var table = Document.Table(
      caption: front.count > shown
        ? "The \(shown) fastest of the \(Format.integer(front.count)) on the front"
        : "The front: nothing is as good in size, time and accuracy together",
      columns: columns,
      rows: rows.map { candidate in
        [
          CandidateNames.short(candidate.name), candidate.p50Milliseconds?.text ?? "–",
          candidate.bytes?.text ?? "–",
          CandidateNarrative.loss(candidate, optimization).map {
            isLabelled ? Format.signedPoints($0) : Format.percent($0)
          } ?? "–",
        ] + (hasPaths ? [candidate.path ?? "–"] : [])
      },
      emphasized: rows.firstIndex { $0.isChosen }, summaryRows: nil)
    table.isSupplement = true
    return [.paragraph(text), .table(table)]
  }

  private static func full(
    _ listed: [Report.Candidate], _ optimization: Report.Optimization
  ) -> Document.Table {
    let isLabelled = optimization.originalAccuracy != nil
    func drop(_ candidate: Report.Candidate) -> String {
      guard let value = CandidateNarrative.loss(candidate, optimization) else { return "–" }
      let show = { (value: Double) in isLabelled ? Format.signedPoints(value) : Format.percent(value) }
      let interval = candidate.accuracyDrop?.interval.map { " (\(show($0.low)) to \(show($0.high)))" }
      return show(value) + (interval ?? "")
    }
    func speed(_ figure: Figure?) -> String {
      figure.map { $0.text + ($0.intervalText.map { " (\($0))" } ?? "") } ?? "–"
    }
    let isInOpenVINO = listed.contains { $0.openVINOSpeedup != nil }
    let engines: [Document.Table.Column] =
      isInOpenVINO ? [.init(title: "In OpenVINO", isNumber: true)] : []
    return Document.Table(
      caption: "Everything that was tried; 95% intervals in brackets",
      columns: [
        .init(title: "Candidate", isNumber: false), .init(title: "Mark", isNumber: false),
        .init(title: "Size", isNumber: true),
        .init(title: "Accuracy", isNumber: true),
        .init(title: isLabelled ? "Drop, points" : "Changed", isNumber: true),
        .init(title: "Agreement", isNumber: true), .init(title: "p50", isNumber: true),
        .init(title: "Speedup", isNumber: true),
      ] + engines + [
        .init(title: "SQNR", isNumber: true), .init(title: "Steps", isNumber: false),
        .init(title: "Verdict", isNumber: false),
      ],
      rows: listed.map { candidate in
        let times = [candidate.speedup] + (isInOpenVINO ? [candidate.openVINOSpeedup] : [])
        return [
          candidate.name, candidate.standing.rawValue, candidate.bytes?.text ?? "–",
          candidate.accuracy?.text ?? "–",
          drop(candidate), candidate.agreement?.text ?? "–", candidate.p50Milliseconds?.text ?? "–",
        ] + times.map(speed) + [
          candidate.calibrationSQNR.map(SensitivityNarrative.decibel) ?? "–",
          candidate.steps.isEmpty ? "–" : candidate.steps.joined(separator: "; "), candidate.verdict,
        ]
      },
      emphasized: listed.firstIndex { $0.isChosen }, summaryRows: nil)
  }
}
