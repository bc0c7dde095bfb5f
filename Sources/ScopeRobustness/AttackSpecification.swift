import ScopeBytes

/// The norm that bounds a perturbation.
public enum PerturbationNorm: String, Sendable, Codable, Hashable {
  /// Largest absolute change of any pixel value.
  case linf = "Linf"
  /// Euclidean length of the change of one image.
  case l2 = "L2"
}

/// The attacks on offer.
public enum AttackKind: String, Sendable, Codable, Hashable, CaseIterable {
  /// Fast gradient sign method (Goodfellow et al. 2015, arXiv:1412.6572).
  case fgsm
  /// Projected gradient descent in the Linf ball (Madry et al. 2018, arXiv:1706.06083).
  case pgd
  /// Projected gradient descent in the L2 ball, steps along the normalised gradient.
  case pgdL2 = "pgd-l2"

  public var norm: PerturbationNorm { self == .pgdL2 ? .l2 : .linf }

  /// Name for tables.
  public var title: String {
    switch self {
    case .fgsm: "FGSM"
    case .pgd: "PGD"
    case .pgdL2: "PGD (L2)"
    }
  }

  public static let expected = allCases.map(\.rawValue).joined(separator: ", ")

  /// - Throws: `invalidArgument` listing the names that exist.
  public init(parsing name: String) throws(ScopeError) {
    let known = AttackKind(rawValue: name.lowercased()) ?? (name.lowercased() == "pgd-linf" ? .pgd : nil)
    guard let known else {
      throw ScopeError(
        .invalidArgument, "no attack is called '\(name)'", expected: AttackKind.expected, found: name,
        remedy: "Give one or more of these names, separated by commas")
    }
    self = known
  }
}

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
  /// Gradient steps; 1 for FGSM.
  public var steps: Int
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
  ///   - stepSize: nil takes epsilon / 4 for Linf (Madry et al. use 2/255 at 8/255) and epsilon / 5 for L2, the
  ///     defaults of torchattacks; FGSM's step is epsilon.
  ///   - randomStart: off by default, so that results do not depend on a seed; Madry et al. start at random.
  public init(
    _ kind: AttackKind, epsilon: Epsilon, steps: Int = 10, stepSize: Double? = nil, randomStart: Bool = false,
    seed: UInt64 = 0, gradientNormFloor: Double = 1e-10
  ) {
    self.gradientNormFloor = gradientNormFloor
    self.kind = kind
    self.epsilon = epsilon
    self.steps = kind == .fgsm ? 1 : steps
    self.stepSize = kind == .fgsm ? epsilon.value : stepSize ?? epsilon.value / (kind == .pgd ? 4 : 5)
    self.randomStart = kind == .fgsm ? false : randomStart
    self.seed = seed
  }

  public var norm: PerturbationNorm { kind.norm }

  /// Passes through the model per image: gradients and the final prediction.
  public var queriesPerImage: Int { steps + 1 }

  /// `PGD 2/255, 10 steps of 0.5/255`.
  public var summary: String {
    switch kind {
    case .fgsm: "FGSM \(epsilon.text)"
    default:
      "\(kind.title) \(epsilon.text), \(steps) steps\(randomStart ? ", random start, seed \(seed)" : "")"
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

  /// The attacks a command line asks for: every Linf attack with every Linf budget, every L2 attack with every L2 one.
  ///
  /// - Parameters:
  ///   - names: `fgsm,pgd,pgd-l2`.
  ///   - epsilons: `1/255,2/255`; nil takes ``defaultEpsilons``.
  ///   - l2Epsilons: `0.25,0.5`; nil takes ``defaultL2Epsilons(height:width:)``.
  /// - Throws: `invalidArgument`.
  public static func parse(
    names: String, epsilons: String? = nil, l2Epsilons: String? = nil, steps: Int = 10,
    stepSize: Double? = nil,
    randomStart: Bool = false, seed: UInt64 = 0, gradientNormFloor: Double = 1e-10, height: Int, width: Int
  ) throws(ScopeError) -> [AttackSpecification] {
    guard gradientNormFloor >= 0, gradientNormFloor.isFinite else {
      throw ScopeError(
        .invalidArgument, "the gradient norm floor must not be negative", found: "\(gradientNormFloor)")
    }
    guard steps >= 1, steps <= 100_000 else {
      throw ScopeError(
        .invalidArgument, "the number of steps is not possible", expected: "1 to 100000", found: "\(steps)")
    }
    if let stepSize, !(stepSize > 0 && stepSize.isFinite) {
      throw ScopeError(.invalidArgument, "the step size must be positive", found: "\(stepSize)")
    }
    var linf = defaultEpsilons
    if let epsilons { linf = try list(epsilons, limit: 1) }
    var l2 = defaultL2Epsilons(height: height, width: width)
    if let l2Epsilons { l2 = try list(l2Epsilons, limit: 1e4) }
    var result: [AttackSpecification] = []
    for name in names.split(separator: ",", omittingEmptySubsequences: false) {
      let kind = try AttackKind(parsing: String(name.filter { $0 != " " }))
      for epsilon in kind.norm == .linf ? linf : l2 {
        let specification = AttackSpecification(
          kind, epsilon: epsilon, steps: steps, stepSize: stepSize, randomStart: randomStart, seed: seed,
          gradientNormFloor: gradientNormFloor)
        if !result.contains(specification) { result.append(specification) }
      }
    }
    return result
  }

  private static func list(_ text: String, limit: Double) throws(ScopeError) -> [Epsilon] {
    var result: [Epsilon] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      result.append(try Epsilon(parsing: String(part.filter { $0 != " " }), limit: limit))
    }
    return result
  }
}
