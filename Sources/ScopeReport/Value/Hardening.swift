/// What hardening a model gave and cost, on images that it did not learn from.
public struct Hardening: Codable, Sendable, Hashable {
  public static let currentSchemaVersion = 1

  /// Accuracy without and under the attack that judges.
  public struct Side: Codable, Sendable, Hashable {
    public var clean: Figure
    public var robust: Figure

    public init(clean: Figure, robust: Figure) {
      self.clean = clean
      self.robust = robust
    }
  }

  /// Images whose fate differs between before and after.
  public struct Change: Codable, Sendable, Hashable {
    public var lost: Int
    public var gained: Int
    /// Exact McNemar test of "no difference".
    public var pValue: Double

    public init(lost: Int, gained: Int, pValue: Double) {
      self.lost = lost
      self.gained = gained
      self.pValue = pValue
    }
  }

  /// An input defence, under an attacker who does not know of it and under one who does.
  public struct Defence: Codable, Sendable, Hashable {
    public var name: String
    public var clean: Figure
    /// The undefended model's adversarial images.
    public var unaware: Figure
    /// Attacked through its own gradient, straight through the rounding.
    public var aware: Figure

    public init(name: String, clean: Figure, unaware: Figure, aware: Figure) {
      self.name = name
      self.clean = clean
      self.unaware = unaware
      self.aware = aware
    }
  }

  public var schemaVersion: Int
  public var model: Report.Model
  public var conditions: Report.Conditions
  /// `distillation`, `labels`; `all`, `last`.
  public var method: String
  public var layers: String
  /// Linf budget that it was trained with and judged at.
  public var epsilonText: String
  /// The attack that judges, with its settings.
  public var attack: String
  public var before: Side
  /// Nil when no round was better than the original, which is then what was written.
  public var after: Side?
  public var cleanChange: Change?
  public var robustChange: Change?
  /// Round by round on the images that choose, the original first.
  public var rounds: [Side]
  public var keptRound: Int
  public var trainingImages: Int
  public var choosingImages: Int
  public var judgingImages: Int
  public var trainedParameters: Int
  public var trainingSeconds: Double
  public var defences: [Defence]
  public var outputPath: String?
  public var notes: [String]

  public init(
    model: Report.Model, conditions: Report.Conditions, method: String, layers: String, epsilonText: String,
    attack: String, before: Side
  ) {
    schemaVersion = Hardening.currentSchemaVersion
    self.model = model
    self.conditions = conditions
    self.method = method
    self.layers = layers
    self.epsilonText = epsilonText
    self.attack = attack
    self.before = before
    rounds = []
    keptRound = 0
    (trainingImages, choosingImages, judgingImages, trainedParameters, trainingSeconds) = (0, 0, 0, 0, 0)
    defences = []
    notes = []
  }
}
