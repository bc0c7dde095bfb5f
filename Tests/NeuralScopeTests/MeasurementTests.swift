import NeuralScope
import ScopeBytes
import ScopeGraph
import ScopeReport
import ScopeRuntime
import TestSupport
import Testing

@Suite(.serialized) struct MeasurementTests {
  private func options(_ details: Set<AnalysisDetail>) -> ScopeOptions {
    var options = ScopeOptions()
    options.enginePath = OnnxRuntimeLibrary.path
    options.latencyBudget = .milliseconds(200)
    options.details = details
    return options
  }

  @Test(.enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
  func plainAnalysisProfilesAndListsTheRest() throws {
    let report = try NeuralScope.analyze(model: Fixture.path("onnx/opset17.onnx"), options: options([]))
    let analysis = try #require(report.analysis)
    #expect(analysis.latency?.stopReason?.isEmpty == false)
    let profile = try #require(analysis.profile)
    #expect(Double(profile.kernels.count) == analysis.optimizedNodes?.value)
    #expect(abs(profile.kernels.reduce(0) { $0 + $1.share } - 1) < 1e-6)
    #expect(abs(profile.byOperator.reduce(0) { $0 + $1.share } - 1) < 1e-6)
    #expect(abs(profile.byModule.reduce(0) { $0 + $1.share } - 1) < 1e-6)
    #expect(profile.byModule.reduce(0) { $0 + $1.kernels } == profile.kernels.count)
    #expect(profile.kernels.reduce(0) { $0 + ($1.macs ?? 0) } == Int(analysis.macs?.value ?? 0))
    for layer in analysis.layers {
      if let kernel = layer.kernel { #expect(profile.kernels[kernel].sources.contains(layer.name)) }
      if let macs = layer.macs, macs > 0 { #expect(layer.kernel != nil, "\(layer.name)") }
    }
    for path in ["analysis.roofline", "analysis.throughput", "analysis.memory.enginePeakBytes"] {
      #expect(report.notMeasured.contains { $0.path == path && $0.remedy.contains("--") }, "\(path)")
    }
    #expect(report.conditions.machine.fingerprint?.count == 12)
  }

  @Test(.enabled(if: OnnxRuntimeLibrary.isPresent, "\(OnnxRuntimeLibrary.reason)"))
  func detailsAreMeasuredOnRequest() throws {
    var options = options([.memory, .roofline, .throughput])
    options.pricePerHour = 0.5
    let report = try NeuralScope.analyze(model: Fixture.path("onnx/opset17.onnx"), options: options)
    let analysis = try #require(report.analysis)
    let roofline = try #require(analysis.roofline)
    #expect(roofline.peakCompute.value > 0)
    #expect(roofline.bandwidth.value > 0)
    #expect(analysis.memory?.enginePeakBytes?.value ?? 0 > 0)
    #expect(analysis.memory?.residentGrowthBytes != nil)
    #expect(!analysis.bottlenecks.isEmpty)
    #expect(analysis.bottlenecks.allSatisfy { analysis.profile?.kernels.indices.contains($0.kernel) == true })
    #expect(!analysis.throughput.isEmpty)
    let best = try #require(analysis.throughput.map(\.imagesPerSecond.value).max())
    let deployment = try #require(analysis.deployment)
    #expect(abs(deployment.imagesPerSecondPerCore.value * Double(deployment.threads) - best) < 1e-6 * best)
    #expect(abs((deployment.costPerMillion?.value ?? 0) - 0.5 / (best * 3600) * 1e6) < 1e-6)
  }

  @Test func threadCountsAndBatchesStayWithinBounds() {
    #expect(ThroughputStage.threadCounts(1) == [1])
    #expect(ThroughputStage.threadCounts(6) == [1, 2, 4, 6])
    #expect(ThroughputStage.threadCounts(8) == [1, 2, 4, 8])
    func batches(_ milliseconds: Double, _ bytes: Int = 1, memory: Int = .max) -> [Int] {
      ThroughputStage.plan(
        threads: [1, 2], millisecondsPerImage: milliseconds, budget: .seconds(6), activationBytes: bytes,
        memory: memory
      ).batches
    }
    #expect(batches(1) == [1, 2, 4, 8, 16, 32])
    // 7 runs of 3 x 100 ms an image: 1 + 2 images are 6.3 s, 4 more 14.7 s of 12.
    #expect(batches(100) == [1, 2])
    #expect(batches(1e6) == [1])
    #expect(batches(1, 100, memory: 450) == [1, 2, 4])
    #expect(batches(1, .max, memory: 450) == [1])
  }

  @Test func aBatchRepeatsItsFirstRow() throws {
    let array = try HostArray([1, 2, 3] as [Float], [1, 3]).repeated(2)
    #expect(array.dimensions == [2, 3])
    #expect(array.floats == [1, 2, 3, 1, 2, 3])
    #expect(throws: ScopeError.self) { try HostArray([1] as [Float], [1]).repeated(1 << 40) }
  }
}
