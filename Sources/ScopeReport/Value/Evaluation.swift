extension Report {
  /// How often the model is right, and whether its confidence means what it says, on clean labelled images.
  public struct Evaluation: Codable, Sendable, Hashable {
    /// Top-1.
    public var accuracy: Figure
    public var calibration: Calibration?

    public init(accuracy: Figure, calibration: Calibration? = nil) {
      self.accuracy = accuracy
      self.calibration = calibration
    }
  }
}
