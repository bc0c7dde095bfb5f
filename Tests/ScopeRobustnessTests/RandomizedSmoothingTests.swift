import ScopeBytes
import ScopeData
import ScopeRobustness
import ScopeRuntime
import TestSupport
import Testing

@Suite(.serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
struct RandomizedSmoothingTests {
  private func run(sigma: Double, samples: Int) throws -> SmoothingResult {
    let fixture = RobustnessEvaluatorTests()
    let images = try fixture.images()
    var options = RobustnessOptions()
    options.threads = 1
    let target = try AttackTarget(
      engine: try Engine.load(path: OnnxRuntimeLibrary.path), model: try fixture.model(),
      normalization: RobustnessEvaluatorTests.normalization, images: images, withGradient: false,
      options: options)
    return try RandomizedSmoothing(
      target: target, images: images, settings: SmoothingSettings(sigma: sigma, samples: samples), seed: 3
    ).run(progress: { _, _ in }, isCancelled: { false })
  }

  @Test func certifiesWithinWhatTheSamplesAllow() throws {
    let result = try run(sigma: 0.02, samples: 400)
    #expect(result.radii.count + result.wrong + result.abstained == result.imageCount)
    // Three labels of twelve are not the model's own answer.
    #expect(result.wrong >= 1 && result.radii.count >= 6)
    // All copies agreeing gives sigma times the quantile of 0.001^(1/400), and nothing gives more.
    let largest = 0.02 * 2.1173
    #expect(result.radii.allSatisfy { $0 > 0 && $0 <= largest })
    #expect(result.radii == result.radii.sorted(by: >))
    #expect(result.certified(0).correct == result.radii.count && result.certified(1).correct == 0)
    #expect(try run(sigma: 0.02, samples: 400).radii == result.radii)
  }

  @Test func moreNoiseMakesItAbstainOrFail() throws {
    let (little, much) = (try run(sigma: 0.01, samples: 200), try run(sigma: 1, samples: 200))
    #expect(much.radii.count <= little.radii.count)
  }

  @Test func settingsAreChecked() {
    for (sigma, samples) in [(0.0, 1000), (0.1, 10), (3, 1000)] {
      #expect(throws: ScopeError.self) { try SmoothingSettings(sigma: sigma, samples: samples) }
    }
  }
}
