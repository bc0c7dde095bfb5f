import ScopeRobustness
import Testing

@Suite struct PerturbationTests {
  @Test func signStepStaysInTheBallAndInRange() {
    var images: [Float] = [0, 0.5, 1, 0.5, 0.52]
    let originals: [Float] = [0, 0.5, 1, 0.5, 0.5]
    Perturbation.stepSign(
      &images, gradient: [-1, 3, 2, 0, 1], originals: originals, stepSize: 0.02, epsilon: 0.03)
    #expect(images[0] == 0)
    #expect(abs(images[1] - 0.52) < 1e-6)
    #expect(images[2] == 1)
    #expect(images[3] == 0.5)
    #expect(abs(images[4] - 0.53) < 1e-6)
  }

  @Test func normalizedStepHasItsLengthAndStaysInTheBall() {
    let originals: [Float] = [0.5, 0.5, 0.5, 0.5]
    var images = originals
    // Two images of two values; the second has no gradient.
    Perturbation.stepNormalized(
      &images, gradient: [3, 4, 0, 0], originals: originals, stepSize: 0.1, epsilon: 0.25, size: 2)
    #expect(abs(images[0] - 0.56) < 1e-6)
    #expect(abs(images[1] - 0.58) < 1e-6)
    #expect(Array(images[2...]) == [0.5, 0.5])
    for _ in 0..<5 {
      Perturbation.stepNormalized(
        &images, gradient: [3, 4, 0, 0], originals: originals, stepSize: 0.1, epsilon: 0.25, size: 2)
    }
    #expect(abs(Perturbation.distance(images, originals, 0..<2).l2 - 0.25) < 1e-6)
  }

  @Test(arguments: [PerturbationNorm.linf, .l2])
  func randomStartIsInTheBallAndDependsOnlyOnSeedAndImage(_ norm: PerturbationNorm) {
    let originals = [Float](repeating: 0.5, count: 300)
    var (together, alone, other) = (originals, Array(originals.prefix(100)), originals)
    Perturbation.randomStart(&together, norm: norm, epsilon: 0.1, size: 100, seed: 3, firstImage: 5)
    Perturbation.randomStart(&alone, norm: norm, epsilon: 0.1, size: 100, seed: 3, firstImage: 7)
    Perturbation.randomStart(&other, norm: norm, epsilon: 0.1, size: 100, seed: 4, firstImage: 5)
    #expect(Array(together[200...]) == alone)
    #expect(together != other)
    #expect(together[..<100] != together[100..<200])
    let distance = Perturbation.distance(together, originals, 0..<100)
    #expect((norm == .linf ? distance.linf : distance.l2) <= 0.100001)
    #expect(distance.l2 > 0)
  }
}
