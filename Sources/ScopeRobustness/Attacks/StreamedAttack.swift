import ScopeBytes
import ScopeGradients
import ScopeStatistics

/// How an ``AttackSpecification`` becomes a machine for one image.
package enum StreamedAttack {
  /// Target classes that targeted attacks try, nearest rival first (AutoAttack's standard).
  private static let targets = 9

  /// - Parameter classes: of the model; the logits' ratio needs three, its targeted form four, else the plain
  ///   difference of logits takes its place.
  package static func start(
    _ specification: AttackSpecification, on image: AttackedImage, classes: Int
  ) -> AttackChain {
    AttackChain(links(specification.kind.algorithm, specification, image, classes))
  }

  private static func links(
    _ algorithm: AttackAlgorithm, _ specification: AttackSpecification, _ image: AttackedImage, _ classes: Int
  ) -> [AttackChain.Link] {
    let (norm, epsilon) = (specification.norm, Float(specification.epsilon.value))
    let (steps, seed) = (specification.steps, specification.seed)
    func apgd(_ name: String, _ loss: AttackLoss, target: Int = 0, seed: UInt64) -> AttackChain.Link {
      AttackChain.Link(name: name) {
        if norm == .l1 {
          return StagedAPGD(image, epsilon: epsilon, steps: steps, loss: loss, target: target, seed: seed)
        }
        return APGD(image, norm: norm, epsilon: epsilon, steps: steps, loss: loss, target: target, seed: seed)
      }
    }
    let rivals = image.rivals.prefix(targets)
    switch algorithm {
    case .apgdCrossEntropy:
      return (0..<specification.restarts).map {
        apgd("APGD-CE", .crossEntropy, seed: seed &+ UInt64($0))
      }
    case .apgdLogitsRatio:
      return (0..<specification.restarts).map {
        apgd("APGD-DLR", classes >= 3 ? .logitsRatio : .margin, seed: seed &+ UInt64($0))
      }
    case .apgdTargeted:
      let loss: AttackLoss = classes >= 4 ? .targetedLogitsRatio : .logitDifference
      return rivals.map { apgd("APGD-T", loss, target: $0, seed: seed &+ UInt64($0)) }
    case .fab:
      return rivals.map { target in
        AttackChain.Link(name: "FAB-T") {
          FAB(image, norm: norm, epsilon: epsilon, steps: steps, target: target)
        }
      }
    case .square:
      return [
        AttackChain.Link(name: "Square") {
          SquareAttack(
            image, norm: norm, epsilon: epsilon, queries: specification.queries, seed: seed)
        }
      ]
    case .autoAttack, .autoAttackPlus:
      var parts: [AttackAlgorithm] = [.apgdCrossEntropy, .apgdTargeted, .fab]
      if algorithm == .autoAttackPlus { parts = [.apgdCrossEntropy, .apgdLogitsRatio, .apgdTargeted, .fab] }
      if norm != .l1 { parts.append(.square) }
      return parts.flatMap { links($0, specification, image, classes) }
    case .bim, .momentum:
      return [
        AttackChain.Link(name: algorithm.title) {
          SignDescent(
            image, epsilon: epsilon, steps: steps, stepSize: Float(specification.stepSize),
            momentum: algorithm == .momentum ? 1 : 0)
        }
      ]
    case .leastLikely, .randomTarget:
      var generator = SplitMix64(seed: seed, stream: UInt64(image.position))
      guard
        let goal = algorithm == .leastLikely
          ? image.rivals.last : image.rivals.randomElement(using: &generator)
      else { return [] }
      return [
        AttackChain.Link(name: algorithm.title) {
          SignDescent(
            image, epsilon: epsilon, steps: steps, stepSize: Float(specification.stepSize), momentum: 0,
            goal: goal)
        }
      ]
    case .deepFool:
      return [
        AttackChain.Link(name: "DeepFool") {
          DeepFool(image, norm: norm, epsilon: epsilon, steps: steps)
        }
      ]
    case .carliniWagner:
      return [
        AttackChain.Link(name: "C&W") { CarliniWagner(image, epsilon: epsilon, steps: steps) }
      ]
    case .hopSkipJump:
      return [
        AttackChain.Link(name: "HopSkipJump") {
          HopSkipJump(image, norm: norm, epsilon: epsilon, queries: specification.queries, seed: seed)
        }
      ]
    case .fgsm, .pgd: return []
    }
  }
}
