/// Attacks on one image in turn until one succeeds: the targets of a targeted attack, restarts, an ensemble.
package struct AttackChain: ImageAttack {
  /// A link: what it is called in tables, and how it starts.
  package struct Link: Sendable {
    var name: String
    var start: @Sendable () -> any ImageAttack
  }

  private let links: [Link]
  private var index = 0
  private var current: any ImageAttack

  /// - Parameter links: at least one.
  package init(_ links: [Link]) {
    self.links = links
    current = links[0].start()
  }

  package var point: [Float] { current.point }
  package var query: AttackQuery { current.query }
  package var adversarial: [Float]? { current.adversarial }
  /// The link that found the adversarial point.
  package var foundBy: String? { current.adversarial == nil ? nil : links[index].name }

  package mutating func receive(_ answer: AttackAnswer) -> Bool {
    guard current.receive(answer) else { return false }
    if current.adversarial != nil || index + 1 == links.count { return true }
    index += 1
    current = links[index].start()
    return false
  }
}
