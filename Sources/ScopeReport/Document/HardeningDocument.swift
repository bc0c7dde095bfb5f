extension Document {
  /// Before and after, what it cost, the rounds, the input defences.
  package init(_ hardening: Hardening) {
    title = "\(hardening.model.name), hardened"
    subtitle = [
      "\(hardening.model.path): \(hardening.model.format), \(Format.decimalBytes(Double(hardening.model.bytes)))"
    ]
    decision = nil
    headline = HardeningNarrative.headline(hardening)
    lead = HardeningNarrative.lead(hardening)
    gauges = []
    sections = []
    func add(_ title: String, _ blocks: [Block]) {
      if !blocks.isEmpty {
        sections.append(Section(id: .robustness, number: sections.count + 1, title: title, blocks: blocks))
      }
    }
    add("Before and after", [.table(Document.sides(hardening))])
    if hardening.rounds.count > 1 { add("Rounds", [.table(Document.rounds(hardening))]) }
    if !hardening.defences.isEmpty {
      add(
        "Input defences",
        [.paragraph(HardeningNarrative.defences(hardening)), .table(Document.defences(hardening))])
    }
    add("Notes", hardening.notes.map { Block.paragraph($0) })
  }

  private static func sides(_ hardening: Hardening) -> Table {
    var rows = [
      [
        "Original", hardening.before.clean.text, interval(hardening.before.clean),
        hardening.before.robust.text,
        interval(hardening.before.robust),
      ]
    ]
    if let after = hardening.after {
      rows.append(
        ["Hardened", after.clean.text, interval(after.clean), after.robust.text, interval(after.robust)])
    }
    return Table(
      caption:
        "On \(Format.plural(hardening.judgingImages, "image")) that it did not learn from; \(hardening.attack)",
      columns: [
        .init(title: "Model", isNumber: false), .init(title: "Clean", isNumber: true),
        .init(title: "95% interval", isNumber: true), .init(title: "Under attack", isNumber: true),
        .init(title: "95% interval", isNumber: true),
      ], rows: rows, emphasized: nil, summaryRows: nil)
  }

  private static func interval(_ figure: Figure) -> String { figure.intervalText ?? "–" }

  private static func rounds(_ hardening: Hardening) -> Table {
    Table(
      caption:
        "On the \(Format.plural(hardening.choosingImages, "image")) that choose, under PGD-10 from a random start",
      columns: [
        .init(title: "Round", isNumber: true), .init(title: "Clean", isNumber: true),
        .init(title: "Under attack", isNumber: true),
      ],
      rows: hardening.rounds.enumerated().map { round, side in
        [round == 0 ? "original" : "\(round)", side.clean.text, side.robust.text]
      }, emphasized: hardening.keptRound, summaryRows: nil)
  }

  private static func defences(_ hardening: Hardening) -> Table {
    Table(
      caption: "Accuracy at \(hardening.epsilonText); \(hardening.attack)",
      columns: [
        .init(title: "Defence", isNumber: false), .init(title: "Clean", isNumber: true),
        .init(title: "Attacker unaware", isNumber: true), .init(title: "Attacker aware", isNumber: true),
      ],
      rows: [["none", hardening.before.clean.text, "–", hardening.before.robust.text]]
        + hardening.defences.map { [$0.name, $0.clean.text, $0.unaware.text, $0.aware.text] },
      emphasized: nil, summaryRows: nil)
  }
}
