/// What a decoder's memory consists of.
enum LanguageModelNarrative {
  static func memory(_ model: Report.LanguageModel, _ analysis: Report.Analysis) -> String? {
    let perToken = model.cacheBytesPerToken.value
    guard perToken > 0 else { return nil }
    var text = "Each token of context takes \(Format.binaryBytes(perToken)) of key-value cache"
    if model.keyValueHeads > 0, model.keyValueHeads < model.attentionHeads {
      let saving = Double(model.attentionHeads) / Double(model.keyValueHeads)
      text += ", \(Format.significant(saving)) times less than with a key-value head per attention head"
    }
    text += "."
    if let weights = analysis.weightBytes?.value, weights > 0 {
      let tokens = (weights / perToken).rounded()
      text += " The cache outgrows the weights at \(Format.large(tokens)) tokens"
      if let limit = model.contextLength {
        text +=
          tokens > Double(limit)
          ? ", beyond its longest context: the weights decide the memory of one sequence."
          : ", within its longest context: long contexts and many users decide the memory."
      } else {
        text += "."
      }
    }
    return text
  }
}
