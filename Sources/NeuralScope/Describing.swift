import FoundationEssentials
import ScopeBytes
import ScopeFormats
import ScopeReport
import ScopeRuntime

extension Report.Model {
  /// Identity of the file and of the architecture found in it.
  init(_ model: LoadedModel) {
    let path = model.file.path
    let shown = model.file.folder ?? path
    let name = shown.split(separator: "/").last.map(String.init) ?? shown
    self.init(name: name, path: path, format: model.file.format.rawValue, bytes: model.file.byteCount)
    if let architecture = model.architecture {
      self.architecture = architecture.variant
      architectureDescription = architecture.summary
      architectureEvidence = architecture.evidence.joined(separator: "; ")
      architectureYear = architecture.year
      architectureSource = architecture.citation
    }
    if let configuration = model.file.configuration, model.architecture == nil,
      let named = configuration.architectures.first ?? configuration.modelType
    {
      architecture = named
      architectureEvidence = "named by config.json beside the weights"
    }
    if case .description(let description) = model.file.content {
      architecture = description.architecture
      architectureEvidence = description.architecture.map { _ in "named by the file" }
      formatDetail = description.detail
    } else if let weights = model.weights {
      var parts = ["\(weights.tensors.count) tensors"]
      if !weights.wrapper.isEmpty { parts.append("under '\(weights.wrapper.joined(separator: "."))'") }
      if !weights.removedPrefix.isEmpty { parts.append("names begin with '\(weights.removedPrefix)'") }
      if let moduleClass = weights.moduleClass { parts.append("whole module of class \(moduleClass)") }
      formatDetail = parts.joined(separator: ", ")
    } else if let graph = model.graph {
      let producer =
        graph.producerName.isEmpty ? "" : ", written by \(graph.producerName) \(graph.producerVersion)"
      formatDetail = "IR version \(graph.irVersion), opset \(graph.opset)\(producer)"
    }
  }
}

extension Report.Conditions {
  init(options: ScopeOptions) {
    let machine = ScopeRuntime.Machine.current
    var described = Report.Machine(
      cpu: machine.cpu, cores: machine.cores, memoryBytes: machine.memoryBytes,
      operatingSystem: machine.operatingSystem)
    described.instructionSets = machine.vectorExtensions
    described.frequencyGovernor = machine.frequencyGovernor
    described.isVirtual = machine.isVirtual
    described.cpuLimit = machine.cpuLimit
    described.fingerprint = machine.fingerprint
    self.init(
      tool: Report.Tool(version: NeuralScope.version), date: Date().formatted(.iso8601), machine: described)
    command = options.command
  }
}

extension Report.Dataset {
  init(_ data: PreparedData, path: String) {
    self.init(
      path: path, images: data.images.count, classes: Set(data.images.labels).count,
      preprocessing: data.dataset.preprocessing.describe)
    preprocessingSource = data.preprocessingSource
    skipped = data.dataset.skipped.prefix(20).map { Report.SkippedFile(file: $0.name, reason: $0.reason) }
    skippedCount = data.dataset.skipped.count
  }
}
