/// What a decoder language model needs at a context length.
enum LanguageModelBlocks {
  static func blocks(_ analysis: Report.Analysis) -> [Document.Block] {
    guard let model = analysis.languageModel else { return [] }
    func row(_ name: String, _ value: String, _ detail: String = "") -> Document.Row {
      Document.Row(name: name, value: value, detail: detail, interpretation: "")
    }
    var rows = [
      row(
        "Decoder layers", Format.integer(model.layers),
        "hidden size \(Format.integer(model.hiddenSize)), \(model.attentionHeads) attention heads of \(model.headSize), "
          + "\(model.keyValueHeads) key-value heads"),
      row(
        "Cache per token", Format.binaryBytes(model.cacheBytesPerToken.value),
        model.cacheBytesPerToken.conditions ?? "keys and values of all layers"),
    ]
    if let vocabulary = model.vocabularySize {
      rows.append(row("Vocabulary", "\(Format.integer(vocabulary)) tokens"))
    }
    if let context = model.contextLength {
      rows.append(row("Longest context", "\(Format.integer(context)) tokens", "as its configuration says"))
    }
    var blocks: [Document.Block] = [.heading("Language model")]
    if let text = LanguageModelNarrative.memory(model, analysis) { blocks.append(.paragraph(text)) }
    blocks.append(.rows(rows))
    if !model.contexts.isEmpty {
      blocks.append(
        .table(
          Document.Table(
            caption: "Memory at a context length",
            columns: ["Tokens", "Key-value cache", "With weights"].map {
              .init(title: $0, isNumber: $0 != "Tokens")
            },
            rows: model.contexts.map {
              [
                Format.integer($0.tokens), Format.binaryBytes(Double($0.cacheBytes)),
                Format.binaryBytes(Double($0.totalBytes)),
              ]
            }, emphasized: nil, summaryRows: nil)))
    }
    return blocks
  }
}
