import ScopeBytes

/// What a decoder-only language model keeps per token while it generates, and the sizes that decide it.
public struct DecoderConfiguration: Sendable, Hashable {
  /// Layers that keep the same amount per token.
  public struct CacheGroup: Sendable, Hashable {
    public var layers: Int
    /// Elements of keys and values (or of the compressed latent) per token and layer.
    public var elementsPerToken: Int
    /// Tokens that the layer keeps at most; nil keeps all.
    public var window: Int?

    public init(layers: Int, elementsPerToken: Int, window: Int? = nil) {
      self.layers = layers
      self.elementsPerToken = elementsPerToken
      self.window = window
    }
  }

  /// Feed-forward experts of a mixture.
  public struct Experts: Sendable, Hashable {
    public var count: Int
    /// Experts that work on a token, shared ones not included.
    public var perToken: Int

    public init(count: Int, perToken: Int) {
      self.count = count
      self.perToken = perToken
    }
  }

  /// `llama`, `qwen2`, `deepseek_v3` ...
  public var family: String
  public var layers: Int
  public var hiddenSize: Int
  public var attentionHeads: Int
  public var keyValueHeads: Int
  public var headSize: Int
  public var vocabularySize: Int?
  /// Longest context that the configuration names.
  public var contextLength: Int?
  public var cache: [CacheGroup]
  public var experts: Experts?
  /// Whether output and input embeddings are one tensor; nil when neither configuration nor family says so.
  public var tiesEmbeddings: Bool?
  /// What the figures leave out or take for granted.
  public var notes: [String] = []

  public init(
    family: String, layers: Int, hiddenSize: Int, attentionHeads: Int, keyValueHeads: Int, headSize: Int,
    cache: [CacheGroup]
  ) {
    self.family = family
    self.layers = layers
    self.hiddenSize = hiddenSize
    self.attentionHeads = attentionHeads
    self.keyValueHeads = keyValueHeads
    self.headSize = headSize
    self.cache = cache
  }

  /// Largest number that any size of a configuration may have; products of three then stay below 2^63.
  static let sizeLimit = 1 << 20

  /// Elements that one further token adds over all layers, while no window is full.
  public var cacheElementsPerToken: Int {
    cache.reduce(0) { $0 + $1.layers * $1.elementsPerToken }
  }

  /// Elements of the cache after `tokens` tokens.
  ///
  /// - Throws: `limitExceeded` beyond 2^63.
  public func cacheElements(tokens: Int) throws(ScopeError) -> Int {
    var total = 0
    for group in cache {
      let kept = min(tokens, group.window ?? tokens)
      total = try checkedSum(
        total, try checkedProduct([group.layers, group.elementsPerToken, kept], what: "the key-value cache"),
        what: "the key-value cache")
    }
    return total
  }

  /// The smallest window and the number of layers that have one; nil when every layer keeps all tokens.
  public var slidingWindow: (tokens: Int, layers: Int)? {
    let windowed = cache.filter { $0.window != nil }
    guard let smallest = windowed.compactMap(\.window).min() else { return nil }
    return (smallest, windowed.reduce(0) { $0 + $1.layers })
  }
}
