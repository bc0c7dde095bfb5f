import ScopeBytes
import ScopeGraph
import ScopeStatistics

/// What this machine can do at most with a number of threads, measured.
///
/// Source: S. Williams, A. Waterman, D. Patterson, Roofline: an insightful visual performance model for multicore
/// architectures, CACM 52 (2009).
public struct MachineRoofs: Sendable {
  /// Best rate of a large float32 matrix product in the engine, 10^9 operations per second, two per
  /// multiply-accumulate.
  public var gigaflopsPerSecond: Double
  /// Rows, columns and depth of the product that was fastest.
  public var productSize: Int
  public var productRuns: Int
  /// Best rate of a triad over arrays far larger than the caches, 10^9 bytes per second.
  public var gigabytesPerSecond: Double
  /// Bytes of each of the triad's three arrays.
  public var arrayBytes: Int
  public var triadRuns: Int
  /// Median time of a kernel that has nothing to do, as the profiler sees it, microseconds: what the engine needs to
  /// start one.
  public var dispatchMicroseconds: Double
  public var threads: Int

  public init(
    gigaflopsPerSecond: Double, gigabytesPerSecond: Double, dispatchMicroseconds: Double, threads: Int
  ) {
    self.gigaflopsPerSecond = gigaflopsPerSecond
    self.gigabytesPerSecond = gigabytesPerSecond
    self.dispatchMicroseconds = dispatchMicroseconds
    self.threads = threads
    productSize = 0
    productRuns = 0
    arrayBytes = 0
    triadRuns = 0
  }

  /// Takes about a second.
  ///
  /// - Parameter threads: 0 takes every core.
  public static func measure(engine: Engine, threads: Int = 0) throws(ScopeError) -> MachineRoofs {
    let threads = threads > 0 ? threads : Machine.coreCount
    let product = try MatrixProductRoof.measure(engine: engine, threads: threads)
    let dispatch = try dispatchMicroseconds(engine: engine, threads: threads)
    let triad = Triad.measure(threads: threads)
    var roofs = MachineRoofs(
      gigaflopsPerSecond: product.best, gigabytesPerSecond: triad.best, dispatchMicroseconds: dispatch,
      threads: threads)
    roofs.productSize = product.size
    roofs.productRuns = product.runs
    roofs.arrayBytes = triad.arrayBytes
    roofs.triadRuns = triad.runs
    return roofs
  }

  /// A chain of operators on a single number.
  private static func dispatchMicroseconds(engine: Engine, threads: Int) throws(ScopeError) -> Double {
    let length = 64
    var graph = Graph(
      name: "dispatch", inputs: [ValueInfo(name: "v0", dataType: .float32, shape: [1])],
      outputs: [ValueInfo(name: "v\(length)", dataType: .float32, shape: [1])])
    graph.nodes = (0..<length).map {
      Node("Sin", name: "n\($0)", inputs: ["v\($0)"], outputs: ["v\($0 + 1)"])
    }
    let folder = try TemporaryFolder()
    let session = try Session(
      engine: engine, model: Model(graph: graph),
      options: SessionOptions(threads: threads, profilePrefix: "\(folder.path)/dispatch"))
    for _ in 0..<20 { _ = try session.run(["v0": HostArray([0.5], [1])]) }
    return try session.endProfiling().dropFirst(5 * length).map(\.microseconds).quantile(0.5)
  }
}

/// A square float32 matrix product with a constant right side, as a linear layer is.
enum MatrixProductRoof {
  static func measure(engine: Engine, threads: Int) throws(ScopeError) -> (best: Double, size: Int, runs: Int)
  {
    var best = (rate: 0.0, size: 0)
    var runs = 0
    for size in [1024, 2048] {
      let session = try Session(
        engine: engine, model: model(size), options: SessionOptions(threads: threads))
      let feeds = ["a": HostArray(values(size), [size, size])]
      let operations = 2 * Double(size) * Double(size) * Double(size)
      let clock = ContinuousClock()
      let end = clock.now + .milliseconds(400)
      var count = 0
      // At least three of the first size, so that one interruption does not decide.
      while count < 3 || clock.now < end {
        let milliseconds = try LatencyBenchmark.time(session, feeds)
        count += 1
        let rate = operations / milliseconds / 1e6
        if rate > best.rate { best = (rate, size) }
        if clock.now >= end + .seconds(2) { break }
      }
      runs += count
      // The larger size takes eight times as long; on a slow machine the first is large enough.
      if operations / (best.rate * 1e9) > 0.1 { break }
    }
    return (best.rate, best.size, runs)
  }

  /// Only one number of the product is returned, as copying the others would be timed too.
  private static func model(_ size: Int) -> Model {
    var graph = Graph(
      name: "product", inputs: [ValueInfo(name: "a", dataType: .float32, shape: Shape([size, size]))],
      outputs: [ValueInfo(name: "y", dataType: .float32, shape: [1, 1])])
    graph.initializers = [
      "b": .floats(values(size), [size, size]), "zero": .int64s([0, 0]), "one": .int64s([1, 1]),
    ]
    graph.nodes = [
      Node("MatMul", name: "product", inputs: ["a", "b"], outputs: ["c"]),
      Node("Slice", name: "one", inputs: ["c", "zero", "one"], outputs: ["y"]),
    ]
    return Model(graph: graph)
  }

  private static func values(_ size: Int) -> [Float] { (0..<size * size).map { Float($0 % 251) / 251 - 0.5 } }
}
