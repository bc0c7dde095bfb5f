import ScopeAnalysis
import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeReport

/// Key-value cache and memory at a context length of decoder language models.
enum LanguageModelStage {
  private static let remedy = "give the folder that holds config.json beside the weights"
  /// Longest context that is computed.
  private static let tokenLimit = 1 << 40

  /// - Returns: what could not be told.
  static func run(
    _ analysis: inout Report.Analysis, _ model: LoadedModel, options: ScopeOptions
  ) -> [Report.NotMeasured] {
    let shapes = model.weights.map { TransformerShapes($0.tensors) }
    if case .description(let description) = model.file.content {
      guard let decoder = description.decoder else { return [] }
      let part = description.notes.contains { $0.hasPrefix("this is part") }
      return fill(&analysis, decoder, model, shapes: nil, isPart: part, options: options)
    }
    guard let configuration = model.file.configuration else { return withoutConfiguration(&analysis, shapes) }
    let isShard = model.file.path.split(separator: "/").last.flatMap { ShardName(String($0)) } != nil
    if let shapes, !isShard, configuration.contradicts(shapes) {
      return [
        missing(
          "config.json does not describe these weights: \(configuration.disagreements(with: shapes).joined(separator: "; "))",
          "fetch weights and configuration of the same model")
      ]
    }
    guard let decoder = configuration.decoder else {
      guard let problem = configuration.decoderProblem else { return [] }
      return [missing(problem, "complete config.json; the names are those of Hugging Face transformers")]
    }
    return fill(&analysis, decoder, model, shapes: shapes, isPart: isShard, options: options)
  }

  /// Where weights and configuration contradict each other; for the report's warnings.
  static func warnings(_ model: LoadedModel) -> [String] {
    guard let configuration = model.file.configuration, let weights = model.weights,
      model.file.path.split(separator: "/").last.flatMap({ ShardName(String($0)) }) == nil
    else { return [] }
    return configuration.disagreements(with: TransformerShapes(weights.tensors)).map { $0 + "." }
  }

  private static func missing(_ reason: String, _ remedy: String) -> Report.NotMeasured {
    Report.NotMeasured(path: "analysis.languageModel", reason: reason, remedy: remedy)
  }

  /// Names and shapes show what the cache takes, rarely how it is cut into heads.
  private static func withoutConfiguration(
    _ analysis: inout Report.Analysis, _ shapes: TransformerShapes?
  ) -> [Report.NotMeasured] {
    guard let shapes, let hidden = shapes.hiddenSize, let elements = shapes.cacheElementsPerToken else {
      return []
    }
    if let head = shapes.headSize, head > 0, elements % (2 * head * shapes.layers) == 0 {
      analysis.notes.append(
        "\(shapes.layers) layers, \(elements / (2 * head * shapes.layers)) key-value heads of \(head) by the shapes of the projections"
      )
    }
    analysis.notes.append(
      "were this a decoder, its key-value cache would take \(2 * elements) bytes per token in 16 bits: \(shapes.layers) layers, width \(hidden), by the shapes of the key and value projections"
    )
    return [missing("there is no config.json beside the weights that says how the model uses them", remedy)]
  }

  private static func fill(
    _ analysis: inout Report.Analysis, _ decoder: DecoderConfiguration, _ model: LoadedModel,
    shapes: TransformerShapes?, isPart: Bool, options: ScopeOptions
  ) -> [Report.NotMeasured] {
    let (width, type) = elementWidth(model)
    let perToken = decoder.cacheElementsPerToken
    var result = Report.LanguageModel(
      layers: decoder.layers, hiddenSize: decoder.hiddenSize, attentionHeads: decoder.attentionHeads,
      keyValueHeads: decoder.keyValueHeads, headSize: decoder.headSize,
      cacheBytesPerToken: .bytes(
        width * perToken, conditions: "computed: keys and values of all layers in \(type), one sequence"))
    result.vocabularySize = decoder.vocabularySize
    result.contextLength = decoder.contextLength
    result.tiesEmbeddings = decoder.tiesEmbeddings
    if let window = decoder.slidingWindow {
      result.slidingWindow = window.tokens
      result.slidingLayers = window.layers
      analysis.notes.append(
        "\(window.layers) of \(decoder.layers) layers keep a window of \(window.tokens) tokens, so the cache grows more slowly beyond it"
      )
    }
    analysis.notes += decoder.notes
    var missing: [Report.NotMeasured] = []
    if let experts = decoder.experts {
      addExperts(&result, &analysis, experts, model, shapes, isPart: isPart)
    }
    if isPart {
      missing.append(
        Self.missing(
          "this file is one of several, so that the model's memory cannot be told from it", "give the folder")
      )
    } else {
      let weights = Int(exactly: (analysis.weightBytes?.value ?? 0).rounded()) ?? 0
      let lengths =
        options.contextLengths.isEmpty ? [decoder.contextLength].compactMap { $0 } : options.contextLengths
      for tokens in lengths {
        guard tokens > 0, tokens <= tokenLimit else {
          missing.append(
            Self.missing(
              "a context of \(tokens) tokens is not possible", "ask for 1 to \(tokenLimit) tokens"))
          continue
        }
        guard let elements = try? decoder.cacheElements(tokens: tokens),
          case (let bytes, let overflow) = elements.multipliedReportingOverflow(by: width), !overflow,
          case (let total, let beyond) = bytes.addingReportingOverflow(weights), !beyond
        else {
          missing.append(
            Self.missing("the cache of \(tokens) tokens is beyond 2^63 bytes", "ask for fewer tokens"))
          continue
        }
        result.contexts.append(.init(tokens: tokens, cacheBytes: bytes, totalBytes: total))
        if let most = decoder.contextLength, tokens > most {
          analysis.notes.append(
            "\(tokens) tokens are more than the \(most) that the model was configured for")
        }
      }
      if lengths.isEmpty {
        missing.append(Self.missing("the configuration names no context length", "ask for context lengths"))
      }
    }
    analysis.languageModel = result
    return missing
  }

  /// Bytes of a cached element: as wide as the weights where these are plain floats, else 16 bits, which engines take
  /// for quantized models.
  private static func elementWidth(_ model: LoadedModel) -> (Int, String) {
    switch model.file.configuration?.dataType {
    case "float32"?: (4, "float32")
    case "bfloat16"?: (2, "bfloat16")
    default: (2, "float16")
    }
  }

  private static func addExperts(
    _ result: inout Report.LanguageModel, _ analysis: inout Report.Analysis,
    _ experts: DecoderConfiguration.Experts,
    _ model: LoadedModel, _ shapes: TransformerShapes?, isPart: Bool
  ) {
    result.experts = experts.count
    result.expertsPerToken = experts.perToken
    var elements = shapes?.expertElements ?? 0
    if case .description(let description) = model.file.content {
      // llama.cpp stacks the experts of a layer in one tensor, `ffn_down_exps`.
      elements = description.tensors.reduce(0) { $0 + ($1.name.contains("_exps.") ? $1.elements : 0) }
    }
    guard elements > 0, !isPart, let all = Int(exactly: analysis.parameters.value), elements <= all else {
      return
    }
    let active = all - elements + elements / experts.count * experts.perToken
    result.activeParameters = .count(
      active, conditions: "parameters that work on one token: \(experts.perToken) of \(experts.count) experts"
    )
    analysis.notes.append(
      "mixture of experts: \(active) of \(all) parameters work on one token (\(experts.perToken) of \(experts.count) experts)"
    )
  }
}
