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
    /// Tokens that layers with a sliding window keep at most, and how many layers have one.
    public var slidingWindow: Int?
    public var slidingLayers: Int?
    /// Whether input and output embeddings are one tensor.
    public var tiesEmbeddings: Bool?
    /// Feed-forward experts of a layer, and how many of them work on a token.
    public var experts: Int?
    public var expertsPerToken: Int?
    /// Parameters that work on one token of a mixture of experts.
    public var activeParameters: Figure?
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
