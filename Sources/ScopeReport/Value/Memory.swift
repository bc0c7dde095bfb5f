extension Report {
  /// Where the memory goes, in graph order and as the engine was seen to use it.
  public struct Memory: Codable, Sendable, Hashable {
    /// Bytes of live activations while each node runs, in graph order, elementwise operators in place.
    public var timeline: [Moment]
    /// What is live at the peak, largest first.
    public var peakTensors: [LiveTensor]
    /// Name of the node that runs at the peak.
    public var peakNode: String?
    /// Most bytes that the engine's arena had in use during a run, minus the least (ONNX Runtime's profile).
    public var enginePeakBytes: Figure?
    /// Growth of the process's resident memory from before loading to after the runs.
    public var residentGrowthBytes: Figure?
    /// What larger batches need.
    public var batches: [BatchMemory]

    public struct Moment: Codable, Sendable, Hashable {
      /// Position in ``Analysis/layers``; nil for nodes that are not listed there.
      public var layer: Int?
      public var bytes: Int
      public init(layer: Int?, bytes: Int) {
        self.layer = layer
        self.bytes = bytes
      }
    }

    public struct LiveTensor: Codable, Sendable, Hashable {
      public var name: String
      public var bytes: Int
      public var shape: [String]?
      public init(name: String, bytes: Int, shape: [String]?) {
        self.name = name
        self.bytes = bytes
        self.shape = shape
      }
    }

    public struct BatchMemory: Codable, Sendable, Hashable {
      public var batch: Int
      /// Peak of live activations by liveness, elementwise in place.
      public var activationBytes: Int
      /// That peak and the weights.
      public var totalBytes: Int
      public init(batch: Int, activationBytes: Int, totalBytes: Int) {
        self.batch = batch
        self.activationBytes = activationBytes
        self.totalBytes = totalBytes
      }
    }

    public init() {
      timeline = []
      peakTensors = []
      batches = []
    }
  }
}
