import ScopeArchitectures
import ScopeBytes
import ScopeData
import ScopeFormats
import ScopeOptimization
import ScopeRuntime
import TestSupport
import Testing

/// A published checkpoint on real photographs.
@Suite(
  .serialized, .enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"),
  .enabled(
    if: SharedData.folder != nil, "needs the sample images and checkpoints (set NEURAL_SCOPE_TEST_DATA)"))
struct RealModelTests {
  @Test func resNet56LosesAtMostHalfAPointAndSeventyPercentOfItsBytes() throws {
    let path = try #require(SharedData.path("models/resnet56-4bfd9763.th"))
    let file = try ModelReader.read(path: path)
    guard case .weights(let state) = file.content else { throw ScopeError(.invalidData, "not a state dict") }
    let architecture = try #require(ArchitectureRegistry.recognise(state))
    var options = ImageLoader.Options()
    options.limit = 1000
    let images = try ImageLoader.load(
      path: try #require(SharedData.path("cifar10-sample/test")), preprocessing: .cifar, options: options
    ).images
    var request = OptimizationRequest(
      model: try architecture.build(state), originalBytes: file.byteCount,
      samples: SampleSet(images: images, normalization: Preprocessing.cifar.normalization),
      engine: try Engine.load(path: OnnxRuntimeLibrary.path)
    )
    // Beside other tests the machine is slow; what is tried must not depend on it.
    request.timeBudget = .seconds(600)
    let result = try Optimizer.run(request)
    #expect(result.foldingDifference <= ExactFolding.tolerance)
    #expect(result.isApproximate)
    #expect(result.optimizedBytes * 10 <= result.originalBytes * 3)
    #expect(result.comparison.accuracyDrop <= 0.005)
    #expect(result.agreement.value >= 0.97)
    #expect(result.speedup.ratio > 1)
    // Other forms of the same numbers are tried beside each other.
    let equalized = try #require(result.candidates.first { $0.name.hasPrefix("equalized + ") })
    #expect(equalized.steps.first?.contains("equalized") == true)
    for word in ["least-squares", "entropy", "percentile", "hessian", "adaptive"] {
      #expect(result.candidates.contains { $0.name.contains(word) }, "\(word)")
    }
  }
}
