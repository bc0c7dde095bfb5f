import ScopeBytes
import ScopeGradients

/// Runs per-image attacks in shared batches: an image that is done leaves, and the next one takes its place.
package struct AttackStream {
  /// Bytes that the states of the attacks in flight may take, roughly.
  private static let stateBytes = 256 << 20
  /// Image-sized arrays one state holds.
  private static let arraysPerState = 8

  private let target: AttackTarget
  /// [C, H, W].
  private let shape: [Int]
  private let capacity: Int

  package init(target: AttackTarget, shape: [Int]) {
    self.target = target
    self.shape = shape
    let bytes = shape.reduce(1, *) * MemoryLayout<Float>.stride * Self.arraysPerState
    // Attacks at different stages ask different things; more of them than a batch keep every batch full.
    capacity = max(target.batchSize, min(3 * target.batchSize, Self.stateBytes / max(bytes, 1)))
  }

  /// What a run cost, counted per image.
  package struct Cost {
    package var gradients = 0
    package var forwards = 0
  }

  private struct Flight {
    var image: Int
    var label: Int
    var attack: any ImageAttack
    var queries = 0
  }

  /// - Parameters:
  ///   - images: positions of the images to attack.
  ///   - start: the attack on an image, with its label.
  ///   - finished: told of each image as its attack ends.
  ///   - afterBatch: called with the images in flight and done; throws to stop.
  package func run(
    _ images: [Int], start: (Int) throws(ScopeError) -> (label: Int, attack: any ImageAttack),
    finished: (Int, any ImageAttack) throws(ScopeError) -> Void,
    afterBatch: (_ done: Int) throws(ScopeError) -> Void
  ) throws(ScopeError) -> Cost {
    var cost = Cost()
    var flights: [Flight] = []
    var waiting = images[...]
    var done = 0
    while true {
      while flights.count < capacity, let image = waiting.popFirst() {
        let (label, attack) = try start(image)
        flights.append(Flight(image: image, label: label, attack: attack))
      }
      if flights.isEmpty { return cost }
      let asking = flights.indices.filter { flights[$0].attack.query != .logits }
      let looking = flights.indices.filter { flights[$0].attack.query == .logits }
      let wantsGradient = asking.count >= looking.count
      let chosen = Array((wantsGradient ? asking : looking).prefix(target.batchSize))
      let ended = try answer(chosen, in: &flights, withGradient: wantsGradient)
      if wantsGradient { cost.gradients += chosen.count } else { cost.forwards += chosen.count }
      for index in ended { try finished(flights[index].image, flights[index].attack) }
      done += ended.count
      // Those just answered go to the end, so that the others have their turn.
      let answered = Set(chosen)
      let gone = Set(ended)
      flights =
        flights.indices.filter { !answered.contains($0) }.map { flights[$0] }
        + chosen.filter { !gone.contains($0) }.map { flights[$0] }
      try afterBatch(done)
    }
  }

  /// Asks the model for the chosen flights and hands each its answer.
  ///
  /// - Returns: those whose attack has ended.
  private func answer(
    _ chosen: [Int], in flights: inout [Flight], withGradient: Bool
  ) throws(ScopeError) -> [Int] {
    let size = shape.reduce(1, *)
    var pixels: [Float] = []
    pixels.reserveCapacity(chosen.count * size)
    for index in chosen { pixels.append(contentsOf: flights[index].attack.point) }
    let batch = [chosen.count] + shape
    var values = AttackTarget.Gradients()
    if withGradient {
      var questions: [(loss: AttackLoss, label: Int, target: Int)] = []
      for index in chosen {
        guard case .gradient(let loss, let target) = flights[index].attack.query else { continue }
        questions.append((loss, flights[index].label, target))
      }
      values = try target.gradients(pixels, questions: questions, shape: batch)
    } else {
      values.logits = try target.logits(pixels, shape: batch)
    }
    let classes = values.logits.classes
    var ended: [Int] = []
    for (position, index) in chosen.enumerated() {
      let answer = AttackAnswer(
        logits: values.logits.values[position * classes..<(position + 1) * classes],
        loss: values.losses.isEmpty ? 0 : values.losses[position],
        gradient: values.gradient.isEmpty ? [] : values.gradient[position * size..<(position + 1) * size])
      guard answer.logits.allSatisfy(\.isFinite) else {
        throw ScopeError(
          .invalidData, "the model's logits are not finite under attack",
          place: "image \(flights[index].image)",
          found: "\(Array(answer.logits.prefix(4)))",
          remedy: "Check the model for overflow; attacks need finite logits")
      }
      if flights[index].attack.receive(answer) { ended.append(index) }
    }
    return ended
  }
}
