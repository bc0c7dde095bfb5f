/// Section 4: score, level, a row per attack, the optimized model under attack, sample images.
enum RobustnessSection {
  static func blocks(_ report: Report) -> [Document.Block] {
    guard let robustness = report.robustness else {
      return Document.absentSection(.robustness, report, fallback: Commands(report).robustness())
    }
    var blocks: [Document.Block] = [.rows(rows(robustness, report))]
    if let text = RobustnessNarrative.masking(robustness) { blocks.append(.paragraph(text)) }
    if !robustness.attacks.isEmpty {
      blocks.append(.heading("Accuracy under attack"))
      for norm in norms(robustness) {
        let curves = curves(robustness, norm)
        if !curves.isEmpty {
          blocks.append(
            .chart(
              .curves(
                title: "Accuracy against the radius ε (\(norm))", clean: robustness.cleanAccuracy.value,
                curves: curves)))
        }
      }
      blocks.append(.table(attacks(robustness)))
    }
    if !robustness.worstCase.isEmpty { blocks.append(.table(worstCase(robustness))) }
    if let changes = robustness.sharedChanges, !changes.isEmpty {
      blocks.append(.heading("One change for all images"))
      blocks.append(.table(shared(changes)))
    }
    blocks += CorruptionBlocks.blocks(robustness)
    if let checks = robustness.checks {
      blocks.append(.heading("Can the figures be trusted?"))
      if let text = RobustnessNarrative.confidence(robustness) { blocks.append(.paragraph(text)) }
      blocks.append(.table(self.checks(checks)))
    }
    if !robustness.optimizedComparison.isEmpty {
      blocks.append(.heading("The optimized model under attack"))
      if let text = RobustnessNarrative.comparison(robustness) { blocks.append(.paragraph(text)) }
      blocks.append(.table(comparison(robustness)))
    }
    if !robustness.samples.isEmpty {
      blocks.append(.heading("What the attack looks like"))
      blocks.append(.samples(robustness.samples))
    }
    return blocks
  }

  private static func rows(_ robustness: Report.Robustness, _ report: Report) -> [Document.Row] {
    var score = Document.row(
      "Robustness Score", robustness.score, "robustness.score", report,
      value: robustness.score.map { "\($0.text) / 100" })
    if robustness.score != nil {
      let radius = robustness.headlineEpsilon.map { " at ε = \(Format.epsilon($0))" } ?? ""
      score.detail =
        "100 × robust / clean accuracy"
        + (robustness.headlineAttack.map { " under \($0)\(radius)" } ?? "")
        + (robustness.headlineNorm.map { " (\($0))" } ?? "")
        + (robustness.isUpperBound == true ? "; an upper bound: a single step is a weak attack" : "")
        + (robustness.confidence.map { "; confidence \($0)" } ?? "")
    }
    var clean = Document.row(
      "Original Accuracy", robustness.cleanAccuracy, "robustness.cleanAccuracy", report)
    let counts = [
      robustness.images.map { Format.plural($0, "image") },
      robustness.seconds.map { "attacked in \(Format.seconds($0))" },
    ].compactMap { $0 }.joined(separator: " ")
    clean.detail = ([clean.detail, counts]).filter { !$0.isEmpty }.joined(separator: "; ")
    let level = robustness.level.map { level in
      Document.Row(
        name: "Robustness Level",
        value: robustness.grade.map { "\(level) (\($0))" } ?? level,
        detail: "low below 40, medium to 70, high above",
        interpretation: RobustnessNarrative.worstInvisible(robustness).map {
          "The strongest invisible attack tried (\($0.attack.name), \($0.attack.epsilonText ?? Format.epsilon($0.attack.epsilon))) "
            + "flips \(Format.percent($0.lost, 0)) of the correct predictions."
        } ?? "")
    }
    return [score, level ?? Document.missing("Robustness Level", "robustness.level", report), clean]
      + calibration(robustness) + minimalEpsilon(robustness)
  }

  private static func calibration(_ robustness: Report.Robustness) -> [Document.Row] {
    guard let own = robustness.calibration else { return [] }
    var detail = "expected calibration error, \(own.expectedError.conditions ?? "")"
    if let other = robustness.optimizedCalibration {
      detail += "; the optimized model \(other.expectedError.text)"
    }
    return [
      Document.Row(
        name: "Calibration Error", value: own.expectedError.text, detail: detail,
        interpretation: RobustnessNarrative.calibration(own))
    ]
  }

  private static func minimalEpsilon(_ robustness: Report.Robustness) -> [Document.Row] {
    guard let found = robustness.minimalEpsilon else { return [] }
    return [
      Document.Row(
        name: "Smallest Perturbation", value: found.median.map { Format.epsilon($0) } ?? "beyond",
        detail:
          "median over the images that were right, Linf; area under the curve \(found.area.text); \(found.settings)",
        interpretation: RobustnessNarrative.minimalEpsilon(found))
    ]
  }

  private static func norms(_ robustness: Report.Robustness) -> [String] {
    var seen: [String] = []
    for attack in robustness.attacks where !seen.contains(attack.norm) { seen.append(attack.norm) }
    return seen
  }

  private static func curves(_ robustness: Report.Robustness, _ norm: String) -> [Document.Curve] {
    var names: [String] = []
    for attack in robustness.attacks where !names.contains(attack.name) { names.append(attack.name) }
    return names.enumerated().compactMap { look, name in
      guard robustness.attacks.contains(where: { $0.name == name && $0.norm == norm }) else { return nil }
      return Document.Curve(
        name: name, look: look,
        points: robustness.attacks.filter { $0.name == name && $0.norm == norm && $0.epsilon.isFinite }
          .sorted { $0.epsilon < $1.epsilon }
          .map { ($0.epsilon, radius($0), $0.robustAccuracy.value) })
    }
  }

  private static func radius(_ attack: Report.Attack) -> String {
    attack.epsilonText ?? Format.epsilon(attack.epsilon)
  }

  private static func attacks(_ robustness: Report.Robustness) -> Document.Table {
    let clean = robustness.cleanAccuracy
    return Document.Table(
      caption: "Attacks",
      columns: [
        .init(title: "Attack", isNumber: false), .init(title: "Norm", isNumber: false),
        .init(title: "ε", isNumber: true),
        .init(title: "Original Accuracy", isNumber: true),
        .init(title: "Adversarial Accuracy", isNumber: true),
        .init(title: "Robustness", isNumber: true), .init(title: "Meaning", isNumber: false),
      ],
      rows: robustness.attacks.map { attack in
        [
          attack.name, attack.norm, radius(attack), clean.text, attack.robustAccuracy.text,
          clean.value > 0 ? Format.fixed(attack.robustAccuracy.value / clean.value, 3) : "–",
          attack.robustAccuracy.interpretation ?? "",
        ]
      }, emphasized: nil, summaryRows: nil)
  }

  private static func checks(_ checks: [Report.RobustnessCheck]) -> Document.Table {
    Document.Table(
      caption: "Checks against false robustness (Carlini et al. 2019, arXiv:1902.06705)",
      columns: [
        .init(title: "Check", isNumber: false), .init(title: "Outcome", isNumber: false),
        .init(title: "Evidence", isNumber: false),
      ],
      rows: checks.map {
        [$0.name, $0.outcome, $0.evidence + ($0.outcome == "failed" ? ". \($0.advice)." : "")]
      }, emphasized: nil, summaryRows: nil)
  }

  private static func shared(_ changes: [Report.SharedChange]) -> Document.Table {
    Document.Table(
      caption: "Accuracy on images that the change was not learnt on; noise has the same size and place",
      columns: [
        .init(title: "Change", isNumber: false), .init(title: "Clean", isNumber: true),
        .init(title: "With noise", isNumber: true), .init(title: "With the change", isNumber: true),
        .init(title: "95% interval", isNumber: true),
      ],
      rows: changes.map {
        [
          $0.name, $0.cleanAccuracy.text, $0.controlAccuracy.text, $0.accuracy.text,
          $0.accuracy.intervalText ?? "–",
        ]
      }, emphasized: nil, summaryRows: nil)
  }

  private static func worstCase(_ robustness: Report.Robustness) -> Document.Table {
    Document.Table(
      caption: "Images that withstand every attack of a radius",
      columns: [
        .init(title: "Norm", isNumber: false), .init(title: "ε", isNumber: true),
        .init(title: "Worst-case Accuracy", isNumber: true), .init(title: "95% interval", isNumber: true),
      ],
      rows: robustness.worstCase.map {
        [$0.norm, Format.epsilon($0.epsilon), $0.robustAccuracy.text, $0.robustAccuracy.intervalText ?? "–"]
      }, emphasized: nil, summaryRows: nil)
  }

  private static func comparison(_ robustness: Report.Robustness) -> Document.Table {
    let methods = Set(robustness.optimizedComparison.compactMap(\.method))
    let shared = methods.count == 1 ? methods.first : nil
    return Document.Table(
      caption: "Original and optimized model under the same attacks" + (shared.map { ", \($0)" } ?? ""),
      columns: [
        .init(title: "Attack", isNumber: false), .init(title: "Norm", isNumber: false),
        .init(title: "ε", isNumber: true),
        .init(title: "Original", isNumber: true), .init(title: "Optimized", isNumber: true),
        .init(title: "Difference", isNumber: true),
      ],
      rows: robustness.optimizedComparison.map {
        let change = $0.optimizedRobustAccuracy.value - $0.originalRobustAccuracy.value
        return [
          $0.attack + (shared == nil ? $0.method.map { " (\($0))" } ?? "" : ""), $0.norm,
          Format.epsilon($0.epsilon),
          $0.originalRobustAccuracy.text, $0.optimizedRobustAccuracy.text,
          (change < 0 ? "−" : "+") + Format.points(change),
        ]
      }, emphasized: nil, summaryRows: nil)
  }
}
