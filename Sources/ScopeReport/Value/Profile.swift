extension Report {
  /// Where the time of one inference goes, from the engine's own profile.
  public struct Profile: Codable, Sendable, Hashable {
    /// Nodes of the graph after the engine's optimization, in execution order.
    public var kernels: [Kernel]
    /// Time by operator type of the kernels, largest first.
    public var byOperator: [TimeShare]
    /// Time by module path of the sources, largest first, down to the depth that tells blocks apart.
    public var byModule: [TimeShare]
    /// Sum of the kernels' medians.
    public var kernelMilliseconds: Double
    /// Profiled runs behind the medians.
    public var runs: Int
    public var conditions: String

    public init(kernelMilliseconds: Double, runs: Int, conditions: String) {
      kernels = []
      byOperator = []
      byModule = []
      self.kernelMilliseconds = kernelMilliseconds
      self.runs = runs
      self.conditions = conditions
    }
  }

  /// A kernel that the engine ran, and the nodes of the model that it computes.
  public struct Kernel: Codable, Sendable, Hashable {
    public enum Bound: String, Codable, Sendable, Hashable { case compute, memory, overhead }

    /// Name of the source that matters most; the engine's own name for what it inserted.
    public var name: String
    /// Operator of the engine's kernel.
    public var opType: String
    /// Names of all nodes of the model that are fused into it, in graph order; empty for what the engine inserted
    /// (layout reorders).
    public var sources: [String]
    public var milliseconds: Double
    /// Share of all kernels' time, 0 to 1.
    public var share: Double
    public var macs: Int?
    /// Arithmetic (two per multiply-accumulate, and the rest), in operations.
    public var operations: Int?
    /// Least traffic: weights and activations that enter and leave the kernel, once each.
    public var bytes: Int?
    public var gigaflopsPerSecond: Double?
    public var gigabytesPerSecond: Double?
    /// Operations per byte.
    public var intensity: Double?
    /// Achieved share of what the roofline allows at this intensity.
    public var roofShare: Double?
    public var bound: Bound?

    public init(name: String, opType: String, sources: [String], milliseconds: Double, share: Double) {
      self.name = name
      self.opType = opType
      self.sources = sources
      self.milliseconds = milliseconds
      self.share = share
    }
  }

  public struct TimeShare: Codable, Sendable, Hashable {
    public var name: String
    public var kernels: Int
    public var milliseconds: Double
    public var share: Double
    public init(name: String, kernels: Int, milliseconds: Double, share: Double) {
      self.name = name
      self.kernels = kernels
      self.milliseconds = milliseconds
      self.share = share
    }
  }

  /// What this machine can do at most, measured: arithmetic in a large matrix product of the engine, traffic in a triad
  /// (a = b + s * c, McCalpin 1995).
  public struct Roofline: Codable, Sendable, Hashable {
    /// In GFLOP/s.
    public var peakCompute: Figure
    /// In GB/s.
    public var bandwidth: Figure
    public var threads: Int
    /// Operations per byte where the two roofs meet.
    public var ridge: Double { peakCompute.value / bandwidth.value }

    public init(peakCompute: Figure, bandwidth: Figure, threads: Int) {
      self.peakCompute = peakCompute
      self.bandwidth = bandwidth
      self.threads = threads
    }
  }

  /// A kernel that costs much, and what can be done about it.
  public struct Bottleneck: Codable, Sendable, Hashable {
    /// Position in ``Profile/kernels``.
    public var kernel: Int
    /// One sentence (`conv1: memory-bound at 71% of the bandwidth, will not get faster with INT8 arithmetic`).
    public var sentence: String
    public init(kernel: Int, sentence: String) {
      self.kernel = kernel
      self.sentence = sentence
    }
  }

  /// Steady state at one batch size and thread count.
  public struct Throughput: Codable, Sendable, Hashable {
    public var batch: Int
    public var threads: Int
    /// Of one run over the batch, with interval and spread.
    public var medianMilliseconds: Figure
    public var imagesPerSecond: Figure
    public init(batch: Int, threads: Int, medianMilliseconds: Figure, imagesPerSecond: Figure) {
      self.batch = batch
      self.threads = threads
      self.medianMilliseconds = medianMilliseconds
      self.imagesPerSecond = imagesPerSecond
    }
  }

  /// What serving the model takes, from the measured throughput.
  public struct Deployment: Codable, Sendable, Hashable {
    public var imagesPerSecondPerCore: Figure
    /// Price of a machine like this one per hour, as the user gave it.
    public var pricePerHour: Double?
    /// In the same currency.
    public var costPerMillion: Figure?
    /// Batch and threads of the best measured point.
    public var batch: Int
    public var threads: Int
    public init(imagesPerSecondPerCore: Figure, batch: Int, threads: Int) {
      self.imagesPerSecondPerCore = imagesPerSecondPerCore
      self.batch = batch
      self.threads = threads
    }
  }
}
