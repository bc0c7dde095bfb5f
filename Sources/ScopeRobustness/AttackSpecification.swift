import ScopeBytes

/// A perturbation budget in pixel space [0, 1], with the text it was asked for (`2/255`).
public struct Epsilon: Sendable, Hashable, Codable {
  public var value: Double
  /// As the user wrote it.
  public var text: String

  public init(_ numerator: Int, over denominator: Int) {
    value = Double(numerator) / Double(denominator)
    text = "\(numerator)/\(denominator)"
  }

  public init(value: Double, text: String) {
    self.value = value
    self.text = text
  }

  /// Reads `2/255`, `0.03` or `1e-2`.
  ///
  /// - Parameter limit: the largest value that makes sense: 1 for Linf; for L2 the image's diagonal.
  /// - Throws: `invalidArgument` for anything that is not a positive number up to `limit`.
  public init(parsing text: String, limit: Double = 1) throws(ScopeError) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { Double($0) }
    guard numbers.count == parts.count, parts.count == 1 || parts.count == 2 else {
      throw Epsilon.error("'\(text)' is not a number", text)
    }
    let value = numbers.count == 2 ? numbers[0] / numbers[1] : numbers[0]
    guard value.isFinite, value > 0 else { throw Epsilon.error("the epsilon must be positive", text) }
    guard value <= limit else {
      throw Epsilon.error("the epsilon is larger than the whole pixel range", text)
    }
    self.init(value: value, text: text)
  }

  /// Reads budgets separated by commas.
  ///
  /// - Throws: `invalidArgument`.
  public static func list(_ text: String, limit: Double = 1) throws(ScopeError) -> [Epsilon] {
    var result: [Epsilon] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      result.append(try Epsilon(parsing: String(part.filter { $0 != " " }), limit: limit))
    }
    return result
  }

  private static func error(_ message: String, _ text: String) -> ScopeError {
    ScopeError(
      .invalidArgument, message,
      expected: "a fraction such as 2/255 or a decimal such as 0.008, in pixel units of [0, 1]",
      found: text, remedy: "Pixels range from 0 to 1 here; write 8/255 rather than 8")
  }
}

/// One attack with one budget.
public struct AttackSpecification: Sendable, Hashable, Codable {
  public var kind: AttackKind
  public var epsilon: Epsilon
  /// Gradient steps; 1 for FGSM, 0 for the attacks without gradients, per bisection for C&W.
  public var steps: Int
  /// Forward passes of Square, alone or in an ensemble, and of HopSkipJump.
  public var queries: Int
  /// Starts of APGD-CE and APGD-DLR.
  public var restarts: Int
  /// Step length in the attack's norm.
  public var stepSize: Double
  /// Whether PGD starts at a random point of the ball.
  public var randomStart: Bool
  /// Seed of the random start; each image's noise depends only on it, the attack and the image's position.
  public var seed: UInt64
  /// PGD in L2 divides each image's gradient by its length plus this, so that an image without gradient does not move.
  ///
  /// torchattacks adds 1e-10 to the gradient of the loss averaged over the batch, which shortens the steps of confident
  /// images the more the larger the batch: ResNet-20 on 2,000 CIFAR images at 0.25 keeps 1.75% in batches of 500. Here
  /// the loss is summed, so no figure depends on the batch; 1e-10 times a batch size gives torchattacks' figure for it.
  public var gradientNormFloor: Double

  /// - Parameters:
  ///   - steps: nil takes the papers' numbers: 10 for PGD and MI-FGSM, min(e + 4, 1.25 e) for BIM at e/255, 50 for DeepFool,
  ///     100 for APGD and FAB; 200 for each of C&W's bisections, where the paper takes 10,000.
  ///   - stepSize: nil takes 1/255 for BIM, epsilon / steps for MI-FGSM; for PGD epsilon / 4 for Linf (Madry et al. use 2/255 at 8/255) and epsilon / 5 for L2, the
  ///     defaults of torchattacks; FGSM's step is epsilon; APGD and FAB choose their own.
  ///   - randomStart: off by default, so that results do not depend on a seed; Madry et al. start at random.
  ///   - restarts: nil is 1, and 5 in AutoAttack plus.
  public init(
    _ kind: AttackKind, epsilon: Epsilon, steps: Int? = nil, stepSize: Double? = nil,
    randomStart: Bool = false,
    seed: UInt64 = 0, gradientNormFloor: Double = 1e-10, queries: Int = 5000, restarts: Int? = nil
  ) {
    self.gradientNormFloor = gradientNormFloor
    self.kind = kind
    self.epsilon = epsilon
    switch kind.algorithm {
    case .fgsm: self.steps = 1
    case .pgd: self.steps = steps ?? 10
    case .square, .hopSkipJump: self.steps = 0
    case .bim, .leastLikely, .randomTarget:
      let levels = epsilon.value * 255
      self.steps = steps ?? max(Int(min(levels + 4, 1.25 * levels).rounded(.up)), 1)
    case .momentum: self.steps = steps ?? 10
    case .deepFool: self.steps = steps ?? 50
    case .carliniWagner: self.steps = steps ?? 200
    default: self.steps = steps ?? 100
    }
    switch kind.algorithm {
    case .fgsm: self.stepSize = epsilon.value
    case .bim, .leastLikely, .randomTarget: self.stepSize = stepSize ?? min(1.0 / 255, epsilon.value)
    case .momentum: self.stepSize = stepSize ?? epsilon.value / Double(self.steps)
    default: self.stepSize = stepSize ?? epsilon.value / (kind.norm == .linf ? 4 : 5)
    }
    self.randomStart = kind.algorithm == .pgd && randomStart
    self.seed = seed
    self.queries = queries
    self.restarts = restarts ?? (kind.algorithm == .autoAttackPlus ? 5 : 1)
  }

  public var norm: PerturbationNorm { kind.norm }

  /// `PGD 2/255, 10 steps`.
  public var summary: String {
    let name = "\(kind.title) \(epsilon.text)"
    switch kind.algorithm {
    case .fgsm: return name
    case .pgd: return "\(name), \(steps) steps\(randomStart ? ", random start, seed \(seed)" : "")"
    case .apgdCrossEntropy, .apgdLogitsRatio:
      return "\(name), \(steps) steps, \(restarts == 1 ? "1 start" : "\(restarts) starts"), seed \(seed)"
    case .apgdTargeted: return "\(name), \(steps) steps towards each of up to 9 classes, seed \(seed)"
    case .fab: return "\(name), \(steps) steps towards each of up to 9 classes"
    case .square, .hopSkipJump: return "\(name), \(queries) queries, seed \(seed)"
    case .bim, .momentum, .leastLikely: return "\(name), \(steps == 1 ? "1 step" : "\(steps) steps")"
    case .randomTarget: return "\(name), \(steps == 1 ? "1 step" : "\(steps) steps"), seed \(seed)"
    case .deepFool: return "\(name), up to \(steps) steps"
    case .carliniWagner: return "\(name), up to \(steps) steps in each of 9 bisections"
    case .autoAttack, .autoAttackPlus:
      return
        "\(name), \(steps) steps\(norm == .l1 ? ", without Square" : ", \(queries) queries"), seed \(seed)"
    }
  }

  /// Linf budgets used when the user gives none.
  public static let defaultEpsilons = [
    Epsilon(1, over: 255), Epsilon(2, over: 255), Epsilon(4, over: 255), Epsilon(8, over: 255),
  ]

  /// L2 budgets used when the user gives none: 0.25, 0.5 and 1 for CIFAR-sized images (0.5 is the benchmark's choice,
  /// RobustBench, Croce et al. 2021), doubled beyond 64 pixels, where an image of the same contrast is longer.
  public static func defaultL2Epsilons(height: Int, width: Int) -> [Epsilon] {
    min(height, width) <= 64
      ? [Epsilon(value: 0.25, text: "0.25"), Epsilon(value: 0.5, text: "0.5"), Epsilon(value: 1, text: "1")]
      : [Epsilon(value: 0.5, text: "0.5"), Epsilon(value: 1, text: "1"), Epsilon(value: 2, text: "2")]
  }

  /// L1 budgets used when the user gives none: 12 for CIFAR-sized images (Croce & Hein 2021, arXiv:2103.01208), 60
  /// beyond (their ImageNet budget).
  public static func defaultL1Epsilons(height: Int, width: Int) -> [Epsilon] {
    min(height, width) <= 64 ? [Epsilon(value: 12, text: "12")] : [Epsilon(value: 60, text: "60")]
  }

  /// The attacks a command line asks for: every Linf attack with every Linf budget, every L2 attack with every L2 one.
  ///
  /// - Parameters:
  ///   - names: `fgsm,pgd,pgd-l2`.
  ///   - epsilons: `1/255,2/255`; nil takes ``defaultEpsilons``.
  ///   - l2Epsilons: `0.25,0.5`; nil takes ``defaultL2Epsilons(height:width:)``; `l1Epsilons` alike.
  /// - Throws: `invalidArgument`.
  public static func parse(
    names: String, epsilons: String? = nil, l2Epsilons: String? = nil, l1Epsilons: String? = nil,
    steps: Int? = nil, stepSize: Double? = nil, queries: Int = 5000,
    randomStart: Bool = false, seed: UInt64 = 0, gradientNormFloor: Double = 1e-10, height: Int, width: Int
  ) throws(ScopeError) -> [AttackSpecification] {
    guard gradientNormFloor >= 0, gradientNormFloor.isFinite else {
      throw ScopeError(
        .invalidArgument, "the gradient norm floor must not be negative", found: "\(gradientNormFloor)")
    }
    for (name, count) in [("steps", steps ?? 1), ("queries", queries)] where !(1...100_000).contains(count) {
      throw ScopeError(
        .invalidArgument, "the number of \(name) is not possible", expected: "1 to 100000", found: "\(count)")
    }
    if let stepSize, !(stepSize > 0 && stepSize.isFinite) {
      throw ScopeError(.invalidArgument, "the step size must be positive", found: "\(stepSize)")
    }
    var linf = defaultEpsilons
    if let epsilons { linf = try Epsilon.list(epsilons) }
    var l2 = defaultL2Epsilons(height: height, width: width)
    if let l2Epsilons { l2 = try Epsilon.list(l2Epsilons, limit: 1e4) }
    var l1 = defaultL1Epsilons(height: height, width: width)
    if let l1Epsilons { l1 = try Epsilon.list(l1Epsilons, limit: 1e7) }
    var result: [AttackSpecification] = []
    for name in names.split(separator: ",", omittingEmptySubsequences: false) {
      let kind = try AttackKind(parsing: String(name.filter { $0 != " " }))
      let budgets = [PerturbationNorm.linf: linf, .l2: l2, .l1: l1][kind.norm] ?? linf
      for epsilon in budgets {
        let specification = AttackSpecification(
          kind, epsilon: epsilon, steps: steps, stepSize: stepSize, randomStart: randomStart, seed: seed,
          gradientNormFloor: gradientNormFloor, queries: queries)
        if !result.contains(specification) { result.append(specification) }
      }
    }
    return result
  }

}
