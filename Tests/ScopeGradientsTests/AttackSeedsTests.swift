import Glibc
import ScopeGradients
import ScopeGraph
import ScopeRuntime
import Testing

/// The losses of attacks against their formulas, written out on the sorted logits, and against finite differences.
@Suite(.serialized, .enabled(if: engine != nil, engineReason)) struct AttackSeedsTests {
  /// Passes its "pixels" [N, classes, 1, 1] through as logits.
  static func model(classes: Int) -> Model {
    var graph = Graph(name: "logits")
    graph.inputs = [
      ValueInfo(
        name: "x", dataType: .float32, shape: Shape([.symbolic("N"), .known(classes), .known(1), .known(1)]))
    ]
    graph.nodes = [Node("Flatten", inputs: ["x"], outputs: ["logits"])]
    graph.outputs = [
      ValueInfo(name: "logits", dataType: .float32, shape: Shape([.symbolic("N"), .known(classes)]))
    ]
    return Model(opset: 17, graph: graph)
  }

  static func formula(_ loss: AttackLoss, _ z: [Double], _ y: Int, _ t: Int) -> Double {
    let sorted = z.sorted(by: >)
    let rival = z.enumerated().filter { $0.offset != y }.map(\.element).max() ?? 0
    func logSoftmax(_ index: Int) -> Double {
      z[index] - Glibc.log(z.reduce(0) { $0 + Glibc.exp($1) })
    }
    return switch loss {
    case .crossEntropy: -logSoftmax(y)
    case .margin: rival - z[y]
    case .logitsRatio: -(z[y] - rival) / (sorted[0] - sorted[2] + 1e-12)
    case .targetedLogitsRatio: -(z[y] - z[t]) / (sorted[0] - (sorted[2] + sorted[3]) / 2 + 1e-12)
    case .logitDifference: z[t] - z[y]
    case .targetedCrossEntropy: logSoftmax(t)
    }
  }

  @Test(arguments: [5, 4, 3, 2])
  func lossesAndGradientsFollowTheirFormulas(_ classes: Int) throws {
    let built = try BackwardGraph.inputGradient(of: Self.model(classes: classes), loss: .attack)
    let session = try Session(engine: try #require(engine), model: built.model, options: .init(threads: 1))
    let scores: [[Float]] = [
      [2, 1.5, -0.5, 0.25, 1], [-1, 3, 0.5, 2.25, 0], [0.1, 0.2, 0.4, 0.8, 1.6],
    ].map { Array($0.prefix(classes)) }
    // Every loss for every row in one batch: the choice is per image.
    let losses = AttackLoss.allCases.filter { $0.leastClasses <= classes }
    let cases = losses.flatMap { loss in
      scores.indices.map { (loss, $0, $0 % classes, (classes - 1 - $0 % classes)) }
    }
    .filter { $0.2 != $0.3 }
    let results = try session.run([
      built.imageInput: HostArray(cases.flatMap { scores[$0.1] }, [cases.count, classes, 1, 1]),
      built.labelsInput: HostArray(cases.map { Int64($0.2) }, [cases.count]),
      try #require(built.targetsInput): HostArray(cases.map { Int64($0.3) }, [cases.count]),
      try #require(built.choiceInput): HostArray(cases.map(\.0.rawValue), [cases.count]),
    ])
    let found = try #require(built.lossOutput.flatMap { results[$0] }).floats
    let gradients = try #require(results[built.gradientOutput]).floats
    for (index, (loss, row, label, target)) in cases.enumerated() {
      let z = scores[row].map(Double.init)
      let expected = Self.formula(loss, z, label, target)
      #expect(abs(Double(found[index]) - expected) < 1e-5, "\(loss), row \(row), \(classes) classes")
      for position in 0..<classes {
        var (above, below) = (z, z)
        above[position] += 1e-4
        below[position] -= 1e-4
        let slope =
          (Self.formula(loss, above, label, target) - Self.formula(loss, below, label, target)) / 2e-4
        #expect(
          abs(Double(gradients[index * classes + position]) - slope) < 2e-4,
          "\(loss), row \(row), class \(position) of \(classes)")
      }
    }
  }
}
