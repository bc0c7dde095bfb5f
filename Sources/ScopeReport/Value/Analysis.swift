extension Report {
  /// Section 1: what the model is and what it costs.
  public struct Analysis: Codable, Sendable, Hashable {
    /// All parameters, PyTorch convention (buffers not counted).
    public var parameters: Figure
    public var trainableParameters: Figure?
    /// Elements of buffers (batch-norm statistics ...).
    public var buffers: Figure?
    /// Modules as PyTorch counts them, containers included.
    public var modules: Figure?
    /// Modules that own parameters.
    public var parameterisedModules: Figure?
    /// Convolution and linear layers.
    public var weightLayers: Figure?
    public var graphNodes: Figure?
    /// Nodes per operator type, most frequent first.
    public var operators: [OperatorCount]
    /// Multiply-accumulates of Conv, Gemm and MatMul for one input of ``batch`` 1.
    public var macs: Figure?
    /// False when some operator's cost is unknown: the total is then "at least".
    public var macsComplete: Bool?
    /// Operators whose cost is unknown.
    public var macsUnknownOperators: [String]
    public var flops: Figure?
    /// Bytes of all weights as stored.
    public var weightBytes: Figure?
    /// Element types of the weights (`float32`).
    public var weightTypes: [String]
    /// Peak bytes of live activations when elementwise operators work in place.
    public var peakActivationBytes: Figure?
    /// The same when every operator writes a new buffer.
    public var peakActivationBytesNaive: Figure?
    /// The tensor (or node) that is live at the peak.
    public var peakActivationTensor: String?
    public var fileBytes: Figure?
    public var opset: Int?
    public var inputs: [TensorSignature]
    public var outputs: [TensorSignature]
    public var latency: Latency?
    /// Nodes that do something at run time: neither constants nor renamings.
    public var computeNodes: Figure?
    /// Nodes after the engine's own optimization.
    public var optimizedNodes: Figure?
    public var parameterDetail: ParameterDetail?
    /// Parameters below each module, parents before their children.
    public var moduleSizes: [ModuleSize]
    /// Bytes of the weights at other precisions, plainly converted.
    public var precisions: [TypeSize]
    /// Arithmetic beside the multiply-accumulates, by kind.
    public var work: [Work]
    public var coverage: Coverage?
    /// ``macs`` as a function of the free dimensions (`1,814,073,344 x N`); nil without free dimensions.
    public var macsFormula: String?
    /// Sizes that were assumed because the model leaves them open (`batch of input = 1`).
    public var assumptions: [String]
    /// In graph order; empty for weights without a graph.
    public var layers: [Layer]
    public var memory: Memory?
    public var throughput: [Throughput]
    public var profile: Profile?
    public var roofline: Roofline?
    public var bottlenecks: [Bottleneck]
    public var deployment: Deployment?
    /// Per stored tensor, on request.
    public var tensors: [TensorStatistics]
    public var languageModel: LanguageModel?
    /// Remarks of the analysis that belong beside the figures (what would make an unknown model executable).
    public var notes: [String]

    public init(parameters: Figure) {
      self.parameters = parameters
      operators = []
      macsUnknownOperators = []
      weightTypes = []
      inputs = []
      outputs = []
      moduleSizes = []
      precisions = []
      work = []
      assumptions = []
      layers = []
      throughput = []
      bottlenecks = []
      tensors = []
      notes = []
    }
  }

  public struct OperatorCount: Codable, Sendable, Hashable {
    public var opType: String
    public var count: Int
    public init(opType: String, count: Int) {
      self.opType = opType
      self.count = count
    }
  }

  /// Name, element type and shape (numbers, or names of free dimensions) of an input or output.
  public struct TensorSignature: Codable, Sendable, Hashable {
    public var name: String
    public var dataType: String
    public var shape: [String]
    public init(name: String, dataType: String, shape: [String]) {
      self.name = name
      self.dataType = dataType
      self.shape = shape
    }
  }

  /// Time of single inferences after warm-up. Percentiles that the sample count does not support are nil.
  public struct Latency: Codable, Sendable, Hashable {
    public var p50Milliseconds: Figure
    public var p90Milliseconds: Figure?
    /// With the interval of its order statistics, where the samples give one.
    public var p95Milliseconds: Figure?
    public var p99Milliseconds: Figure?
    public var interquartileRangeMilliseconds: Figure?
    /// Creating the session (reading and optimizing the graph).
    public var loadMilliseconds: Figure?
    public var firstInferenceMilliseconds: Figure?
    public var imagesPerSecond: Figure?
    /// Timed runs.
    public var samples: Int
    public var warmupRuns: Int?
    public var threads: Int
    public var batch: Int
    /// Why sampling ended (`the 95% interval of the median is within 2%`, `the time budget of 3 s ended`).
    public var stopReason: String?

    public init(p50Milliseconds: Figure, samples: Int, threads: Int, batch: Int) {
      self.p50Milliseconds = p50Milliseconds
      self.samples = samples
      self.threads = threads
      self.batch = batch
    }
  }
}
