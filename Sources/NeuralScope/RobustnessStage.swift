import ScopeBytes
import ScopeGraph
import ScopeReport
import ScopeRobustness
import ScopeRuntime

/// Section 4: accuracy under attack, of the model and, where there is one, of its optimized form.
enum RobustnessStage {
  static func run(
    _ model: LoadedModel, optimized: Model?, data: PreparedData, sampleCount: Int, engine: Engine,
    options: ScopeOptions
  ) throws(ScopeError) -> Report.Robustness {
    let attacks = try specifications(options, height: data.images.height, width: data.images.width)
    var settings = ScopeRobustness.RobustnessOptions()
    settings.threads = options.threads
    settings.sampleCount = sampleCount
    settings.checksSanity = options.attack.checksSanity
    settings.findsMinimalEpsilon = options.attack.findsMinimalEpsilon
    settings.sharedChanges = try sharedChanges(options)
    settings.changes = try CorruptionSections.changes(options)
    if let sigma = options.attack.smoothingSigma {
      settings.smoothing = try SmoothingSettings(sigma: sigma, samples: options.attack.smoothingSamples)
    }
    settings.asksUnknowns = options.attack.asksUnknowns
    settings.seed = options.seed
    let evaluator = RobustnessEvaluator(engine: engine, options: settings)
    let progress = { (fraction: Double, message: String) in
      options.progress?(ScopeProgress(stage: "Attacking: \(message)", fraction: fraction)) ?? ()
    }
    let graph = try model.executableGraph()
    do throws(ScopeError) {
      guard let optimized else {
        let result = try evaluator.evaluate(
          graph, normalization: data.normalization, images: data.images, attacks: attacks, progress: progress)
        return section(result, data: data)
      }
      let compared = try evaluator.compare(
        original: graph, other: optimized, normalization: data.normalization, images: data.images,
        attacks: attacks,
        progress: progress)
      var section = section(compared.original, data: data)
      section.optimizedComparison = comparison(compared)
      section.optimizedCleanAccuracy = figure(
        compared.otherCleanAccuracy, conditions: "the optimized model, same images")
      return section
    } catch {
      throw error.inFile(model.file.path)
    }
  }

  /// - Throws: `invalidArgument` naming the flag's value; checked before long work starts.
  static func specifications(_ options: ScopeOptions, height: Int, width: Int) throws(ScopeError)
    -> [AttackSpecification]
  {
    let attack = options.attack
    return try AttackSpecification.parse(
      names: attack.names, epsilons: attack.epsilons, l2Epsilons: attack.l2Epsilons,
      l1Epsilons: attack.l1Epsilons, steps: attack.steps, stepSize: attack.stepSize, queries: attack.queries,
      randomStart: attack.randomStart, seed: options.seed,
      gradientNormFloor: attack.gradientNormFloor, height: height, width: width)
  }

  /// - Throws: `invalidArgument` for radii and shares outside 0 to 1.
  private static func sharedChanges(_ options: ScopeOptions) throws(ScopeError) -> [SharedChange] {
    var changes: [SharedChange] = []
    if let text = options.attack.universalEpsilons {
      changes += try Epsilon.list(text).map(SharedChange.universal)
    }
    if let text = options.attack.patchShares {
      changes += try Epsilon.list(text).map { .patch(share: $0.value) }
    }
    return changes
  }

  private static func section(_ result: RobustnessResult, data: PreparedData) -> Report.Robustness {
    let images = "top-1 on \(result.imageCount) images"
    var section = Report.Robustness(cleanAccuracy: figure(result.cleanAccuracy, conditions: images))
    section.images = result.imageCount
    section.seconds = result.seconds
    section.attacks = result.attacks.map { attack in
      var row = Report.Attack(
        name: attack.specification.kind.title, norm: attack.specification.norm.rawValue,
        epsilon: attack.specification.epsilon.value, epsilonText: attack.specification.epsilon.text,
        robustAccuracy: figure(attack.robustAccuracy, conditions: attack.convention))
      row.settings = attack.specification.summary
      row.parts = attack.foundBy.map { Report.AttackPart(name: $0.name, fooled: $0.fooled) }
      row.seconds = attack.seconds
      return row
    }
    section.worstCase = result.worstCase.map {
      Report.WorstCase(
        norm: $0.norm.rawValue, epsilon: $0.epsilon.value,
        robustAccuracy: figure(
          $0.robustAccuracy, conditions: "right when clean and under all \($0.attacks) attacks of this size"))
    }
    if let score = result.score, let epsilon = result.headlineEpsilon {
      section.score = Figure(
        score, .score, samples: result.imageCount,
        conditions:
          "100 x robust / clean accuracy under the strongest attack at \(epsilon.text); \(result.headlineReason)"
      )
      section.level = result.level?.rawValue
      section.grade = result.grade?.rawValue
      section.isUpperBound = result.isUpperBound
      section.headlineEpsilon = epsilon.value
      section.headlineNorm = result.headlineAttack?.norm.rawValue
      section.headlineAttack = result.headlineAttack?.kind.title
    }
    section.confidence = result.confidence?.rawValue
    section.checks =
      result.checks.isEmpty
      ? nil
      : result.checks.map {
        Report.RobustnessCheck(
          name: $0.name, outcome: $0.outcome.rawValue, evidence: $0.evidence, advice: $0.advice)
      }
    section.calibration = result.calibration.map(calibration)
    section.optimizedCalibration = result.otherCalibration.map(calibration)
    section.minimalEpsilon = result.minimalEpsilon.map { found in
      Report.MinimalEpsilon(
        limit: found.limit, found: found.found, withstood: found.withstood, median: found.quantile(0.5),
        area: .fraction(
          found.area, samples: found.imageCount, conditions: "mean accuracy over the budgets from 0 to 16/255"
        ),
        settings: "bisection with APGD on the margin, \(found.steps) steps, up to \(found.rounds) halvings")
    }
    section.sharedChanges =
      result.sharedChanges.isEmpty ? nil : result.sharedChanges.map { sharedChange($0) }
    section.corruptions = CorruptionSections.corruptions(result.changes)
    section.stability = CorruptionSections.stability(result.changes)
    section.unknownInputs = CorruptionSections.unknowns(result.unknowns)
    section.certified = result.smoothing.map(certified)
    section.samples = result.samples.compactMap { sample(of: $0, classNames: data.dataset.classNames) }
    return section
  }

  /// Radii in steps of half the noise up to twice it.
  private static func certified(_ found: SmoothingResult) -> Report.Certified {
    let sigma = found.settings.sigma
    return Report.Certified(
      sigma: sigma, samples: found.settings.samples, alpha: found.settings.alpha,
      rows: stride(from: 0.0, through: 4, by: 1).map { step in
        let radius = step * sigma / 2
        return Report.Certified.Row(
          radius: radius,
          accuracy: figure(
            found.certified(radius),
            conditions:
              "the smoothed model, not the model alone; wrong with a chance of \(found.settings.alpha) per image"
          ))
      },
      abstained: found.abstained, seconds: found.seconds)
  }

  private static func sharedChange(_ found: SharedChangeResult) -> Report.SharedChange {
    let conditions =
      "images that it was not learnt on; \(found.learnt) images, \(found.epochs) epochs to learn"
    return Report.SharedChange(
      name: found.change.title, cleanAccuracy: figure(found.clean, conditions: conditions),
      accuracy: figure(found.changed, conditions: conditions),
      controlAccuracy: figure(found.control, conditions: "noise of the same size and place"),
      seconds: found.seconds)
  }

  static func calibration(_ found: Calibration) -> Report.Calibration {
    var section = Report.Calibration(
      expectedError: .fraction(
        found.expectedError, samples: found.imageCount, conditions: "15 bins of confidence, clean images"),
      overconfidence: found.overconfidence, logLoss: found.logLoss,
      bins: found.bins.map {
        Report.Calibration.Bin(
          low: $0.low, high: $0.high, count: $0.count, meanConfidence: $0.meanConfidence,
          accuracy: $0.accuracy)
      })
    section.temperature = found.temperature
    section.errorBefore = found.errorBefore
    section.errorAfter = found.errorAfter
    return section
  }

  private static func comparison(_ compared: ComparedRobustness) -> [Report.OptimizedUnderAttack] {
    compared.original.attacks.enumerated().compactMap { index, attack in
      let own = compared.other.map { $0.attacks[index].strictRobustAccuracy }
      guard let other = own ?? attack.transferred else { return nil }
      var row = Report.OptimizedUnderAttack(
        attack: attack.specification.kind.title, norm: attack.specification.norm.rawValue,
        epsilon: attack.specification.epsilon.value,
        originalRobustAccuracy: figure(
          own == nil ? attack.robustAccuracy : attack.strictRobustAccuracy, conditions: nil),
        optimizedRobustAccuracy: figure(other, conditions: nil))
      row.method =
        own != nil
        ? "each attacked through its own gradient (straight-through at quantizers); right when clean and at every step"
        : "the original's adversarial images, transferred: \(compared.otherFailure ?? "no gradient")"
      return row
    }
  }

  static func figure(_ accuracy: MeasuredAccuracy, conditions: String?) -> Figure {
    .proportion(accuracy.correct, of: accuracy.count, conditions: conditions) ?? .fraction(accuracy.value)
  }

  private static func sample(of sample: AttackSample, classNames: [String]?) -> Report.Sample? {
    func name(_ index: Int) -> String {
      if let classNames, classNames.indices.contains(index) { return classNames[index] }
      return "class \(index)"
    }
    guard
      let clean = SampleImage.base64PNG(
        planes: sample.clean, channels: sample.channels, height: sample.height, width: sample.width),
      let perturbed = SampleImage.base64PNG(
        planes: sample.perturbed, channels: sample.channels, height: sample.height, width: sample.width)
    else { return nil }
    return Report.Sample(
      label: name(sample.label), attack: sample.specification.kind.title,
      epsilonText: sample.specification.epsilon.text,
      cleanImage: clean, cleanPrediction: name(sample.cleanPrediction),
      cleanConfidence: sample.cleanConfidence,
      perturbedImage: perturbed, perturbedPrediction: name(sample.perturbedPrediction),
      perturbedConfidence: sample.perturbedConfidence)
  }
}
