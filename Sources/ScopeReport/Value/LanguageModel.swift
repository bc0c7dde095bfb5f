extension Report {
  /// What a decoder language model needs, from its configuration.
  public struct LanguageModel: Codable, Sendable, Hashable {
    public var layers: Int
    public var hiddenSize: Int
    public var attentionHeads: Int
    public var keyValueHeads: Int
    public var headSize: Int
    public var vocabularySize: Int?
    /// Longest context that the configuration names.
    public var contextLength: Int?
    /// Key-value cache of one token over all layers.
    public var cacheBytesPerToken: Figure
    /// Weights and cache at a context length.
    public var contexts: [ContextMemory]

    public struct ContextMemory: Codable, Sendable, Hashable {
      public var tokens: Int
      public var cacheBytes: Int
      public var totalBytes: Int
      public init(tokens: Int, cacheBytes: Int, totalBytes: Int) {
        self.tokens = tokens
        self.cacheBytes = cacheBytes
        self.totalBytes = totalBytes
      }
    }

    public init(
      layers: Int, hiddenSize: Int, attentionHeads: Int, keyValueHeads: Int, headSize: Int,
      cacheBytesPerToken: Figure
    ) {
      self.layers = layers
      self.hiddenSize = hiddenSize
      self.attentionHeads = attentionHeads
      self.keyValueHeads = keyValueHeads
      self.headSize = headSize
      self.cacheBytesPerToken = cacheBytesPerToken
      contexts = []
    }
  }
}
