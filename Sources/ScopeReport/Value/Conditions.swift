extension Report {
  /// Section 8: under what circumstances the figures hold.
  public struct Conditions: Codable, Sendable, Hashable {
    public var tool: Tool
    /// ISO 8601, UTC.
    public var date: String
    public var machine: Machine
    public var engine: Engine?
    /// Threads of inference.
    public var threads: Int?
    public var data: Dataset?
    public var seeds: [Seed]
    public var durationSeconds: Double?
    /// The command line that made this report.
    public var command: String?
    /// Things a reader should know before trusting a figure (noisy timings, skipped files).
    public var warnings: [String]

    public init(tool: Tool, date: String, machine: Machine) {
      self.tool = tool
      self.date = date
      self.machine = machine
      seeds = []
      warnings = []
    }
  }

  public struct Tool: Codable, Sendable, Hashable {
    public var name: String
    public var version: String
    public init(name: String = "neural-scope", version: String) {
      self.name = name
      self.version = version
    }
  }

  public struct Machine: Codable, Sendable, Hashable {
    public var cpu: String
    /// Logical processors available to the process.
    public var cores: Int
    public var memoryBytes: Int?
    public var operatingSystem: String
    /// Instruction sets that decide kernel speed (`AVX2`, `AVX-512 VNNI`).
    public var instructionSets: [String]
    /// How the system sets the clock (`performance`, `powersave`); nil when it does not say.
    public var frequencyGovernor: String?
    /// Whether it is a virtual machine, whose neighbours may slow it down.
    public var isVirtual: Bool?
    /// Cores' worth of time that a container limit allows; nil without a limit.
    public var cpuLimit: Double?
    /// Twelve hexadecimal digits, equal on machines that are alike: timings under different ones are not comparable.
    public var fingerprint: String?
    public init(cpu: String, cores: Int, memoryBytes: Int? = nil, operatingSystem: String) {
      self.cpu = cpu
      self.cores = cores
      self.memoryBytes = memoryBytes
      self.operatingSystem = operatingSystem
      instructionSets = []
    }
  }

  public struct Engine: Codable, Sendable, Hashable {
    public var name: String
    public var version: String
    public var path: String
    public var provider: String?
    public init(name: String = "ONNX Runtime", version: String, path: String, provider: String? = nil) {
      self.name = name
      self.version = version
      self.path = path
      self.provider = provider
    }
  }

  public struct Dataset: Codable, Sendable, Hashable {
    public var path: String
    public var images: Int
    public var classes: Int
    /// One sentence: `resize 256 bicubic, crop 224, mean 127/255, std 128/255`.
    public var preprocessing: String
    /// Where it comes from (`default of EfficientNet-Lite0`, `--preset imagenet`).
    public var preprocessingSource: String?
    public var skipped: [SkippedFile]
    /// All skipped files; ``skipped`` may name only the first of them.
    public var skippedCount: Int
    public init(path: String, images: Int, classes: Int, preprocessing: String) {
      self.path = path
      self.images = images
      self.classes = classes
      self.preprocessing = preprocessing
      skipped = []
      skippedCount = 0
    }
  }

  public struct SkippedFile: Codable, Sendable, Hashable {
    public var file: String
    public var reason: String
    public init(file: String, reason: String) {
      self.file = file
      self.reason = reason
    }
  }

  public struct Seed: Codable, Sendable, Hashable {
    public var purpose: String
    public var value: UInt64
    public init(purpose: String, value: UInt64) {
      self.purpose = purpose
      self.value = value
    }
  }
}
