import ScopeBytes

/// The norm that bounds a perturbation.
public enum PerturbationNorm: String, Sendable, Codable, Hashable, CaseIterable {
  /// Largest absolute change of any pixel value.
  case linf = "Linf"
  /// Euclidean length of the change of one image.
  case l2 = "L2"
  /// Sum of the absolute changes of one image.
  case l1 = "L1"
}

/// How an attack searches; the norm is chosen beside it.
public enum AttackAlgorithm: String, Sendable, Codable, Hashable, CaseIterable {
  /// Fast gradient sign method (Goodfellow et al. 2015, arXiv:1412.6572).
  case fgsm
  /// Projected gradient descent (Madry et al. 2018, arXiv:1706.06083); in L2 along the normalised gradient.
  case pgd
  /// Basic iterative method (Kurakin et al. 2017, arXiv:1607.02533).
  case bim
  /// Momentum iterative method (Dong et al. 2018, arXiv:1710.06081).
  case momentum = "mi-fgsm"
  /// The basic iterative method towards the class of the smallest logit; only that class counts as fooled (Kurakin et al.
  /// 2017, section 2.3).
  case leastLikely = "least-likely"
  /// The same towards a class drawn at random for each image.
  case randomTarget = "random-target"
  /// Steps onto linearised boundaries (Moosavi-Dezfooli et al. 2016, arXiv:1511.04599).
  case deepFool = "deepfool"
  /// The smallest change in L2 by optimization (Carlini & Wagner 2017, arXiv:1608.04644).
  case carliniWagner = "cw"
  /// Along the boundary, seeing only the predicted class (Chen et al. 2020, arXiv:1904.02144).
  case hopSkipJump = "hopskipjump"
  /// Auto-PGD on the cross-entropy (Croce & Hein 2020, arXiv:2003.01690).
  case apgdCrossEntropy = "apgd-ce"
  /// Auto-PGD on the difference of logits ratio (ibid.).
  case apgdLogitsRatio = "apgd-dlr"
  /// Auto-PGD on the targeted difference of logits ratio, towards the nine nearest classes (ibid.).
  case apgdTargeted = "apgd-t"
  /// Fast adaptive boundary attack towards the nine nearest classes (Croce & Hein 2020, arXiv:1907.02044).
  case fab = "fab-t"
  /// Random search with squares, without gradients (Andriushchenko et al. 2020, arXiv:1912.00049).
  case square
  /// The standard ensemble of APGD-CE, APGD-T, FAB-T and Square (Croce & Hein 2020, arXiv:2003.01690).
  case autoAttack = "autoattack"
  /// The ensemble with five restarts of APGD-CE, and APGD-DLR. The original's untargeted FAB is left out: FAB-T visits
  /// the boundaries to the nine nearest classes one by one.
  case autoAttackPlus = "autoattack-plus"

  /// Norms it is defined in here.
  public var norms: [PerturbationNorm] {
    switch self {
    case .fgsm, .bim, .momentum, .leastLikely, .randomTarget: [.linf]
    case .carliniWagner: [.l2]
    case .pgd, .square, .deepFool, .hopSkipJump: [.linf, .l2]
    default: PerturbationNorm.allCases
    }
  }

  /// Name for tables.
  public var title: String {
    switch self {
    case .fgsm: "FGSM"
    case .pgd: "PGD"
    case .bim: "BIM"
    case .momentum: "MI-FGSM"
    case .leastLikely: "Least-likely class"
    case .randomTarget: "Random class"
    case .deepFool: "DeepFool"
    case .carliniWagner: "C&W"
    case .hopSkipJump: "HopSkipJump"
    case .apgdCrossEntropy: "APGD-CE"
    case .apgdLogitsRatio: "APGD-DLR"
    case .apgdTargeted: "APGD-T"
    case .fab: "FAB-T"
    case .square: "Square"
    case .autoAttack: "AutoAttack"
    case .autoAttackPlus: "AutoAttack plus"
    }
  }

  /// Whether it asks the model for no gradients.
  package var isBlackBox: Bool { self == .square || self == .hopSkipJump }

  /// Whether it runs image by image in shared batches (``AttackStream``) and stops at an image once it is fooled.
  package var isStreamed: Bool { self != .fgsm && self != .pgd }
}

/// An attack on offer: a search in a norm.
public struct AttackKind: Sendable, Codable, Hashable {
  public var algorithm: AttackAlgorithm
  public var norm: PerturbationNorm

  public init(_ algorithm: AttackAlgorithm, _ norm: PerturbationNorm = .linf) {
    self.algorithm = algorithm
    self.norm = norm
  }

  public static let fgsm = AttackKind(.fgsm)
  public static let pgd = AttackKind(.pgd)
  public static let pgdL2 = AttackKind(.pgd, .l2)

  public static let all: [AttackKind] = AttackAlgorithm.allCases.flatMap { algorithm in
    algorithm.norms.map { AttackKind(algorithm, $0) }
  }

  /// What the command line calls it: `pgd`, `pgd-l2`.
  public var name: String {
    norm == .linf ? algorithm.rawValue : "\(algorithm.rawValue)-\(norm.rawValue.lowercased())"
  }

  /// Name for tables.
  public var title: String { norm == .linf ? algorithm.title : "\(algorithm.title) (\(norm.rawValue))" }

  public static let expected = all.map(\.name).joined(separator: ", ")

  /// - Throws: `invalidArgument` listing the names that exist.
  public init(parsing name: String) throws(ScopeError) {
    let wanted = name.lowercased()
    guard let known = AttackKind.all.first(where: { $0.name == wanted || "\($0.name)-linf" == wanted }) else {
      throw ScopeError(
        .invalidArgument, "no attack is called '\(name)'", expected: AttackKind.expected, found: name,
        remedy: "Give one or more of these names, separated by commas")
    }
    self = known
  }
}
