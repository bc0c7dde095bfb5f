extension Report {
  /// A titled paragraph derived from figures.
  public struct Assessment: Codable, Sendable, Hashable {
    public var title: String
    public var text: String
    /// JSON paths of the figures the text rests on.
    public var basis: [String]
    public init(title: String, text: String, basis: [String]) {
      self.title = title
      self.text = text
      self.basis = basis
    }
  }

  /// Something to do, with the figure that motivates it and the command that does it.
  public struct Recommendation: Codable, Sendable, Hashable {
    public var title: String
    public var text: String
    /// The figure that motivates it, written out (`72.9% smaller and 1.42x faster, measured here`).
    public var motivation: String
    /// JSON paths of that figure.
    public var basis: [String]
    public var command: String
    /// Rank by gain, 0 to 1; larger comes first.
    public var gain: Double
    public init(
      title: String, text: String, motivation: String, basis: [String], command: String, gain: Double
    ) {
      self.title = title
      self.text = text
      self.motivation = motivation
      self.basis = basis
      self.command = command
      self.gain = gain
    }
  }

  /// Section 7.
  public struct Conclusion: Codable, Sendable, Hashable {
    public enum Decision: String, Codable, Sendable {
      case ship
      case shipOptimized
      case doNotShipYet
    }

    public var decision: Decision
    /// The decision in words, with its main reason.
    public var headline: String
    /// Three sentences.
    public var sentences: [String]
    public init(decision: Decision, headline: String, sentences: [String]) {
      self.decision = decision
      self.headline = headline
      self.sentences = sentences
    }
  }
}
